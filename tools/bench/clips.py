"""How good the clips are, as the evaluation found."""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from generators.bundle import WEIGHTS_FOLDER
from tools.bench.figure import Figure
from tools.clip_evaluation.sample import network_digest

EVALUATION = Path("docs/clip-evaluation.json")
NETWORK = WEIGHTS_FOLDER / "clip-64" / "network"
STEPS = 8  # at standard quality; change it with the manifest
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
    if not (EVALUATION.exists() and NETWORK.exists()):
        return
    digest = network_digest(NETWORK)
    found = [
        entry
        for entry in json.loads(EVALUATION.read_text(encoding="utf-8"))["evaluations"]
        if (entry["weights"], entry["steps"]) == (digest, STEPS)
    ]
    for entry in found[-1:]:
        note = f"generated over real, read from {EVALUATION}"
        for name, goal, at_most in GOALS:
            yield Figure(name, entry[name], "", goal, at_most, note=note)
        motion = entry["clip_motion_ratio"]
        # Two bounds: the one that is nearer to being broken is shown.
        least, most = MOTION
        low = motion - least < most - motion
        yield Figure("clip_motion_ratio", motion, "", least if low else most, at_most=not low, note=note)
