"""``/v1/assets/{asset_id}/health``: who holds an asset's content."""

from fastapi import APIRouter
from fastapi.responses import Response

from engine.api.health import Health
from engine.content_health import health
from engine.database.asset_rows import asset_of
from engine.database.pins import named_asset, pins_of
from engine.server.caller import App, Reader
from engine.server.once import told

router = APIRouter(tags=["assets"])


@router.get("/assets/{asset_id}/health", response_model=Health)
def get_asset_health(caller: Reader, asset_id: str, application: App) -> Response:
    """Reads every block here, and says which services hold it and when each last gave it back.

    `asset_id` may also be the CID of the asset's metadata or of its directory.
    """
    with application.records.database.reading() as connection:
        asset = asset_of(named_asset(connection, caller.tenant_id, asset_id))
        pins = pins_of(connection, asset.asset_id)
    return told(health(asset, pins, application.files))
