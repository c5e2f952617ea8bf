"""Clips of tiny video models: an entry, a generator, what is wished for and what is drawn."""

from pathlib import Path
from typing import Any

import numpy as np
import torch

from generators.diffusers_model import DiffusersModel
from generators.model_entry import ModelEntry
from generators.model_files import DigestCache
from generators.picture_generator import PictureGenerator
from generators.png import encode_png
from generators.progress import Progress
from generators.recipe import Kind, Recipe
from generators.sprite_generator import SpriteGenerator

CPU = torch.device("cpu")
WIDTH, HEIGHT, FRAMES = 96, 64, 9


def entry(path: Path, **given: Any) -> ModelEntry:
    fields = {"steps": 2, "guidance": 4.0, "frames": FRAMES, "licence": "CC0-1.0", "dtype": "fp32"}
    size = {} if "size" in given else {"width": WIDTH, "height": HEIGHT}
    return ModelEntry(id="tiny", path=str(path), **(fields | size | given))


def generator(own: ModelEntry, **given: Any) -> PictureGenerator:
    return PictureGenerator(SpriteGenerator(), [DiffusersModel(own, CPU, DigestCache(None), **given)])


def source(cid: str) -> bytes:
    """A wide box on a clear square, in a colour that its CID says."""
    size, colour = (int(part, 16) for part in cid.split("-"))
    pixels = np.zeros((size, size, 4), np.uint8)
    pixels[size * 2 // 5 : size * 3 // 5, size // 8 : size * 7 // 8] = (colour, 64, 255 - colour, 255)
    return encode_png(pixels, 1, {})


def wish(own: PictureGenerator, seed: int = 1, **fields: Any) -> Recipe:
    model = own.configured["tiny"].entry
    if model.video is not None and model.video.from_picture:
        fields = {"source_cid": f"{fields.get('size') or model.size:x}-c8"} | fields
    return own.recipe("a red potion", Kind.CLIP, seed, model="tiny", **fields)


def drawn(own: PictureGenerator, *recipes: Recipe, told: list[Progress] | None = None) -> list[np.ndarray]:
    listener = None if told is None else told.append
    return [clip.animation.frames for clip in own.draw(recipes, listener, source)]
