"""All that is measured of one clip network, as rows of a table and as JSON."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tools.clip_evaluation.measures import Measures
from tools.clip_evaluation.sample import Sample

SIDES = ("generated", "real", "still")
RESAMPLES = 1000  # of the subjects, for a ratio's standard error (bootstrap; Efron 1979)
# Measure -> what it takes of a clip, None where the clip has none. All are means over clips.
MEASURES: dict[str, Callable[[Measures], float | None]] = {
    "identity": lambda one: one.identity,
    "identity with a stranger": lambda one: one.stranger,
    "motion": lambda one: one.motion.present,
    "motion from the first picture": lambda one: one.motion.from_reference,
    "motion between frames": lambda one: one.motion.between,
    "pose variety": lambda one: one.motion.poses,
    "feature variety": lambda one: one.spread,
    "change of still pixels, of 255": lambda one: one.flicker.still,
    "foot drift, px": lambda one: one.drift_px,
}
# Measure -> a numerator and a denominator, each summed over clips: a clip that hardly moves has no ratio of its own.
POOLED: dict[str, Callable[[Measures], tuple[float, float] | None]] = {
    "loop seam over step": lambda one: (
        None if one.motion.seam is None else (one.motion.seam, one.motion.step)
    ),
    "jerk: second over first energy": lambda one: (one.flicker.second, one.flicker.first),
}
RATIOS = {
    "clip_action_ratio": "right action",
    "clip_identity_ratio": "identity",
    "clip_loop_seam_ratio": "loop seam over step",
    "clip_motion_ratio": "motion",
}


@dataclass(frozen=True)
class Mean:
    """``error``: the standard error over subjects; ``clips``: how many have the measure. Without any, both are None;
    so is the value of a pooled measure where nothing moves."""

    value: float | None
    error: float | None
    clips: int


@dataclass(frozen=True)
class Report:
    """One network's figures: measure -> side -> mean. ``judges``: the digests of the judges that gave them: figures of
    two judges do not compare. ``actions`` and ``groups``: right share by action, and by how the sequence is new.
    ``taken_for``: side -> action -> what the judge took it for -> how often. ``ratios``: with their errors."""

    network: str
    weights: str
    judges: Mapping[str, str]
    steps: int
    finishing: str
    clips: int
    measures: Mapping[str, Mapping[str, Mean]]
    actions: Mapping[str, Mapping[str, Mean]]
    groups: Mapping[str, Mapping[str, Mean]]
    taken_for: Mapping[str, Mapping[str, Mapping[str, int]]]
    motions: Mapping[str, Mapping[str, Mean]]
    ratios: Mapping[str, Mean]

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {name: one.value for name, one in self.ratios.items()}

    def rows(self) -> Iterator[tuple[str, str]]:
        """What was measured, and the figures of the three sides."""
        yield "steps, clips, finishing", f"{self.steps}, {self.clips}, {self.finishing}"
        for name, one in self.ratios.items():
            yield name, _said(one)
        for name, sides in self.measures.items():
            yield name, _beside(sides)
        for name, sides in self.groups.items():
            yield f"right action, {name} ({sides['real'].clips})", _beside(sides)
        for name, sides in self.actions.items():
            yield f"right action, {name} ({sides['real'].clips})", _beside(sides)
        for name, sides in self.motions.items():
            yield f"motion, {name}", _beside(sides)


def report(samples: Sequence[Sample], measured: Mapping[str, Sequence[Measures]], **about: Any) -> Report:
    """Of clips by side (generated, real, still), each in the order of ``samples``; ``about``: the report's first
    fields."""
    subjects = np.array([sample.row.subject for sample in samples])
    asked = [sample.row.action for sample in samples]
    right = {
        side: [float(one.taken_for == action) for one, action in zip(clips, asked, strict=True)]
        for side, clips in measured.items()
    }

    def means(values: Mapping[str, Sequence[float | None]], among: NDArray[np.bool_]) -> dict[str, Mean]:
        return {side: _mean(found, subjects, among) for side, found in values.items()}

    def sides(take: Callable[[Measures], Any]) -> dict[str, list[Any]]:
        return {side: [take(one) for one in clips] for side, clips in measured.items()}

    everything = np.ones(len(samples), bool)
    parts = {"right action": right} | {name: sides(take) for name, take in MEASURES.items()}
    pooled = {name: sides(take) for name, take in POOLED.items()}
    by_action = {action: np.array([one == action for one in asked]) for action in dict.fromkeys(asked)}
    by_group = {
        group: np.array([sample.group == group for sample in samples])
        for group in sorted({sample.group for sample in samples})
    }
    pairs = {
        name: {side: [None if v is None else (v, 1.0) for v in found] for side, found in by_side.items()}
        for name, by_side in parts.items()
    } | pooled
    return Report(
        **about,
        clips=len(samples),
        measures={name: means(by_side, everything) for name, by_side in parts.items()}
        | {name: {s: _pooled(v, subjects) for s, v in by_side.items()} for name, by_side in pooled.items()},
        actions={action: means(right, among) for action, among in by_action.items()},
        groups={group: means(right, among) for group, among in by_group.items()},
        taken_for={side: _confusion(asked, clips) for side, clips in measured.items()},
        motions={action: means(parts["motion"], among) for action, among in by_action.items()},
        ratios={
            name: _ratio(pairs[of]["generated"], pairs[of]["real"], subjects) for name, of in RATIOS.items()
        },
    )


def _mean(values: Sequence[float | None], subjects: NDArray[np.str_], among: NDArray[np.bool_]) -> Mean:
    """Clips of one subject count as one observation for the error."""
    kept = [(v, s) for v, s, a in zip(values, subjects, among, strict=True) if a and v is not None]
    if not kept:
        return Mean(None, None, 0)
    found, whose = np.array([v for v, _ in kept]), np.array([s for _, s in kept])
    each = np.array([found[whose == subject].mean() for subject in np.unique(whose)])
    error = float(each.std(ddof=1) / np.sqrt(len(each))) if len(each) > 1 else None
    return Mean(float(found.mean()), error, len(found))


Pairs = Sequence[tuple[float, float] | None]


def _pooled(pairs: Pairs, subjects: NDArray[np.str_]) -> Mean:
    sums, weights = _sums(pairs), _resampled(subjects)
    spread = _divided(*(weights @ sums).T)
    return Mean(
        _plain(_divided(*sums.sum(0))), _plain(np.std(spread)), sum(pair is not None for pair in pairs)
    )


def _ratio(generated: Pairs, real: Pairs, subjects: NDArray[np.str_]) -> Mean:
    """Of the two sides' pooled values; both are resampled together, as they are of the same subjects."""
    ours, true = _sums(generated), _sums(real)
    weights = _resampled(subjects)
    spread = _divided(_divided(*(weights @ ours).T), _divided(*(weights @ true).T))
    value = _divided(_divided(*ours.sum(0)), _divided(*true.sum(0)))
    return Mean(_plain(value), _plain(np.std(spread)), sum(pair is not None for pair in generated))


def _sums(pairs: Pairs) -> NDArray[np.float64]:
    return np.array([(0.0, 0.0) if pair is None else pair for pair in pairs], np.float64)


def _resampled(subjects: NDArray[np.str_]) -> NDArray[np.float64]:
    """How often each clip is in each of the samples of subjects drawn with replacement (RESAMPLES n)."""
    names, of = np.unique(subjects, return_inverse=True)
    draws = np.random.default_rng(0).multinomial(len(names), np.full(len(names), 1 / len(names)), RESAMPLES)
    return draws[:, of].astype(np.float64)


def _divided(over: Any, under: Any) -> Any:
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.divide(over, under)


def _plain(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def _confusion(asked: Sequence[str], clips: Sequence[Measures]) -> dict[str, dict[str, int]]:
    found: dict[str, Counter[str]] = {}
    for action, one in zip(asked, clips, strict=True):
        found.setdefault(action, Counter())[one.taken_for] += 1
    return {action: dict(sorted(counts.items())) for action, counts in found.items()}


def _said(mean: Mean) -> str:
    if mean.value is None:
        return "–"
    return f"{mean.value:.3f}" + (f" ±{mean.error:.3f}" if mean.error is not None else "")


def _beside(sides: Mapping[str, Mean]) -> str:
    return ", ".join(
        f"{'' if side == 'generated' else side + ' '}{_said(sides[side])}" for side in SIDES if side in sides
    )


def merge_json(path: Path, reports: Sequence[Report]) -> None:
    """Adds reports to the list in ``path``; one of the same weights, steps and finishing takes the last one's place."""

    def key(entry: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(entry[name] for name in ("weights", "steps", "finishing"))

    known = json.loads(path.read_text(encoding="utf-8"))["evaluations"] if path.exists() else []
    entries = {key(entry): entry for entry in [*known, *(one.to_json() for one in reports)]}
    text = json.dumps({"evaluations": list(entries.values())}, indent=1, sort_keys=True, allow_nan=False)
    path.write_text(text + "\n", encoding="utf-8")
