"""``/v1/collections``: assets that belong together, one by one, as a sprite sheet, or as one CAR."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from assets.asset import Asset
from engine.api.asset import Collection, CollectionChange, NewCollection
from engine.api.model import Page
from engine.api.theme import Creations, Rarity, Theme
from engine.collection_car import CollectionCar
from engine.database.asset_rows import asset_of
from engine.database.collection_progress import traits_in
from engine.database.collections import (
    MAX_ASSETS,
    NEWEST_FIRST,
    add_assets,
    add_collection,
    assets_in,
    change_collection,
    collection_view,
    collections_of,
    own_collection,
    remove_asset,
    remove_collection,
)
from engine.rarity_view import rarity_view
from engine.server.api.downloads import DOWNLOADED, SHEET_NAMES, FormatQuery, kept
from engine.server.caller import App, Creator, Reader
from engine.server.content_format import CAR_CONTENT_TYPE
from engine.server.creation_desk import CreationDesk
from engine.server.cursor import DEFAULT_PAGE, CursorQuery, LimitQuery, page
from engine.server.file_answer import answer_bytes, is_known, not_modified, save_as, streamed
from engine.server.media_types import HEAD_BYTES, media_type
from engine.server.once import OnceOnly, told
from engine.server.theme_desk import ThemeDesk
from engine.sheets import check_servable, sheet_of
from engine.upload import side_px
from generators.recipe import MAX_SIZE_PX

router = APIRouter(tags=["collections"])
# Assets come and go, so a client asks each time whether its copy still holds.
_CHANGING = "private, no-cache"


@router.post("/collections", status_code=201, response_model=Collection)
def create_collection(caller: Creator, wanted: NewCollection, once: OnceOnly) -> Response:
    def effect(connection: Connection) -> Collection:
        return collection_view(add_collection(connection, caller.tenant_id, wanted))

    return once.answer(201, effect, lambda made: {"Location": made.links["self"]})


@router.get("/collections", response_model=Page[Collection])
def list_collections(
    caller: Reader, application: App, limit: LimitQuery = DEFAULT_PAGE, cursor: CursorQuery = None
) -> Response:
    """The tenant's collections, newest first."""
    with application.records.database.reading() as connection:
        rows, following = page(connection, collections_of(caller.tenant_id), NEWEST_FIRST, limit, cursor)
    return told(Page[Collection](data=tuple(map(collection_view, rows)), next=following))


@router.get("/collections/{collection_id}", response_model=Collection)
def get_collection(caller: Reader, collection_id: str, application: App) -> Response:
    with application.records.database.reading() as connection:
        return told(collection_view(own_collection(connection, caller.tenant_id, collection_id)))


@router.patch("/collections/{collection_id}", response_model=Collection)
def change(caller: Creator, collection_id: str, wanted: CollectionChange, application: App) -> Response:
    """Gives the collection another name or description."""
    with application.records.database.writing() as connection:
        return told(collection_view(change_collection(connection, caller.tenant_id, collection_id, wanted)))


@router.delete("/collections/{collection_id}", status_code=204, response_class=Response)
def remove(caller: Creator, collection_id: str, application: App) -> Response:
    """Ends the collection. Its assets stay."""
    with application.records.database.writing() as connection:
        remove_collection(connection, caller.tenant_id, collection_id)
    return Response(status_code=204)


@router.put("/collections/{collection_id}/assets/{asset_id}", status_code=204, response_class=Response)
def put_asset(caller: Creator, collection_id: str, asset_id: str, application: App) -> Response:
    """Puts the asset at the collection's end; where it is already in it, it stays where it is."""
    with application.records.database.writing() as connection:
        add_assets(connection, caller.tenant_id, collection_id, [asset_id])
    return Response(status_code=204)


@router.delete("/collections/{collection_id}/assets/{asset_id}", status_code=204, response_class=Response)
def take_asset(caller: Creator, collection_id: str, asset_id: str, application: App) -> Response:
    """Takes the asset out of the collection; again is the same as once."""
    with application.records.database.writing() as connection:
        remove_asset(connection, caller.tenant_id, collection_id, asset_id)
    return Response(status_code=204)


@router.post("/collections/{collection_id}/creations", status_code=202, response_model=Creations)
def draw_theme(
    caller: Creator, collection_id: str, wanted: Theme, once: OnceOnly, application: App
) -> Response:
    """Draws many assets of one theme into the collection, each a creation: all of them are accepted, or none."""
    with application.records.database.reading() as connection:
        own_collection(connection, caller.tenant_id, collection_id)
    desk = ThemeDesk(CreationDesk(application, caller))
    planned = desk.prepared(wanted)
    return once.answer(
        202, lambda connection: Creations(data=tuple(desk.take_in(connection, planned, collection_id)))
    )


@router.get("/collections/{collection_id}/rarity", response_model=Rarity)
def get_rarity(caller: Reader, collection_id: str, application: App) -> Response:
    """How rare each asset is by its traits, and the share of each value."""
    with application.records.database.reading() as connection:
        own_collection(connection, caller.tenant_id, collection_id)
        return told(rarity_view(traits_in(connection, collection_id, MAX_ASSETS)))


@router.get("/collections/{collection_id}/sheet", response_class=Response, responses=DOWNLOADED)
def get_sheet(
    request: Request,
    caller: Reader,
    collection_id: str,
    application: App,
    format: FormatQuery = "png",
    size: Annotated[
        int | None, Query(ge=1, le=MAX_SIZE_PX, description="Only assets of so many pixels a side.")
    ] = None,
) -> Response:
    """One sprite sheet of the collection's pictures and clips, which must be of one size."""
    assets = [
        asset
        for asset in _assets(application, caller, collection_id)
        if size is None or side_px(asset) == size
    ]
    check_servable(assets)
    name = SHEET_NAMES[format]
    with application.decoding:
        data = sheet_of(assets, application.files.read, "sheet")[name]
    headers = kept(_CHANGING)
    save_as(headers, name, attached=False)
    kind = media_type(data[:HEAD_BYTES], len(data) <= HEAD_BYTES, name)
    return answer_bytes(request, data, headers, hashlib.sha256(data).hexdigest(), kind)


@router.get("/collections/{collection_id}/car", response_class=Response, responses=DOWNLOADED)
def get_car(request: Request, caller: Reader, collection_id: str, application: App) -> Response:
    """One CAR of all assets: a directory with a directory of each, by its id."""
    car = CollectionCar.of(_assets(application, caller, collection_id), application.files)
    headers = kept(_CHANGING) | {"ETag": f'"{car.root}.car"', "Content-Type": CAR_CONTENT_TYPE}
    save_as(headers, f"{collection_id}.car", attached=True)
    if is_known(request, headers["ETag"]):
        return not_modified(headers)
    return streamed(request, car.parts(), headers)


def _assets(application: App, caller: Reader, collection_id: str) -> list[Asset]:
    with application.records.database.reading() as connection:
        return [asset_of(row) for row in assets_in(connection, caller.tenant_id, collection_id)]
