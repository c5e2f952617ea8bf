"""Prints one table for each pipeline folder: held-out loss, colour adherence, and how exact a recipe is.

    python -m tools.evaluate_sprites [FOLDER …] [--data runs/dataset]

Without folders the bundled ones are measured. Every folder draws the same prompts with the same seeds.
"""

import argparse
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch

from generators.comparison import compare
from generators.finishing import finish
from generators.models import WEIGHTS_FOLDER
from generators.recipe import Kind, Precision, Recipe
from generators.sprite_generator import load_pipeline
from generators.sprite_pipeline import SpritePipeline, premultiplied
from generators.text_encoder import TextEncoder, load_text_encoder
from tools.sprites.colours import colour_words
from tools.sprites.dataset import SpriteSet, read_set
from tools.sprites.sheet import draw
from tools.sprites.text_cache import TextCache, read_text_cache

TIMES = (0.2, 0.4, 0.6, 0.8, 0.95)
COLOURS = {
    "red": {"red", "dark red", "pink", "magenta"},
    "blue": {"blue", "dark blue", "light blue", "cyan"},
    "green": {"green", "dark green", "light green", "teal"},
    "golden": {"golden", "yellow", "orange", "tan", "brown"},
    "purple": {"purple", "dark purple", "magenta"},
    "white": {"white", "silver", "light blue"},
}
NOUNS = {
    32: ("potion bottle", "dragon monster", "robe armour", "gem", "slime monster", "floor tile"),
    64: ("knight", "dragon", "golem", "wizard in a robe", "beast", "demon"),
}
SEEDS = 4


@torch.inference_mode()
def held_out_loss(
    pipeline: SpritePipeline, pictures: SpriteSet, text: TextCache, limit: int = 400
) -> dict[str, float]:
    """Mean squared velocity error on pictures never trained on, by kind, over fixed times and noise."""
    chosen = np.flatnonzero(pictures.held_out)
    chosen = chosen[:: max(1, len(chosen) // limit)]
    errors: dict[str, list[float]] = defaultdict(list)
    for begin in range(0, len(chosen), 50):
        rows = chosen[begin : begin + 50]
        clean = pipeline.encode(premultiplied(np.stack([pictures.pixels[i] for i in rows])))
        states, mask = text.batch(np.array([text.index[pictures.captions[i][0]] for i in rows]))
        for t in TIMES:
            noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(begin))
            noisy = (1 - t) * clean + t * noise
            velocity = pipeline.unet(noisy, t * 1000, states, encoder_attention_mask=mask).sample
            each = ((velocity - (noise - clean)) ** 2).mean((1, 2, 3))
            for row, error in zip(rows, each.tolist(), strict=True):
                errors[pictures.kinds[row]].append(error)
    return {kind: float(np.mean(values)) for kind, values in sorted(errors.items())}


def colour_adherence(pipeline: SpritePipeline, size_px: int) -> float:
    """The share of "COLOUR NOUN" prompts whose picture has that colour among its three commonest."""
    hits, total = 0, 0
    for colour, names in COLOURS.items():
        prompts = [f"{colour} {noun}" for noun in NOUNS[size_px] for _ in range(SEEDS)]
        for pixels in draw(pipeline, prompts, list(range(len(prompts)))):
            hits += not names.isdisjoint(colour_words(pixels, most=3))
            total += 1
    return hits / total


def finished(pipeline: SpritePipeline, recipe: Recipe, alone: bool) -> Iterator[np.ndarray]:
    """The recipe's finished pictures for sixteen seeds, drawn one by one or together."""
    seeds = list(range(16))
    groups = [[seed] for seed in seeds] if alone else [seeds]
    for group in groups:
        for pixels in draw(pipeline, [recipe.prompt] * len(group), group, recipe.steps, recipe.guidance):
            yield finish(pixels, recipe).pixels


def told(first: list[np.ndarray], second: list[np.ndarray]) -> str:
    """How far two runs of the same recipes are apart."""
    found = [compare(a, b) for a, b in zip(first, second, strict=True)]
    differing = 100 * sum(one.differing for one in found) / sum(one.total for one in found)
    visible = 100 * sum(one.visible for one in found) / sum(one.drawn for one in found)
    worst = 100 * max(one.visible_share for one in found)
    return f"{differing:.2f} % of pixels differ, {visible:.2f} % of the drawn visibly (worst picture {worst:.1f} %)"


def evaluate(folder: Path, data: Path, encoder: TextEncoder, exactness: bool) -> None:
    def loaded(precision: Precision) -> SpritePipeline:
        return load_pipeline(folder, encoder, precision, torch.device("cpu"))

    pipeline = loaded("fp32")
    size_px = pipeline.size_px
    pictures, text = read_set(data, size_px), read_text_cache(data, size_px)
    print(f"{folder} ({size_px} px)")
    for kind, loss in held_out_loss(pipeline, pictures, text).items():
        print(f"  held-out loss, {kind:<8} {loss:.4f}")
    half = loaded("bf16")
    print(f"  colour adherence        {100 * colour_adherence(half, size_px):.0f} %")
    if exactness:
        recipe = Recipe.make(
            kind=Kind.CHARACTER,
            prompt=f"red {NOUNS[size_px][1]}",
            seed=0,
            model="evaluated",
            weights="0" * 64,
            steps=16,
            guidance=3.0,
            size=size_px,
            precision="bf16",
            palette=32,
        )
        alone = list(finished(half, recipe, alone=True))
        print(f"  bf16, alone and in a batch  {told(alone, list(finished(half, recipe, alone=False)))}")
        print(f"  bf16 and float32            {told(alone, list(finished(pipeline, recipe, alone=True)))}")
        other = [alone[-1], *alone[:-1]]
        print(f"  one seed and the next       {told(alone, other)}")


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure sprite pipelines.")
    parser.add_argument("folders", type=Path, nargs="*")
    parser.add_argument("--data", type=Path, default=Path("runs/dataset"))
    parser.add_argument("--no-exactness", action="store_true", help="leave the pixel comparisons out")
    args = parser.parse_args()
    encoder = load_text_encoder()
    for folder in args.folders or sorted(WEIGHTS_FOLDER.glob("sprite-*")):
        evaluate(folder, args.data, encoder, not args.no_exactness)


if __name__ == "__main__":
    main()
