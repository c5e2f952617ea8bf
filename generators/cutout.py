"""Taking the background out of a drawing: a plain one by flooding, any other by the optional package rembg."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generators.errors import DrawingFailed, PackageMissing
from generators.palette import oklab

PLAIN_SHARE = 0.85  # of the border that must be near one colour for the background to be plain
NEAR = 0.08  # Oklab distance within which a pixel belongs to the background
REMBG = "pip install 'rembg[cpu]'"


def cut_out(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """``pixels`` (h w 4, uint8) with the background clear; a picture that has clear pixels already is left as it is.

    A background of nearly one colour is flooded from the border. Which of the two ways is taken depends on the
    picture alone, so that a recipe gives the same on every machine that can follow it.

    Raises PackageMissing where the background is not plain and rembg is not installed, DrawingFailed where it fails.
    """
    if (pixels[..., 3] < 128).any():
        return pixels
    background = plain_background(pixels)
    if background is None:
        return _by_rembg(pixels)
    out = pixels.copy()
    out[background] = 0
    return out


def plain_background(pixels: NDArray[np.uint8]) -> NDArray[np.bool_] | None:
    """h w: which pixels hang together with the border and have its colour; None where the border has no one colour."""
    lab = oklab(pixels[..., :3].reshape(-1, 3)).reshape(*pixels.shape[:2], 3)
    border = np.concatenate([lab[0], lab[-1], lab[1:-1, 0], lab[1:-1, -1]])
    ground = np.median(border, axis=0)
    if (((border - ground) ** 2).sum(-1) < NEAR**2).mean() < PLAIN_SHARE:
        return None
    return _flooded(((lab - ground) ** 2).sum(-1) < NEAR**2)


def _flooded(free: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which ``free`` pixels are joined to the border through others, above, below or beside."""
    reached = np.zeros_like(free)
    reached[[0, -1]], reached[:, [0, -1]] = free[[0, -1]], free[:, [0, -1]]
    # A run of free pixels is reached as a whole, so a few rounds do; a maze takes one for each of its bends.
    while True:
        further = _along_rows(_along_rows(reached, free).T, free.T).T
        if np.array_equal(further, reached):
            return reached
        reached = further


def _along_rows(reached: NDArray[np.bool_], free: NDArray[np.bool_]) -> NDArray[np.bool_]:
    starts = free & ~np.pad(free, ((0, 0), (1, 0)))[:, :-1]
    run = starts.ravel().cumsum().reshape(free.shape)
    whole = np.bincount(run[reached], minlength=int(run.max()) + 1) > 0
    return whole[run] & free


def _by_rembg(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    try:
        # Optional: it brings SciPy and an ONNX runtime, and fetches a network of 176 MB when it is first used.
        from rembg import remove  # noqa: PLC0415
    except (ImportError, SystemExit) as error:  # it ends the process where its ONNX runtime is missing
        raise PackageMissing(
            "The drawing's background is not of one colour, and taking it out needs the package rembg; run "
            f"`{REMBG}`, or ask in the prompt for a plain background."
        ) from error
    try:
        return np.asarray(remove(Image.fromarray(pixels, "RGBA")).convert("RGBA"))
    except Exception as error:  # whatever its network, its download or its runtime raise
        raise DrawingFailed(
            f"The package rembg could not take out the background ({type(error).__name__}); its network is downloaded "
            "when it is first used, so connect once, or ask in the prompt for a plain background."
        ) from error
