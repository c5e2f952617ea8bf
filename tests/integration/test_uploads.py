"""Uploaded pictures in the places where drawn ones go: varied, set in motion, minted and verified."""

import io
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from PIL import Image

from assets.asset import Asset, AssetKind
from engine.api.creation import Controls, CreationRequest
from engine.app import Application
from engine.database.assets import record_upload
from engine.database.tables import LOCAL_TENANT
from engine.errors import InvalidRequest
from engine.settings import Settings
from engine.upload import add_upload, drawn_recipe, is_upload, side_px
from generators.recipe import Kind

Upload = Callable[..., Asset]


@pytest.fixture
def application(settings: Settings) -> Iterator[Application]:
    with Application.open(settings) as opened:
        yield opened


@pytest.fixture
def upload(application: Application) -> Upload:
    """Uploads noise of these pixels a side, each repeated ``scale`` times."""

    def upload(
        width: int, height: int, kind: AssetKind = AssetKind.CHARACTER, scale: int = 1, seed: int = 1
    ) -> Asset:
        pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)
        pixels[..., 3] = 255
        buffer = io.BytesIO()
        Image.fromarray(pixels.repeat(scale, 0).repeat(scale, 1)).save(buffer, "PNG")
        asset = add_upload(application.blocks, buffer.getvalue(), "A sly fox", kind)
        with application.records.database.writing() as connection:
            record_upload(connection, LOCAL_TENANT, asset, ())
        found = application.records.asset(asset.asset_id)
        assert found == asset
        return asset

    return upload


def moving(asset: Asset) -> CreationRequest:
    controls = Controls(source=asset.asset_id)
    return CreationRequest(kind=Kind.CLIP, prompt="a sly fox", seed=1, controls=controls)


@pytest.mark.parametrize(
    ("width", "height", "scale", "size_px"),
    [(32, 32, 1, 32), (20, 31, 1, 32), (64, 40, 1, 64), (32, 32, 5, 32)],
)
def test_a_small_upload_moves_at_its_own_size(
    application: Application, upload: Upload, width: int, height: int, scale: int, size_px: int
) -> None:
    asset = upload(width, height, scale=scale)
    assert (is_upload(asset), side_px(asset)) == (True, max(width, height) * scale)
    (standing,) = application.planner.recipes(moving(asset), asset)
    assert (standing.size, standing.action, standing.source) == (size_px, "idle", asset.asset_id)
    (clip,) = application.clips(asset.asset_id, [("walk", None)], seed=1)
    assert (clip.kind, clip.prompt, clip.size, clip.source) == (
        Kind.CLIP,
        "A sly fox",
        size_px,
        asset.asset_id,
    )


def test_an_upload_is_varied_by_its_name_or_by_a_prompt(application: Application, upload: Upload) -> None:
    asset = upload(32, 32, AssetKind.ITEM)
    first, second = application.variations(asset.asset_id, 0.5, 2, seed=7)
    assert (first.prompt, first.kind, first.size, first.source) == (
        "A sly fox",
        Kind.ITEM,
        32,
        asset.asset_id,
    )
    assert (first.seed, second.seed, first.strength) == (7, 8, 0.5)
    assert application.variations(asset.asset_id, 0.5, 1, 7, "a red fox")[0].prompt == "a red fox"


def test_an_uploaded_illustration_neither_moves_nor_varies(application: Application, upload: Upload) -> None:
    asset = upload(200, 100, AssetKind.ILLUSTRATION)
    with pytest.raises(InvalidRequest, match="only characters, items and tiles"):
        application.planner.recipes(moving(asset), asset)
    with pytest.raises(InvalidRequest, match="was uploaded as an illustration"):
        application.variations(asset.asset_id, 0.5, 1, 1)


def test_an_upload_has_no_recipe_that_draws_it(upload: Upload) -> None:
    with pytest.raises(InvalidRequest, match="was uploaded, so no recipe draws it"):
        drawn_recipe(upload(32, 32))


def test_an_upload_is_minted_and_verified_as_far_as_it_can_be(
    application: Application, upload: Upload
) -> None:
    asset = upload(64, 48)
    minted = application.mint(asset.asset_id)
    checks = application.verify(int(minted.mint.token_id or 0))
    assert [(check.name, check.ok) for check in checks] == [
        ("token_uri", True),
        ("metadata_digest", True),
        ("media_cid", True),
        ("recipe_hash", True),
        ("regenerated", False),
    ]
    assert checks[-1].detail == "the picture was uploaded, so no recipe draws it again"
