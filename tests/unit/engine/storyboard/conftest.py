"""Assets that are only records, and pictures for them: what a storyboard needs to know of the world."""

from collections.abc import Callable
from datetime import UTC, datetime

import numpy as np
import pytest
from numpy.typing import NDArray

from assets.asset import Asset, AssetKind
from assets.canonical_json import JsonObject
from assets.cid import raw_cid
from tests.clip_simulator import SimulatedClips

KNIGHT, ORC, POTION, GRASS, PAINTING = "asset-a1", "asset-a2", "asset-b1", "asset-c1", "asset-d1"


def made(asset_id: str, kind: AssetKind, prompt: str, size: int = 16) -> Asset:
    cid = raw_cid(asset_id.encode())
    return Asset(
        asset_id=asset_id,
        kind=kind,
        name=prompt.capitalize(),
        recipe=JsonObject({"prompt": prompt, "size": size, "kind": kind.value}),
        media_cid=cid,
        image_cid=cid,
        metadata_cid=cid,
        created_at=datetime(2026, 1, 1, tzinfo=UTC),
    )


@pytest.fixture
def assets() -> dict[str, Asset]:
    """By id; ``assets.get`` is how a storyboard finds them."""
    all_ = (
        made(KNIGHT, AssetKind.CHARACTER, "a knight in silver armor with a sword"),
        made(ORC, AssetKind.CHARACTER, "a green orc with an axe"),
        made(POTION, AssetKind.ITEM, "red potion bottle"),
        made(GRASS, AssetKind.TILE, "grass tile"),
        made(PAINTING, AssetKind.ILLUSTRATION, "a wide valley", size=2048),
    )
    return {asset.asset_id: asset for asset in all_}


@pytest.fixture
def picture() -> Callable[[str], NDArray[np.uint8]]:
    """16 16 4: a tile of one green, anything else a figure 6 pixels wide that stands on row 13, left half red."""

    def picture(asset_id: str) -> NDArray[np.uint8]:
        out = np.zeros((16, 16, 4), np.uint8)
        if asset_id == GRASS:
            out[:] = (40, 160, 60, 255)
        else:
            out[4:14, 5:8] = (200, 30, 30, 255)
            out[4:14, 8:11] = (30, 30, 200, 255)
        return out

    return picture


@pytest.fixture
def clips(picture: Callable[[str], NDArray[np.uint8]]) -> SimulatedClips:
    return SimulatedClips(picture)
