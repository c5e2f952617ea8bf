"""Drawing from a picture and within a mask: bundled model, real stores, and the way back to the pixels."""

from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from assets.blockstore import BlockStore
from assets.canonical_json import JsonObject
from assets.car import read_car
from assets.cid import Cid
from assets.package import import_asset_car
from engine.app import Application
from engine.errors import InvalidRequest, JobFailed, UnknownAsset
from engine.settings import Settings
from generators.errors import InvalidPicture, InvalidRecipe
from generators.finishing import read_png
from generators.recipe import Kind


@pytest.fixture
def application(settings: Settings) -> Iterator[Application]:
    with Application.open(settings) as opened:
        yield opened


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    """A red disc on clear ground, 32 px scaled up four times."""
    y, x = np.mgrid[:32, :32] - 15.5
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[x**2 + y**2 < 140] = (200, 30, 40, 255)
    path = tmp_path / "disc.png"
    Image.fromarray(pixels.repeat(4, 0).repeat(4, 1)).save(path)
    return path


def pixels_of(application: Application, asset_id: str) -> np.ndarray:
    return read_png(application.media_path(application.asset(asset_id)).read_bytes())[0]


def drawn(application: Application, prompt: str, **fields: object) -> str:
    recipe = application.generator.recipe(prompt, Kind.ITEM, seed=3, steps=4, **fields)
    return application.records.assets_of(application.create([recipe]))[0].asset_id


def test_variation_is_verified_from_its_token_and_exported_with_its_source(
    application: Application, picture: Path, tmp_path: Path
) -> None:
    first = drawn(application, "red gem", **application.starting_from(str(picture), 32, 0.5))
    (recipe,) = application.variations(first, 0.4, 1, 9)
    (varied,) = application.records.assets_of(application.create([recipe]))
    assert varied.parents == (first,)
    assert recipe.source_cid != application.asset(first).recipe["source_cid"]
    minted = application.mint(varied.asset_id)
    checks = application.verify(int(minted.mint.token_id or 0))
    assert [check.name for check in checks if not check.ok] == []

    car = tmp_path / "varied.car"
    application.export(varied.asset_id, car)
    elsewhere = BlockStore(tmp_path / "elsewhere")
    import_asset_car(BytesIO(car.read_bytes()), elsewhere)
    assert Cid.parse(recipe.source_cid or "") in {cid for cid, _ in read_car(BytesIO(car.read_bytes()))[1]}

    # Without the source picture nobody can draw it again, and verify says so.
    source = next(path for path in application.folder.blocks.rglob("*") if recipe.source_cid in path.name)
    source.unlink()
    last = application.verify(int(minted.mint.token_id or 0))[-1]
    assert (last.name, last.ok) == ("regenerated", False)
    assert recipe.source_cid in last.detail


def test_strength_says_how_much_is_drawn_anew(application: Application, picture: Path) -> None:
    start = application.starting_from(str(picture), 32, 0.1)
    original = read_png(application.creation_job._picture(start["source_cid"]))[0].astype(int)
    apart = [
        np.abs(
            pixels_of(application, drawn(application, "blue gem", **start | {"strength": s})) - original
        ).mean()
        for s in (0.1, 1.0)
    ]
    assert apart[0] < apart[1] / 2


def test_only_the_masked_part_changes(application: Application, picture: Path, tmp_path: Path) -> None:
    mask = np.zeros((128, 128), np.uint8)
    mask[60:100, 40:88] = 255
    Image.fromarray(mask).save(tmp_path / "mask.png")
    fields = application.starting_from(str(picture), 32, 1.0, tmp_path / "mask.png")
    made = pixels_of(application, drawn(application, "blue gem", **fields))
    original = read_png(application.creation_job._picture(fields["source_cid"]))[0]
    changed = np.zeros((32, 32), bool)
    changed[15:25, 10:22] = True
    assert np.array_equal(made[~changed], original[~changed])
    assert (made[changed] != original[changed]).any()


def test_what_cannot_be_started_from_is_told_and_leaves_nothing(
    application: Application, picture: Path, tmp_path: Path
) -> None:
    with pytest.raises(UnknownAsset, match=r"^'gone\.png' is neither an asset nor a picture file; "):
        application.starting_from("gone.png", 32, 0.5)
    text = tmp_path / "words.txt"
    text.write_text("no picture")
    with pytest.raises(
        InvalidPicture, match=r"words\.txt is not a readable picture; save it again as PNG\.$"
    ):
        application.starting_from(str(text), 32, 0.5)
    small = tmp_path / "small.png"
    Image.new("L", (16, 16), 255).save(small)
    with pytest.raises(InvalidPicture, match=r"^The mask is 16 x 16 pixels and the picture 128 x 128; "):
        application.starting_from(str(picture), 32, 0.5, small)
    with pytest.raises(InvalidRecipe, match=r"^The strength must be a number above 0, up to 1, not 2\.$"):
        drawn(application, "gem", **application.starting_from(str(picture), 32, 2))
    lost = {"source_cid": "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku", "strength": 0.5}
    with pytest.raises(JobFailed, match="bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"):
        drawn(application, "gem", **lost)
    assert application.records.newest_assets(9) == []


def test_picture_of_a_configured_model_has_no_variations_by_another(
    application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    asset = application.asset(drawn(application, "red gem"))
    large = replace(asset, recipe=JsonObject({**asset.recipe, "model": "sd-turbo", "drawn_px": 512}))
    monkeypatch.setattr(application, "asset", lambda _: large)
    with pytest.raises(
        InvalidRequest, match=r"^The asset was drawn by sd-turbo, and only the bundled models"
    ):
        application.variations(asset.asset_id, 0.5, 1, 1)
