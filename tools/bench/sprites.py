"""How long a picture takes, what drawing sixteen together saves, and how far ahead of plain diffusers that is."""

import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count

from generators.conditions import conditions
from generators.drawer import SharedDrawer
from generators.progress import MAX_BATCH
from generators.recipe import Kind, Recipe
from generators.sprite_generator import SpriteGenerator
from tools.bench.figure import Figure, median_s, peak_mb
from tools.bench.plain_diffusers import PlainLoop

PROMPTS = {
    32: (Kind.ITEM, "red potion bottle"),
    64: (Kind.CHARACTER, "a knight in silver armour with a sword"),
}
PLAIN_STEPS, PLAIN_GUIDANCE = 20, 3.0  # what a network takes that was not distilled
ROUNDS = 7


def figures() -> Iterator[Figure]:
    before_mb = peak_mb()
    generator = SpriteGenerator()
    latencies, rates, speedups = {}, {}, {}
    ratios: dict[str, list[float]] = {"same": [], "twenty": []}
    for size, (kind, prompt) in PROMPTS.items():
        fresh = (f"{prompt} {n}" for n in count())  # a prompt seen before would skip the text encoder

        def recipes(
            number: int, size: int = size, kind: Kind = kind, fresh: Iterator[str] = fresh
        ) -> list[Recipe]:
            return [generator.recipe(next(fresh), kind, seed, size=size) for seed in range(number)]

        latencies[size] = median_s(lambda one=recipes: generator.draw(one(1)), 9)
        together = median_s(lambda some=recipes: generator.draw(some(MAX_BATCH)), 5)
        speedups[size] = MAX_BATCH * latencies[size] / together
        rates[size] = _served_per_s(generator, recipes)
        first = recipes(1)[0]
        note = f"{first.steps} steps, {generator.precision}"
        yield Figure(f"sprite_{size}_latency_s", latencies[size], "s", note=note)
        yield Figure(f"sprite_{size}_per_s", MAX_BATCH / together, "1/s", note="sixteen drawn together")
    yield Figure("sprite_memory_mb", peak_mb() - before_mb, "MB", note="both sizes loaded and drawn, peak")
    for size in PROMPTS:
        for name, found in _against_plain(generator, size).items():
            ratios[name].append(found)
    yield Figure(
        "sprite_latency_s", max(latencies.values()), "s", 0.15, note="the slower size, finished to PNG"
    )
    yield Figure(
        "sprites_per_s",
        min(rates.values()),
        "1/s",
        20,
        at_most=False,
        note="the slower size, asked for by eight threads",
    )
    yield Figure(
        "sprite_batch16_speedup", min(speedups.values()), "x", 3.0, at_most=False, note="against one by one"
    )
    yield Figure(
        "sprite_vs_plain_diffusers", min(ratios["same"]), "x", note="one picture, the same steps and passes"
    )
    yield Figure(
        "sprite_vs_20_guided_steps",
        min(ratios["twenty"]),
        "x",
        note="one picture, 20 guided steps in float32",
    )


def _served_per_s(generator: SpriteGenerator, recipes: Callable[[int], list[Recipe]]) -> float:
    """Pictures a second where eight threads ask for sixteen each, which are finished beside the next drawing."""
    shared = SharedDrawer(generator)
    try:
        with ThreadPoolExecutor(8) as threads:
            asked = [recipes(MAX_BATCH) for _ in range(8)]
            began = time.perf_counter()
            list(threads.map(shared.draw, asked))
            return 8 * MAX_BATCH / (time.perf_counter() - began)
    finally:
        shared.close()


def _against_plain(generator: SpriteGenerator, size: int) -> dict[str, float]:
    """How many times longer a plain loop takes, in turn with ours so that a busy machine slows both."""
    kind, prompt = PROMPTS[size]
    recipe = generator.recipe(prompt, kind, 0, size=size)
    distilled = generator.distilled_guidance(recipe)
    guided = len(conditions(prompt, "", recipe.guidance, distilled)) > 1
    plain = PlainLoop(generator.models[recipe.model])
    fresh = (f"{prompt}, {n}" for n in count())
    ways: dict[str, Callable[[], object]] = {
        "ours": lambda: generator.draw([generator.recipe(next(fresh), kind, 0, size=size)]),
        "same": lambda: plain.draw([next(fresh)], recipe.steps, recipe.guidance, guided),
        "twenty": lambda: plain.draw([next(fresh)], PLAIN_STEPS, PLAIN_GUIDANCE, True),
    }
    took: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            began = time.perf_counter()
            way()
            took[name].append(time.perf_counter() - began)
    ours = statistics.median(took.pop("ours"))
    return {name: statistics.median(times) / ours for name, times in took.items()}
