"""How different are the pictures of one prompt from one another?"""

from dataclasses import dataclass

import numpy as np

from tools.evaluation.drawing import Drawer
from tools.evaluation.fidelity import spread
from tools.evaluation.sample import Real
from tools.judge.split import group_rows

SEEDS = 16
# Kind -> a prompt that many real pictures fit.
PROMPTS: dict[int, tuple[tuple[str, str], ...]] = {
    32: (
        ("doll", "human knight"),
        ("monster", "red dragon monster"),
        ("item", "red potion"),
        ("tile", "grey stone wall tile"),
    ),
    64: (
        ("unit", "a knight in silver armour with a sword"),
        ("unit", "a mage in a blue robe"),
        ("unit", "a brown beast with horns"),
        ("unit", "a stone golem"),
    ),
}


@dataclass(frozen=True)
class Variety:
    """Mean distance between two of ``SEEDS`` pictures of one prompt: generated, and real pictures of different
    subjects whose captions the judge reads as nearest to the prompt; by prompt."""

    generated: dict[str, float]
    real: dict[str, float]

    @property
    def ratio(self) -> float:
        return sum(self.generated.values()) / sum(self.real.values())


def variety(real: Real, drawer: Drawer) -> Variety:
    generated, true = {}, {}
    for kind, prompt in PROMPTS[drawer.size_px]:
        drawn = drawer.draw([prompt] * SEEDS, list(range(SEEDS)), kind)
        generated[prompt] = spread(real.judge.see(drawn))
        rows = group_rows(real.pictures, kind, np.ones(len(real.pictures.kinds), bool))
        fit = real.caption_features(rows) @ real.read([prompt])[0]
        nearest = [rows[at] for at in np.argsort(-fit)[:SEEDS]]
        true[prompt] = spread(real.features(nearest))
    return Variety(generated, true)
