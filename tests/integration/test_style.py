"""Styles and collections through the command line, drawn by a stand-in that paints noise at once."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

from engine import cli
from engine.app import Application
from engine.settings import Settings
from generators.finishing import FINISH, FinishedPicture, finish, read_png
from generators.order import Order
from generators.outline import draw_outline
from generators.recipe import DEFAULT_COLOURS, Kind, Recipe


class Painter:
    """Answers like the generator, and draws a disc of noise."""

    def __init__(self, recipe: Callable[..., Recipe], pixels: Callable[[int], Any]) -> None:
        self._recipe, self._pixels = recipe, pixels

    def recipe(self, prompt: str, kind: Kind, seed: int, **settings: Any) -> Recipe:
        given = {
            name: value
            for name, value in settings.items()
            if value is not None and name not in ("size", "quality")
        }
        return self._recipe(
            **{"palette": DEFAULT_COLOURS, "finish": FINISH} | given,
            **{"prompt": prompt, "kind": kind, "seed": seed, "size": 32},
        )

    def batch_key(self, _: Order) -> int:
        return 0

    def draw_batch(self, orders: Sequence[Order], _: Any) -> list[Any]:
        return [self._pixels(order.recipe.seed) for order in orders]

    def finish(self, pixels: Any, order: Order) -> FinishedPicture:
        return finish(pixels, order.recipe)

    def token_count(self, prompt: str, model: str | None = None) -> tuple[int, int]:
        return len(prompt.split()), 32


@pytest.fixture(autouse=True)
def data_folder(
    settings: Settings,
    recipe: Callable[..., Recipe],
    pixels: Callable[[int], Any],
    monkeypatch: pytest.MonkeyPatch,
) -> Path:
    monkeypatch.setenv("LORESPARK_DATA_DIR", str(settings.data_dir))
    monkeypatch.setattr(Application, "generator", Painter(recipe, pixels))
    return settings.data_dir


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, list(arguments))


def answer(*arguments: str) -> Any:
    result = run(*arguments, "--json")
    assert result.exit_code == 0, (result.output, result.exception)
    return json.loads(result.stdout)


def test_what_is_drawn_in_a_style_keeps_it(data_folder: Path) -> None:
    style = answer(
        "style", "create", "frost", "--palette", "sweetie-16", "--outline", "#1A1C2C", "--words", "of ice"
    )
    assert Path(style["path"]) == data_folder / "styles" / "frost.toml"
    (asset,) = answer("create", "a red potion", "--kind", "item", "--seed", "3", "--style", "frost")["assets"]
    recipe = asset["recipe"]
    assert (recipe["prompt"], recipe["outline"]) == ("a red potion of ice", "#1a1c2c")
    assert (recipe["style"], recipe["palette"]) == (style["hash"], style["palette"])
    pixels, inside = read_png(Path(asset["media_path"]).read_bytes())
    assert inside == Recipe.from_dict(recipe)
    used = {"#" + bytes(rgb).hex() for rgb in np.unique(pixels[pixels[..., 3] > 0][:, :3], axis=0)}
    assert used <= set(style["palette"])
    assert answer("style", "check", "frost", asset["asset_id"])["ok"]
    assert run("style", "check", "frost", asset["media_path"]).exit_code == 0
    (plain,) = answer("create", "a red potion", "--kind", "item", "--seed", "3")["assets"]
    result = run("style", "check", "frost", plain["asset_id"], "--json")
    broken = json.loads(result.stdout)["pictures"][0]["checks"]
    assert (result.exit_code, {check["name"] for check in broken if not check["ok"]}) == (
        1,
        {"palette", "outline"},
    )


def test_a_style_is_taken_from_an_asset_and_a_file(tmp_path: Path) -> None:
    (asset,) = answer("create", "a red potion", "--kind", "item", "--seed", "3", "--palette", "db16")[
        "assets"
    ]
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[8:30, 8:24] = (200, 60, 60, 255)
    Image.fromarray(draw_outline(pixels, "#101018")).save(tmp_path / "hero.png")
    made = answer(
        "style", "create", "mine", "--from", asset["asset_id"], "--from", str(tmp_path / "hero.png")
    )
    assert {"#c83c3c", "#101018"} <= set(made["palette"])
    assert made["references"] == [asset["asset_id"], "hero.png"]
    assert answer("style", "show", "mine") == made
    assert answer("style", "list") == {"styles": [made]}
    assert "mine" in run("style", "list").stdout
    assert "#c83c3c" not in run("style", "show", "mine").stdout, "colours are shown, not spelt"


def test_a_collection_is_one_creation_in_one_style_with_a_sheet() -> None:
    style = answer("style", "create", "frost", "--palette", "game-boy")
    made = answer("collection", "a frozen kingdom", "--style", "frost", "--count", "8", "--seed", "5")
    assert [row["kind"] for row in made["assets"]] == ["character", "item", "tile"] * 2 + [
        "character",
        "item",
    ]
    assert {row["recipe"]["style"] for row in made["assets"]} == {style["hash"]}
    assert [row["recipe"]["seed"] for row in made["assets"]] == list(range(5, 13))
    with Image.open(made["contact_sheet"]) as sheet:
        assert sheet.size == (6 * 192, 2 * 192)
    again = answer("collection", "a frozen kingdom", "--style", "frost", "--count", "8", "--seed", "5")
    assert [row["media_cid"] for row in again["assets"]] == [row["media_cid"] for row in made["assets"]]
    shown = run("collection", "ruins", "--count", "2", "--kinds", "tile")
    assert "ruins" in shown.stdout
    assert "The pictures" in shown.stdout


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["create", "x", "--style", "nope"], "There is no style nope"),
        (["create", "x", "--style", "../etc"], "name must be"),
        (["create", "x", "--style", "frost", "--palette", "16"], "The style frost sets the palette"),
        (["create", "x" * 990, "--style", "frost"], "prompt has 1,0"),
        (["style", "create", "frost"], "There is a style frost already"),
        (["style", "create", "new", "--palette", "16"], "a list of colours, not a number"),
        (["style", "create", "new", "--from", "missing.png"], "cannot be read"),
        (["style", "create", "new", "--from", "asset-x"], "There is no asset"),
        (["style", "show", "frots"], "did you mean frost?"),
        (["style", "show", "broken"], "is not TOML"),
        (["style", "check", "frost", "missing.png"], "cannot be read"),
        (["collection", " "], "theme is empty"),
        (["collection", "x", "--kinds", "song"], "names no kinds"),
        (["collection", "x", "--kinds", "clip"], "A collection is of character, item, tile"),
    ],
)
def test_what_cannot_be_done_with_a_style_is_one_sentence(
    arguments: list[str], said: str, data_folder: Path
) -> None:
    answer("style", "create", "frost", "--palette", "game-boy", "--words", "of the far north, under snow")
    (data_folder / "styles" / "broken.toml").write_text("name = ")
    result = run(*arguments, "--json")
    assert (result.exit_code, result.stdout) == (1, "")
    assert said in result.stderr
    assert len(result.stderr.strip().splitlines()) == 1
