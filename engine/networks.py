"""What people call an EVM network, and its coin, by its chain id."""

from dataclasses import dataclass
from typing import Final

from engine.settings import EMBEDDED_CHAIN_ID


@dataclass(frozen=True)
class Network:
    """``symbol`` is its coin's, of which 10^18 wei are one."""

    chain_id: int
    name: str
    symbol: str = "ETH"


# Source: https://chainid.network, entries `name` and `nativeCurrency`. Add a network that studios use.
_KNOWN: Final = {
    each.chain_id: each
    for each in (
        Network(1, "Ethereum"),
        Network(10, "OP Mainnet"),
        Network(137, "Polygon", "POL"),
        Network(8_453, "Base"),
        Network(42_161, "Arbitrum One"),
        Network(EMBEDDED_CHAIN_ID, "Local development chain"),
        Network(80_002, "Polygon Amoy", "POL"),
        Network(84_532, "Base Sepolia"),
        Network(421_614, "Arbitrum Sepolia"),
        Network(11_155_111, "Sepolia"),
        Network(11_155_420, "OP Sepolia"),
    )
}


def network(chain_id: int) -> Network:
    """The network, by its number where nobody knows a name."""
    return _KNOWN.get(chain_id) or Network(chain_id, f"Network {chain_id}")
