"""``/assets/{id}/voucher``: an asset promised to an account, or to whoever has the link, instead of minted."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response
from pydantic import ValidationError
from sqlalchemy import Connection, select

from engine.api.account import Scope
from engine.api.voucher import ClaimRequest
from engine.app import Application
from engine.database.asset_views import asset_views
from engine.database.assets import own_asset
from engine.database.tables import vouchers
from engine.database.usage import add_use
from engine.database.vouchers import VoucherRecord, add_voucher, cancel_voucher, own_voucher
from engine.errors import InvalidField
from engine.server.api.vouchers import promised_asset, terms_of, voucher_view
from engine.server.caller import App, Caller
from engine.server.claimant import Claimant
from engine.server.web.page import Creating, PageRoute, message, render

router = APIRouter(route_class=PageRoute, include_in_schema=False)
MAX_POLLS: Final = 60  # two minutes; then a button asks again
DAYS: Final = (1, 7, 30, 365)
_WEI: Final = 10**18
_DAY_S: Final = 24 * 3600


@router.get("/assets/{asset_id}/voucher")
def voucher_panel(
    request: Request,
    caller: Creating,
    application: App,
    asset_id: str,
    polls: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    """The asset's newest voucher and how it stands, or the form for one."""
    return _panel(request, application, caller, asset_id, polls + 1)


@router.post("/assets/{asset_id}/voucher")
def promise(
    request: Request,
    caller: Creating,
    application: App,
    asset_id: str,
    whose: Annotated[str, Form(max_length=10)] = "account",
    to: Annotated[str, Form(max_length=100)] = "",
    price: Annotated[str, Form(max_length=40)] = "",
    days: Annotated[int, Form(ge=1, le=365)] = 7,
) -> Response:
    """Promises the asset. One that is promised already for the same account and price stays as it is."""
    caller.require(Scope.MINT)
    wanted, claimant = _wanted(whose, to, price, days), Claimant(caller=caller)
    terms = terms_of(claimant, wanted)
    asset = promised_asset(application, claimant, asset_id, wanted.force)
    with application.records.database.writing() as connection:
        chain_id = application.settings.chain_id
        _, made = add_voucher(connection, asset, terms, chain_id, claimant.asking)
        if made:
            add_use(connection, caller.key_id, mints=1)
    return _panel(request, application, caller, asset_id, 0)


@router.delete("/assets/{asset_id}/voucher/{voucher_id}")
def cancel(request: Request, caller: Creating, application: App, asset_id: str, voucher_id: str) -> Response:
    """Cancels it: at once where nobody read its signature, else on the chain."""
    caller.require(Scope.MINT)
    with application.records.database.writing() as connection:
        record = own_voucher(connection, Claimant(caller=caller).asking, voucher_id)
        ended = cancel_voucher(connection, record)
    said = "The voucher is cancelled." if ended.status == "cancelled" else "The chain is asked to cancel it."
    return _panel(request, application, caller, asset_id, 0, triggers=message(said))


def _panel(
    request: Request, application: Application, caller: Caller, asset_id: str, polls: int, **more: Any
) -> Response:
    with application.records.database.reading() as connection:
        row = own_asset(connection, caller.tenant_id, asset_id)
        asset = asset_views(connection, [row], application.files)[0]
        newest = _newest(connection, asset_id)
    return render(
        request,
        "parts/voucher_panel.html",
        asset=asset,
        voucher=None if newest is None else voucher_view(newest),
        going=newest is not None and newest.status in ("prepared", "cancelling"),
        living=newest is not None and newest.status in ("prepared", "signed", "cancelling"),
        days=DAYS,
        polls=polls,
        asks=polls < MAX_POLLS,
        embedded=application.settings.rpc_url is None,
        may_mint=Scope.MINT in caller.scopes,
        **more,
    )


def _newest(connection: Connection, asset_id: str) -> VoucherRecord | None:
    query = select(vouchers).where(vouchers.c.asset_id == asset_id)
    row = connection.execute(query.order_by(vouchers.c.created_at.desc(), vouchers.c.id).limit(1)).first()
    return None if row is None else VoucherRecord(**row._mapping)


def _wanted(whose: str, to: str, price: str, days: int) -> ClaimRequest:
    """Raises InvalidField."""
    try:
        return ClaimRequest(
            to=None if whose == "bearer" else to.strip(),
            bearer=whose == "bearer",
            price_wei=str(_wei(price)),
            valid_s=days * _DAY_S,
        )
    except ValidationError as error:
        raise InvalidField(
            "That is no account; an account is 0x and 40 letters a to f and digits.", "/to"
        ) from error


def _wei(price: str) -> int:
    """A price in coins of the chain, 18 decimals each; nothing is 0. Raises InvalidField."""
    try:
        wei = Decimal(price.strip() or "0") * _WEI
    except InvalidOperation:
        wei = Decimal("NaN")
    if not wei.is_finite() or wei < 0 or wei != wei.to_integral_value() or wei >= 2**256:
        raise InvalidField("That is no price; write coins of the chain, such as 0.01, or nothing.", "/price")
    return int(wei)
