"""Drops: collections whose assets people claim by their wallets."""

from enum import StrEnum
from typing import Annotated

from pydantic import AwareDatetime, Field

from engine.api.creation import Id
from engine.api.model import Asked, EthereumAddress, Told

MAX_ADDRESSES = 10_000
MAX_PER_ADDRESS = 1_000
MAX_SHOWN = 120  # assets of a drop that its public view tells of
PerAddress = Annotated[int, Field(ge=1, le=MAX_PER_ADDRESS)]
Addresses = Annotated[tuple[EthereumAddress, ...], Field(max_length=MAX_ADDRESSES)]


class DropState(StrEnum):
    """``early`` before its start, ``over`` after its end, ``empty`` where nothing is left."""

    EARLY = "early"
    OPEN = "open"
    EMPTY = "empty"
    OVER = "over"
    CLOSED = "closed"


class NewDrop(Asked):
    """``addresses`` may claim where it is ``listed_only``, else anybody; ``starts_at`` left out: at once."""

    collection: Id
    per_address: PerAddress = 1
    listed_only: bool = False
    addresses: Addresses = ()
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime


class DropChange(Asked):
    """What may be changed of a drop; what is left out stays. ``addresses`` takes the place of the list."""

    per_address: PerAddress | None = None
    listed_only: bool | None = None
    addresses: Addresses | None = None
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    closed: bool | None = None


class Drop(Told):
    """As its studio sees it. ``promised`` were given out and are not on the chain yet, ``claimed`` are tokens."""

    id: str
    collection: str
    state: DropState
    per_address: int
    listed_only: bool
    addresses: int  # how many are listed
    starts_at: str
    ends_at: str
    closed: bool
    total: int
    left: int
    promised: int
    claimed: int
    created_at: str
    links: dict[str, str]


class DropAsset(Told):
    name: str
    kind: str
    size: int  # pixels
    image: str  # path below the server
    free: bool


class PublicDrop(Told):
    """As anybody sees it. ``assets`` are the first of the collection."""

    id: str
    name: str
    description: str
    state: DropState
    per_address: int
    listed_only: bool
    starts_at: str
    ends_at: str
    total: int
    left: int
    chain_id: int
    assets: tuple[DropAsset, ...]
    links: dict[str, str]


class DropClaim(Told):
    """One asset that a drop promised to an account; ``voucher`` says all, and has the promise once it is signed."""

    voucher: str
    asset: str
    name: str
    image: str
    size: int
    status: str
    expires_at: str
    chain_id: int
    collection: str | None
    token_id: str | None
    error: str | None
    links: dict[str, str]


class DropClaims(Told):
    """Those of one account, the newest first. ``refusal`` says why it gets no other one; None where it does."""

    address: str
    refusal: str | None
    data: tuple[DropClaim, ...]
