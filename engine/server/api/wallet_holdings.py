"""``/v1/wallet/assets``, ``/tokens`` and ``/vouchers``: what a signed-in player has, in the game and on the chain."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from engine.api.model import Page
from engine.api.token import OwnedToken
from engine.api.voucher import Voucher, WalletAsset
from engine.database.assets import NEWEST_FIRST
from engine.database.tokens import TOKENS_NEWEST_FIRST, token_view, tokens_of
from engine.database.vouchers import NEWEST_FIRST as VOUCHERS_NEWEST_FIRST
from engine.database.vouchers import Asking, VoucherRecord, vouchers_of_player
from engine.database.wallet_assets import assets_held_by, wallet_assets
from engine.server.api.vouchers import voucher_view
from engine.server.caller import App
from engine.server.cursor import DEFAULT_PAGE, CursorQuery, LimitQuery, page
from engine.server.once import told
from engine.server.player import SignedIn, keep_signed_in

router = APIRouter(prefix="/wallet", tags=["wallet"])


@router.get("/assets", response_model=Page[WalletAsset])
def list_held_assets(
    request: Request,
    session: SignedIn,
    application: App,
    limit: LimitQuery = DEFAULT_PAGE,
    cursor: CursorQuery = None,
) -> Response:
    """What the player holds in the games of all studios here, the newest first, and what of it can be claimed."""
    player = session.player.id
    with application.records.database.reading() as connection:
        rows, following = page(connection, assets_held_by(player), NEWEST_FIRST, limit, cursor)
        data = wallet_assets(connection, rows, player, application.settings.chain_id)
    return keep_signed_in(request, told(Page[WalletAsset](data=data, next=following)))


@router.get("/tokens", response_model=Page[OwnedToken])
def list_held_tokens(
    request: Request,
    session: SignedIn,
    application: App,
    limit: LimitQuery = DEFAULT_PAGE,
    cursor: CursorQuery = None,
) -> Response:
    """What the player's account owns on the chain, as far as it was read, the newest first."""
    query = tokens_of(application.settings.chain_id, owner=session.player.address)
    with application.records.database.reading() as connection:
        rows, following = page(connection, query, TOKENS_NEWEST_FIRST, limit, cursor)
    # Of the asset behind a token only its own studio hears.
    data = tuple(token_view(row, None) for row in rows)
    return keep_signed_in(request, told(Page[OwnedToken](data=data, next=following)))


@router.get("/vouchers", response_model=Page[Voucher])
def list_own_vouchers(
    request: Request,
    session: SignedIn,
    application: App,
    limit: LimitQuery = DEFAULT_PAGE,
    cursor: CursorQuery = None,
) -> Response:
    """Vouchers that the player asked for and those for the player's account, newest first, without their promises."""
    query = vouchers_of_player(Asking(player_id=session.player.id, address=session.player.address))
    with application.records.database.reading() as connection:
        rows, following = page(connection, query, VOUCHERS_NEWEST_FIRST, limit, cursor)
    data = tuple(voucher_view(VoucherRecord(**row._mapping)) for row in rows)
    return keep_signed_in(request, told(Page[Voucher](data=data, next=following)))
