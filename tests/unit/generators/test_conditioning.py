from typing import Any

import pytest

from generators.recipe import Kind, Recipe
from generators.sprite_generator import conditioning


@pytest.mark.parametrize(
    ("kind", "prompt", "read"),
    [
        (Kind.TILE, "mossy stone", "mossy stone tile"),
        (Kind.TILE, "grass floor Tile", "grass floor Tile"),
        (Kind.TILE, "an oak tree, in autumn", "an oak tree, in autumn"),
        (Kind.TILE, "tiled doorway", "tiled doorway tile"),
        (Kind.TILE, "a (brick wall tile:1.4)", "a (brick wall tile:1.4)"),
        (Kind.ITEM, "mossy stone", "mossy stone"),
        (Kind.CHARACTER, "knight", "knight"),
    ],
)
def test_tiles_are_asked_for_as_tiles(fields: dict[str, Any], kind: Kind, prompt: str, read: str) -> None:
    assert conditioning(Recipe.make(**fields | {"kind": kind, "prompt": prompt})) == read
