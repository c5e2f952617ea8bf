"""How good the pictures are, as the evaluation found."""

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from generators.models import read_models
from generators.recipe import Quality
from tools.bench.figure import Figure

EVALUATION = Path("docs/evaluation.json")
Worse = Callable[[Iterable[float]], float]  # of two models' figures
FIGURES: dict[str, tuple[float | None, bool, Worse]] = {  # goal, whether that is an upper bound
    "adherence_ratio": (0.9, False, min),
    "frechet_ratio": (None, True, max),
    "near_copy_share": (None, True, max),
}


def figures() -> Iterator[Figure]:
    """The figures of the installed weights as they are drawn by default; the worse of the sizes.

    They are read, not measured: ``python -m tools.evaluate_sprites --json docs/evaluation.json`` draws for minutes and
    needs the art. Weights that were not evaluated have no figures.
    """
    entries = json.loads(EVALUATION.read_text(encoding="utf-8"))["evaluations"]
    models = read_models().values()
    found = [
        entry
        for entry in entries
        for model in models
        if (entry["model"], entry["weights"], entry["steps"], entry["guidance"])
        == (model.id, model.digest, model.steps_for(Quality.STANDARD), model.guidance)
    ]
    if len(found) == len(models):
        for name, (goal, at_most, worse) in FIGURES.items():
            value = worse(entry[name] for entry in found)
            yield Figure(
                name,
                value,
                "",
                goal,
                at_most,
                note=f"read from {EVALUATION}, the worse size; its limits are in docs/model-card.md",
            )
