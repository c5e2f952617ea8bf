"""The colour words of a picture, measured from its pixels."""

import numpy as np
from numpy.typing import NDArray

# Anchors in sRGB. A pixel takes the name of the nearest anchor in a luma-weighted distance; several anchors
# may share a name. Chosen to be the words people type, not a colour atlas.
ANCHORS: tuple[tuple[str, tuple[int, int, int]], ...] = (
    ("black", (14, 14, 18)),
    ("dark grey", (62, 62, 66)),
    ("grey", (128, 128, 130)),
    ("silver", (186, 190, 198)),
    ("white", (244, 244, 244)),
    ("red", (200, 28, 28)),
    ("dark red", (104, 12, 16)),
    ("pink", (240, 140, 180)),
    ("orange", (236, 120, 20)),
    ("brown", (110, 68, 34)),
    ("brown", (70, 44, 24)),
    ("tan", (204, 164, 116)),
    ("golden", (214, 168, 40)),
    ("yellow", (248, 232, 72)),
    ("green", (44, 150, 44)),
    ("dark green", (20, 74, 28)),
    ("light green", (140, 226, 120)),
    ("teal", (30, 130, 124)),
    ("cyan", (90, 220, 232)),
    ("blue", (40, 70, 210)),
    ("dark blue", (22, 28, 100)),
    ("light blue", (124, 170, 240)),
    ("purple", (122, 44, 170)),
    ("dark purple", (58, 22, 84)),
    ("magenta", (220, 50, 190)),
)
WORDS = frozenset(word for name, _ in ANCHORS for word in name.split()) - {"dark", "light"} | {
    "gold",
    "gray",
    "violet",
    "crimson",
    "scarlet",
    "azure",
    "bronze",
    "copper",
    "blonde",
}
_ANCHOR_RGB = np.array([rgb for _, rgb in ANCHORS], np.float32)
_WEIGHTS = np.array([0.30, 0.50, 0.20], np.float32)  # how much each channel counts to the eye


def colour_words(pixels: NDArray[np.uint8], most: int = 2) -> list[str]:
    """Names of the commonest colours of ``pixels`` (h w 4, straight alpha), most common first.

    Outlines and shading are mostly black and grey in pixel art, so those only count when they hold more than
    half of the opaque pixels. A colour needs a tenth of the pixels to be named.
    """
    opaque = pixels[pixels[..., 3] > 127][:, :3].astype(np.float32)
    if len(opaque) == 0:
        return []
    distance = (((opaque[:, None] - _ANCHOR_RGB[None]) ** 2) * _WEIGHTS).sum(-1)
    counts: dict[str, float] = {}
    for index, n in zip(*np.unique(distance.argmin(1), return_counts=True), strict=True):
        counts[ANCHORS[index][0]] = counts.get(ANCHORS[index][0], 0) + n / len(opaque)
    plain = {"black", "dark grey", "grey"}
    shares = {name: share * (0.4 if name in plain else 1.0) for name, share in counts.items()}
    ranked = sorted(shares.items(), key=lambda item: -item[1])
    return [name for name, share in ranked[:most] if share >= 0.1]


def names_a_colour(text: str) -> bool:
    """Whether ``text`` already holds a colour word."""
    return not WORDS.isdisjoint(text.lower().replace(",", " ").split())
