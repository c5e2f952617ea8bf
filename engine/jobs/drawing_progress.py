"""What a drawing tells of itself while it goes on: steps and small previews, few enough to be kept as rows."""

import base64
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection

from engine.database.creation_events import PREVIEW, STEP, append, drop_previews
from engine.database.creations import has_ended, locked_creation
from engine.errors import CreationEnded
from generators.png import encode_png
from generators.progress import Progress

TELL_S: Final = 0.2  # between two steps that are written, which bounds the rows together with MAX_STEPS
PREVIEW_S: Final = 0.5
PREVIEW_STEPS: Final = 2  # between two previews, at least
MAX_PREVIEWS: Final = 8  # pictures in one event
MAX_PREVIEW_PX: Final = 128  # a side

Writing = Callable[[], AbstractContextManager[Connection]]


class DrawingProgress:
    """Hears of every step of one batch, writes some of them down, and stops a drawing whose creation has ended.

    ``writing`` is a transaction that confirms the worker's hold. ``first`` is the batch's first position among the
    creation's ``of`` assets.
    """

    def __init__(self, creation_id: str, writing: Writing, first: int, of: int) -> None:
        self._id, self._writing, self._first, self._of = creation_id, writing, first, of
        self._told = self._shown = time.monotonic()
        self._shown_step = 0
        self._finished: set[int] = set()

    def __call__(self, progress: Progress) -> None:
        """Raises CreationEnded, and HoldLost where another worker has the job."""
        last = progress.step == progress.steps
        if last:
            self._finished |= set(progress.indices)
        now = time.monotonic()
        if now - self._told < TELL_S and not last:
            return
        self._told = now
        shown = self._preview(progress, now)
        with self._writing() as connection:
            if has_ended(locked_creation(connection, self._id)):
                raise CreationEnded(f"The creation {self._id} ended while it was drawn.")
            done = self._first + len(self._finished)
            step = {"step": progress.step, "steps": progress.steps, "done": done, "of": self._of}
            append(connection, self._id, STEP, step)
            if shown is not None:
                drop_previews(connection, self._id)
                append(connection, self._id, PREVIEW, shown)

    def _preview(self, progress: Progress, now: float) -> dict[str, Any] | None:
        if (
            now - self._shown < PREVIEW_S
            or progress.step - self._shown_step < PREVIEW_STEPS
            or progress.step == progress.steps  # the finished asset follows
        ):
            return None
        self._shown, self._shown_step = now, progress.step
        drawn = progress.preview()[:MAX_PREVIEWS]
        return {
            "pictures": [
                {"position": self._first + index, "png": base64.b64encode(_small_png(pixels)).decode()}
                for index, pixels in zip(progress.indices, drawn, strict=False)
            ]
        }


def _small_png(pixels: NDArray[np.uint8]) -> bytes:
    """A PNG of a picture (h w 4), or of the frame in the middle of a clip (f h w 4)."""
    picture = pixels[len(pixels) // 2] if pixels.ndim == 4 else pixels
    stride = -(-max(picture.shape[:2]) // MAX_PREVIEW_PX)
    return encode_png(np.ascontiguousarray(picture[::stride, ::stride]), 1, {})
