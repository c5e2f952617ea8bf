"""The compiled contracts that ship with the package; `python -m tools.compile_contracts` writes them."""

import json
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from eth_utils.abi import abi_to_signature, event_abi_to_log_topic, function_abi_to_4byte_selector


@dataclass(frozen=True)
class ContractArtifact:
    """A compiled contract. abi is the Solidity JSON ABI; both codes are bytes as they go on the chain."""

    name: str
    abi: tuple[dict[str, Any], ...]
    bytecode: bytes
    deployed_bytecode: bytes

    def error_signatures(self) -> dict[bytes, str]:
        """The contract's own errors: their signatures by the first four bytes of what they revert with."""
        errors: list[Any] = [entry for entry in self.abi if entry["type"] == "error"]
        return {function_abi_to_4byte_selector(entry): abi_to_signature(entry) for entry in errors}

    def event_topic(self, name: str) -> bytes:
        """The first topic of an event's logs. Raises KeyError for an event the contract does not have."""
        for entry in self.abi:
            if entry["type"] == "event" and entry["name"] == name:
                event: Any = entry
                return event_abi_to_log_topic(event)
        raise KeyError(name)


@cache
def lorespark_assets() -> ContractArtifact:
    """The asset contract."""
    return _read("LoresparkAssets")


@cache
def lorespark_collections() -> ContractArtifact:
    """The factory of collections."""
    return _read("LoresparkCollections")


@cache
def lorespark_vouchers() -> ContractArtifact:
    """The voucher contract."""
    return _read("LoresparkVouchers")


@cache
def error_signatures() -> dict[bytes, str]:
    """The errors of all our contracts, as `ContractArtifact.error_signatures`."""
    ours = (lorespark_assets(), lorespark_collections(), lorespark_vouchers())
    return {selector: text for artifact in ours for selector, text in artifact.error_signatures().items()}


def parse_artifact(text: str | bytes) -> ContractArtifact:
    """An artifact as the compiler's tool writes it."""
    written = json.loads(text)
    return ContractArtifact(
        name=written["contract"],
        abi=tuple(written["abi"]),
        bytecode=bytes.fromhex(written["bytecode"][2:]),
        deployed_bytecode=bytes.fromhex(written["deployedBytecode"][2:]),
    )


def _read(name: str) -> ContractArtifact:
    """Reads an artifact; each is read once, for it is part of the release."""
    return parse_artifact(files("chain").joinpath(f"artifacts/{name}.json").read_text(encoding="utf-8"))
