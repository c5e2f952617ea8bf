"""``/collections/{id}``: one collection: its assets, what is being drawn, and how rare each is."""

import json
from collections.abc import Sequence
from typing import Annotated, Any, Final

from fastapi import APIRouter, Form, Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection, select

from engine.api.asset import Asset, CollectionChange
from engine.api.theme import Rarity
from engine.app import Application
from engine.database.asset_views import asset_views
from engine.database.collection_progress import Whole, drawing_of, open_creations, traits_in
from engine.database.collections import (
    MAX_ASSETS,
    add_assets,
    assets_in,
    change_collection,
    own_collection,
    remove_asset,
    remove_collection,
)
from engine.database.tables import assets, collection_assets
from engine.errors import InvalidField
from engine.rarity_view import rarity_view
from engine.server.caller import App, Caller, Creator
from engine.server.creation_desk import CreationDesk
from engine.server.web.collection_chain import drop_parts, minting_parts
from engine.server.web.page import Creating, PageRoute, elsewhere, message, render
from engine.server.web.polling import next_look_s
from engine.server.web.posted import Posted, checked, texts

router = APIRouter(route_class=PageRoute, include_in_schema=False)
_PAGE: Final = 60
_RANKED: Final = 25  # rows of the table of ranks
_PICKED: Final = 60  # assets to choose from
Begin = Annotated[int, Query(ge=0, le=MAX_ASSETS, alias="from")]
Looks = Annotated[int, Query(ge=0, le=100_000)]


@router.get("/collections/{collection_id}")
def show(request: Request, caller: Creating, collection_id: str, application: App) -> Response:
    with application.records.database.reading() as connection:
        collection = own_collection(connection, caller.tenant_id, collection_id)
        parts = (
            _grid(connection, application, caller, collection_id, 0)
            | _rarity(connection, application, collection_id)
            | _drawing(connection, collection_id, 0)
            | minting_parts(connection, application, collection_id, 0)
            | drop_parts(connection, application, collection_id)
        )
    return render(request, "collection.html", collection=collection, **parts)


@router.get("/collections/{collection_id}/grid")
def grid(
    request: Request, caller: Creating, collection_id: str, application: App, begin: Begin = 0
) -> Response:
    with application.records.database.reading() as connection:
        own_collection(connection, caller.tenant_id, collection_id)
        parts = _grid(connection, application, caller, collection_id, begin)
    return render(request, "parts/collection_grid.html", collection_id=collection_id, **parts)


@router.get("/collections/{collection_id}/rarity")
def rarity(request: Request, caller: Creating, collection_id: str, application: App) -> Response:
    with application.records.database.reading() as connection:
        own_collection(connection, caller.tenant_id, collection_id)
        parts = _rarity(connection, application, collection_id)
    return render(request, "parts/rarity.html", collection_id=collection_id, **parts)


@router.get("/collections/{collection_id}/drawing")
def drawing(
    request: Request,
    caller: Creating,
    collection_id: str,
    application: App,
    looks: Looks = 0,
    drawn: Looks = 0,
) -> Response:
    """The progress of all that is drawn into it; tells the page where there is more than the ``drawn`` it knows."""
    with application.records.database.reading() as connection:
        own_collection(connection, caller.tenant_id, collection_id)
        parts = _drawing(connection, collection_id, looks)
    told = {"collection:grew": True} if parts["drawing"].of("succeeded") != drawn else None
    return render(
        request, "parts/collection_drawing.html", triggers=told, collection_id=collection_id, **parts
    )


@router.post("/collections/{collection_id}/cancel")
def cancel(request: Request, caller: Creator, collection_id: str, application: App) -> Response:
    """Cancels all that is not drawn yet."""
    desk = CreationDesk(application, caller)
    with application.records.database.writing() as connection:
        own_collection(connection, caller.tenant_id, collection_id)
        ended = [
            desk.cancel(connection, creation_id).id
            for creation_id in open_creations(connection, collection_id)
        ]
        parts = _drawing(connection, collection_id, 0)
    application.creation_job.told()
    triggers = message(f"Cancelled what was not drawn yet ({len(ended)}).")
    return render(
        request, "parts/collection_drawing.html", triggers=triggers, collection_id=collection_id, **parts
    )


@router.post("/collections/{collection_id}")
def change(
    request: Request,
    caller: Creator,
    collection_id: str,
    application: App,
    name: Annotated[str, Form()] = "",
    description: Annotated[str, Form()] = "",
) -> Response:
    if not name.strip():
        raise InvalidField("Give the collection a name.", "/name")
    wanted = checked(CollectionChange, {}, name=name.strip(), description=description.strip())
    assert isinstance(wanted, CollectionChange), "it is what was asked for"
    with application.records.database.writing() as connection:
        collection = change_collection(connection, caller.tenant_id, collection_id, wanted)
    return render(request, "parts/collection_head.html", triggers=message("Saved."), collection=collection)


@router.delete("/collections/{collection_id}")
def remove(request: Request, caller: Creator, collection_id: str, application: App) -> Response:
    """Ends the collection; what it still draws is drawn, and its assets stay."""
    with application.records.database.writing() as connection:
        remove_collection(connection, caller.tenant_id, collection_id)
    return elsewhere(request, "/collections")


@router.get("/collections/{collection_id}/choice")
def choice(
    request: Request,
    caller: Creating,
    collection_id: str,
    application: App,
    q: Annotated[str, Query(max_length=200, pattern=r"^[^\x00]*$")] = "",
) -> Response:
    """The newest assets that are not in the collection, by words of their names."""
    with application.records.database.reading() as connection:
        own_collection(connection, caller.tenant_id, collection_id)
        inside = select(collection_assets.c.asset_id).where(
            collection_assets.c.collection_id == collection_id
        )
        query = select(assets).where(assets.c.tenant_id == caller.tenant_id, assets.c.id.not_in(inside))
        for word in q.split()[:8]:
            query = query.where(assets.c.name.icontains(word, autoescape=True))
        rows = connection.execute(
            query.order_by(assets.c.created_at.desc(), assets.c.id.desc()).limit(_PICKED)
        ).all()
        found = asset_views(connection, rows, application.files)
    return render(request, "parts/collection_choice.html", assets=found, q=q)


@router.post("/collections/{collection_id}/assets")
def add(request: Request, caller: Creator, collection_id: str, application: App, form: Posted) -> Response:
    chosen = texts(form, "asset")
    if not chosen:
        raise InvalidField("Choose one or more assets first.", "/asset")
    with application.records.database.writing() as connection:
        add_assets(connection, caller.tenant_id, collection_id, chosen)
    told = "Added." if len(chosen) == 1 else f"Added {len(chosen)}."
    return Response(status_code=204, headers=_events(message(told) | {"collection:grew": True}))


@router.delete("/collections/{collection_id}/assets/{asset_id}")
def take_out(
    request: Request, caller: Creator, collection_id: str, asset_id: str, application: App
) -> Response:
    with application.records.database.writing() as connection:
        remove_asset(connection, caller.tenant_id, collection_id, asset_id)
    return Response(
        status_code=204,
        headers=_events(message("Taken out. The asset itself stays.") | {"collection:grew": True}),
    )


def _grid(
    connection: Connection, application: Application, caller: Caller, collection_id: str, begin: int
) -> dict[str, Any]:
    rows = assets_in(connection, caller.tenant_id, collection_id, _PAGE + 1, begin)
    shown: Sequence[Asset] = asset_views(connection, rows[:_PAGE], application.files)
    return {"assets": shown, "following": begin + _PAGE if len(rows) > _PAGE else None, "begin": begin}


def _rarity(connection: Connection, application: Application, collection_id: str) -> dict[str, Any]:
    told: Rarity = rarity_view(traits_in(connection, collection_id, MAX_ASSETS))
    charts: dict[str, list[Any]] = {}
    for share in told.traits:
        charts.setdefault(share.trait, []).append(share)
    differing = {trait: shares for trait, shares in charts.items() if len(shares) > 1}
    ranked = told.assets[:_RANKED] if differing else ()
    found = connection.execute(select(assets).where(assets.c.id.in_([each.asset for each in ranked]))).all()
    named = {view.id: view for view in asset_views(connection, found, application.files)}
    return {
        "charts": differing,
        "same": [shares[0] for shares in charts.values() if len(shares) == 1],
        "ranked": [(each, named[each.asset]) for each in ranked],
        "ranked_total": len(told.assets),
    }


def _drawing(connection: Connection, collection_id: str, looks: int) -> dict[str, Any]:
    found: Whole = drawing_of(connection, collection_id)
    waits = found.of("queued", "running") > 0
    return {
        "drawing": found,
        "drawing_waits": waits,
        "drawing_again_s": next_look_s(looks) if waits else None,
        "drawing_looks": looks + 1,
    }


def _events(triggers: dict[str, Any]) -> dict[str, str]:
    return {"HX-Trigger": json.dumps(triggers)}
