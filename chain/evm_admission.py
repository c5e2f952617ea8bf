"""Which transactions the embedded chain takes. It refuses what geth refuses, in geth's words."""

from eth.abc import SignedTransactionAPI

from chain.errors import RpcFault
from chain.evm_calls import SERVER_FAULT

# Every block's gas limit, mainnet's for years. Raise it only with a need for larger transactions.
BLOCK_GAS_LIMIT_GAS = 30_000_000

# What a plain transfer costs, and what every transaction costs at least.
TRANSFER_GAS = 21_000


def check_admission(
    transaction: SignedTransactionAPI, *, chain_id: int, next_nonce: int, balance_wei: int, base_fee_wei: int
) -> None:
    """Raises RpcFault for a transaction that the next block cannot hold."""
    if transaction.chain_id is None:
        raise RpcFault(SERVER_FAULT, "only replay-protected (EIP-155) transactions allowed over RPC")
    if transaction.chain_id != chain_id:
        raise RpcFault(SERVER_FAULT, f"invalid chain id: have {transaction.chain_id}, want {chain_id}")
    if transaction.nonce != next_nonce:
        which = "low" if transaction.nonce < next_nonce else "high"
        raise RpcFault(
            SERVER_FAULT, f"nonce too {which}: next nonce {next_nonce}, tx nonce {transaction.nonce}"
        )
    if transaction.gas > BLOCK_GAS_LIMIT_GAS:
        raise RpcFault(SERVER_FAULT, "exceeds block gas limit")
    if transaction.gas < max(transaction.intrinsic_gas, _data_floor_gas(transaction.data)):
        raise RpcFault(SERVER_FAULT, "intrinsic gas too low")
    if transaction.max_fee_per_gas < base_fee_wei:
        raise RpcFault(SERVER_FAULT, "max fee per gas less than block base fee")
    if balance_wei < transaction.gas * transaction.max_fee_per_gas + transaction.value:
        raise RpcFault(SERVER_FAULT, "insufficient funds for gas * price + value")


def _data_floor_gas(data: bytes) -> int:
    """The least a transaction pays for its data (EIP-7623): 10 gas for a zero byte, 40 for another."""
    zeros = data.count(0)
    return TRANSFER_GAS + 10 * (zeros + 4 * (len(data) - zeros))
