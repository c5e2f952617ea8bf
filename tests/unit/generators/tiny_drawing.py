"""Pictures of tiny models: an entry, and a generator."""

from pathlib import Path
from typing import Any

import torch

from generators.diffusers_model import DiffusersModel
from generators.model_entry import ModelEntry
from generators.model_files import DigestCache
from generators.picture_generator import PictureGenerator
from generators.sprite_generator import SpriteGenerator
from tests.unit.generators.tiny_models import PX

CPU = torch.device("cpu")
DISTILLED = ("turbo", "flux")


def entry(path: Path, **given: Any) -> ModelEntry:
    guidance = 0.0 if path.name in DISTILLED else 4.0
    fields = {"steps": 2, "guidance": guidance, "size": PX, "licence": "CC0-1.0", "dtype": "fp32"}
    return ModelEntry(id="tiny", path=str(path), **(fields | given))


def generator(own: ModelEntry, **given: Any) -> PictureGenerator:
    return PictureGenerator(SpriteGenerator(), [DiffusersModel(own, CPU, DigestCache(None), **given)])
