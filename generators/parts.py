"""The connected parts of a picture: which opaque pixels hang together, and how many each part has."""

import numpy as np
from numpy.typing import NDArray


def parts(opaque: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """A number for each pixel (h w) and the pixels of each number: 0 is clear, 1, 2 … are the parts from the top.

    Pixels hang together by a side or a corner. Two passes over runs of pixels with union-find (Rosenfeld and
    Pfaltz 1966).
    """
    height, width = opaque.shape
    labels = np.zeros((height, width), np.int64)
    parent = [0]

    def root(label: int) -> int:
        while parent[label] != label:
            parent[label] = parent[parent[label]]
            label = parent[label]
        return label

    bounds = np.diff(np.pad(opaque, ((0, 0), (1, 1))).astype(np.int8), axis=1)
    for y in range(height):
        for begin, end in zip(np.flatnonzero(bounds[y] == 1), np.flatnonzero(bounds[y] == -1), strict=True):
            above = labels[y - 1, max(0, begin - 1) : end + 1] if y else labels[:0, 0]
            met = sorted({root(int(label)) for label in np.unique(above[above > 0])})
            if not met:
                parent.append(len(parent))
                met = [len(parent) - 1]
            for label in met[1:]:
                parent[label] = met[0]
            labels[y, begin:end] = met[0]
    _, numbered = np.unique([root(label) for label in range(len(parent))], return_inverse=True)
    labels = numbered[labels]
    return labels, np.bincount(labels.ravel(), minlength=1)
