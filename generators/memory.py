"""Drawing what does not fit into memory: fewer pictures at a time, then with less of the model loaded."""

import gc
from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from generators.errors import OutOfMemory

# What allocators without an exception type of their own say: the CPU's, and Apple's MPS.
_SAID = ("can't allocate memory", "not enough memory", "out of memory", "cannot allocate memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether ``error`` says that an allocation failed, on any device."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    if isinstance(error, UnboundLocalError):
        # diffusers' SanaPipeline answers a full GPU with a warning and then has no image to return.
        return error.name == "image" or "'image'" in str(error)
    return isinstance(error, RuntimeError) and any(said in str(error).lower() for said in _SAID)


def draw_within_memory(
    positions: Sequence[int],
    draw: Callable[[Sequence[int]], NDArray[np.uint8]],
    *,
    batch: int,
    relieve: Callable[[], bool],
    what: str,
) -> tuple[list[NDArray[np.uint8]], int]:
    """Draws all ``positions``, at most ``batch`` at a time, and smaller where memory runs out.

    A batch that does not fit is halved; a single picture that does not is tried again as long as ``relieve`` finds
    another way to need less. Returns the pictures in order, and the batch size that fitted. Raises OutOfMemory,
    which names ``what``, where nothing helps; other errors pass through.
    """
    done: list[NDArray[np.uint8]] = []
    while len(done) < len(positions):
        failed: str | None = None
        try:
            done += list(draw(positions[len(done) : len(done) + batch]))
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            failed = str(error).splitlines()[0][:200] if str(error) else type(error).__name__
        if failed is not None:
            # Out here the traceback, and every tensor that its frames hold, is gone.
            free_memory()
            if batch > 1:
                batch = min(batch, len(positions) - len(done)) // 2 or 1
            elif not relieve():
                raise OutOfMemory(
                    f"There is not enough memory to draw with {what}, not even one picture at a time with as much "
                    f"as possible kept outside the device ({failed}); use a smaller model or size, a dtype of half "
                    "precision, or free memory."
                )
    return done, batch


def free_memory() -> None:
    """Gives unused memory back to the device, so that the next try finds it."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
