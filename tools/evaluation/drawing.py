"""Any pipeline folder, drawing finished pictures as the product does."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from generators.errors import WeightsUnavailable
from generators.finishing import FINISH, finish
from generators.models import read_models
from generators.progress import MAX_BATCH
from generators.recipe import DEFAULT_COLOURS, Kind, Precision, Quality, Recipe
from generators.sprite_generator import best_precision, conditioning, load_pipeline
from generators.sprite_pipeline import SpritePipeline
from generators.text_encoder import TextEncoder

KINDS = {"unit": Kind.CHARACTER, "doll": Kind.CHARACTER, "monster": Kind.CHARACTER, "tile": Kind.TILE}
UNLISTED_STEPS, UNLISTED_GUIDANCE = 16, 3.0  # for folders that no manifest lists


@dataclass(frozen=True)
class Drawer:
    """One pipeline folder with how it is drawn. ``weights`` is the digest that its recipes name."""

    folder: Path
    model: str
    weights: str
    steps: int
    guidance: float
    precision: Precision
    pipeline: SpritePipeline
    encoder: TextEncoder

    @classmethod
    def load(
        cls,
        folder: Path,
        encoder: TextEncoder,
        steps: int | None = None,
        guidance: float | None = None,
        precision: Precision | None = None,
    ) -> "Drawer":
        """The pipeline of ``folder``; where a manifest beside it lists it, drawn as that says."""
        device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        precision = precision or best_precision(device)
        pipeline = load_pipeline(folder, encoder, precision, device)
        try:
            models = read_models(folder.parent)
        except WeightsUnavailable:  # a folder of a training run, in no bundle
            models = {}
        listed = next((model for model in models.values() if model.folder.name == folder.name), None)
        # A network that learnt its guidance takes one pass with just that.
        usual_guidance = max(pipeline.config.distilled_guidance, 1.0)
        usual = (UNLISTED_STEPS, usual_guidance if usual_guidance > 1 else UNLISTED_GUIDANCE)
        if listed:
            usual = (listed.steps_for(Quality.STANDARD), listed.guidance)
        return cls(
            folder=folder,
            model=listed.id if listed else folder.name,
            weights=listed.digest if listed else _digest(folder),
            steps=usual[0] if steps is None else steps,
            guidance=float(usual[1] if guidance is None else guidance),
            precision=precision,
            pipeline=pipeline,
            encoder=encoder,
        )

    @property
    def size_px(self) -> int:
        return self.pipeline.size_px

    def draw(self, prompts: Sequence[str], seeds: Sequence[int], kind: str) -> NDArray[np.uint8]:
        """Finished pictures (b s s 4) of prompts, one seed each; ``kind`` as the training set names it."""
        recipes = [self.recipe(p, seed, kind) for p, seed in zip(prompts, seeds, strict=True)]
        made = []
        for begin in range(0, len(recipes), MAX_BATCH):
            batch = recipes[begin : begin + MAX_BATCH]
            drawn = self.pipeline(
                [conditioning(recipe) for recipe in batch],
                num_inference_steps=self.steps,
                guidance_scale=self.guidance,
                generator=[torch.Generator().manual_seed(recipe.seed) for recipe in batch],
                output_type="np",
            ).images
            made += [finish(pixels, recipe).pixels for pixels, recipe in zip(drawn, batch, strict=True)]
        return np.stack(made)

    def recipe(self, prompt: str, seed: int, kind: str) -> Recipe:
        return Recipe.make(
            kind=KINDS.get(kind, Kind.ITEM),
            prompt=prompt,
            seed=seed,
            model=self.model,
            weights=self.weights,
            steps=self.steps,
            guidance=self.guidance,
            size=self.size_px,
            precision=self.precision,
            palette=DEFAULT_COLOURS,
            finish=FINISH,
        )


def _digest(folder: Path) -> str:
    """Of the weights files of a folder that no manifest lists."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.safetensors")):
        digest.update(path.read_bytes())
    return digest.hexdigest()
