"""Assets set in motion: which recipes a clip of an asset has, and the sheet of several."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from assets.asset import Asset, AssetKind
from engine.errors import InvalidField, InvalidRequest
from engine.upload import drawn_recipe, is_upload, side_px
from generators.animation import MAX_FPS, frame_ms
from generators.motion import ACTIONS, Direction, action_named, actions_for
from generators.recipe import DEFAULT_COLOURS, MAX_FRAMES, Kind, Recipe
from generators.source_picture import PictureReader, native, no_pictures, read_bytes, read_picture

if TYPE_CHECKING:  # it imports torch, which takes seconds
    from generators.picture_generator import PictureGenerator

MOVING_KINDS = (AssetKind.CHARACTER, AssetKind.ITEM, AssetKind.TILE)
MAX_CLIPS = 64  # of one sheet: more actions than there are, in every direction
SMALL_PX, FINE_PX = 32, 64


class ClipRecipes(Protocol):
    """Recipes of clips of an asset, one for each action and direction, all of one seed."""

    def __call__(
        self, asset_id: str, movements: Sequence[tuple[str, Direction | None]], seed: int, **wanted: Any
    ) -> list[Recipe]: ...


def moving_fields(kind: Kind, **wanted: Any) -> dict[str, Any]:
    """The fields of a recipe for the ``action``, ``frames``, ``fps`` and ``direction`` that are asked for.

    Raises InvalidField where something that stands still has one, or it cannot be.
    """
    if kind is not Kind.CLIP:
        for name, value in wanted.items():
            if value is not None:
                raise InvalidField(
                    f"Only a clip has {_SPOKEN[name]}; leave it out, or ask for a clip.", _at(name)
                )
        return {}
    if wanted["action"] not in (None, *ACTIONS):
        raise InvalidField(
            f"There is no action {wanted['action'][:40]!r}; use one of {', '.join(ACTIONS)}.", _at("action")
        )
    if wanted["frames"] is not None and not 1 <= wanted["frames"] <= MAX_FRAMES:
        raise InvalidField(f"A clip has 1 to {MAX_FRAMES} frames, not {wanted['frames']}.", _at("frames"))
    if wanted["fps"] is not None and not 1 <= wanted["fps"] <= MAX_FPS:
        raise InvalidField(
            f"A clip shows 1 to {MAX_FPS:g} frames a second, not {wanted['fps']:g}.", _at("fps")
        )
    fps = wanted.pop("fps")
    return wanted | {"frame_ms": None if fps is None else frame_ms(fps)}


_SPOKEN = {
    "action": "an action",
    "frames": "a number of frames",
    "fps": "frames a second",
    "direction": "a direction",
}


def _at(name: str) -> str:
    return f"/controls/{name}"


def source_size_px(source: Asset | Path, read: PictureReader = no_pictures) -> int:
    """The size at which a picture is set in motion: its own, 32 or 64. ``read`` gives the bytes of an uploaded one.

    Raises InvalidRequest for an asset that is no sprite, InvalidPicture for a file that is no picture.
    """
    if isinstance(source, Path):
        return _size_px(read_bytes(source), f"The picture {source}")
    if is_upload(source) and source.kind in MOVING_KINDS:
        return _size_px(read(str(source.media_cid)), f"The asset {source.asset_id}")
    size = side_px(source)
    if source.kind not in MOVING_KINDS or size not in (SMALL_PX, FINE_PX):
        raise InvalidRequest(
            f"The asset {source.asset_id} is of kind {source.kind.value} and {size} px, and only characters, "
            "items and tiles of 32 or 64 px can be set in motion; name one of those."
        )
    return size


def _size_px(data: bytes, name: str) -> int:
    pixels = native(read_picture(data, name))
    return SMALL_PX if max(pixels.shape[:2]) <= SMALL_PX else FINE_PX


def default_action(source: Asset) -> str:
    """What a thing of its kind does when nothing is asked: a character stands, an item floats, a tile flows."""
    if source.kind is AssetKind.TILE and "lava" in str(source.recipe.get("prompt")):
        return "lava"
    return actions_for(source.kind.value)[0]


def clip_recipe(
    generator: "PictureGenerator",
    asset: Asset,
    size_px: int,
    start: Callable[[int], dict[str, Any]],
    seed: int,
    *,
    action: str | None = None,
    direction: Direction | None = None,
    **wanted: Any,
) -> Recipe:
    """The recipe of a clip of ``asset``; ``start`` gives the fields of a recipe that starts from its picture, at a
    size. An uploaded one is drawn by its name.

    Raises InvalidRecipe.
    """
    of_recipe: dict[str, Any] = {"prompt": asset.name, "palette": DEFAULT_COLOURS}
    if not is_upload(asset):
        own = drawn_recipe(asset)
        of_recipe = {
            name: getattr(own, name) for name in ("prompt", "outline", "background", "style", "seamless")
        }
        of_recipe["palette"] = own.palette if own.palette is not None else DEFAULT_COLOURS
    return generator.recipe(
        kind=Kind.CLIP,
        seed=seed,
        action=action or default_action(asset),
        direction=direction,
        size=size_px,
        **(of_recipe | wanted | start(size_px)),
    )


def asked_actions(text: str) -> list[str]:
    """``idle,walk,attack`` as names. Raises InvalidRecipe for one that is not known, InvalidRequest for none."""
    names = [name for name in re.split(r"[,\s]+", text.strip().lower()) if name]
    if not names:
        raise InvalidRequest(f"No action is named; choose some of {', '.join(ACTIONS)}.")
    return list(dict.fromkeys(action_named(name).name for name in names))


def asked_directions(text: str) -> list[Direction]:
    """``right,left`` as directions. Raises InvalidRequest for one that is not known, or none."""
    names = [name for name in re.split(r"[,\s]+", text.strip().lower()) if name]
    known = [direction.value for direction in Direction]
    for name in names:
        if name not in known:
            raise InvalidRequest(f"There is no direction {name[:40]!r}; use some of {', '.join(known)}.")
    if not names:
        raise InvalidRequest(f"No direction is named; choose some of {', '.join(known)}.")
    return [Direction(name) for name in dict.fromkeys(names)]


def movements(actions: Sequence[str], directions: Sequence[Direction]) -> list[tuple[str, Direction | None]]:
    """Every action in every direction, where what it shows faces anywhere. Raises InvalidRequest for too many."""
    made = [
        (action, direction)
        for action in actions
        for direction in (directions if ACTIONS[action].subject == "character" else [None])
    ]
    if len(made) > MAX_CLIPS:
        raise InvalidRequest(f"{len(made)} clips are too many for one sheet; ask for {MAX_CLIPS} or fewer.")
    return made
