"""A finished clip: the file that is owned, the picture that stands for it, and every file that others play."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from generators.animation import Animation
from generators.apng import apng_bytes
from generators.finishing import IMAGE_PX, FinishedPicture, png_bytes
from generators.gif import gif_bytes
from generators.mp4 import BACKGROUND, mp4_bytes
from generators.recipe import Recipe
from generators.sprite_sheet import sheet_files
from generators.webp import webp_bytes

STICKER_PX = 256  # of WebP and GIF: sharp in chats and pages; at 512 px a GIF has 92 kB where this has 42
VIDEO_PX = IMAGE_PX


@dataclass(frozen=True)
class FinishedClip:
    """``media``: the animation as APNG at native size; ``image``: its first frame as PNG at the largest whole
    multiple up to 512 px; both hold the recipe. ``files``: name -> bytes of the same frames as clip.mp4 (up to
    512 px), clip.webp and clip.gif (up to 256 px), and sheet.png, .json, .tres and .tsx."""

    animation: Animation
    media: bytes
    image: bytes
    files: Mapping[str, bytes]

    @property
    def pixels(self) -> NDArray[np.uint8]:
        """All frames (f h w 4, uint8)."""
        return self.animation.frames


Finished = FinishedPicture | FinishedClip  # what a recipe becomes: both have pixels, media, image and files


def finished_clip(animation: Animation, recipe: Recipe) -> FinishedClip:
    """Every file of ``animation``, whose frames are finished. The same frames give the same files.

    Raises InvalidPicture where its name or size does not fit on a sheet.
    """
    side = max(animation.frames.shape[1:3])
    small, large = max(1, STICKER_PX // side), max(1, VIDEO_PX // side)
    background = BACKGROUND if recipe.background is None else recipe.background
    files = {
        "clip.mp4": mp4_bytes(animation, large, background),
        "clip.webp": webp_bytes(animation, small),
        "clip.gif": gif_bytes(animation, small),
        **sheet_files([animation], "sheet"),
    }
    image = png_bytes(animation.frames[0], recipe, max(1, IMAGE_PX // side))
    return FinishedClip(animation, apng_bytes(animation, recipe), image, files)
