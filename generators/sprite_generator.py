"""Recipes -> finished pictures, with the bundled models."""

from collections.abc import Hashable, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from generators.batching import StepListener
from generators.bundle import WEIGHTS_FOLDER
from generators.cpu_layers import fit_to_cpu
from generators.device import best_precision, sprite_device
from generators.drawer import draw_alone
from generators.errors import InvalidRecipe
from generators.finishing import FINISH, FinishedPicture, finish
from generators.models import SpriteModel, model_for_size, read_models
from generators.order import Order
from generators.progress import ProgressCallback
from generators.prompt_weights import parse_prompt
from generators.recipe import DEFAULT_COLOURS, DEFAULT_SIZE_PX, Kind, Precision, Quality, Recipe
from generators.source_picture import PictureReader, no_pictures
from generators.sprite_pipeline import SpritePipeline
from generators.text_encoder import TextEncoder, load_text_encoder, quiet_loading

TILE_NOUNS = frozenset({"tile", "tree", "door", "statue", "altar"})  # captions of tiles end in these


class SpriteGenerator:
    """Loads each model when it is first asked for, after checking its digest, and keeps it."""

    def __init__(self, weights_folder: Path = WEIGHTS_FOLDER, precision: Precision | None = None) -> None:
        self.models = read_models(weights_folder)
        self.device = sprite_device()
        self.precision: Precision = precision or best_precision(self.device)
        self._encoder: TextEncoder | None = None
        self._loading = Lock()  # one thread draws, others count tokens
        self._pipelines: dict[tuple[str, Precision], SpritePipeline] = {}

    def recipe(
        self,
        prompt: str,
        kind: Kind,
        seed: int,
        *,
        size: int | None = None,
        quality: Quality = Quality.STANDARD,
        steps: int | None = None,
        guidance: float | None = None,
        negative_prompt: str = "",
        palette: int | tuple[str, ...] | None = DEFAULT_COLOURS,
        **more: Any,
    ) -> Recipe:
        """The recipe that draws ``prompt`` with the installed model of that size and its best settings.

        ``steps`` goes before ``quality``; ``more`` are further fields of Recipe.

        Raises InvalidRecipe where a value cannot be drawn, WeightsUnavailable where no model fits.
        """
        model = model_for_size(self.models, size if size is not None else DEFAULT_SIZE_PX[kind])
        return Recipe.make(
            kind=kind,
            prompt=prompt,
            negative_prompt=negative_prompt,
            seed=seed,
            model=model.id,
            weights=model.digest,
            steps=model.steps_for(quality) if steps is None else steps,
            guidance=float(model.guidance if guidance is None else guidance),
            size=model.size_px,
            precision=self.precision,
            palette=palette,
            finish=FINISH,
            **more,
        )

    def draw(
        self,
        recipes: Sequence[Recipe],
        on_progress: ProgressCallback | None = None,
        pictures: PictureReader = no_pictures,
    ) -> list[FinishedPicture]:
        """Draws and finishes each recipe's picture, those that can be drawn together in one batch.

        ``pictures`` gives the bytes of the source pictures and masks that recipes name by CID.

        Raises InvalidRecipe where a recipe names a model or weights that are not installed or a picture that cannot
        be used, WeightsUnavailable where a weights file is missing or altered; what ``on_progress`` and ``pictures``
        raise passes through.
        """
        return draw_alone(self, recipes, on_progress, pictures)

    def batch_key(self, order: Order) -> Hashable:
        """Orders of one key can be drawn in one batch."""
        return order.batch_key

    def draw_batch(self, batch: Sequence[Order], on_step: StepListener) -> NDArray[np.uint8]:
        """Pixels as drawn (b h w 4, uint8) of orders of one key; one thread at a time."""
        recipes = [order.recipe for order in batch]
        sources = [order.source for order in batch]
        first = recipes[0]
        pipeline = self._pipeline(self._model(first), first.precision)
        return pipeline(
            [conditioning(recipe) for recipe in recipes],
            negative_prompt=[recipe.negative_prompt for recipe in recipes],
            image=_stacked([source and source.pixels for source in sources]),
            mask=_stacked([source and source.mask for source in sources]),
            strength=first.strength or 1.0,
            seamless=first.seamless,
            num_inference_steps=first.steps,
            guidance_scale=[recipe.guidance for recipe in recipes],
            generator=[torch.Generator("cpu").manual_seed(recipe.seed) for recipe in recipes],
            callback_on_step_end=on_step,
            output_type="np",
        ).images

    def finish(self, pixels: NDArray[np.uint8], order: Order) -> FinishedPicture:
        """The picture that was drawn as ``pixels``; on any thread."""
        return finish(pixels, order.recipe, order.source)

    def _model(self, recipe: Recipe) -> SpriteModel:
        model = self.models.get(recipe.model)
        if model is None:
            raise InvalidRecipe(
                f"The recipe's model {recipe.model} is not installed; installed are {', '.join(sorted(self.models))}."
            )
        if model.draws != "pictures":
            raise InvalidRecipe(f"The model {model.id} draws clips; ask for a clip.")
        if model.digest != recipe.weights:
            raise InvalidRecipe(
                f"The recipe was drawn with other weights of {recipe.model} ({recipe.weights[:12]}…, installed are "
                f"{model.digest[:12]}…); install the version of Lorespark that made it."
            )
        if model.size_px != recipe.size:
            raise InvalidRecipe(f"The model {model.id} draws at {model.size_px} px, not at {recipe.size}.")
        return model

    def _pipeline(self, model: SpriteModel, precision: Precision) -> SpritePipeline:
        key = (model.id, precision)
        if key not in self._pipelines:
            model.check_files()
            self._pipelines[key] = load_pipeline(model.folder, self.text_encoder(), precision, self.device)
        return self._pipelines[key]

    def text_encoder(self) -> TextEncoder:
        """The encoder that reads all prompts, loaded when it is first asked for."""
        with self._loading:
            if self._encoder is None:
                self._encoder = load_text_encoder()
            return self._encoder

    def distilled_guidance(self, recipe: Recipe) -> float:
        """The guidance that one pass of the recipe's network amounts to; 1 where it was not distilled."""
        return float(self._pipeline(self._model(recipe), recipe.precision).config.distilled_guidance)

    def model_of_size(self, size_px: int) -> SpriteModel:
        """The model that draws pictures at ``size_px``. Raises WeightsUnavailable where there is none."""
        return model_for_size(self.models, size_px)

    def token_count(self, prompt: str) -> int:
        """How many of the ``MAX_TOKENS`` tokens that the model reads ``prompt`` takes."""
        return self.text_encoder().token_count(prompt)


def load_pipeline(
    folder: Path, encoder: TextEncoder, precision: Precision, device: torch.device
) -> SpritePipeline:
    """The pipeline of a folder in the standard layout; networks in ``precision``, but what encodes in float32."""
    with quiet_loading():
        pipeline = SpritePipeline.from_pretrained(
            folder,
            text_encoder=encoder.model,
            tokenizer=encoder.tokenizer,
            dtype=torch.float32,
            local_files_only=True,
            use_safetensors=True,
        )
        pipeline.to(device)
        dtype = torch.bfloat16 if precision == "bf16" else torch.float32
        pipeline.unet.to(dtype=dtype, memory_format=torch.channels_last)
        if pipeline.vae is not None:  # its encoder stays in float32: a source picture keeps its colours
            pipeline.vae.decoder.to(dtype=dtype, memory_format=torch.channels_last)
        if device.type == "cpu":
            fit_to_cpu(pipeline.unet)
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def conditioning(recipe: Recipe) -> str:
    """What the network reads: the prompt, and the word ``tile`` where a tile's prompt names nothing that is one."""
    words = parse_prompt(recipe.prompt).text.lower().replace(",", " ").split()
    if recipe.kind is Kind.TILE and TILE_NOUNS.isdisjoint(words):
        return f"{recipe.prompt} tile"
    return recipe.prompt


def _stacked(parts: Sequence[NDArray[Any] | None]) -> NDArray[Any] | None:
    found = [part for part in parts if part is not None]
    return np.stack(found) if found else None
