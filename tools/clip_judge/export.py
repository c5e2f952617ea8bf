"""Writes a clip judge as the package ships it."""

import hashlib
import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from generators.clip_judge import ClipJudge
from generators.judge import CONFIG, WEIGHTS

SHAPE = ("names", "widths", "features", "facing_widths")


def write_clip_judge(judge: ClipJudge, folder: Path, scored: dict[str, Any], clips: int) -> None:
    """Writes fp16 weights, and a config with the shape, the digest, the score and how many clips it saw."""
    folder.mkdir(parents=True, exist_ok=True)
    save_file(
        {name: value.to(torch.float16).contiguous() for name, value in judge.state_dict().items()},
        folder / WEIGHTS,
    )
    (folder / WEIGHTS).chmod(0o644)
    config = {
        "shape": {name: judge.config[name] for name in SHAPE},
        "files": {WEIGHTS: hashlib.sha256((folder / WEIGHTS).read_bytes()).hexdigest()},
        "licence": "CC0-1.0",
        "clips": clips,
        "score": scored,
    }
    (folder / CONFIG).write_text(json.dumps(config, indent=1, sort_keys=True) + "\n", encoding="utf-8")
