"""How long a clip takes, and how good clips are, as the evaluation found."""

import json
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

from generators.bundle import WEIGHTS_FOLDER
from generators.clip_generator import PICTURE_STEPS
from generators.models import read_models
from generators.picture_generator import PictureGenerator
from generators.recipe import Kind, Quality, Recipe
from generators.sprite_generator import SpriteGenerator
from tools.bench.figure import Figure, median_s, peak_mb
from tools.clip_evaluation.sample import network_digest

BUNDLE, EVALUATION = WEIGHTS_FOLDER, Path("docs/clip-evaluation.json")
GOALS: Sequence[tuple[str, float, bool]] = (  # each bound, and whether it is an upper one
    ("clip_action_ratio", 0.8, False),
    ("clip_identity_ratio", 0.9, False),
    ("clip_loop_seam_ratio", 1.5, True),
)
MOTION = (0.6, 1.6)  # from a picture that hardly moves to one that never rests


LATENCY_GOAL_S = 1.5
PROMPT = "a knight in silver armour with a sword"


def figures() -> Iterator[Figure]:
    """Times of the installed weights, measured here, and their quality, as it was evaluated."""
    yield from _times()
    yield from quality()


def _times() -> Iterator[Figure]:
    before_mb = peak_mb()
    generator = PictureGenerator(SpriteGenerator())
    fresh = count()  # a prompt seen before would skip the text encoder

    def clip(action: str, frames: int, quality: Quality) -> Recipe:
        prompt = f"{PROMPT} {next(fresh)}"
        return generator.recipe(prompt, Kind.CLIP, 1, action=action, frames=frames, quality=quality)

    asked = [
        (
            f"clip{frames}{'' if quality is Quality.STANDARD else f'_{quality.value}'}_latency_s",
            frames,
            quality,
        )
        for frames in (16, 8)
        for quality in ((Quality.STANDARD, Quality.DRAFT) if frames == 16 else (Quality.STANDARD,))
    ]
    for name, frames, quality in asked:
        taken = median_s(lambda f=frames, q=quality: generator.draw([clip("attack", f, q)]), 5)
        goal = LATENCY_GOAL_S if name == "clip16_latency_s" else None
        steps = clip("attack", frames, quality).steps
        note = f"from words to all files; {PICTURE_STEPS * steps} steps of the picture, {steps} of the clip"
        yield Figure(name, taken, "s", goal, note=note)
    yield Figure("clip_memory_mb", peak_mb() - before_mb, "MB", note="all loaded and drawn, peak")


def quality() -> Iterator[Figure]:
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
