"""``/collections/{id}``, its way onto the chain: minted by the server, or claimed from a drop."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from engine.api.asset import MAX_BATCH_MINT, BatchMintRequest
from engine.api.drop import Drop, DropChange, NewDrop
from engine.app import Application
from engine.database.collection_progress import Fault, Whole, minting_of
from engine.database.collections import assets_in, own_collection
from engine.database.drops import drop_of, listed
from engine.drop_views import drop_view
from engine.errors import Conflict, InvalidField, QualityRefused
from engine.server.api.mints import mint_batch
from engine.server.caller import App, Caller, Minter
from engine.server.drop_desk import DropDesk
from engine.server.once import Once
from engine.server.web.page import Creating, PageRoute, message, render
from engine.server.web.polling import next_look_s
from engine.server.web.posted import Posted, checked, number, text

router = APIRouter(route_class=PageRoute, include_in_schema=False)
_WAITING: Final = ("prepared", "signed", "sent", "mined")
_USUAL_DAYS: Final = 7
Looks = Annotated[int, Query(ge=0, le=100_000)]


@router.get("/collections/{collection_id}/minting")
def minting(
    request: Request,
    caller: Creating,
    collection_id: str,
    application: App,
    looks: Looks = 0,
    minted: Looks = 0,
) -> Response:
    """How far its mints are; tells the page where there are more tokens than the ``minted`` it knows."""
    with application.records.database.reading() as connection:
        own_collection(connection, caller.tenant_id, collection_id)
        parts = minting_parts(connection, application, collection_id, looks)
    told = {"collection:minted": True} if parts["minting"].of("confirmed") != minted else None
    return render(
        request, "parts/collection_minting.html", triggers=told, collection_id=collection_id, **parts
    )


@router.post("/collections/{collection_id}/mint")
def mint(
    request: Request,
    caller: Minter,
    collection_id: str,
    application: App,
    to: Annotated[str, Form(max_length=100)] = "",
    force: Annotated[bool, Form()] = False,
) -> Response:
    """Asks for a mint of each asset that has none; those that cannot be minted are told with the reason."""
    chain_id = application.settings.chain_id
    with application.records.database.reading() as connection:
        own_collection(connection, caller.tenant_id, collection_id)
        found = assets_in(connection, caller.tenant_id, collection_id)
    if not found:
        raise InvalidField("There is nothing to mint yet; draw or add assets first.", "/to")
    checked(BatchMintRequest, {}, assets=(found[0].id,), to=to.strip() or None)  # before any is asked for
    refused: list[Fault] = []
    for rows in _batches(found):
        refused += _minted(application, caller, rows, to.strip() or None, force)
    with application.records.database.reading() as connection:
        parts = minting_parts(connection, application, collection_id, 0, chain_id)
    told = (
        message(f"{len(refused)} of {len(found)} are left out; see why below.", "failed")
        if refused
        else message("On their way onto the chain.")
    )
    return render(
        request,
        "parts/collection_minting.html",
        triggers=told,
        collection_id=collection_id,
        **(parts | {"left_out": refused}),
    )


@router.post("/collections/{collection_id}/drop")
def save_drop(
    request: Request, caller: Minter, collection_id: str, application: App, form: Posted
) -> Response:
    """Opens the collection as a drop, or changes the one that it is."""
    addresses = tuple(text(form, "addresses").replace(",", " ").replace(";", " ").split())
    fields: dict[str, Any] = {
        "per_address": number(form, "per_address", "The limit", 1),
        "listed_only": text(form, "who") == "listed",
        "addresses": addresses,
        "starts_at": _moment(form, "starts_at"),
        "ends_at": _moment(form, "ends_at"),
    }
    if fields["ends_at"] is None:
        raise InvalidField("Say when the drop ends.", "/ends_at")
    for place, address in enumerate(addresses, 1):
        if len(address) != 42 or not address.startswith("0x"):
            raise InvalidField(
                f"Address {place} ({address[:60]}) is none; an address is 0x and 40 digits.", "/addresses"
            )
    desk = DropDesk(application, caller.tenant_id)
    with application.records.database.writing() as connection:
        own_collection(connection, caller.tenant_id, collection_id)
        there = drop_of(connection, collection_id)
        if there is None:
            desk.open(connection, _new(collection_id, fields))
        else:
            desk.change(connection, there.id, _change(fields))
        parts = drop_parts(connection, application, collection_id)
    return render(
        request,
        "parts/collection_drop.html",
        triggers=message("The drop is open." if there is None else "Saved."),
        collection_id=collection_id,
        **parts,
    )


@router.post("/collections/{collection_id}/drop/{what}")
def close_drop(request: Request, caller: Minter, collection_id: str, what: str, application: App) -> Response:
    """Closes the drop, or opens it again."""
    if what not in ("close", "reopen"):
        raise InvalidField("A drop is closed or reopened.", "/what")
    with application.records.database.writing() as connection:
        own_collection(connection, caller.tenant_id, collection_id)
        there = drop_of(connection, collection_id)
        if there is None:
            raise Conflict("The collection is no drop yet; open it first.")
        DropDesk(application, caller.tenant_id).change(
            connection, there.id, DropChange(closed=what == "close")
        )
        parts = drop_parts(connection, application, collection_id)
    told = "Closed; what was promised stays promised." if what == "close" else "Open again."
    return render(
        request,
        "parts/collection_drop.html",
        triggers=message(told),
        collection_id=collection_id,
        **parts,
    )


def minting_parts(
    connection: Connection,
    application: Application,
    collection_id: str,
    looks: int,
    chain_id: int | None = None,
) -> dict[str, Any]:
    """What the template of the minting needs."""
    chain_id = application.settings.chain_id if chain_id is None else chain_id
    found: Whole = minting_of(connection, collection_id, chain_id)
    waiting = found.of(*_WAITING)
    return {
        "minting": found,
        "minting_waits": waiting,
        "minting_again_s": next_look_s(looks) if waiting else None,
        "minting_looks": looks + 1,
        "left_out": (),
        "chain_id": chain_id,
    }


def drop_parts(connection: Connection, application: Application, collection_id: str) -> dict[str, Any]:
    """What the template of the drop needs."""
    there = drop_of(connection, collection_id)
    view: Drop | None = None if there is None else drop_view(connection, there, application.settings.chain_id)
    now = datetime.now(UTC)
    starts = now if there is None else datetime.fromtimestamp(there.starts_at_s, UTC)
    ends = (
        now + timedelta(days=_USUAL_DAYS) if there is None else datetime.fromtimestamp(there.ends_at_s, UTC)
    )
    return {
        "drop": view,
        "is_embedded": application.settings.rpc_url is None,
        "drop_addresses": [] if there is None else listed(connection, there.id),
        "drop_starts": starts.strftime("%Y-%m-%dT%H:%M"),
        "drop_ends": ends.strftime("%Y-%m-%dT%H:%M"),
    }


def _batches(rows: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for begin in range(0, len(rows), MAX_BATCH_MINT):
        yield rows[begin : begin + MAX_BATCH_MINT]


def _minted(
    application: Application, caller: Caller, rows: Sequence[Any], to: str | None, force: bool
) -> list[Fault]:
    """Mints them as ``POST /v1/mints`` does; where that refuses them together, each alone. Returns those refused."""
    try:
        wanted = BatchMintRequest(assets=tuple(row.id for row in rows), to=to, force=force)
        mint_batch(caller, wanted, Once(application, caller, None, ""), application)
    except (QualityRefused, Conflict) as error:
        if len(rows) == 1:
            return [Fault(rows[0].id, rows[0].name, str(error))]
        return [fault for row in rows for fault in _minted(application, caller, [row], to, force)]
    return []


def _moment(form: Posted, name: str) -> datetime | None:
    """A time that a field says, in UTC."""
    found = text(form, name)
    if not found:
        return None
    try:
        moment = datetime.fromisoformat(found)
    except ValueError as error:
        raise InvalidField("Write the time as in 2030-12-31T23:59.", f"/{name}") from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def _new(collection_id: str, fields: dict[str, Any]) -> NewDrop:
    made = checked(NewDrop, {}, collection=collection_id, **fields)
    assert isinstance(made, NewDrop), "it is what was asked for"
    return made


def _change(fields: dict[str, Any]) -> DropChange:
    made = checked(DropChange, {}, **fields)
    assert isinstance(made, DropChange), "it is what was asked for"
    return made
