"""How good the clips are, as the evaluation found."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from generators.bundle import WEIGHTS_FOLDER
from generators.models import read_models
from generators.recipe import Quality
from tools.bench.figure import Figure
from tools.clip_evaluation.sample import network_digest

BUNDLE, EVALUATION = WEIGHTS_FOLDER, Path("docs/clip-evaluation.json")
GOALS: Sequence[tuple[str, float, bool]] = (  # each bound, and whether it is an upper one
    ("clip_action_ratio", 0.8, False),
    ("clip_identity_ratio", 0.9, False),
    ("clip_loop_seam_ratio", 1.5, True),
)
MOTION = (0.6, 1.6)  # from a picture that hardly moves to one that never rests


def figures() -> Iterator[Figure]:
    """The figures of the installed weights at standard quality.

    They are read, not measured: ``python -m tools.evaluate_clips --json docs/clip-evaluation.json`` draws for minutes
    and needs the art. Weights that were not evaluated have no figures.
    """
    model = next((model for model in read_models(BUNDLE).values() if model.draws == "clips"), None)
    if model is None or not EVALUATION.exists():
        return
    wanted = (network_digest(model.folder / "network"), model.steps_for(Quality.STANDARD))
    entries = json.loads(EVALUATION.read_text(encoding="utf-8"))["evaluations"]
    found = [entry for entry in entries if (entry["weights"], entry["steps"]) == wanted]
    for entry in found[-1:]:
        note = f"generated over real, read from {EVALUATION}"
        for name, goal, at_most in GOALS:
            yield Figure(name, entry[name], "", goal, at_most, note=note)
        motion = entry["clip_motion_ratio"]
        # Two bounds: the one that is nearer to being broken is shown.
        least, most = MOTION
        low = motion - least < most - motion
        yield Figure("clip_motion_ratio", motion, "", least if low else most, at_most=not low, note=note)
