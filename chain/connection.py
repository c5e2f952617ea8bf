"""The way to a chain: the embedded one, or any node by its RPC address. Nothing above knows which."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

import requests
from web3 import HTTPProvider, Web3
from web3.providers import BaseProvider
from web3.providers.rpc.utils import ExceptionRetryConfiguration

from chain.boundary import node_boundary
from chain.embedded import EmbeddedChain
from chain.embedded_rpc import EmbeddedProvider
from chain.errors import InvalidSettings, WrongChain

# How often to ask a node on this machine for a receipt; web3's own 0.1 s caps minting at nine a second.
LOCAL_POLL_LATENCY_S = 0.005

# How often a request is made again after one of these faults. Sending a transaction is among them, which is
# safe: `submit` takes a second arrival for the first.
_RETRIES = 2
_PASSING_FAULTS = (requests.ConnectionError, requests.HTTPError, requests.Timeout)


@dataclass(frozen=True)
class ChainSettings:
    """Which chain, and how to wait for it.

    With rpc_url None the chain is the embedded one, kept in embedded_path. The URL may hold an access key, so
    repr leaves it out. confirmations counts a transaction's own block: 1 is right where blocks are final.
    """

    network: str
    chain_id: int
    rpc_url: str | None = field(default=None, repr=False)
    embedded_path: Path | None = None
    confirmations: int = 1
    poll_latency_s: float = LOCAL_POLL_LATENCY_S
    timeout_s: float = 30.0

    def __post_init__(self) -> None:
        """Raises InvalidSettings for what cannot work."""
        if (self.rpc_url is None) == (self.embedded_path is None):
            raise InvalidSettings("A chain has either an RPC URL or the path of an embedded chain; give one.")
        if self.rpc_url is not None and urlsplit(self.rpc_url).scheme not in ("http", "https"):
            raise InvalidSettings(
                "The RPC URL begins with http:// or https://; give the node's HTTP address."
            )
        if self.chain_id < 1 or self.confirmations < 1:
            raise InvalidSettings("Chain id and confirmations count from 1; give a larger number.")
        if self.poll_latency_s <= 0 or self.timeout_s <= 0:
            raise InvalidSettings("Poll latency and timeout are more than 0 s; give a larger number.")


class Connection:
    """An open way to one chain. web3 talks to it; embedded is the embedded chain itself, or None."""

    def __init__(self, settings: ChainSettings, web3: Web3, embedded: EmbeddedChain | None) -> None:
        self.settings = settings
        self.web3 = web3
        self.embedded = embedded

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Lets go of the embedded chain's file. Closing twice is harmless."""
        if self.embedded is not None:
            self.embedded.close()


def connect(settings: ChainSettings) -> Connection:
    """Opens the chain and checks that it is the one that is meant.

    Raises WrongChain, NodeUnreachable or NodeRefused, and ChainBusy or StoreDamaged for an embedded chain.
    """
    embedded = None
    if settings.embedded_path is not None:
        embedded = EmbeddedChain(settings.embedded_path, settings.chain_id)
        provider: BaseProvider = EmbeddedProvider(embedded)
    else:
        provider = HTTPProvider(
            settings.rpc_url,
            request_kwargs={"timeout": settings.timeout_s},
            exception_retry_configuration=ExceptionRetryConfiguration(
                errors=_PASSING_FAULTS, retries=_RETRIES
            ),
        )
        # EIP-3668 lets a contract send the caller to a URL of its choice; none of ours does.
        provider.global_ccip_read_enabled = False
    web3 = Web3(provider)
    with node_boundary(f"Connecting to {settings.network}"):
        chain_id = web3.eth.chain_id
    if chain_id != settings.chain_id:
        raise WrongChain(
            f"The node of {settings.network} serves chain id {chain_id} and the settings say "
            f"{settings.chain_id}; correct the RPC URL or the chain id."
        )
    return Connection(settings, web3, embedded)
