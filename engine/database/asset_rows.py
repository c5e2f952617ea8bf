"""An asset as a row of its table, and back."""

from datetime import datetime
from typing import Any

from sqlalchemy import Row

from assets.asset import Asset, AssetKind
from assets.canonical_json import JsonObject, thaw
from assets.cid import Cid


def asset_row(asset: Asset) -> dict[str, Any]:
    """The columns that the asset itself says; those of its tenant and creation are the caller's."""
    return {
        "id": asset.asset_id,
        "kind": asset.kind.value,
        "name": asset.name,
        "recipe": thaw(asset.recipe),
        "recipe_hash": asset.recipe_hash,
        "media_cid": str(asset.media_cid),
        "image_cid": str(asset.image_cid),
        "metadata_cid": str(asset.metadata_cid),
        "owner": asset.owner,
        "parents": list(asset.parents),
        "created_at": asset.created_at.isoformat(),
        "quality": None if asset.quality is None else thaw(asset.quality),
    }


def asset_of(row: Row[Any]) -> Asset:
    """The asset that a row of ``tables.assets`` holds."""
    return Asset(
        asset_id=row.id,
        kind=AssetKind(row.kind),
        name=row.name,
        recipe=JsonObject(row.recipe),
        media_cid=Cid.parse(row.media_cid),
        image_cid=Cid.parse(row.image_cid),
        metadata_cid=Cid.parse(row.metadata_cid),
        owner=row.owner,
        parents=tuple(row.parents),
        created_at=datetime.fromisoformat(row.created_at),
        quality=None if row.quality is None else JsonObject(row.quality),
    )
