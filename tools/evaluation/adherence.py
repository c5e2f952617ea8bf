"""Does a picture show what its caption says? The judge picks the caption among 32 of the same group."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generators.judge import right_shares
from tools.evaluation.sample import Group, Real
from tools.judge.split import group_rows, unseen

CAPTIONS = 32


@dataclass(frozen=True)
class Adherence:
    """Shares that are right of ``pictures``; ``*_error`` is the standard error over subjects.

    ``held_out_*`` are the same of the ``held_out_pictures`` whose subjects no network saw.
    """

    generated: float
    generated_error: float
    real: float
    real_error: float
    pictures: int
    subjects: int
    among: int
    held_out_generated: float | None
    held_out_real: float | None
    held_out_pictures: int

    @property
    def ratio(self) -> float:
        return self.generated / max(self.real, 1e-9)


def adherence(group: Group, real: Real) -> Adherence:
    """Real and generated pictures of the same captions, against the same rivals: captions of other subjects."""
    pool = group_rows(real.pictures, group.kind, unseen(real.pictures))
    captions = real.caption_features(pool)
    texts = np.array([real.pictures.captions[row][0] for row in pool])
    subjects = np.array([real.pictures.subjects[row] for row in pool])
    own = np.array([real.pictures.captions[row][0] for row in group.rows])
    rivals = (group.subjects[:, None] != subjects) & (own[:, None] != texts)
    among = min(CAPTIONS, int(rivals.sum(1).min()) + 1)

    def right(features: NDArray[np.float32]) -> NDArray[np.float64]:
        fit = (features * group.captions).sum(1)
        return right_shares(fit, features @ captions.T, rivals, among)

    drawn, true = right(group.generated), right(group.real)
    held = group.held_out
    return Adherence(
        generated=float(drawn.mean()),
        generated_error=_error(drawn, group.subjects),
        real=float(true.mean()),
        real_error=_error(true, group.subjects),
        pictures=len(drawn),
        subjects=len(set(group.subjects)),
        among=among,
        held_out_generated=float(drawn[held].mean()) if held.any() else None,
        held_out_real=float(true[held].mean()) if held.any() else None,
        held_out_pictures=int(held.sum()),
    )


def _error(shares: NDArray[np.float64], subjects: NDArray[np.str_]) -> float:
    """The standard error of the mean, taking pictures of one subject as one observation."""
    means = np.array([shares[subjects == subject].mean() for subject in np.unique(subjects)])
    return float(means.std(ddof=1) / np.sqrt(len(means))) if len(means) > 1 else 0.0
