"""Where a storyboard's pictures come from."""

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from generators.animation import Animation


class ClipSource(Protocol):
    """Assets as pictures, still and moving."""

    @property
    def clip_model(self) -> str:
        """What names the model that draws clips and its weights: another one means other frames."""

    def animation(
        self, asset_id: str, action: str, direction: str | None, frames: int, seed: int
    ) -> Animation:
        """The asset doing ``action`` (f h w 4, uint8), drawn now or found already drawn.

        Of an asset that is a clip already: its own frames, whatever else is asked for.
        """

    def picture(self, asset_id: str) -> NDArray[np.uint8]:
        """The asset as it was drawn (h w 4, uint8); of a clip, its first frame."""
