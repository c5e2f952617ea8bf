"""The GraphQL schema: the index and the tenant's own mints, to read only. A type's comments are its documentation."""

from dataclasses import dataclass
from typing import Annotated, Any

import strawberry
from sqlalchemy import Row, Select, select

from assets.cid import Cid
from chain.address import parse_address
from engine.app import Application
from engine.database.chain_index import NOWHERE
from engine.database.mints import NEWEST_FIRST, mints_of
from engine.database.tables import voucher_events
from engine.database.tokens import (
    TOKENS_NEWEST_FIRST,
    TRANSFERS_NEWEST_FIRST,
    index_state,
    tokens_of,
    transfers_of,
)
from engine.errors import InvalidRequest
from engine.server.cursor import page
from engine.server.graph.limits import DEFAULT_FIRST, MAX_FIRST
from engine.server.graph.loaders import Loaders

VOUCHERS_NEWEST_FIRST = (voucher_events.c.block_number, voucher_events.c.log_index)
First = Annotated[int, strawberry.argument(description=f"How many at most, 1 to {MAX_FIRST}.")]
After = Annotated[str | None, strawberry.argument(description="The `next` of the page before.")]


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
        found = await info.context.loaders.owned.load((self.address, _checked(first)))
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
        found = await info.context.loaders.transfers.load(((self.contract, self.token_id), _checked(first)))
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
        return await _token(info, self.contract, self.token_id)


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
        return await _token(info, str(self.contract), str(self.token_id)) if known else None


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

    @strawberry.field
    async def token(self, info: Info) -> Token | None:
        known = self.collection is not None and self.token_id is not None
        return await _token(info, str(self.collection), str(self.token_id)) if known else None


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


@strawberry.type
class Query:
    @strawberry.field
    def index(self, info: Info) -> Index:
        application = info.context.application
        with application.records.database.reading() as connection:
            state = index_state(connection, application.settings.chain_id)
        return Index(chain_id=state.chain_id, block=state.block, head_block=state.head_block)

    @strawberry.field
    async def token(self, info: Info, contract: str, token_id: str) -> Token | None:
        return await _token(info, parse_address(contract), _number(token_id))

    @strawberry.field
    def owner(self, address: str) -> Owner:
        return Owner(address=parse_address(address))

    @strawberry.field(description="Tokens that are not burned, the newest first.")
    def tokens(
        self,
        info: Info,
        contract: str | None = None,
        owner: str | None = None,
        first: First = DEFAULT_FIRST,
        after: After = None,
    ) -> TokenPage:
        query = tokens_of(info.context.loaders.chain_id, _address(contract), _address(owner))
        rows, following = _page(info, query, TOKENS_NEWEST_FIRST, first, after)
        return TokenPage(data=[Token.of(row) for row in rows], next=following)

    @strawberry.field(description="Mints, transfers and burns, the newest first.")
    def transfers(
        self,
        info: Info,
        contract: str | None = None,
        token_id: str | None = None,
        first: First = DEFAULT_FIRST,
        after: After = None,
    ) -> TransferPage:
        number = None if token_id is None else _number(token_id)
        query = transfers_of(info.context.loaders.chain_id, _address(contract), number)
        rows, following = _page(info, query, TRANSFERS_NEWEST_FIRST, first, after)
        return TransferPage(data=[Transfer.of(row) for row in rows], next=following)

    @strawberry.field(description="The tenant's own, the newest first.")
    def mints(self, info: Info, first: First = DEFAULT_FIRST, after: After = None) -> MintPage:
        query = mints_of(info.context.tenant_id)
        rows, following = _page(info, query, NEWEST_FIRST, first, after)
        return MintPage(data=[Mint.of(row) for row in rows], next=following)

    @strawberry.field(description="Vouchers that were claimed or cancelled, the newest first.")
    def vouchers(
        self, info: Info, signer: str | None = None, first: First = DEFAULT_FIRST, after: After = None
    ) -> VoucherPage:
        table = voucher_events
        query = select(table).where(table.c.chain_id == info.context.loaders.chain_id)
        if signer is not None:
            query = query.where(table.c.signer == parse_address(signer))
        rows, following = _page(info, query, VOUCHERS_NEWEST_FIRST, first, after)
        names = [
            field.name for field in VoucherEvent.__strawberry_definition__.fields if field.name != "token"
        ]
        return VoucherPage(
            data=[VoucherEvent(**{name: row._mapping[name] for name in names}) for row in rows],
            next=following,
        )


async def _token(info: Info, contract: str, token_id: str) -> Token | None:
    row = await info.context.loaders.token.load((contract, token_id))
    return None if row is None else Token.of(row)


def _page(
    info: Info, query: Select[Any], order: tuple[Any, ...], first: int, after: str | None
) -> tuple[list[Row[Any]], str | None]:
    with info.context.application.records.database.reading() as connection:
        return page(connection, query, order, _checked(first), after)


def _checked(first: int) -> int:
    if not 1 <= first <= MAX_FIRST:
        raise InvalidRequest(f"`first` is {first} and may be 1 to {MAX_FIRST}; give another.")
    return first


def _address(text: str | None) -> str | None:
    return None if text is None else parse_address(text)


def _number(text: str) -> str:
    if not (text.isascii() and text.isdigit() and len(text) <= 78):
        raise InvalidRequest(f"{text[:80]!r} is no token's id; give a whole number, decimal.")
    return str(int(text))
