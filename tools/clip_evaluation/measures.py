"""All that is measured of one clip."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generators.clip_judge import ClipJudge
from generators.judge import Judge
from generators.motion import ACTIONS
from tools.clip_evaluation.motion import Flicker, Motion, drawn, flicker, foot_drift, motion, steady_pixels
from tools.clip_evaluation.sample import Pixels, Sample
from tools.clip_judge.score import answered

STANDING = ("idle", "cast", "hurt")  # actions in which the feet stay where they are, or nearly


@dataclass(frozen=True)
class Measures:
    """``taken_for``: the action that the clip judge saw, or ``still``. ``identity``: the mean cosine of the judge's
    features of the first picture and of each frame; ``stranger``: the same with another subject's picture, of the same
    kind. ``spread``: mean distance of the features of any two frames. ``drift_px``: None where feet may move."""

    taken_for: str
    identity: float
    stranger: float
    spread: float
    motion: Motion
    flicker: Flicker
    drift_px: float | None


def measure(
    samples: Sequence[Sample], clips: Sequence[Pixels], actions: ClipJudge, pictures: Judge
) -> list[Measures]:
    """Of ``clips`` (8 h w 4 each) that were made of the samples' references."""
    references = np.stack([sample.reference for sample in samples])
    chances = actions.actions(np.stack(clips), references)
    own = [_features(pictures, sample.reference[None], sample)[0] for sample in samples]
    found = []
    for at, (sample, clip) in enumerate(zip(samples, clips, strict=True)):
        loops = ACTIONS[sample.row.action].loops
        seen = [frame for frame in clip if drawn(frame).any()]
        features = _features(pictures, np.stack(seen), sample) if seen else np.zeros((1, len(own[at])))
        other = _stranger(samples, at)
        found.append(
            Measures(
                taken_for=answered(list(actions.names), chances[at]),
                identity=float((features @ own[at]).mean()),
                stranger=float((features @ own[other]).mean()),
                spread=_spread(features),
                motion=motion(clip, sample.reference, loops),
                flicker=flicker(clip, steady_pixels(sample.real, sample.reference), loops),
                drift_px=foot_drift(clip, sample.reference) if sample.row.action in STANDING else None,
            )
        )
    return found


def _features(judge: Judge, pixels: Pixels, sample: Sample) -> NDArray[np.float32]:
    """32 px art is shown to the judge in its own size, which is what it was trained on."""
    return judge.see(pixels[:, ::2, ::2] if sample.row.art_px == 2 else pixels)


def _stranger(samples: Sequence[Sample], at: int) -> int:
    """The next sample of the same kind and another subject; ``at`` itself where there is none."""
    mine = samples[at].row
    for far in range(1, len(samples)):
        other = (at + far) % len(samples)
        row = samples[other].row
        if (row.kind, row.art_px) == (mine.kind, mine.art_px) and row.subject != mine.subject:
            return other
    return at


def _spread(features: NDArray[np.floating]) -> float:
    if len(features) < 2:
        return 0.0
    cosines = features @ features.T
    pairs = np.sqrt(np.clip(2 - 2 * cosines, 0, None))[np.triu_indices(len(features), 1)]
    return float(pairs.mean())
