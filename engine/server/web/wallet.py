"""``/wallet``: a player signs in with a wallet, claims what they hold, and sees their tokens. No API key is needed."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from engine.database.players import Session
from engine.errors import EngineError, KeyRefused, NotSignedIn, OriginRefused, SignInUnavailable
from engine.networks import network
from engine.server.browser import browser_secret
from engine.server.caller import App, Caller, application_of, authenticated
from engine.server.cursor import CursorQuery
from engine.server.player import SignedIn, has_cookie, keep_signed_in, signed_in
from engine.server.site import site_of
from engine.server.web.page import Creating, PageRoute, render
from engine.server.web.server_signer import server_signer
from engine.server.web.wallet_holdings import Linked, held_assets, linked_voucher, own_tokens, own_vouchers

router = APIRouter(route_class=PageRoute, include_in_schema=False)
_LONGEST_ID: Final = 128


@dataclass(frozen=True)
class _Visitor:
    """Who looks: a player, a creator, both or neither. ``unavailable`` says why no player can sign in here."""

    session: Session | None
    creator: Caller | None
    unavailable: str | None


async def _visitor(request: Request) -> _Visitor:
    session, creator, unavailable = None, None, None
    application = application_of(request)
    try:
        site_of(application.settings, request)
    except (SignInUnavailable, OriginRefused) as error:
        return _Visitor(None, None, str(error))
    if browser_secret(request) is not None:
        try:
            creator = await authenticated(request, None)
        except KeyRefused:
            creator = None  # a player may look all the same
    if has_cookie(request):
        try:
            session = await run_in_threadpool(signed_in, application, request)
        except NotSignedIn:
            session = None
    return _Visitor(session, creator, unavailable)


class Listed(StrEnum):
    """The lists of the page."""

    ASSETS = "assets"
    VOUCHERS = "vouchers"
    TOKENS = "tokens"


Visiting = Annotated[_Visitor, Depends(_visitor)]
_PARTS: Final = {
    Listed.ASSETS: held_assets,
    Listed.VOUCHERS: own_vouchers,
    Listed.TOKENS: own_tokens,
}


@router.get("/wallet")
def wallet_page(
    request: Request,
    visitor: Visiting,
    application: App,
    voucher: Annotated[str | None, Query(max_length=_LONGEST_ID)] = None,
) -> Response:
    """The page. ``voucher`` is one that somebody sent the visitor a link of."""
    settings, linked = application.settings, None
    if voucher is not None:
        linked = linked_voucher(application, voucher, visitor.session, visitor.creator)
    answer = render(
        request,
        "wallet.html",
        session=visitor.session,
        unavailable=visitor.unavailable,
        creator=visitor.creator,
        network=network(settings.chain_id),
        reachable=settings.rpc_url is not None,
        public_rpc=settings.public_rpc_url or "",
        linked=linked,
        **_holdings(application, visitor.session, visitor.creator, linked),
    )
    return keep_signed_in(request, answer)


@router.get("/wallet/mine")
def mine(
    request: Request,
    visitor: Visiting,
    application: App,
    voucher: Annotated[str | None, Query(max_length=_LONGEST_ID)] = None,
) -> Response:
    """What the page shows of the player's things, as it is now."""
    if visitor.session is None:
        raise NotSignedIn("You are signed out; sign in with your wallet again.")
    linked = None
    if voucher is not None:
        linked = linked_voucher(application, voucher, visitor.session, visitor.creator)
    answer = render(
        request,
        "parts/wallet_mine.html",
        session=visitor.session,
        network=network(application.settings.chain_id),
        reachable=application.settings.rpc_url is not None,
        linked=linked,
        **_holdings(application, visitor.session, visitor.creator, linked),
    )
    return keep_signed_in(request, answer)


@router.get("/wallet/more/{listed}")
def more(
    request: Request,
    visitor: Visiting,
    session: SignedIn,
    application: App,
    listed: Listed,
    cursor: CursorQuery = None,
) -> Response:
    """The rest of one of the lists."""
    answer = render(
        request,
        "parts/wallet_more.html",
        listed=listed.value,
        part=_PARTS[listed](application, session, visitor.creator, cursor),
        network=network(application.settings.chain_id),
        reachable=application.settings.rpc_url is not None,
        session=session,
    )
    return keep_signed_in(request, answer)


@router.get("/wallet/signer")
def signer(request: Request, caller: Creating, application: App) -> Response:
    """Who signs for the server, and with how much; asked for by itself, because a node may be slow."""
    fault, found = None, None
    try:
        found = server_signer(application)
    except EngineError as error:
        fault = str(error)
    return render(
        request,
        "parts/wallet_signer.html",
        signer=found,
        fault=fault,
        network=network(application.settings.chain_id),
    )


def _holdings(
    application: App, session: Session | None, creator: Caller | None, linked: Linked | None
) -> dict[str, Any]:
    """The lists from their beginnings; a voucher that a link names is shown by itself."""
    if session is None:
        return {}
    lists = {listed.value: read(application, session, creator, None) for listed, read in _PARTS.items()}
    return {**lists, "apart": None if linked is None or linked.shown is None else linked.shown.voucher.id}
