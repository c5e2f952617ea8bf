"""``/v1/drops``: studios open collections to be claimed from; anybody looks, and signed-in players claim."""

from fastapi import APIRouter, Request
from fastapi.responses import Response

from engine.api.drop import Drop, DropChange, DropClaim, DropClaims, NewDrop, PublicDrop
from engine.api.model import Page
from engine.database.drops import NEWEST_FIRST, DropRecord, drops_of, known_drop
from engine.drop_views import drop_view, public_view
from engine.server.caller import App, Minter, Reader
from engine.server.cursor import DEFAULT_PAGE, CursorQuery, LimitQuery, page
from engine.server.drop_desk import ClaimDesk, DropDesk
from engine.server.once import OnceOnly, told
from engine.server.player import Anybody, SignedIn, keep_signed_in

router = APIRouter(prefix="/drops", tags=["drops"])


@router.post("", status_code=201, response_model=Drop)
def open_drop(caller: Minter, wanted: NewDrop, once: OnceOnly, application: App) -> Response:
    """Opens a collection: from its start to its end people claim its assets, each by a voucher, and pay the gas."""
    desk = DropDesk(application, caller.tenant_id)
    return once.answer(
        201,
        lambda connection: desk.open(connection, wanted),
        lambda made: {"Location": made.links["self"]},
    )


@router.get("", response_model=Page[Drop])
def list_drops(
    caller: Reader, application: App, limit: LimitQuery = DEFAULT_PAGE, cursor: CursorQuery = None
) -> Response:
    """The tenant's drops, newest first."""
    with application.records.database.reading() as connection:
        rows, following = page(connection, drops_of(caller.tenant_id), NEWEST_FIRST, limit, cursor)
        chain_id = application.settings.chain_id
        data = tuple(drop_view(connection, DropRecord(**row._mapping), chain_id) for row in rows)
    return told(Page[Drop](data=data, next=following))


@router.patch("/{drop_id}", response_model=Drop)
def change_drop(caller: Minter, drop_id: str, wanted: DropChange, application: App) -> Response:
    """Changes or closes the drop. What was promised before stays promised."""
    with application.records.database.writing() as connection:
        return told(DropDesk(application, caller.tenant_id).change(connection, drop_id, wanted))


@router.get("/{drop_id}", response_model=PublicDrop, dependencies=[Anybody])
def read_drop(drop_id: str, application: App) -> Response:
    """What anybody may see of the drop. It takes no key."""
    with application.records.database.reading() as connection:
        drop = known_drop(connection, drop_id)
        return told(public_view(connection, drop, application.settings.chain_id))


@router.post("/{drop_id}/claim", status_code=202, response_model=DropClaim)
def claim(request: Request, session: SignedIn, drop_id: str, application: App) -> Response:
    """Promises the signed-in player the next asset. While one is on its way the answer is that one again."""
    made = ClaimDesk(application, session.player).claim(drop_id)
    return keep_signed_in(request, told(made, 202, {"Location": made.links["voucher"]}))


@router.get("/{drop_id}/claims", response_model=DropClaims)
def read_claims(request: Request, session: SignedIn, drop_id: str, application: App) -> Response:
    """What the drop promised to the signed-in player, and why they get no other one, where it is so."""
    return keep_signed_in(request, told(ClaimDesk(application, session.player).claims(drop_id)))
