"""How near is the nearest training picture, beside real pictures that were not trained on?"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generators.novelty import NoveltyIndex
from tools.evaluation.sample import Group, Real
from tools.judge.split import GROUPS


@dataclass(frozen=True)
class Distances:
    """Median and fifth percentile of both measures over ``pictures``, and the share that are near copies."""

    pixel_median: float
    pixel_5: float
    feature_median: float
    feature_5: float
    near_copy_share: float
    pictures: int


@dataclass(frozen=True)
class Novelty:
    generated: Distances
    real: Distances


def novelty(groups: list[Group], real: Real, index: NoveltyIndex) -> Novelty:
    """The generated sample, and the real pictures that no network saw, against ``index``."""
    kinds = {kind for _, kind in GROUPS.values()}
    rows = [row for row in np.flatnonzero(real.pictures.held_out) if real.pictures.kinds[row] in kinds]
    return Novelty(
        generated=measured((one for group in groups for one in group.drawn), index),
        real=measured((np.asarray(real.pictures.pixels[row]) for row in rows), index),
    )


def measured(pictures: Iterable[NDArray[np.uint8]], index: NoveltyIndex) -> Distances:
    pixel, feature, copies = [], [], []
    for pixels in pictures:
        found = index.nearest(pixels)
        pixel.append(found.pixel_distance)
        feature.append(found.feature_distance)
        copies.append(index.counts_as_copy(found, len(pixels)))
    return Distances(
        pixel_median=float(np.median(pixel)),
        pixel_5=float(np.percentile(pixel, 5)),
        feature_median=float(np.median(feature)),
        feature_5=float(np.percentile(feature, 5)),
        near_copy_share=float(np.mean(copies)),
        pictures=len(copies),
    )
