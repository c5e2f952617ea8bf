"""``/mint``: what a mint would cost, the mint itself, and how far it is, until it is confirmed."""

import json
from collections.abc import Sequence
from decimal import Decimal
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response
from pydantic import ValidationError
from sqlalchemy import Connection, select

from assets.errors import AssetsError
from chain.errors import ChainError
from engine.api.account import Scope
from engine.api.asset import MAX_BATCH_MINT, Asset, Mint, MintEstimate, MintRequest
from engine.app import Application
from engine.database.asset_views import asset_views
from engine.database.assets import own_assets
from engine.database.mints import FINISHED_MINT, MintRecord, history_of, mint_view
from engine.database.tables import mints
from engine.errors import EngineError, InvalidField, QualityRefused
from engine.server.caller import App, Caller
from engine.server.minting_desk import MintingDesk
from engine.server.problems import problem_of
from engine.server.web.page import Creating, PageRoute, message, render
from engine.server.web.wording import count

router = APIRouter(route_class=PageRoute, include_in_schema=False)
MAX_POLLS: Final = 150  # some minutes; then the page says that it goes on, and asks no more by itself
_SOON: Final = 40  # polls that follow each other each second; the others every four
Named = Annotated[list[str], Query(min_length=1, max_length=MAX_BATCH_MINT)]
To = Annotated[str, Query(max_length=100)]
Other = Annotated[str, Query(max_length=10)]


@router.get("/mint")
def ask(request: Request, caller: Creating, application: App, asset: Named) -> Response:
    """The dialog's form, before anything is signed."""
    caller.require(Scope.MINT)
    return _form(request, application, caller, asset)


@router.get("/mint/estimate")
def estimate(
    request: Request, caller: Creating, application: App, asset: Named, whose: Other = "own", to: To = ""
) -> Response:
    """Gas, fee and cost at this moment, or why they are not known."""
    found, fault, assets = None, "", list(dict.fromkeys(asset))
    address = to.strip() if whose == "other" else None
    lacks = len(assets) if address == "" else 0
    if not lacks:
        try:
            found = MintingDesk(application, caller).estimate(assets, address)
        except (EngineError, ChainError, AssetsError) as error:
            fault = _told(error)
    sums = {} if found is None else _sums(found)
    return render(request, "parts/mint_estimate.html", estimate=found, fault=fault, lacks=lacks, **sums)


@router.post("/mint")
def mint(
    request: Request,
    caller: Creating,
    application: App,
    asset: Annotated[list[str], Form(min_length=1, max_length=MAX_BATCH_MINT)],
    whose: Annotated[str, Form(max_length=10)] = "own",
    to: Annotated[str, Form(max_length=100)] = "",
    force: Annotated[str, Form(max_length=5)] = "",
) -> Response:
    """Asks for the mints; answers with how far they are, or again with the form where the gate refuses."""
    caller.require(Scope.MINT)
    try:
        wanted = MintRequest(to=to.strip() if whose == "other" else None, force=force == "yes")
    except ValidationError as error:
        raise InvalidField(
            "That is no account; an account is 0x and 40 letters a to f and digits.", "/to"
        ) from error
    desk = MintingDesk(application, caller)
    try:
        passed = desk.passed(list(dict.fromkeys(asset)), wanted)
    except QualityRefused as refused:
        return _form(request, application, caller, asset, str(refused).partition(" Please ")[0], whose, to)
    with application.records.database.writing() as connection:
        desk.add(connection, passed)
    return _watch(request, application, caller, asset, 0)


@router.get("/mint/watch")
def watch(
    request: Request,
    caller: Creating,
    application: App,
    asset: Named,
    polls: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    """How far the mints are."""
    return _watch(request, application, caller, asset, polls + 1)


def newest_mints(
    connection: Connection, tenant_id: str, asset_ids: Sequence[str], histories: bool = False
) -> dict[str, Mint]:
    """The newest mint of each of the tenant's assets that has one."""
    query = (
        select(mints)
        .where(mints.c.tenant_id == tenant_id, mints.c.asset_id.in_(list(asset_ids)))
        .order_by(mints.c.created_at, mints.c.id)
    )
    found = {row.asset_id: MintRecord(**row._mapping) for row in connection.execute(query)}
    return {
        asset_id: mint_view(record, history_of(connection, record.id) if histories else None)
        for asset_id, record in found.items()
    }


def _form(
    request: Request,
    application: Application,
    caller: Caller,
    asset_ids: list[str],
    refusal: str = "",
    whose: str = "own",
    to: str = "",
) -> Response:
    with application.records.database.reading() as connection:
        views = _views(application, connection, caller, asset_ids)
        known = newest_mints(connection, caller.tenant_id, asset_ids)
    living = [view for view in views if view.id in known and known[view.id].status != "failed"]
    return render(
        request,
        "parts/mint_form.html",
        assets=[view for view in views if view not in living],
        already=len(living),
        refusal=refusal,
        whose=whose,
        to=to,
    )


def _watch(
    request: Request, application: Application, caller: Caller, asset_ids: list[str], polls: int
) -> Response:
    with application.records.database.reading() as connection:
        views = _views(application, connection, caller, asset_ids)
        known = newest_mints(connection, caller.tenant_id, asset_ids)
    states = [(view, known[view.id]) for view in views if view.id in known]
    going = [mint for _, mint in states if mint.status not in FINISHED_MINT]
    confirmed = sum(mint.status == "confirmed" for _, mint in states)
    triggers: dict[str, Any] = {}
    if not going:
        failed = len(states) - confirmed
        more = f" {count(failed, 'mint')} failed." if failed else ""
        told = f"{count(confirmed, 'token')} on the chain.{more}"
        triggers = {**message(told, "failed" if failed else "done"), "lorespark:minted": {}}
    return render(
        request,
        "parts/mint_watch.html",
        states=states,
        going=len(going),
        confirmed=confirmed,
        polls=polls,
        asks=polls < MAX_POLLS,
        delay=1 if polls < _SOON else 4,
        triggers=triggers,
    )


def _views(
    application: Application, connection: Connection, caller: Caller, asset_ids: list[str]
) -> list[Asset]:
    rows = own_assets(connection, caller.tenant_id, list(dict.fromkeys(asset_ids)))
    return asset_views(connection, rows, application.files)


def _sums(estimate: MintEstimate) -> dict[str, Any]:
    """The amounts as people read them."""
    cost, balance = int(estimate.cost_wei), int(estimate.balance_wei)
    return {
        "fee": f"{Decimal(estimate.max_fee_per_gas_wei) / 10**9:,.3f}".rstrip("0").rstrip("."),
        "cost": _ether(cost),
        "balance": _ether(balance),
        "enough": estimate.embedded or balance >= cost,
    }


def _ether(wei: int) -> str:
    """Up to six digits after the point, and never a nothing that is something."""
    if 0 < wei < 10**12:
        return "less than 0.000001"
    return f"{Decimal(wei) / 10**18:,.6f}".rstrip("0").rstrip(".")


def _told(error: Exception) -> str:
    """The sentence of the error's problem, which tells nobody what is for the operator alone."""
    body: dict[str, Any] = json.loads(bytes(problem_of(error).body))
    return str(body["detail"])
