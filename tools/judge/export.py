"""Writes a judge as the package ships it."""

import dataclasses
import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from generators.bundle import TEXT_ENCODER_SHA256
from generators.judge import CONFIG, WEIGHTS, Judge


def write_judge(judge: Judge, folder: Path, scored: dict[str, Any], pictures: int) -> None:
    """Writes fp16 weights, and a config with the shape, the digests, the score and how many pictures it saw."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(
        {name: value.to(torch.float16).contiguous() for name, value in judge.state_dict().items()},
        folder / WEIGHTS,
    )
    (folder / WEIGHTS).chmod(0o644)
    config = {
        "shape": dataclasses.asdict(judge.shape),
        "files": {WEIGHTS: hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()},
        "text_encoder": TEXT_ENCODER_SHA256,
        "licence": "CC0-1.0",
        "pictures": pictures,
        "score": scored,
    }
    (folder / CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")
