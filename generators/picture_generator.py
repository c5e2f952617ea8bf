"""Recipes -> finished pictures, each with the model that it names: a bundled one or a configured one."""

from collections.abc import Hashable, Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from generators.batching import Preview, StepListener
from generators.clip import FinishedClip, finished_clip
from generators.clip_generator import ClipGenerator
from generators.configured_clip import clip_animation, clip_recipe
from generators.cutout import cut_out
from generators.device import best_device
from generators.drawer import draw_alone
from generators.errors import InvalidRecipe
from generators.finishing import FINISH, FinishedPicture, finish
from generators.model_entry import read_model_entries
from generators.model_files import DigestCache
from generators.models import SpriteModel
from generators.order import Order
from generators.picture_model import PictureModel
from generators.pixelise import pixelise
from generators.progress import ProgressCallback
from generators.prompt_weights import parse_prompt
from generators.recipe import DEFAULT_COLOURS, DEFAULT_SIZE_PX, MAX_TOKENS, Kind, Precision, Quality, Recipe
from generators.source_picture import PictureReader, no_pictures
from generators.sprite_generator import SpriteGenerator


class PictureGenerator:
    """The one generator that the engine sees. At most one configured model is in memory at a time."""

    def __init__(self, sprites: SpriteGenerator, configured: Sequence[PictureModel] = ()) -> None:
        self._sprites, self._clips = sprites, ClipGenerator(sprites)
        self._configured = {model.entry.id: model for model in configured}

    @property
    def models(self) -> dict[str, SpriteModel]:
        """The bundled models by id."""
        return self._sprites.models

    @property
    def configured(self) -> dict[str, PictureModel]:
        """The configured models by id."""
        return self._configured

    @property
    def device(self) -> torch.device:
        """Where the bundled models draw."""
        return self._sprites.device

    @property
    def precision(self) -> Precision:
        """What the bundled models draw in."""
        return self._sprites.precision

    def recipe(
        self,
        prompt: str,
        kind: Kind,
        seed: int,
        *,
        model: str | None = None,
        size: int | None = None,
        quality: Quality = Quality.STANDARD,
        steps: int | None = None,
        guidance: float | None = None,
        negative_prompt: str = "",
        palette: int | tuple[str, ...] | Literal["default"] | None = "default",
        cutout: bool = False,
        **fields: Any,
    ) -> Recipe:
        """The recipe that draws ``prompt`` with ``model``'s best settings, a bundled one of that size if left out.

        ``palette`` left out is 32 colours, or as drawn for an illustration. Other ``fields`` are those of the
        bundled models' recipes. Raises InvalidRecipe where a value cannot be drawn, WeightsUnavailable where no
        model fits or its files cannot be used.
        """
        named = self._configured.get(model or "")
        if named is not None and (kind is Kind.CLIP or named.entry.video):
            return clip_recipe(
                named,
                prompt,
                kind,
                seed,
                size=size,
                steps=named.entry.steps_for(quality) if steps is None else steps,
                guidance=guidance,
                negative_prompt=negative_prompt,
                palette=palette,
                cutout=cutout,
                **fields,
            )
        if palette == "default":
            palette = None if kind is Kind.ILLUSTRATION else DEFAULT_COLOURS
        wanted = {
            "negative_prompt": negative_prompt,
            "palette": palette,
            "guidance": guidance,
        }
        if kind is Kind.CLIP and self.is_bundled(model):
            return self._clip_recipe(
                prompt,
                seed,
                model,
                cutout,
                fields | wanted | {"size": size, "quality": quality, "steps": steps},
            )
        if self.is_bundled(model):
            if cutout:
                raise InvalidRecipe("The bundled models draw without a background; leave the cutout out.")
            if model is None and kind is Kind.ILLUSTRATION:
                raise InvalidRecipe(
                    "The bundled models draw no illustrations; name a configured model (configured are "
                    f"{', '.join(self._configured) or 'none; docs/models.md says how to add one'})."
                )
            own = None if model is None else self.models[model].size_px
            if own is not None and size not in (None, own):
                raise InvalidRecipe(
                    f"The model {model} draws at {own} px, not at {size}; leave the size out."
                )
            wanted |= {"size": own or size, "quality": quality, "steps": steps}
            return self._sprites.recipe(prompt, kind, seed, **wanted, **fields)
        chosen = self._model(model)
        return _configured_recipe(
            chosen,
            prompt,
            kind,
            seed,
            size=size,
            steps=chosen.entry.steps_for(quality) if steps is None else steps,
            cutout=cutout,
            **wanted,
            **fields,
        )

    def _clip_recipe(
        self, prompt: str, seed: int, model: str | None, cutout: bool, wanted: dict[str, Any]
    ) -> Recipe:
        if cutout:
            raise InvalidRecipe("The bundled models draw without a background; leave the cutout out.")
        if model is not None and self.models[model].draws != "clips":
            raise InvalidRecipe(f"The model {model} draws pictures, no clips; leave the model out.")
        return self._clips.recipe(prompt, seed, **wanted)

    def draw(
        self,
        recipes: Sequence[Recipe],
        on_progress: ProgressCallback | None = None,
        pictures: PictureReader = no_pictures,
    ) -> list[FinishedPicture | FinishedClip]:
        """Draws and finishes each recipe's picture, those that can be drawn together in batches.

        ``pictures`` gives the bytes of the source pictures and masks that recipes name by CID.

        Raises InvalidRecipe where a recipe names a model or weights that are not there, WeightsUnavailable where a
        file is missing or altered, OutOfMemory and DrawingFailed; what ``on_progress`` and ``pictures``
        raise passes through.
        """
        return draw_alone(self, recipes, on_progress, pictures)

    def batch_key(self, order: Order) -> Hashable:
        """Orders of one key can be drawn in one batch."""
        recipe = order.recipe
        if recipe.kind is Kind.CLIP and recipe.model in self.models:
            return order  # a clip fills the processor by itself: its frames are a batch
        if recipe.model not in self._configured:
            return order.batch_key
        return (
            recipe.model,
            recipe.weights,
            recipe.precision,
            recipe.steps,
            recipe.guidance,
            recipe.drawn_size,
            recipe.frames,
        )

    def draw_batch(self, batch: Sequence[Order], on_step: StepListener) -> Sequence[NDArray[np.uint8]]:
        """Pixels as drawn (h w 4, of clips f h w 4, uint8 each) of orders of one key; one thread at a time."""
        recipes = [order.recipe for order in batch]
        if recipes[0].model in self.models and recipes[0].kind is Kind.CLIP:
            return [self._clips.draw(order, on_step) for order in batch]
        if recipes[0].model in self.models:
            return self._sprites.draw_batch(batch, on_step)
        model = self._checked(recipes)
        for other in self._configured.values():
            if other is not model:
                other.unload()
        done = told = 0

        def report(positions: Sequence[int], step: int, steps: int, preview: Preview) -> None:
            # A large model draws a few of the pictures at a time: a step is done when it is for all on average.
            nonlocal done, told
            done += len(positions)
            if done // len(recipes) > told:
                told = min(done // len(recipes), steps)
                on_step(told - 1, steps, lambda: _among(preview(), positions, len(recipes)))

        return model.draw(batch, report)

    def finish(self, pixels: NDArray[np.uint8], order: Order) -> FinishedPicture | FinishedClip:
        """The picture or clip that was drawn as ``pixels``; on any thread. Raises PackageMissing, DrawingFailed."""
        recipe = order.recipe
        if recipe.kind is Kind.CLIP and recipe.model in self.models:
            return self._clips.finish(pixels, order)
        if recipe.kind is Kind.CLIP:
            return finished_clip(clip_animation(pixels, recipe), recipe)
        if recipe.cutout:
            pixels = cut_out(pixels)
        if recipe.drawn_px is not None:
            pixels = pixelise(pixels, recipe.size)
        return finish(pixels, recipe, order.source)

    def is_bundled(self, model: str | None) -> bool:
        """Whether ``model``, or what draws where none is named, is one of the bundled ones."""
        return model is None or model in self.models

    def start_px(self, kind: Kind, model: str | None, size: int | None) -> int:
        """A side of the picture that a drawing of that kind, model and size starts from.

        Raises InvalidRecipe where the model is not installed.
        """
        if size is not None or model is None or model in self.models:
            return size or DEFAULT_SIZE_PX[kind]
        return self._model(model).entry.size

    def token_count(self, prompt: str, model: str | None = None) -> tuple[int, int]:
        """How many tokens ``prompt`` takes, and how many the model reads; what is past them is cut off."""
        if model is None or model in self.models:
            return self._sprites.token_count(prompt), MAX_TOKENS
        return self._model(model).token_count(prompt)

    def _model(self, model_id: str) -> PictureModel:
        if model_id not in self._configured:
            installed = ", ".join(sorted([*self.models, *self._configured]))
            raise InvalidRecipe(
                f"The model {model_id} is not installed; installed are {installed}. "
                "docs/models.md says how to add one."
            )
        return self._configured[model_id]

    def _checked(self, recipes: Sequence[Recipe]) -> PictureModel:
        recipe = recipes[0]
        model = self._model(recipe.model)
        if any(model.digest != other.weights for other in recipes):
            raise InvalidRecipe(
                f"The recipe was drawn with other weights of {recipe.model} ({recipe.weights[:12]}…, configured are "
                f"{model.digest[:12]}…); name the same files, revision and LoRAs in its entry."
            )
        return model


def _configured_recipe(
    model: PictureModel,
    prompt: str,
    kind: Kind,
    seed: int,
    *,
    size: int | None,
    guidance: float | None,
    **fields: Any,
) -> Recipe:
    entry, pixelised = model.entry, kind is not Kind.ILLUSTRATION
    guidance = float(entry.guidance if guidance is None else guidance)
    finished = size or (DEFAULT_SIZE_PX[kind] if pixelised else entry.size)
    if pixelised and finished * 2 > entry.size:
        raise InvalidRecipe(
            f"The model {entry.id} draws at {entry.size} px, which makes pixel art of {entry.size // 2} px or "
            f"less, not {finished}; ask for a smaller size or an illustration."
        )
    recipe = Recipe.make(
        kind=kind,
        prompt=prompt,
        seed=seed,
        model=entry.id,
        weights=model.digest,
        guidance=guidance,
        size=finished,
        drawn_px=entry.size if pixelised else None,
        precision=model.precision,
        finish=FINISH,
        **fields,
    )
    if recipe.source_cid is not None or recipe.seamless or parse_prompt(recipe.prompt).phrases:
        raise InvalidRecipe(
            f"The model {entry.id} draws from plain words alone, without weights, a source picture, a mask or "
            "seamless edges; use a bundled model for those."
        )
    if recipe.negative_prompt and not model.takes_negative(guidance):
        raise InvalidRecipe(
            f"The model {entry.id} reads no negative prompt at guidance {guidance:g}; leave it out, or, where the "
            "model is not a distilled one, raise the guidance above 1."
        )
    return recipe


def _among(shown: NDArray[np.uint8], positions: Sequence[int], count: int) -> NDArray[np.uint8]:
    """Previews of some pictures (b h w 4) at their places among all; the others are clear."""
    out = np.zeros((count, *shown.shape[1:]), np.uint8)
    out[list(positions)] = shown
    return out


def open_generator(model_list: Path, digests: Path) -> PictureGenerator:
    """The bundled models, and those of the TOML file ``model_list`` where there is one; ``digests`` remembers theirs.

    Raises InvalidModelEntry where the file cannot be used, WeightsUnavailable where the bundled models are damaged.
    """
    sprites = SpriteGenerator()
    entries = read_model_entries(model_list, taken=sprites.models)
    if not entries:
        return PictureGenerator(sprites)
    # diffusers' other pipelines take a second to import, and few have models of their own.
    from generators.diffusers_model import DiffusersModel  # noqa: PLC0415

    cache = DigestCache(digests)
    return PictureGenerator(sprites, [DiffusersModel(entry, best_device(), cache) for entry in entries])
