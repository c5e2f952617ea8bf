"""How far two finished pictures of one recipe are apart."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

# A channel must differ by more than this, of 255, to be seen: a palette found anew in a picture that was rounded
# differently moves all its colours by a little, and that changes nothing a person sees.
VISIBLE_DIFFERENCE = 32


@dataclass(frozen=True)
class Difference:
    """Counts of pixels. ``visible`` differ in their outline or by more than ``VISIBLE_DIFFERENCE``; ``drawn`` are
    opaque in either picture; ``largest`` is the largest difference of a channel, of 255."""

    total: int
    drawn: int
    differing: int
    visible: int
    largest: int

    @property
    def visible_share(self) -> float:
        """Of the drawn pixels; 0 for two empty pictures."""
        return self.visible / self.drawn if self.drawn else 0.0


def compare(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Difference:
    """Compares two pictures, or two clips, of one size (… h w 4, uint8). Raises ValueError where the sizes differ."""
    if first.shape != second.shape:
        raise ValueError(f"pictures of {first.shape} and {second.shape} cannot be compared")
    apart = np.abs(first.astype(np.int16) - second)
    outline = (first[..., 3] > 0) != (second[..., 3] > 0)
    return Difference(
        total=first[..., 0].size,
        drawn=int(((first[..., 3] > 0) | (second[..., 3] > 0)).sum()),
        differing=int((apart > 0).any(-1).sum()),
        visible=int((outline | (apart > VISIBLE_DIFFERENCE).any(-1)).sum()),
        largest=int(apart.max(initial=0)),
    )
