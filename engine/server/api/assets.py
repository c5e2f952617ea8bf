"""``/v1/assets``: a tenant's assets, found, tagged and uploaded."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from assets.asset import AssetKind
from chain.address import parse_address
from engine.api.asset import MAX_NAME_CHARACTERS, MAX_TAGS, Asset, AssetChange
from engine.api.model import Page, Tag
from engine.app import Application
from engine.database.asset_views import asset_views
from engine.database.assets import (
    NEWEST_FIRST,
    AssetFilter,
    assets_of_tenant,
    own_asset,
    record_upload,
    set_favourite,
    set_tags,
)
from engine.database.pins import want_pins
from engine.database.usage import add_use
from engine.errors import InvalidBody, InvalidRequest
from engine.server.caller import App, Caller, Creator, Reader
from engine.server.cursor import DEFAULT_PAGE, CursorQuery, LimitQuery, page
from engine.server.offset import next_offset, offset_of
from engine.server.once import OnceOnly, told
from engine.upload import add_upload

router = APIRouter(tags=["assets"])
IdQuery = Annotated[str | None, Query(max_length=128, pattern=r"^[^\x00]+$")]
_UPLOAD_BODY = {
    "requestBody": {
        "required": True,
        "description": "The bytes of a PNG: at most 16 MiB and 4096 pixels a side.",
        "content": {"image/png": {"schema": {"type": "string", "format": "binary"}}},
    }
}


async def _filter(  # not worth a thread
    kind: AssetKind | None = None,
    tag: Annotated[Tag | None, Query()] = None,
    creation: IdQuery = None,
    collection: IdQuery = None,
    owner: Annotated[str | None, Query(max_length=42, description="An account of the chain.")] = None,
    minted: Annotated[bool | None, Query(description="Whether it is on the chain.")] = None,
    uploaded: bool | None = None,
    favourite: bool | None = None,
) -> AssetFilter:
    address = None if owner is None else parse_address(owner)
    return AssetFilter(kind, tag, creation, collection, address, minted, uploaded, favourite)


@router.get("/assets", response_model=Page[Asset])
def list_assets(
    caller: Reader,
    application: App,
    wanted: Annotated[AssetFilter, Depends(_filter)],
    q: Annotated[
        str | None,
        Query(
            min_length=1,
            max_length=1000,
            pattern=r"^[^\x00]+$",
            description="What to look for; then the most alike come first instead of the newest.",
        ),
    ] = None,
    like: Annotated[
        str | None,
        Query(max_length=128, description="An asset: those come first whose texts mean what its text means."),
    ] = None,
    limit: LimitQuery = DEFAULT_PAGE,
    cursor: CursorQuery = None,
) -> Response:
    """The tenant's assets, newest first, or by what their prompts and names mean."""
    return told(listed_assets(application, caller, wanted, q, like, limit, cursor))


def listed_assets(
    application: Application,
    caller: Caller,
    wanted: AssetFilter,
    q: str | None,
    like: str | None,
    limit: int,
    cursor: str | None,
) -> Page[Asset]:
    """A page of the caller's assets. Raises InvalidRequest for ``q`` and ``like`` at once, UnknownAsset."""
    database = application.records.database
    if q is not None and like is not None:
        raise InvalidRequest("Assets are found by words or by likeness; leave out `q` or `like`.")
    if q is None and like is None:
        with database.reading() as connection:
            query = assets_of_tenant(caller.tenant_id, wanted)
            rows, following = page(connection, query, NEWEST_FIRST, limit, cursor)
            views = asset_views(connection, rows, application.files)
        return Page[Asset](data=tuple(views), next=following)
    start = offset_of(cursor)
    if like is not None:
        with database.reading() as connection:
            own_asset(connection, caller.tenant_id, like)
        found = application.search.alike(caller.tenant_id, like, wanted, start, limit + 1)
    else:
        found = application.search.find(caller.tenant_id, q or "", wanted, start, limit + 1)
    with database.reading() as connection:
        views = asset_views(connection, found[:limit], application.files)
    return Page[Asset](data=tuple(views), next=next_offset(start, limit, len(found)))


@router.get("/assets/{asset_id}", response_model=Asset)
def get_asset(caller: Reader, asset_id: str, application: App) -> Response:
    with application.records.database.reading() as connection:
        row = own_asset(connection, caller.tenant_id, asset_id)
        return told(asset_views(connection, [row], application.files)[0])


@router.patch("/assets/{asset_id}", response_model=Asset)
def change_asset(caller: Creator, asset_id: str, change: AssetChange, application: App) -> Response:
    """Gives the asset other tags, or marks it as a favourite."""
    with application.records.database.writing() as connection:
        row = own_asset(connection, caller.tenant_id, asset_id)
        if change.tags is not None:
            set_tags(connection, asset_id, change.tags)
        if change.favourite is not None:
            set_favourite(connection, asset_id, change.favourite)
        return told(asset_views(connection, [row], application.files)[0])


@router.delete("/assets/{asset_id}", status_code=204, response_class=Response)
def delete_asset(caller: Creator, asset_id: str, application: App) -> Response:
    """Deletes the asset. One that is on the chain, on its way there, promised by a voucher, held by a player or made
    into others is not deleted. What pinning services hold stays with them."""
    application.removal.remove(caller.tenant_id, asset_id)
    return Response(status_code=204)


async def _png(request: Request, _: Creator) -> bytes:
    kind = request.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    if kind != "image/png":
        raise InvalidBody("The body must be a PNG; send its bytes with Content-Type: image/png.")
    return await request.body()


@router.post("/assets", status_code=201, response_model=Asset, openapi_extra=_UPLOAD_BODY)
def upload_asset(
    caller: Creator,
    data: Annotated[bytes, Depends(_png)],
    name: Annotated[str, Query(min_length=1, max_length=MAX_NAME_CHARACTERS, pattern=r"^[^\x00-\x1f\x7f]+$")],
    once: OnceOnly,
    application: App,
    kind: Literal["character", "item", "tile", "illustration"] = "character",
    tags: Annotated[list[Tag] | None, Query(max_length=MAX_TAGS)] = None,
) -> Response:
    """Uploads a PNG, to vary it, to set it in motion, or to mint it. The bytes are kept as they are."""
    # Before the transaction, which must not wait for the disk; the same blocks twice are the same blocks.
    with application.decoding:
        asset = add_upload(application.blocks, data, name, AssetKind(kind))

    def record(connection: Connection) -> Asset:
        row = record_upload(connection, caller.tenant_id, asset, tags or ())
        want_pins(connection, [row.id], application.pinning.names)
        add_use(connection, caller.key_id, upload_bytes=len(data))
        return asset_views(connection, [row], application.files)[0]

    return once.answer(201, record, lambda made: {"Location": made.links["self"]})
