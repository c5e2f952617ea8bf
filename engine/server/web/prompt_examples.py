"""Prompts that show what each kind is good for."""

from collections.abc import Mapping
from typing import Final

EXAMPLES: Final[Mapping[str, tuple[str, ...]]] = {
    "character": ("knight with a red cape", "ice golem", "wizard with a blue robe"),
    "item": ("a red potion bottle", "emerald amulet", "long sword"),
    "tile": ("grass floor tile", "grey stone brick wall tile", "lava floor tile"),
    "clip": ("ice golem, walking", "a torch, burning", "skeleton, attacking"),
    "illustration": (
        "a castle above the clouds at dawn",
        "portrait of a forest witch",
        "a dragon asleep on gold",
    ),
}
