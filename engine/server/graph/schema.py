"""The GraphQL schema's beginnings: the index and the tenant's own mints, to read only."""

from typing import Annotated, Any, Final

import strawberry
from sqlalchemy import Row, Select, select

from chain.address import parse_address
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
from engine.server.graph.limits import DEFAULT_FIRST
from engine.server.graph.things import (
    First,
    Index,
    Info,
    Mint,
    MintPage,
    Owner,
    Token,
    TokenPage,
    Transfer,
    TransferPage,
    VoucherEvent,
    VoucherPage,
    checked,
    token_of,
)

VOUCHERS_NEWEST_FIRST: Final = (voucher_events.c.block_number, voucher_events.c.log_index)
After = Annotated[str | None, strawberry.argument(description="The `next` of the page before.")]


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
        return await token_of(info, parse_address(contract), _number(token_id))

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
        return VoucherPage(data=[VoucherEvent.of(row) for row in rows], next=following)


def _page(
    info: Info, query: Select[Any], order: tuple[Any, ...], first: int, after: str | None
) -> tuple[list[Row[Any]], str | None]:
    with info.context.application.records.database.reading() as connection:
        return page(connection, query, order, checked(first), after)


def _address(text: str | None) -> str | None:
    return None if text is None else parse_address(text)


def _number(text: str) -> str:
    if not (text.isascii() and text.isdigit() and len(text) <= 78):
        raise InvalidRequest(f"{text[:80]!r} is no token's id; give a whole number, decimal.")
    return str(int(text))
