"""What stands in the form before anybody types: its defaults, an asset's recipe, or a creation's request."""

from collections.abc import Mapping
from typing import Any, Final, cast

from assets.asset import Asset
from assets.canonical_json import thaw
from engine.api.creation import CreationRequest
from engine.model_catalogue import ModelCatalogue
from engine.server.web.creation_form import Form
from engine.upload import is_upload
from generators.animation import MIN_FRAME_MS
from generators.motion import ACTIONS, natural_frame_ms
from generators.named_palettes import PALETTE_NAMES, named_palette
from generators.recipe import DEFAULT_COLOURS, DEFAULT_STRENGTH

BLANK: Final[Form] = {
    "prompt": "",
    "kind": "character",
    "count": "4",
    "size": "",
    "quality": "standard",
    "model": "",
    "seed_mode": "random",
    "seed": "",
    "negative_prompt": "",
    "steps": "",
    "guidance": "",
    "palette": "",
    "colours": "16",
    "own_colours": "",
    "outline": "",
    "outline_colour": "#1a1c2c",
    "background": "",
    "background_colour": "#f4f4f4",
    "seamless": "",
    "cutout": "",
    "style": "",
    "source": "",
    "mask": "",
    "strength": f"{DEFAULT_STRENGTH:g}",
    "action": "",
    "direction": "",
    "frames": "",
    "fps": "",
}
_NAMES: Final = {frozenset(named_palette(name) or ()): name for name in PALETTE_NAMES}


def form_of_asset(asset: Asset, catalogue: ModelCatalogue) -> Form:
    """The form that would draw the asset again; of an upload, the one that starts from its picture."""
    if is_upload(asset):
        return {**BLANK, "kind": asset.kind.value, "source": asset.asset_id}
    recipe = cast(dict[str, Any], thaw(asset.recipe))
    kind, model = str(recipe["kind"]), str(recipe["model"])
    bundled = catalogue.bundled.get(model)
    form = {
        **BLANK,
        "kind": kind,
        "prompt": str(recipe["prompt"]),
        "negative_prompt": str(recipe.get("negative_prompt") or ""),
        "count": "1",
        "seed_mode": "locked",
        "seed": str(recipe["seed"]),
        "model": "" if bundled is not None else model,
        "size": str(recipe["size"]),
        "guidance": ""
        if bundled is not None and recipe["guidance"] == bundled.guidance
        else _told(recipe, "guidance"),
        "seamless": "1" if recipe.get("seamless") else "",
        "cutout": "1" if recipe.get("cutout") else "",
    }
    qualities = {} if bundled is None else {count: quality.value for quality, count in bundled.steps}
    if recipe["steps"] in qualities:
        form["quality"] = qualities[recipe["steps"]]
    else:
        form["steps"] = str(recipe["steps"])
    if recipe.get("source"):
        form |= {"source": str(recipe["source"]), "strength": _told(recipe, "strength")}
    if kind == "clip":
        form |= _moving(recipe)
    usual = None if kind == "illustration" else DEFAULT_COLOURS
    return form | _palette(recipe.get("palette"), usual) | _colours(recipe)


def form_of_request(request: CreationRequest) -> Form:
    """The form that made the request. Its seed, where nobody named one, is the one that it got."""
    controls = request.controls
    told = {
        name: _plain(getattr(controls, name))
        for name in (
            *(
                "negative_prompt",
                "size",
                "quality",
                "steps",
                "guidance",
                "style",
                "source",
                "mask",
                "strength",
            ),
            *("action", "direction", "frames", "fps"),
        )
    }
    form = {
        **BLANK,
        **told,
        "kind": request.kind.value,
        "prompt": request.prompt,
        "count": str(request.count),
        "model": request.model or "",
        "seed": _plain(request.seed),
        "seamless": "1" if controls.seamless else "",
        "cutout": "1" if controls.cutout else "",
    }
    wished = controls.palette
    if isinstance(wished, str):
        form["palette"] = wished if wished in PALETTE_NAMES else "none" if wished.lower() == "none" else ""
    elif wished is not None:
        form |= _palette(wished, None)
    return form | _colours({"outline": controls.outline, "background": controls.background})


def _palette(palette: Any, usual: int | None) -> dict[str, str]:
    """``usual`` is what is drawn with when nothing is chosen."""
    if palette == usual:
        return {}
    if palette is None:
        return {"palette": "none"}
    if isinstance(palette, int):
        return {"palette": "number", "colours": str(palette)}
    if (name := _NAMES.get(frozenset(palette))) is not None:
        return {"palette": name}
    return {"palette": "own", "own_colours": " ".join(palette)}


def _colours(found: Mapping[str, Any]) -> dict[str, str]:
    told: dict[str, str] = {}
    for name in ("outline", "background"):
        value = found.get(name)
        if value == "none":
            told[name] = "none"
        elif value is not None:
            told |= {name: "colour", f"{name}_colour": str(value)}
    return told


def _moving(recipe: Mapping[str, Any]) -> dict[str, str]:
    told = {name: _told(recipe, name) for name in ("action", "direction", "frames")}
    frames, frame_ms, action = recipe.get("frames"), recipe.get("frame_ms"), ACTIONS.get(told["action"])
    if frames and frame_ms and (action is None or natural_frame_ms(action, frames) != frame_ms):
        told["fps"] = f"{1000 / max(frame_ms, MIN_FRAME_MS):.3g}"
    return told


def _told(recipe: Mapping[str, Any], name: str) -> str:
    return _plain(recipe.get(name))


def _plain(value: Any) -> str:
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)
