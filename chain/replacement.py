"""Other versions of a signed transaction: the same with a higher fee, or nothing at all at its nonce."""

from typing import Any

from web3 import Web3

from chain.contract_call import complete_transaction
from chain.fees import Fees, raised
from chain.transactions import read_fields


def fees_of(raw: bytes) -> Fees:
    """What a signed transaction (EIP-1559) offers."""
    fields = read_fields(raw)
    return Fees(fields["maxFeePerGas"], fields["maxPriorityFeePerGas"])


def raised_transaction(raw: bytes, fees: Fees) -> dict[str, Any]:
    """The same transaction, unsigned, with other fees."""
    return read_fields(raw) | _fee_fields(fees)


def empty_transaction(web3: Web3, *, sender: str, nonce: int, above: Fees | None = None) -> dict[str, Any]:
    """An unsigned transfer of nothing to the sender, which uses up the nonce.

    Takes the place of one that offers ``above``. Raises as `complete_transaction`.
    """
    fields = complete_transaction(
        web3,
        {"to": sender, "data": "0x", "value": 0},
        sender=sender,
        nonce=nonce,
        action="Preparing an empty transaction",
    )
    if above is None:
        return fields
    current = Fees(fields["maxFeePerGas"], fields["maxPriorityFeePerGas"])
    return fields | _fee_fields(raised(above, current))


def _fee_fields(fees: Fees) -> dict[str, int]:
    return {
        "maxFeePerGas": fees.max_fee_per_gas_wei,
        "maxPriorityFeePerGas": fees.max_priority_fee_per_gas_wei,
    }
