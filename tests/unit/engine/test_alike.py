"""Assets that are alike: by what their texts mean, and right after some of them were deleted."""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pytest
from numpy.typing import NDArray

from assets.asset import Asset
from engine.app import Application
from engine.database.asset_vectors import WIDTH
from engine.database.assets import AssetFilter
from engine.database.tables import LOCAL_TENANT, assets
from engine.search import AssetSearch
from engine.settings import Settings

Add = Callable[..., Asset]
ANY = AssetFilter()


class Lengths:
    """Means nothing but how long a text is: those of nearly one length are alike."""

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        made = np.zeros((len(texts), WIDTH), np.float32)
        turns = np.array([len(text) / 100 for text in texts])
        made[:, 0], made[:, 1] = np.cos(turns), np.sin(turns)
        return made


@pytest.fixture
def application(settings: Settings) -> Iterator[Application]:
    with Application.open(settings) as opened:
        yield opened


@pytest.fixture
def named(application: Application, add_asset: Add) -> dict[str, str]:
    """Names, each as long as it says, and the ids of their assets."""
    made = {}
    for seed, length in enumerate((10, 20, 40, 80), 1):
        asset_id = add_asset(application, seed).asset_id
        recipe = dict(application.asset(asset_id).recipe) | {"prompt": "x" * length}
        with application.records.database.writing() as connection:
            own = assets.update().where(assets.c.id == asset_id)
            connection.execute(own.values(name="x" * length, recipe=recipe))
        made[f"x{length}"] = asset_id
    return made


def alike(search: AssetSearch, asset_id: str, start: int = 0, count: int = 10) -> list[str]:
    return [f"x{len(row.name)}" for row in search.alike(LOCAL_TENANT, asset_id, ANY, start, count)]


def test_the_nearest_come_first_and_pages_follow_each_other(
    application: Application, named: dict[str, str]
) -> None:
    search = AssetSearch(application.records.database, Lengths)
    assert alike(search, named["x20"]) == ["x20", "x10", "x40", "x80"]
    assert alike(search, named["x80"], 1, 2) == ["x40", "x20"]
    assert alike(search, "asset-none") == []


def test_what_was_deleted_leaves_no_hole_in_a_page(application: Application, named: dict[str, str]) -> None:
    search = AssetSearch(application.records.database, Lengths)
    assert len(alike(search, named["x10"])) == 4
    application.removal.remove(LOCAL_TENANT, named["x20"])
    assert alike(search, named["x10"], 0, 3) == ["x10", "x40", "x80"]
    words = search.find(LOCAL_TENANT, "x" * 20, ANY, 0, 2)
    assert len(words) == 2
