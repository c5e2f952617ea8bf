"""How long a picture takes, what drawing sixteen together saves, and how good the pictures are."""

import json
from collections.abc import Iterator
from itertools import count
from pathlib import Path

from generators.recipe import Kind, Recipe
from generators.sprite_generator import SpriteGenerator
from tools.bench.figure import Figure, median_s

EVALUATION = Path("docs/evaluation.json")
QUALITY = {  # goal, whether it is an upper bound, and how the figures of two models become one
    "adherence_ratio": (0.9, False, min),
    "frechet_ratio": (1.5, True, max),
    "near_copy_share": (0.02, True, max),
}
PROMPTS = {
    32: (Kind.ITEM, "red potion bottle"),
    64: (Kind.CHARACTER, "a knight in silver armour with a sword"),
}


def figures() -> Iterator[Figure]:
    generator = SpriteGenerator()
    latencies, speedups = {}, {}
    for size, (kind, prompt) in PROMPTS.items():
        fresh = (f"{prompt} {n}" for n in count())  # a prompt seen before would skip the text encoder

        def recipes(
            number: int, size: int = size, kind: Kind = kind, fresh: Iterator[str] = fresh
        ) -> list[Recipe]:
            return [generator.recipe(next(fresh), kind, seed, size=size) for seed in range(number)]

        latencies[size] = median_s(lambda one=recipes: generator.draw(one(1)), 9)
        together = median_s(lambda some=recipes: generator.draw(some(16)), 5)
        speedups[size] = 16 * latencies[size] / together
        steps = recipes(1)[0].steps
        yield Figure(
            f"sprite_{size}_latency_s", latencies[size], "s", note=f"{steps} steps, {generator.precision}"
        )
        yield Figure(f"sprite_{size}_per_s", 16 / together, "1/s", note="sixteen drawn together")
    yield Figure(
        "sprite_latency_s", max(latencies.values()), "s", 0.4, note="the slower size, finished to PNG"
    )
    yield Figure(
        "sprite_batch16_speedup", min(speedups.values()), "x", 3.0, at_most=False, note="against one by one"
    )
    yield from quality(generator)


def quality(generator: SpriteGenerator) -> Iterator[Figure]:
    """The evaluation's figures of the installed weights as they are drawn by default; the worse of the sizes.

    They are read, not measured: ``python -m tools.evaluate_sprites --json docs/evaluation.json`` draws for minutes and
    needs the art. Weights that were not evaluated have no figures.
    """
    entries = json.loads(EVALUATION.read_text(encoding="utf-8"))["evaluations"]
    found = [
        entry
        for entry in entries
        for model in generator.models.values()
        if (entry["model"], entry["weights"], entry["steps"], entry["guidance"])
        == (model.id, model.digest, model.steps, model.guidance)
    ]
    if len(found) == len(generator.models):
        for name, (goal, at_most, worse) in QUALITY.items():
            value = worse(entry[name] for entry in found)
            yield Figure(name, value, "", goal, at_most, note=f"read from {EVALUATION}; the worse size")
