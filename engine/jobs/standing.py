"""How a transaction stands with the chain, and by which terms it is sent."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Connection

from chain.transactions import Receipt


@dataclass(frozen=True)
class SendingTerms:
    """``confirmations`` counts a transaction's own block. One that is not mined ``stuck_after_s`` after it was sent is
    replaced at a higher fee, up to ``max_fee_wei`` a gas. After ``sure_after_s`` a nonce without a receipt of ours is
    believed to be another's: some nodes count a transaction before they tell its receipt."""

    chain_id: int
    confirmations: int
    stuck_after_s: float
    max_fee_wei: int
    sure_after_s: float


@dataclass(frozen=True)
class Standing:
    """``status``: signed, sent, mined, confirmed; refused where no node will ever take it and its nonce is filled, lost
    where another transaction took its nonce for good. ``note`` says why it waits or was refused."""

    status: str
    tx_hash: str
    receipt: Receipt | None = None
    note: str | None = None


# Called within the transaction of the records that writes down how it stands.
Then = Callable[[Connection, Standing], None]
