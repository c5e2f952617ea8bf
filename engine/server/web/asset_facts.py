"""A recipe as a person reads it."""

from collections.abc import Mapping
from typing import Any, Final

_PALETTE_SHOWN: Final = 64


def recipe_facts(recipe: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and value of what the recipe says, the most telling first; what is as usual is left out."""
    if "prompt" not in recipe:
        return [("Picture", f"{recipe.get('width')} × {recipe.get('height')} px, uploaded")]
    palette = recipe.get("palette")
    frames, frame_ms = recipe.get("frames"), recipe.get("frame_ms")
    told: list[tuple[str, Any]] = [
        ("Prompt", recipe["prompt"]),
        ("Without", recipe.get("negative_prompt")),
        ("Model", recipe.get("model")),
        ("Seed", recipe.get("seed")),
        ("Size", f"{recipe.get('size')} px"),
        ("Drawn at", f"{recipe['drawn_px']} px, then pixelised" if recipe.get("drawn_px") else None),
        ("Steps", recipe.get("steps")),
        ("Guidance", recipe.get("guidance")),
        ("Palette", f"{palette} colours" if isinstance(palette, int) else None),
        ("Action", recipe.get("action")),
        ("Facing", recipe.get("direction")),
        ("Frames", f"{frames}, each for {frame_ms} ms" if frames else None),
        ("Strength", recipe.get("strength")),
        ("Seamless", "yes" if recipe.get("seamless") else None),
        ("Outline", recipe.get("outline")),
        ("Background", recipe.get("background") or ("removed" if recipe.get("cutout") else None)),
        ("Precision", recipe.get("precision")),
    ]
    return [
        (name, f"{value:g}" if isinstance(value, float) else str(value))
        for name, value in told
        if value not in (None, "")
    ]


def palette_of(recipe: Mapping[str, Any]) -> list[str]:
    """The colours that the recipe names."""
    palette = recipe.get("palette")
    return (
        []
        if palette is None or isinstance(palette, int)
        else [str(each) for each in palette][:_PALETTE_SHOWN]
    )
