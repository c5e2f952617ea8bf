"""Clips of configured video models: their recipes, and their frames from as drawn to finished."""

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from generators.animation import Animation
from generators.animation import frame_ms as time_at
from generators.cutout import cut_out
from generators.errors import InvalidRecipe
from generators.finishing import FINISH, clean_alpha, on_background, reduce_colours
from generators.outline import draw_outline, remove_outline
from generators.palette import hex_colour, own_palette
from generators.picture_model import PictureModel
from generators.pixelise import pixelise_frames
from generators.prompt_weights import parse_prompt
from generators.recipe import DEFAULT_COLOURS, Kind, Recipe
from generators.video_family import Video

MAX_TOGETHER = 4_000_000  # pixels whose colours are weighed at once: a hundred bytes each; more are sampled
CLIP_NAME = "clip"  # what sheets call an animation whose motion only its prompt describes


def clip_recipe(
    model: PictureModel,
    prompt: str,
    kind: Kind,
    seed: int,
    *,
    size: int | None = None,
    frames: int | None = None,
    frame_ms: int | None = None,
    steps: int,
    guidance: float | None = None,
    palette: int | tuple[str, ...] | Literal["default"] | None = "default",
    strength: float | None = None,
    **fields: Any,
) -> Recipe:
    """The recipe of a clip that a video model draws.

    ``size`` left out, or the longer side of what the model draws, keeps the frames as they were drawn, in all their
    colours; half the shorter side or less makes pixel art of the square in the middle. ``frames`` and their time left
    out are the entry's. ``strength`` is 1 where there is a source picture: it is the first frame.

    Raises InvalidRecipe where a value cannot be drawn, WeightsUnavailable where the model's files cannot be used.
    """
    entry, video = model.entry, model.entry.video
    if kind is not Kind.CLIP:
        raise InvalidRecipe(
            f"The model {entry.id} draws clips and no {kind.value}s; ask for a clip, or name a model that draws "
            "pictures."
        )
    if video is None:
        raise InvalidRecipe(
            f"The model {entry.id} draws pictures and no clips; name a model that draws clips."
        )
    _check_wishes(video, prompt, strength, fields)
    frames = video.frames if frames is None else frames
    model.check_clip(frames)
    pixelised = size is not None and size != max(video.width, video.height)
    if pixelised and size is not None and size * 2 > video.short_px:
        raise InvalidRecipe(
            f"The model {entry.id} draws at {video.width} x {video.height} px, which makes clips of that size, or "
            f"pixel art of {video.short_px // 2} px or less, not {size}; ask for a smaller size, or leave it out."
        )
    if palette == "default":
        palette = DEFAULT_COLOURS if pixelised else None
    guidance = float(entry.guidance if guidance is None else guidance)
    recipe = Recipe.make(
        kind=kind,
        prompt=prompt,
        seed=seed,
        model=entry.id,
        weights=model.digest,
        steps=steps,
        guidance=guidance,
        size=max(video.width, video.height) if size is None else size,
        drawn_px=video.short_px if pixelised else None,
        drawn_shape=None if video.width == video.height else (video.width, video.height),
        precision=model.precision,
        palette=palette,
        finish=FINISH,
        frames=frames,
        frame_ms=time_at(video.fps) if frame_ms is None else frame_ms,
        strength=strength if fields.get("source_cid") is None else 1.0,
        **fields,
    )
    if recipe.negative_prompt and not model.takes_negative(guidance):
        raise InvalidRecipe(
            f"The model {entry.id} reads no negative prompt at guidance {guidance:g}; leave it out, or, where the "
            "model is not a distilled one, raise the guidance above 1."
        )
    return recipe


def _check_wishes(video: Video, prompt: str, strength: float | None, fields: dict[str, Any]) -> None:
    name = f"The model {video.model}"
    if fields.get("action") is not None or fields.get("direction") is not None:
        raise InvalidRecipe(
            f"{name} knows no actions or directions; leave them out, and say in the prompt what moves and how."
        )
    if fields.get("mask_cid") is not None or fields.get("seamless") or parse_prompt(prompt).phrases:
        raise InvalidRecipe(
            f"{name} draws clips from plain words, without weights, a mask or seamless edges; leave them out."
        )
    given = fields.get("source_cid") is not None
    if given and not video.from_picture:
        raise InvalidRecipe(
            f"{name} draws clips from words alone ({video.pipeline}); leave the picture out, or name a model whose "
            "pipeline starts from one."
        )
    if video.from_picture and not given:
        raise InvalidRecipe(
            f"{name} starts from a picture ({video.pipeline}); give the picture that is to move."
        )
    if strength not in (None, 1.0):
        raise InvalidRecipe(f"{name} takes the picture as its first frame; leave the strength out.")


def clip_animation(drawn: NDArray[np.uint8], recipe: Recipe) -> Animation:
    """The finished frames of what a video model drew (f h w 4, uint8, opaque), by the recipe's rules.

    One grid and one palette serve all frames, so that what stands still does not flicker. Raises PackageMissing and
    DrawingFailed where a background cannot be taken out.
    """
    frames = drawn
    if recipe.drawn_px is not None:
        top, left = ((length - recipe.drawn_px) // 2 for length in frames.shape[1:3])
        frames = frames[:, top : top + recipe.drawn_px, left : left + recipe.drawn_px]
    if recipe.cutout:
        frames = np.stack([cut_out(frame) for frame in frames])
    if recipe.drawn_px is not None:
        frames = pixelise_frames(frames, recipe.size)
    if recipe.cutout:
        frames = np.stack([clean_alpha(frame, recipe.kind) for frame in frames])
    frames = _in_palette(frames, recipe)
    if recipe.outline == "none":
        frames = np.stack([remove_outline(frame) for frame in frames])
    elif recipe.outline is not None:
        frames = np.stack([draw_outline(frame, recipe.outline) for frame in frames])
    if recipe.background is not None:
        frames = np.stack([on_background(frame, recipe.background) for frame in frames])
    return Animation(CLIP_NAME, frames, recipe.frame_ms or time_at(1), loops=False)


def _in_palette(frames: NDArray[np.uint8], recipe: Recipe) -> NDArray[np.uint8]:
    palette, fit = recipe.palette, recipe.finish >= 2 and frames[..., 0].size <= MAX_TOGETHER
    if isinstance(palette, int):
        opaque = frames[frames[..., 3] > 0][:, :3]
        if not len(opaque):
            return frames
        own = own_palette(opaque[:: len(opaque) // MAX_TOGETHER + 1], palette)
        palette, fit = tuple(hex_colour(colour) for colour in own), False
    # A palette that is fitted to a picture is fitted to all frames at once, laid under one another.
    pictures = [frames.reshape(-1, *frames.shape[2:])] if fit else list(frames)
    return np.stack([reduce_colours(one, palette, fit) for one in pictures]).reshape(frames.shape)
