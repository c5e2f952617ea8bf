"""``/v1/assets/export``: several assets as one file."""

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from engine.api.asset import AssetId
from engine.asset_archive import archive
from engine.collection_car import CollectionCar
from engine.database.asset_rows import asset_of
from engine.database.assets import own_assets
from engine.server.api.downloads import DOWNLOADED, kept
from engine.server.caller import App, Reader
from engine.server.content_format import CAR_CONTENT_TYPE
from engine.server.file_answer import save_as, streamed

router = APIRouter(tags=["assets"])
MAX_EXPORTED: Final = 200  # a link names them all, and stays below what servers take


@router.get("/assets/export", response_class=Response, responses=DOWNLOADED)
def export_assets(
    request: Request,
    caller: Reader,
    application: App,
    asset: Annotated[list[AssetId], Query(min_length=1, max_length=MAX_EXPORTED)],
    format: Literal["png", "sheet", "aseprite", "godot", "tiled", "car"] = "png",
) -> Response:
    """A ZIP of the assets' pictures, or of a sprite sheet of them for a program (one for each size), or one CAR."""
    with application.records.database.reading() as connection:
        rows = own_assets(connection, caller.tenant_id, list(dict.fromkeys(asset)))
    assets = [asset_of(row) for row in rows]
    headers = kept("private, no-cache")
    if format == "car":
        car = CollectionCar.of(assets, application.files)
        save_as(headers, "lorespark-assets.car", attached=True)
        return streamed(request, car.parts(), headers | {"Content-Type": CAR_CONTENT_TYPE})
    save_as(headers, f"lorespark-{format}.zip", attached=True)
    parts = archive(assets, format, application.files)
    return streamed(request, parts, headers | {"Content-Type": "application/zip"})
