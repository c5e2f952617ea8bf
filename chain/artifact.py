"""The compiled contract that ships with the package; `python -m tools.compile_contracts` writes it."""

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
    """The asset contract. Read once: it is part of the release."""
    written = json.loads(
        files("chain").joinpath("artifacts/LoresparkAssets.json").read_text(encoding="utf-8")
    )
    return ContractArtifact(
        name=written["contract"],
        abi=tuple(written["abi"]),
        bytecode=bytes.fromhex(written["bytecode"][2:]),
        deployed_bytecode=bytes.fromhex(written["deployedBytecode"][2:]),
    )
