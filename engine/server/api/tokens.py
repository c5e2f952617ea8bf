"""``/v1/tokens``, ``/v1/owners`` and ``/v1/activity``: what the chain says. It is public, so every key may read all.

Of an asset behind a token only its own tenant hears.
"""

from datetime import UTC, datetime
from typing import Annotated, Final

from fastapi import APIRouter, Path, Query
from fastapi.responses import Response
from pydantic import AwareDatetime

from chain.address import parse_address
from engine.api.model import EthereumAddress, Page
from engine.api.token import IndexState, OwnedToken, TokenHistory, Transfer
from engine.app import Application
from engine.database.tokens import (
    TOKENS_NEWEST_FIRST,
    TRANSFERS_NEWEST_FIRST,
    index_state,
    token_row,
    token_views,
    tokens_of,
    transfer_view,
    transfers_of,
)
from engine.errors import InvalidRequest
from engine.server.caller import App, Caller, Reader
from engine.server.cursor import DEFAULT_PAGE, CursorQuery, LimitQuery, page
from engine.server.once import told

router = APIRouter(tags=["tokens"])
MOST_TRANSFERS: Final = 50  # of one token's answer; /v1/activity has the rest
TokenId = Annotated[str, Path(pattern=r"^[0-9]{1,78}$", description="A whole number, decimal.")]
TokenIdQuery = Annotated[str | None, Query(pattern=r"^[0-9]{1,78}$")]


@router.get("/tokens", response_model=Page[OwnedToken])
def list_tokens(
    caller: Reader,
    application: App,
    contract: EthereumAddress | None = None,
    owner: EthereumAddress | None = None,
    minted_since: AwareDatetime | None = None,
    limit: LimitQuery = DEFAULT_PAGE,
    cursor: CursorQuery = None,
) -> Response:
    """Tokens that are not burned, the newest first."""
    since = None if minted_since is None else _utc(minted_since)
    return _page(application, caller, contract, owner, since, limit, cursor)


@router.get("/tokens/{contract}/{token_id}", response_model=TokenHistory)
def get_token(caller: Reader, contract: EthereumAddress, token_id: TokenId, application: App) -> Response:
    """A token, burned or not, and its newest transfers."""
    chain_id, address, number = application.settings.chain_id, parse_address(contract), str(int(token_id))
    with application.records.database.reading() as connection:
        row = token_row(connection, chain_id, address, number)
        (view,) = token_views(connection, caller.tenant_id, chain_id, [row])
        moves, _ = page(
            connection, transfers_of(chain_id, address, number), TRANSFERS_NEWEST_FIRST, MOST_TRANSFERS, None
        )
    return told(TokenHistory(**view.model_dump(), transfers=tuple(map(transfer_view, moves))))


@router.get("/owners/{address}/tokens", response_model=Page[OwnedToken])
def list_owned_tokens(
    caller: Reader,
    address: EthereumAddress,
    application: App,
    contract: EthereumAddress | None = None,
    limit: LimitQuery = DEFAULT_PAGE,
    cursor: CursorQuery = None,
) -> Response:
    """What an account owns, the newest tokens first; nothing for an account that nobody heard of."""
    return _page(application, caller, contract, address, None, limit, cursor)


@router.get("/activity", response_model=Page[Transfer])
def list_activity(
    _: Reader,
    application: App,
    contract: EthereumAddress | None = None,
    token_id: TokenIdQuery = None,
    limit: LimitQuery = DEFAULT_PAGE,
    cursor: CursorQuery = None,
) -> Response:
    """Mints, transfers and burns, the newest first."""
    address = None if contract is None else parse_address(contract)
    number = None if token_id is None else str(int(token_id))
    query = transfers_of(application.settings.chain_id, address, number)
    with application.records.database.reading() as connection:
        rows, following = page(connection, query, TRANSFERS_NEWEST_FIRST, limit, cursor)
    return told(Page[Transfer](data=tuple(map(transfer_view, rows)), next=following))


@router.get("/index", response_model=IndexState)
def get_index(_: Reader, application: App) -> Response:
    """How far the chain was read; what it says later is not known here yet."""
    with application.records.database.reading() as connection:
        return told(index_state(connection, application.settings.chain_id))


def _page(
    application: Application,
    caller: Caller,
    contract: str | None,
    owner: str | None,
    since: str | None,
    limit: int,
    cursor: str | None,
) -> Response:
    """Raises InvalidAddress."""
    chain_id = application.settings.chain_id
    contract, owner = (None if each is None else parse_address(each) for each in (contract, owner))
    query = tokens_of(chain_id, contract, owner, since)
    with application.records.database.reading() as connection:
        rows, following = page(connection, query, TOKENS_NEWEST_FIRST, limit, cursor)
        data = token_views(connection, caller.tenant_id, chain_id, rows)
    return told(Page[OwnedToken](data=data, next=following))


def _utc(time: datetime) -> str:
    try:
        # Not strftime: its %Y has no leading zeros on Linux, and texts are compared.
        return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    except OverflowError as error:
        raise InvalidRequest(
            "minted_since lies outside the calendar; give a time that tokens may have."
        ) from error
