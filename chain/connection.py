"""The way to a chain: the embedded one, or any node by its RPC address. Nothing above knows which."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from web3 import Web3
from web3.providers import BaseProvider

from chain.boundary import node_boundary
from chain.embedded import EmbeddedChain
from chain.embedded_rpc import EmbeddedProvider
from chain.errors import InvalidSettings, WrongChain
from chain.rpc import NodesProvider

# How often to ask a node on this machine for a receipt; web3's own 0.1 s caps minting at nine a second.
LOCAL_POLL_LATENCY_S = 0.005


@dataclass(frozen=True)
class ChainSettings:
    """Which chain, and how to wait for it.

    With rpc_url None the chain is the embedded one, kept in embedded_path. rpc_url is the URL of a node, or of several
    with commas between them, of which the first that works is used (see chain.rpc); it may hold access keys, so repr
    leaves it out. timeout_s bounds waiting for a transaction, request_timeout_s one answer of one node.
    confirmations counts a transaction's own block: 1 is right where blocks are final.
    """

    network: str
    chain_id: int
    rpc_url: str | None = field(default=None, repr=False)
    embedded_path: Path | None = None
    confirmations: int = 1
    poll_latency_s: float = LOCAL_POLL_LATENCY_S
    timeout_s: float = 30.0
    request_timeout_s: float = 10.0

    @property
    def rpc_urls(self) -> tuple[str, ...]:
        """The nodes' URLs in the order in which they are asked."""
        return tuple(url.strip() for url in self.rpc_url.split(",")) if self.rpc_url else ()

    def __post_init__(self) -> None:
        """Raises InvalidSettings for what cannot work."""
        if (self.rpc_url is None) == (self.embedded_path is None):
            raise InvalidSettings("A chain has either an RPC URL or the path of an embedded chain; give one.")
        if any(urlsplit(url).scheme not in ("http", "https") for url in self.rpc_urls):
            raise InvalidSettings(
                "The RPC URL begins with http:// or https://; give the node's HTTP address."
            )
        if self.chain_id < 1 or self.confirmations < 1:
            raise InvalidSettings("Chain id and confirmations count from 1; give a larger number.")
        if min(self.poll_latency_s, self.timeout_s, self.request_timeout_s) <= 0:
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
        provider = NodesProvider(settings.rpc_urls, settings.chain_id, settings.request_timeout_s)
        with node_boundary(f"Connecting to {settings.network}"):
            provider.check_all()
    web3 = Web3(provider)
    with node_boundary(f"Connecting to {settings.network}"):
        chain_id = web3.eth.chain_id
    if chain_id != settings.chain_id:
        raise WrongChain(
            f"The node of {settings.network} serves chain id {chain_id} and the settings say "
            f"{settings.chain_id}; correct the RPC URL or the chain id."
        )
    return Connection(settings, web3, embedded)
