"""``/v1/assets/{id}/…``: an asset's files, as they are stored."""

from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from assets.asset import Asset
from assets.car import encode_car, export_dag
from assets.cid import Cid
from engine.database.asset_rows import asset_of
from engine.database.assets import own_asset
from engine.errors import NotServed, UnknownRecord
from engine.server.caller import App, Reader
from engine.server.content_format import CAR_CONTENT_TYPE
from engine.server.file_answer import (
    answer_bytes,
    answer_file,
    is_known,
    not_modified,
    save_as,
    streamed,
)

router = APIRouter(tags=["assets"])
# Only for whoever asked: what a key may read is no shared cache's to keep.
IMMUTABLE: Final = "private, max-age=29604800, immutable"
# What is stored here is not ours; in a browser it may neither run nor reach anything.
_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'; sandbox"
SheetFormat = Literal["png", "aseprite", "godot", "tiled"]
SHEET_NAMES: Final = {
    "png": "sheet.png",
    "aseprite": "sheet.json",
    "godot": "sheet.tres",
    "tiled": "sheet.tsx",
}
FormatQuery = Annotated[
    SheetFormat,
    Query(description="The picture, or the file that tells one of these programs how to play it."),
]
# For the OpenAPI document.
DOWNLOADED: Final[dict[int | str, dict[str, Any]]] = {
    200: {"description": "The file", "content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}},
    206: {"description": "The range of it that was asked for"},
    304: {"description": "The client's copy still holds"},
}


def kept(cache: str = IMMUTABLE) -> dict[str, str]:
    """The headers of every download; a file's name is added to them."""
    return {
        "Cache-Control": cache,
        "Vary": "Authorization, Cookie",
        "X-Content-Type-Options": "nosniff",
        "Content-Security-Policy": _POLICY,
    }


def _asset(caller: Reader, asset_id: str, application: App) -> Asset:
    # Called, not depended on, which would take one more turn of a thread.
    with application.records.database.reading() as connection:
        return asset_of(own_asset(connection, caller.tenant_id, asset_id))


@router.get("/assets/{asset_id}/media", response_class=Response, responses=DOWNLOADED)
def get_media(request: Request, caller: Reader, asset_id: str, application: App) -> Response:
    """The asset itself: a PNG, or of a clip an animated PNG. Takes `Range`."""
    asset = _asset(caller, asset_id, application)
    return _file(request, application, asset.media_cid, f"{asset.asset_id}.png")


@router.get("/assets/{asset_id}/image", response_class=Response, responses=DOWNLOADED)
def get_image(request: Request, caller: Reader, asset_id: str, application: App) -> Response:
    """The picture that stands for the asset, as wallets show it."""
    asset = _asset(caller, asset_id, application)
    return _file(request, application, asset.image_cid, f"{asset.asset_id}-image.png")


@router.get("/assets/{asset_id}/files/{name}", response_class=Response, responses=DOWNLOADED)
def get_file(request: Request, caller: Reader, asset_id: str, name: str, application: App) -> Response:
    """What a clip comes in beside its media, by its name in `files`."""
    asset = _asset(caller, asset_id, application)
    listed = application.files.listed(asset.metadata_cid)
    if name not in listed:
        has = f"it has {', '.join(sorted(listed))}" if listed else "only clips have such files"
        raise UnknownRecord(f"The asset {asset.asset_id} has no file {name[:80]!r}; {has}.")
    return _file(request, application, listed[name], name)


@router.get("/assets/{asset_id}/sheet", response_class=Response, responses=DOWNLOADED)
def get_sheet(
    request: Request, caller: Reader, asset_id: str, application: App, format: FormatQuery = "png"
) -> Response:
    """A clip's sprite sheet."""
    asset = _asset(caller, asset_id, application)
    name = SHEET_NAMES[format]
    listed = application.files.listed(asset.metadata_cid)
    if name not in listed:
        raise NotServed(
            f"The asset {asset.asset_id} has no sprite sheet, because it does not move; ask for its media."
        )
    return _file(request, application, listed[name], name)


@router.get("/assets/{asset_id}/recipe", response_class=Response, responses=DOWNLOADED)
def get_recipe(request: Request, caller: Reader, asset_id: str, application: App) -> Response:
    """The recipe as canonical JSON (RFC 8785), whose sha256 is the recipe's hash and the ETag."""
    asset = _asset(caller, asset_id, application)
    headers = kept()
    save_as(headers, f"{asset.asset_id}-recipe.json", attached=False)
    return answer_bytes(request, asset.recipe.to_bytes(), headers, asset.recipe_hash, "application/json")


@router.get("/assets/{asset_id}/metadata", response_class=Response, responses=DOWNLOADED)
def get_metadata(request: Request, caller: Reader, asset_id: str, application: App) -> Response:
    """The token metadata as it is, or will be, on the chain."""
    asset = _asset(caller, asset_id, application)
    # A mint that overrules the quality gate writes it anew.
    return _file(
        request, application, asset.metadata_cid, f"{asset.asset_id}-metadata.json", cache="private, no-cache"
    )


@router.get("/assets/{asset_id}/car", response_class=Response, responses=DOWNLOADED)
def get_car(request: Request, caller: Reader, asset_id: str, application: App) -> Response:
    """The metadata and all files as a CAR, which any IPFS node imports."""
    asset = _asset(caller, asset_id, application)
    root = application.files.package(asset).root
    headers = kept("private, no-cache") | {"ETag": f'"{root}.car"', "Content-Type": CAR_CONTENT_TYPE}
    save_as(headers, f"{asset.asset_id}.car", attached=True)
    if is_known(request, headers["ETag"]):
        return not_modified(headers)
    blocks = application.blocks
    return streamed(request, encode_car([root], export_dag([root], blocks)), headers)


def _file(request: Request, application: App, cid: Cid, name: str, cache: str = IMMUTABLE) -> Response:
    headers = kept(cache)
    save_as(headers, name, attached=False)
    return answer_file(request, application.blocks, cid, headers, str(cid), name)
