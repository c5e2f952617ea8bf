"""The bundled models: where their weights are, how they are best drawn with, and their digests."""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import rfc8785

from generators.bundle import TEXT_ENCODER_SHA256, WEIGHTS_FOLDER, check_digest
from generators.errors import WeightsUnavailable
from generators.recipe import Quality

MANIFEST = "models.json"


@dataclass(frozen=True)
class SpriteModel:
    """One pipeline folder. ``files`` maps each of its files to its sha256, ``steps`` each quality to its number."""

    id: str
    folder: Path
    size_px: int
    steps: tuple[tuple[Quality, int], ...]
    guidance: float
    licence: str
    files: tuple[tuple[str, str], ...]
    draws: Literal["pictures", "clips"] = "pictures"

    def steps_for(self, quality: Quality) -> int:
        """How many denoising steps ``quality`` takes."""
        return dict(self.steps)[quality]

    @property
    def digest(self) -> str:
        """Hex sha256 over all files and the text encoder's weights: what a recipe names as its ``weights``."""
        named = {"files": dict(self.files), "text_encoder": TEXT_ENCODER_SHA256}
        return hashlib.sha256(rfc8785.dumps(named)).hexdigest()

    def check_files(self) -> None:
        """Raises WeightsUnavailable where a file is missing or altered."""
        for name, sha256 in self.files:
            check_digest(self.folder / name, sha256)


def read_models(folder: Path = WEIGHTS_FOLDER) -> dict[str, SpriteModel]:
    """The models of a weights folder by id, from its manifest; their files are checked when they are loaded.

    Raises WeightsUnavailable where the manifest is missing or cannot be read.
    """
    try:
        entries: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        models = [
            SpriteModel(
                id=name,
                folder=folder / entry["folder"],
                size_px=entry["size_px"],
                steps=tuple((quality, entry["steps"][quality.value]) for quality in Quality),
                guidance=entry["guidance"],
                licence=entry["licence"],
                files=tuple(sorted(entry["files"].items())),
                draws=entry.get("draws", "pictures"),
            )
            for name, entry in entries.items()
        ]
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise WeightsUnavailable(
            f"The list of models {MANIFEST} in {folder} is missing or damaged; reinstall Lorespark."
        ) from error
    return {model.id: model for model in models}


def model_for_size(models: dict[str, SpriteModel], size_px: int) -> SpriteModel:
    """The model that draws pictures at ``size_px``. Raises WeightsUnavailable where there is none."""
    for model in models.values():
        if model.size_px == size_px and model.draws == "pictures":
            return model
    raise WeightsUnavailable(f"No installed model draws at {size_px} px; use one of {sizes(models)}.")


def sizes(models: dict[str, SpriteModel]) -> str:
    return ", ".join(str(size) for size in sorted({model.size_px for model in models.values()}))
