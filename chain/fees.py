"""What a transaction offers for its gas (EIP-1559)."""

from dataclasses import dataclass

from web3 import Web3

from chain.boundary import node_boundary

# The base fee grows by at most an eighth a block: twice the next one leaves room for six full blocks.
_BASE_FEE_ROOM = 2

# A node that suggests more than this is wrong or hostile. Raise it for a network that really asks for more.
PRIORITY_FEE_CAP_WEI = 200 * 10**9


@dataclass(frozen=True)
class Fees:
    """The most a transaction pays for a gas, and the part of it for whoever builds the block; in wei."""

    max_fee_per_gas_wei: int
    max_priority_fee_per_gas_wei: int

    def capped(self, max_fee_wei: int) -> "Fees":
        """The same, but no more than ``max_fee_wei`` a gas."""
        most_wei = min(self.max_fee_per_gas_wei, max_fee_wei)
        return Fees(most_wei, min(self.max_priority_fee_per_gas_wei, most_wei))


def current_fees(web3: Web3) -> Fees:
    """Fees that the next few blocks will take. Raises NodeUnreachable or NodeRefused."""
    with node_boundary("Reading the network's fees"):
        next_base_fee_wei = web3.eth.fee_history(1, "latest")["baseFeePerGas"][-1]
        priority_wei = min(web3.eth.max_priority_fee, PRIORITY_FEE_CAP_WEI)
    return Fees(_BASE_FEE_ROOM * next_base_fee_wei + priority_wei, priority_wei)


# Nodes take a transaction in place of one with its nonce for a tenth more of both fields (geth's
# --txpool.pricebump); a quarter more gets there sooner. Raise it for a network whose nodes ask for more.
BUMP_PERCENT = 125


def raised(fees: Fees, current: Fees) -> Fees:
    """Fees that take the place of ``fees``: enough above them, and no less than the network's of the moment."""
    return Fees(
        max(_bumped(fees.max_fee_per_gas_wei), current.max_fee_per_gas_wei),
        max(_bumped(fees.max_priority_fee_per_gas_wei), current.max_priority_fee_per_gas_wei),
    )


def _bumped(wei: int) -> int:
    return wei * BUMP_PERCENT // 100 + 1
