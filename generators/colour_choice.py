"""Which colours: the few that stand best for pictures, and a fixed palette's best for each pixel of one."""

import numpy as np
from numpy.typing import NDArray

from generators.palette import nearest_indices, oklab

ROUNDS = 12  # of Lloyd's algorithm; few hundred colours have settled by then
# A colour's weight is its pixel count to this power: less than 1 keeps eyes, gems and flames that are few pixels.
RARITY = 0.5
MIN_APART = 0.03  # in Oklab; two colours nearer than this look the same, and a palette has no place for both
MIN_CHANNEL_STEP = 8  # of 255
MAX_DISTINCT = 65_536  # a photo has more; rounded to 5 bits a channel it has at most 32,768
# A palette whose colours spread less than this in Oklab's a and b (standard deviation) has one hue: the Game Boy's
# spreads 0.048, the least of the other named ones 0.07.
PLAIN_SPREAD = 0.06
MIN_LIGHT_RANGE = 0.1  # of Oklab lightness; a flatter picture has no shading to keep


def important_colours(pixels: NDArray[np.uint8], count: int) -> NDArray[np.uint8]:
    """At most ``count`` colours (n 3) of ``pixels`` (m 3) that stand best for all of them, commonest first.

    Weighted k-means in Oklab from farthest points (Gonzalez 1985), each centre then moved to the nearest colour
    that is there: the answer never mixes colours that nobody drew. The same pixels give the same colours.
    """
    distinct, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_counts=True)
    if len(distinct) > MAX_DISTINCT:
        coarse = (pixels.reshape(-1, 3) & 0xF8) | 4
        distinct, counts = np.unique(coarse, axis=0, return_counts=True)
    if len(distinct) <= count:
        return distinct[np.argsort(-counts, kind="stable")]
    places = oklab(distinct).astype(np.float64)
    weights = counts.astype(np.float64) ** RARITY
    centres = [places[int(counts.argmax())]]
    least = ((places - centres[0]) ** 2).sum(1)
    while len(centres) < count:
        centres.append(places[int((least * weights).argmax())])
        least = np.minimum(least, ((places - centres[-1]) ** 2).sum(1))
    middle = np.array(centres)
    for _ in range(ROUNDS):
        groups = nearest_indices(places, middle)
        total = np.bincount(groups, weights, count)
        for axis in range(3):
            moved = np.bincount(groups, weights * places[:, axis], count)
            middle[:, axis] = np.where(total > 0, moved / np.maximum(total, 1e-9), middle[:, axis])
    chosen = np.unique(nearest_indices(middle, places))
    held = np.bincount(nearest_indices(places, places[chosen]), counts, len(chosen))
    kept: list[int] = []
    for index in chosen[np.argsort(-held, kind="stable")]:
        if not any(_alike(distinct[index], distinct[other]) for other in kept):
            kept.append(int(index))
    return distinct[kept]


def _alike(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> bool:
    places = oklab(np.stack([first, second]))
    # Oklab's cube root pulls near-blacks apart that no screen shows apart.
    channels = np.abs(first.astype(np.int64) - second).max()
    return bool(channels < MIN_CHANNEL_STEP or ((places[0] - places[1]) ** 2).sum() < MIN_APART**2)


def fitted(colours: NDArray[np.uint8], palette: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Each of one picture's ``colours`` (m 3) replaced by one of ``palette`` (n 3).

    It is the nearest in Oklab, except for palettes of one hue such as the Game Boy's: there only light can tell
    things apart, so the picture's lightness is parted into as many bands as there are colours (k-means), the darkest
    band taking the darkest colour, and so on. A red cloak keeps its shading in four greens, and its outline.
    """
    lab, shown = oklab(colours), oklab(palette)
    spread = float(np.sqrt(shown[:, 1:].var(0).sum()))
    low, high = np.quantile(lab[:, 0], (0.02, 0.98))
    if spread > PLAIN_SPREAD or high - low < MIN_LIGHT_RANGE:
        return palette[nearest_indices(lab, shown)]
    light = lab[:, 0].astype(np.float64)
    bands = np.linspace(low, high, len(palette))
    for _ in range(ROUNDS):
        groups = np.abs(light[:, None] - bands).argmin(1)
        count = np.bincount(groups, minlength=len(bands))
        total = np.bincount(groups, light, len(bands))
        bands = np.where(count > 0, total / np.maximum(count, 1), bands)
    by_light = np.argsort(shown[:, 0], kind="stable")
    return palette[by_light[np.abs(light[:, None] - bands).argmin(1)]]
