"""Clip recipes -> frames, with the bundled clip network: the picture first, then what it does."""

import hashlib
from typing import Any

import numpy as np
import rfc8785
import torch
from diffusers import DiffusionPipeline
from numpy.typing import NDArray

from generators.animation import Animation
from generators.batching import StepListener
from generators.clip import FinishedClip, finished_clip
from generators.clip_finishing import finished_frames
from generators.clip_judge import ClipJudge, clip_judge_digest
from generators.clip_pipeline import ClipPipeline
from generators.cpu_layers import fit_to_cpu
from generators.errors import InvalidRecipe
from generators.finishing import FINISH
from generators.models import SpriteModel
from generators.motion import (
    ACTIONS,
    FRAME_COUNTS,
    Action,
    Direction,
    action_in,
    action_named,
    natural_frame_ms,
)
from generators.order import Order
from generators.recipe import DEFAULT_SIZE_PX, MAX_STEPS, Kind, Precision, Quality, Recipe
from generators.sprite_generator import SpriteGenerator
from generators.text_encoder import quiet_loading

CANVAS_PX = 64
PICTURE_STEPS = 2  # of a picture for each of the clip's, which begins nearer to its end (docs/model-card.md)
SURELY_LEFT = (
    0.8  # where the judge is as sure of a unit it never saw, it is right in 95 %; docs/model-card.md
)


class ClipGenerator:
    """Draws a clip's first picture as ``SpriteGenerator`` would, or takes one that is there, and sets it in motion."""

    def __init__(self, sprites: SpriteGenerator) -> None:
        self._sprites = sprites
        self._pipelines: dict[tuple[str, Precision], ClipPipeline] = {}
        self._judge: ClipJudge | None = None

    @property
    def model(self) -> SpriteModel:
        """The bundled clip model. Raises InvalidRecipe where none is installed."""
        for model in self._sprites.models.values():
            if model.draws == "clips":
                return model
        raise InvalidRecipe(
            "No installed model draws clips; reinstall Lorespark, or name a configured model."
        )

    def recipe(
        self,
        prompt: str,
        seed: int,
        *,
        action: str | None = None,
        direction: Direction | None = None,
        frames: int | None = None,
        frame_ms: int | None = None,
        size: int | None = None,
        quality: Quality = Quality.STANDARD,
        steps: int | None = None,
        guidance: float | None = None,
        **fields: Any,
    ) -> Recipe:
        """The recipe of a clip. ``action`` left out is what the prompt ends in, else idle; ``frame_ms`` left out is the
        action's natural time.

        Raises InvalidRecipe where a value cannot be drawn.
        """
        model = self.model
        moving = action_named(action) if action is not None else action_in(prompt)
        if frames is not None and frames not in FRAME_COUNTS:
            counts = " or ".join(map(str, FRAME_COUNTS))
            raise InvalidRecipe(f"The clip model draws {counts} frames, not {frames}; ask for one of these.")
        count = frames or FRAME_COUNTS[-1]
        from_picture = fields.get("source_cid") is not None
        if from_picture and fields.get("negative_prompt"):
            raise InvalidRecipe("A clip of a picture that is there reads no negative prompt; leave it out.")
        if from_picture and fields.get("mask_cid") is not None:
            raise InvalidRecipe("A clip moves the whole picture; leave the mask out.")
        if moving.subject != "character" and direction is not None:
            raise InvalidRecipe(f"What does {moving.name} faces nowhere; leave the direction out.")
        wanted_size = size or DEFAULT_SIZE_PX[Kind(moving.subject)]
        if wanted_size not in (CANVAS_PX, CANVAS_PX // 2):
            raise InvalidRecipe(
                f"The clip model draws at 32 or 64 px, not at {wanted_size}; use one of these."
            )
        return Recipe.make(
            kind=Kind.CLIP,
            prompt=prompt,
            seed=seed,
            model=model.id,
            weights=self._weights(wanted_size, from_picture),
            steps=model.steps_for(quality) if steps is None else steps,
            guidance=float(model.guidance if guidance is None else guidance),
            size=wanted_size,
            precision=self._sprites.precision,
            finish=FINISH,
            action=moving.name,
            direction=direction,
            frames=count,
            frame_ms=natural_frame_ms(moving, count) if frame_ms is None else frame_ms,
            **fields,
        )

    def draw(self, order: Order, on_step: StepListener) -> NDArray[np.uint8]:
        """The picture that moves, then its frames as drawn (1 + f 64 64 4, uint8); one thread at a time.

        The steps told count those of the picture too; previews are 1 h w 4, then 1 f h w 4.
        """
        recipe = order.recipe
        model = self._checked(recipe, order)
        before = 0 if order.source is not None else picture_steps(recipe)
        steps = before + recipe.steps
        picture = order.source.pixels if order.source is not None else self._picture(recipe, on_step, steps)
        times = CANVAS_PX // recipe.size
        canvas = picture.repeat(times, 0).repeat(times, 1)
        action = ACTIONS[recipe.action or "idle"]
        mirrored, facing = self._facing(canvas, action, recipe)
        given = np.ascontiguousarray(canvas[:, ::-1]) if mirrored else canvas
        frames = self._pipeline(model, recipe.precision)(
            f"{recipe.prompt}, {action.words}",
            given,
            action,
            facing,
            num_frames=recipe.frames or FRAME_COUNTS[-1],
            art_px=times,
            seamless=recipe.seamless,
            num_inference_steps=recipe.steps,
            generator=torch.Generator("cpu").manual_seed(recipe.seed),
            callback_on_step_end=lambda step, _, preview: on_step(
                before + step, steps, lambda: preview()[None]
            ),
        ).frames
        drawn = np.concatenate([given[None], frames])
        return np.ascontiguousarray(drawn[:, :, ::-1]) if self._turned(mirrored, recipe) else drawn

    def finish(self, drawn: NDArray[np.uint8], order: Order) -> FinishedClip:
        """The clip whose picture and frames were drawn as ``drawn``; on any thread."""
        recipe = order.recipe
        action = ACTIONS[recipe.action or "idle"]
        frames = finished_frames(drawn[1:], drawn[0], recipe)
        name = action.name if recipe.direction is None else f"{action.name}-{recipe.direction}"
        return finished_clip(
            Animation(name, frames, recipe.frame_ms or action.frame_ms, action.loops), recipe
        )

    def _picture(self, recipe: Recipe, on_step: StepListener, steps: int) -> NDArray[np.uint8]:
        """The finished first picture (h w 4) of a clip that starts from words."""
        own = picture_recipe(recipe, self._sprites)
        order = Order(own)
        drawn = self._sprites.draw_batch([order], lambda step, _, preview: on_step(step, steps, preview))
        return self._sprites.finish(drawn[0], order).pixels

    def _facing(
        self, canvas: NDArray[np.uint8], action: Action, recipe: Recipe
    ) -> tuple[bool, Direction | None]:
        """Whether the picture is mirrored before it moves, so that it faces right, and what the network is told."""
        if action.subject != "character":
            return False, None
        if recipe.direction in (Direction.UP, Direction.DOWN):
            return False, recipe.direction
        if recipe.direction is None and action.name == "walk" and recipe.size < CANVAS_PX:
            return False, Direction.DOWN  # 32 px figures are seen from the front
        if recipe.size < CANVAS_PX:
            return False, Direction.RIGHT  # the judge has seen no small figures from the side
        if self._judge is None:
            self._judge = ClipJudge.load()
        return self._judge.faces_left(canvas) >= SURELY_LEFT, Direction.RIGHT

    def _turned(self, mirrored: bool, recipe: Recipe) -> bool:
        """Whether the frames, which face right, are mirrored: for a direction, or back to how the picture faced."""
        return mirrored if recipe.direction is None else recipe.direction is Direction.LEFT

    def _weights(self, size_px: int, from_picture: bool) -> str:
        """The digest of all weights that a clip depends on."""
        digests = [self.model.digest, clip_judge_digest()]
        if not from_picture:
            digests.append(self._sprites.model_of_size(size_px).digest)
        return hashlib.sha256(rfc8785.dumps(digests)).hexdigest()

    def _checked(self, recipe: Recipe, order: Order) -> SpriteModel:
        model = self._sprites.models[recipe.model]
        wanted = self._weights(recipe.size, order.source is not None)
        if wanted != recipe.weights:
            raise InvalidRecipe(
                f"The recipe was drawn with other weights of {recipe.model} ({recipe.weights[:12]}…, installed are "
                f"{wanted[:12]}…); install the version of Lorespark that made it."
            )
        return model

    def _pipeline(self, model: SpriteModel, precision: Precision) -> ClipPipeline:
        key = (model.id, precision)
        if key not in self._pipelines:
            model.check_files()
            encoder = self._sprites.text_encoder()
            self._pipelines[key] = load_clip_pipeline(
                model, encoder.model, encoder.tokenizer, precision, self._sprites.device
            )
        return self._pipelines[key]


def load_clip_pipeline(
    model: SpriteModel, encoder: Any, tokenizer: Any, precision: Precision, device: torch.device
) -> ClipPipeline:
    """The pipeline of a model's folder, its networks in ``precision``."""
    with quiet_loading():
        pipeline: DiffusionPipeline = ClipPipeline.from_pretrained(
            model.folder,
            text_encoder=encoder,
            tokenizer=tokenizer,
            dtype=torch.float32,
            local_files_only=True,
            use_safetensors=True,
        )
        pipeline.to(device)
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        pipeline.network.to(dtype=dtype, memory_format=torch.channels_last)
        pipeline.vae.to(dtype=dtype, memory_format=torch.channels_last)
        if device.type == "cpu":
            fit_to_cpu(pipeline.network.unet)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def picture_steps(recipe: Recipe) -> int:
    """How many steps the picture of a clip from words takes."""
    return min(PICTURE_STEPS * recipe.steps, MAX_STEPS)


def picture_recipe(recipe: Recipe, sprites: SpriteGenerator) -> Recipe:
    """The recipe of the picture that a clip from words begins with: what `create` draws for the same words and seed."""
    model = sprites.model_of_size(recipe.size)
    return Recipe.make(
        kind=Kind(ACTIONS[recipe.action or "idle"].subject),
        prompt=recipe.prompt,
        negative_prompt=recipe.negative_prompt,
        seed=recipe.seed,
        model=model.id,
        weights=model.digest,
        steps=picture_steps(recipe),
        guidance=recipe.guidance,
        size=recipe.size,
        precision=recipe.precision,
        palette=recipe.palette,
        outline=recipe.outline,
        seamless=recipe.seamless,
        finish=recipe.finish,
    )
