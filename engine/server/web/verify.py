"""``/assets/{id}/verify``: an asset is drawn again in the background, and the pictures are shown side by side."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from engine.api.account import Scope
from engine.api.asset import Asset, Verification
from engine.database.asset_views import asset_views
from engine.database.assets import own_asset
from engine.database.verifications import UNFINISHED_VERIFICATION, verification_of
from engine.server.api.verification import begin_verification
from engine.server.caller import App
from engine.server.web.page import Creating, PageRoute, render

router = APIRouter(route_class=PageRoute, include_in_schema=False)
MAX_POLLS: Final = 200  # ten minutes; then the page says that it goes on, and asks no more by itself
# What each check asks, in words that need no knowledge of chains.
_QUESTIONS: Final = {
    "token_uri": "The token names its description",
    "metadata_digest": "The description is the one that was promised",
    "media_cid": "The picture is whole and is the one described",
    "recipe_hash": "The recipe is the one described",
    "regenerated": "Drawing the recipe again gives this picture",
}


@router.post("/assets/{asset_id}/verify")
def verify(request: Request, caller: Creating, application: App, asset_id: str) -> Response:
    caller.require(Scope.CREATE)
    with application.records.database.writing() as connection:
        found = begin_verification(application, connection, caller.tenant_id, asset_id)
        row = own_asset(connection, caller.tenant_id, asset_id)
        asset = asset_views(connection, [row], application.files)[0]
    return render(request, "parts/verification.html", asset=asset, **verification_context(asset, found))


@router.get("/assets/{asset_id}/verify")
def look(
    request: Request,
    caller: Creating,
    application: App,
    asset_id: str,
    polls: Annotated[int, Query(ge=0, le=1_000_000)] = 0,
) -> Response:
    """Where the verification stands."""
    with application.records.database.reading() as connection:
        row = own_asset(connection, caller.tenant_id, asset_id)
        found = verification_of(connection, asset_id)
        asset = asset_views(connection, [row], application.files)[0]
    return render(
        request, "parts/verification.html", asset=asset, **verification_context(asset, found, polls + 1)
    )


def verification_context(asset: Asset, found: Verification | None, polls: int = 0) -> dict[str, Any]:
    """What the part shows."""
    return {
        "verification": found,
        "verifying": found is not None and found.status in UNFINISHED_VERIFICATION,
        "verify_polls": polls,
        "verify_asks": polls < MAX_POLLS,
        "questions": _QUESTIONS,
    }
