"""Prompts that show what each kind is good for."""

from collections.abc import Mapping
from typing import Final

EXAMPLES: Final[Mapping[str, tuple[str, ...]]] = {
    "character": (
        "knight with a red cape",
        "old wizard, green robe",
        "goblin with a bow",
    ),
    "item": ("a red potion bottle", "golden key with a ruby", "a wooden shield"),
    "tile": ("grass with small flowers", "grey cobblestones", "wooden planks"),
    "clip": ("knight with a blue cape, walking", "a torch, burning", "skeleton, attacking"),
    "illustration": (
        "a castle above the clouds at dawn",
        "portrait of a forest witch",
        "a dragon asleep on gold",
    ),
}
