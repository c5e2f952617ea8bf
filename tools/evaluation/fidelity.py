"""Do the pictures look like real ones, and are they as many-sided? Distances between sets of judge features."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tools.evaluation.sample import Group, Real

SPLITS = 20  # random halves by subject, each with its own figures
NEIGHBOURS = 3  # k of Kynkäänniemi et al. 2019
SHRINKAGE = (
    0.1  # of a covariance towards its mean variance: half a sample has about as many pictures as features
)


@dataclass(frozen=True)
class Fidelity:
    """Means over ``SPLITS`` splits of the sample's subjects into halves A and B of ``pictures`` in all.

    ``frechet``: generated A to real B; ``frechet_real``: real A to real B; ``frechet_scrambled``: real A, its 8x8
    cells shuffled within the picture, to real B, to show what the measure can tell. ``precision`` and ``recall``
    likewise, each beside real A's. The ratio's spread is its standard deviation over splits.
    """

    pictures: int
    frechet: float
    frechet_real: float
    frechet_scrambled: float
    ratio: float
    ratio_spread: float
    precision: float
    precision_real: float
    recall: float
    recall_real: float


def fidelity(groups: list[Group], real: Real) -> Fidelity:
    true, drawn = (np.concatenate([getattr(g, name) for g in groups]) for name in ("real", "generated"))
    pixels = np.stack([real.pictures.pixels[row] for g in groups for row in g.rows])
    broken = real.judge.see(scrambled(pixels))
    rows = []
    for a, b in halves(groups):
        reference = true[b]
        distances = [frechet(part[a], reference) for part in (drawn, true, broken)]
        rows.append(
            [
                *distances,
                distances[0] / distances[1],
                covered(drawn[a], reference),
                covered(true[a], reference),
                covered(reference, drawn[a]),
                covered(reference, true[a]),
            ]
        )
    mean, spread = np.mean(rows, 0).tolist(), float(np.std(rows, 0)[3])
    return Fidelity(len(true), *mean[:3], mean[0] / mean[1], spread, *mean[4:])


def halves(groups: list[Group]) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Splits of all groups' pictures into two halves, no subject in both, each group halved."""
    draw = np.random.default_rng(0)
    for _ in range(SPLITS):
        first: list[int] = []
        second: list[int] = []
        begin = 0
        for group in groups:
            names = np.unique(group.subjects)
            chosen = draw.permutation(names)[: len(names) // 2]
            inside = np.isin(group.subjects, chosen)
            first += (begin + np.flatnonzero(inside)).tolist()
            second += (begin + np.flatnonzero(~inside)).tolist()
            begin += len(inside)
        count = min(len(first), len(second))  # the distance grows as samples shrink: both halves alike
        yield draw.permutation(first)[:count], draw.permutation(second)[:count]


def frechet(first: NDArray[np.floating], second: NDArray[np.floating]) -> float:
    """Between two normal distributions fitted to features (n d): Heusel et al. 2017, eq. 6."""
    means = first.mean(0).astype(np.float64) - second.mean(0)
    one, two = _covariance(first), _covariance(second)
    # The trace of the root of a product is that of a symmetric matrix with the same eigenvalues.
    values, vectors = np.linalg.eigh(one)
    root = (vectors * np.sqrt(np.maximum(values, 0))) @ vectors.T
    shared = np.sqrt(np.maximum(np.linalg.eigvalsh(root @ two @ root), 0)).sum()
    return float(means @ means + np.trace(one) + np.trace(two) - 2 * shared)


def _covariance(features: NDArray[np.floating]) -> NDArray[np.float64]:
    found = np.cov(features.astype(np.float64), rowvar=False)
    width = len(found)
    return np.asarray((1 - SHRINKAGE) * found + SHRINKAGE * np.trace(found) / width * np.eye(width))


def covered(points: NDArray[np.floating], reference: NDArray[np.floating]) -> float:
    """The share of ``points`` inside the manifold of ``reference``: Kynkäänniemi et al. 2019, eq. 1.

    With generated points it is precision; with real points and a generated reference, recall.
    """
    own = distances(reference, reference)
    radii = np.sort(own, 1)[:, min(NEIGHBOURS, len(reference) - 1)]
    return float((distances(points, reference) <= radii).any(1).mean())


def distances(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.floating]:
    """Between unit vectors: n d, m d -> n m."""
    return np.sqrt(np.maximum(2 - 2 * first @ second.T, 0))


def spread(features: NDArray[np.floating]) -> float:
    """The mean distance between two different rows."""
    count = len(features)
    return float(distances(features, features)[~np.eye(count, dtype=bool)].mean())


def scrambled(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The 8x8 cells of each picture (b s s 4) in another order."""
    count, size = pixels.shape[:2]
    cell = size // 8
    cells = pixels.reshape(count, 8, cell, 8, cell, 4).transpose(0, 1, 3, 2, 4, 5).reshape(count, 64, -1)
    draw = np.random.default_rng(0)
    mixed = np.stack([one[draw.permutation(64)] for one in cells])
    return mixed.reshape(count, 8, 8, cell, cell, 4).transpose(0, 1, 3, 2, 4, 5).reshape(pixels.shape)
