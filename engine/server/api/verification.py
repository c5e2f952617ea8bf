"""``/v1/assets/{asset_id}/verification``: an asset is drawn again and compared."""

import hashlib

from fastapi import APIRouter, Request
from fastapi.responses import Response
from sqlalchemy import Connection

from engine.api.asset import Verification
from engine.app import Application
from engine.database.asset_rows import asset_of
from engine.database.assets import own_asset
from engine.database.jobs import BUNDLED
from engine.database.verifications import PictureName, ask_verification, picture_of, verification_of
from engine.errors import UnknownRecord
from engine.server.api.downloads import DOWNLOADED, kept
from engine.server.caller import App, Creator, Reader
from engine.server.file_answer import answer_bytes
from engine.server.once import told
from engine.upload import drawn_recipe

router = APIRouter(tags=["assets"])


@router.post("/assets/{asset_id}/verification", status_code=202, response_model=Verification)
def verify(caller: Creator, asset_id: str, application: App) -> Response:
    """Draws the asset again in the background and compares it; of one that is minted the whole chain of checks, from
    the token to the pixels. While one is under way it answers with that one."""
    with application.records.database.writing() as connection:
        return told(begin_verification(application, connection, caller.tenant_id, asset_id), 202)


@router.get("/assets/{asset_id}/verification", response_model=Verification)
def get_verification(caller: Reader, asset_id: str, application: App) -> Response:
    """The newest verification of the asset."""
    with application.records.database.reading() as connection:
        own_asset(connection, caller.tenant_id, asset_id)
        found = verification_of(connection, asset_id)
    if found is None:
        raise UnknownRecord(f"The asset {asset_id} was never verified; POST to this path verifies it.")
    return told(found)


@router.get("/assets/{asset_id}/verification/{picture}", response_class=Response, responses=DOWNLOADED)
def get_picture(
    request: Request, caller: Reader, asset_id: str, picture: PictureName, application: App
) -> Response:
    """The picture that is kept, the one that was drawn again, or where they differ, as a PNG."""
    with application.records.database.reading() as connection:
        own_asset(connection, caller.tenant_id, asset_id)
        data = picture_of(connection, asset_id, picture)
    return answer_bytes(
        request, data, kept("private, no-cache"), hashlib.sha256(data).hexdigest(), "image/png"
    )


def begin_verification(
    application: Application, connection: Connection, tenant_id: str, asset_id: str
) -> Verification:
    """Asks for the verification of the tenant's asset. Raises UnknownAsset, InvalidRequest for an upload."""
    recipe = drawn_recipe(asset_of(own_asset(connection, tenant_id, asset_id)))
    known = {model.id: model for model in application.catalogue.models(connection)}
    model = known.get(recipe.model)
    # What no worker here has is asked of whoever draws, who says what is missing; it must not wait for ever.
    wanted = model.id if model is not None and not model.bundled and model.online else BUNDLED
    return ask_verification(connection, tenant_id, asset_id, wanted)
