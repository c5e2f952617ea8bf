"""The things that the graph tells of, made of rows; what leads from one to another is asked for by the loaders."""

from dataclasses import dataclass
from typing import Annotated, Any

import strawberry
from sqlalchemy import Row

from assets.cid import Cid
from engine.app import Application
from engine.database.chain_index import NOWHERE
from engine.errors import InvalidRequest
from engine.server.graph.limits import DEFAULT_FIRST, MAX_FIRST
from engine.server.graph.loaders import Loaders

First = Annotated[int, strawberry.argument(description=f"How many at most, 1 to {MAX_FIRST}.")]


@dataclass(frozen=True)
class Context:
    """Who asks, and what was found for them already."""

    application: Application
    tenant_id: str
    loaders: Loaders


Info = strawberry.Info[Context, None]


@strawberry.type
class Owner:
    """An account of the chain, known or not."""

    address: str

    @strawberry.field
    async def token_count(self, info: Info) -> int:
        return await info.context.loaders.token_count.load(self.address)

    @strawberry.field
    async def tokens(self, info: Info, first: First = DEFAULT_FIRST) -> list["Token"]:
        found = await info.context.loaders.owned.load((self.address, checked(first)))
        return [Token.of(row) for row in found]


@strawberry.type
class Token:
    """A token; without an owner once it is burned."""

    contract: str
    token_id: str
    owner: Owner | None
    metadata_digest: str | None
    metadata_cid: str | None
    frozen: bool
    minted_block: int
    minted_tx: str
    minted_at: str

    @classmethod
    def of(cls, row: Row[Any]) -> "Token":
        return cls(
            contract=row.contract,
            token_id=row.token_id,
            owner=None if row.owner is None else Owner(address=row.owner),
            metadata_digest=row.digest,
            metadata_cid=None if row.digest is None else str(Cid.raw(bytes.fromhex(row.digest))),
            frozen=row.frozen,
            minted_block=row.minted_block,
            minted_tx=row.minted_tx,
            minted_at=row.minted_at,
        )

    @strawberry.field
    async def transfers(self, info: Info, first: First = DEFAULT_FIRST) -> list["Transfer"]:
        found = await info.context.loaders.transfers.load(((self.contract, self.token_id), checked(first)))
        return [Transfer.of(row) for row in found]

    @strawberry.field(description="How it came to the chain, where that was the tenant's own mint.")
    async def mint(self, info: Info) -> "Mint | None":
        row = await info.context.loaders.mint.load((self.contract, self.token_id))
        return None if row is None else Mint.of(row)


@strawberry.type
class Transfer:
    """One change of a token's owner: a mint has no sender, a burn no receiver."""

    contract: str
    token_id: str
    sender: Owner | None
    receiver: Owner | None
    block_number: int
    log_index: int
    tx_hash: str
    at: str

    @classmethod
    def of(cls, row: Row[Any]) -> "Transfer":
        sender, receiver = (
            None if each == NOWHERE else Owner(address=each) for each in (row.sender, row.receiver)
        )
        return cls(
            contract=row.contract,
            token_id=row.token_id,
            sender=sender,
            receiver=receiver,
            block_number=row.block_number,
            log_index=row.log_index,
            tx_hash=row.tx_hash,
            at=row.at,
        )

    @strawberry.field
    async def token(self, info: Info) -> Token | None:
        return await token_of(info, self.contract, self.token_id)


@strawberry.type
class Mint:
    """One asset's way onto the chain; only the tenant's own are told."""

    id: strawberry.ID
    asset: strawberry.ID
    to: str
    status: str
    contract: str | None
    token_id: str | None
    tx_hash: str | None
    error: str | None
    created_at: str

    @classmethod
    def of(cls, row: Row[Any]) -> "Mint":
        return cls(
            id=strawberry.ID(row.id),
            asset=strawberry.ID(row.asset_id),
            to=row.recipient,
            status=row.status,
            contract=row.contract,
            token_id=row.token_id,
            tx_hash=row.tx_hash,
            error=row.error,
            created_at=row.created_at,
        )

    @strawberry.field
    async def token(self, info: Info) -> Token | None:
        known = self.contract is not None and self.token_id is not None
        return await token_of(info, str(self.contract), str(self.token_id)) if known else None


@strawberry.type
class VoucherEvent:
    """A voucher that was claimed, or cancelled: then there is no token."""

    kind: str
    signer: str
    nonce: str
    collection: str | None
    recipient: str | None
    token_id: str | None
    block_number: int
    tx_hash: str
    at: str

    @classmethod
    def of(cls, row: Row[Any]) -> "VoucherEvent":
        return cls(
            kind=row.kind,
            signer=row.signer,
            nonce=row.nonce,
            collection=row.collection,
            recipient=row.recipient,
            token_id=row.token_id,
            block_number=row.block_number,
            tx_hash=row.tx_hash,
            at=row.at,
        )

    @strawberry.field
    async def token(self, info: Info) -> Token | None:
        known = self.collection is not None and self.token_id is not None
        return await token_of(info, str(self.collection), str(self.token_id)) if known else None


@strawberry.type
class TokenPage:
    data: list[Token]
    next: str | None


@strawberry.type
class TransferPage:
    data: list[Transfer]
    next: str | None


@strawberry.type
class MintPage:
    data: list[Mint]
    next: str | None


@strawberry.type
class VoucherPage:
    data: list[VoucherEvent]
    next: str | None


@strawberry.type
class Index:
    """How far the chain was read: `block` of `headBlock`, both -1 before the first look."""

    chain_id: int
    block: int
    head_block: int


async def token_of(info: Info, contract: str, token_id: str) -> Token | None:
    """The token, None where the index knows none."""
    row = await info.context.loaders.token.load((contract, token_id))
    return None if row is None else Token.of(row)


def checked(first: int) -> int:
    """Raises InvalidRequest for more of a list than one query may ask for."""
    if not 1 <= first <= MAX_FIRST:
        raise InvalidRequest(f"`first` is {first} and may be 1 to {MAX_FIRST}; give another.")
    return first
