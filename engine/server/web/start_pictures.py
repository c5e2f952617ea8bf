"""Pictures that a drawing starts from: the tenant's own to choose from, and what people bring."""

import re
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from sqlalchemy import select

from assets.asset import AssetKind
from engine.database.asset_views import asset_views
from engine.database.assets import NEWEST_FIRST, AssetFilter, assets_of_tenant, record_upload
from engine.database.pins import want_pins
from engine.database.tables import asset_tags, assets
from engine.database.usage import add_use
from engine.server.caller import App, Creator
from engine.server.cursor import CursorQuery, page
from engine.server.once import told
from engine.server.web.page import Creating, PageRoute, render
from engine.upload import add_upload, as_png

router = APIRouter(route_class=PageRoute, include_in_schema=False)
MASK_TAG: Final = "mask"
_AT_ONCE: Final = 24
_MAX_NAME: Final = 80
_MASKS: Final = select(asset_tags.c.asset_id).where(asset_tags.c.tag == MASK_TAG)
_DRAWN: Final = tuple(kind for kind in AssetKind if kind is not AssetKind.CLIP)


@router.get("/create/pictures")
def pictures(
    request: Request,
    caller: Creating,
    application: App,
    q: Annotated[str, Query(max_length=1000, pattern=r"^[^\x00]*$")] = "",
    cursor: CursorQuery = None,
) -> Response:
    """The tenant's pictures, newest first, or the most alike to ``q``; no clips and no masks."""
    database, following = application.records.database, None
    if q.strip():
        found = application.search.find(caller.tenant_id, q, AssetFilter(), 0, 2 * _AT_ONCE)
        rows = [row for row in found if row.kind != AssetKind.CLIP.value][:_AT_ONCE]
    else:
        wanted = assets_of_tenant(caller.tenant_id, AssetFilter()).where(
            assets.c.kind.in_([kind.value for kind in _DRAWN]), assets.c.id.not_in(_MASKS)
        )
        with database.reading() as connection:
            rows, following = page(connection, wanted, NEWEST_FIRST, _AT_ONCE, cursor)
    with database.reading() as connection:
        found_assets = [
            asset for asset in asset_views(connection, rows, application.files) if MASK_TAG not in asset.tags
        ]
    return render(
        request,
        "parts/start_pictures.html",
        assets=found_assets,
        following=following,
        first=cursor is None,
        q=q.strip(),
    )


async def _body(request: Request, _: Creator) -> bytes:
    return await request.body()


@router.post("/create/pictures")
def bring_picture(
    caller: Creator,
    data: Annotated[bytes, Depends(_body)],
    application: App,
    name: Annotated[str, Query(max_length=500)] = "",
    kind: Annotated[str, Query(max_length=20)] = "character",
    mask: bool = False,
) -> Response:
    """Takes any picture, in the body, writes it anew as PNG and keeps it as an asset of the tenant's."""
    shown = "".join(letter for letter in name if letter.isprintable())
    shown = re.sub(r"\.(png|gif|webp|jpe?g|bmp)$", "", shown, flags=re.IGNORECASE).strip()[:_MAX_NAME]
    asked = AssetKind(kind) if kind in [each.value for each in _DRAWN] else AssetKind.CHARACTER
    with application.decoding:
        png = as_png(data)
        asset = add_upload(application.blocks, png, shown or ("Mask" if mask else "Picture"), asked)
    with application.records.database.writing() as connection:
        row = record_upload(connection, caller.tenant_id, asset, (MASK_TAG,) if mask else ())
        if not mask:
            want_pins(connection, [row.id], application.pinning.names)
        add_use(connection, caller.key_id, upload_bytes=len(data))
        (view,) = asset_views(connection, [row], application.files)
    return told(view, 201)
