"""What the generator needs of a configured model."""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from generators.model_entry import ModelEntry
from generators.order import Order
from generators.recipe import Precision

# Positions in the batch, step (from 1), steps, and a function that shows them as they are now (b h w 4, uint8; of a
# clip its middle frame).
StepReport = Callable[[Sequence[int], int, int, Callable[[], NDArray[np.uint8]]], None]


class PictureModel(Protocol):
    """A model that draws opaque pictures (h w 4, uint8), or clips (f h w 4) where its entry has a ``video``, at its
    entry's size; its ``digest`` names its weights."""

    @property
    def entry(self) -> ModelEntry: ...
    @property
    def digest(self) -> str: ...
    @property
    def precision(self) -> Precision: ...
    def is_ready(self) -> bool: ...
    def takes_negative(self, guidance: float) -> bool: ...
    def token_count(self, prompt: str) -> tuple[int, int]: ...
    def check_clip(self, frames: int) -> None: ...
    def draw(self, orders: Sequence[Order], report: StepReport) -> list[NDArray[np.uint8]]: ...
    def unload(self) -> None: ...
