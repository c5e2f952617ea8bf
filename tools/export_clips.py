"""Puts a trained clip network into the pipeline folder that the package ships, and its entry into the manifest.

python -m tools.export_clips --network runs/clip-64/network
"""

import argparse
import tempfile
from pathlib import Path

import torch
from diffusers import AutoencoderTiny, FlowMatchEulerDiscreteScheduler

from generators.bundle import WEIGHTS_FOLDER
from generators.clip_network import ClipNetwork
from generators.clip_pipeline import ClipPipeline
from generators.recipe import Quality
from tools.bundled_weights import digests, put_into
from tools.clips.sheet import SHIFT

DEFAULT_STEPS = (2, 4, 8)


def export(
    network: Path, codec: Path, folder: Path, steps: dict[str, int], version: int
) -> tuple[str, dict[str, object]]:
    """Writes the pipeline (fp16) to the new ``folder``; returns its id and manifest entry."""
    pipeline = ClipPipeline(
        ClipNetwork.from_pretrained(network, dtype=torch.float16),
        FlowMatchEulerDiscreteScheduler(shift=SHIFT),
        AutoencoderTiny.from_pretrained(codec, dtype=torch.float16),
    )
    pipeline.save_pretrained(folder, safe_serialization=True)
    entry = {
        "folder": folder.name,
        "size_px": pipeline.size_px,
        "steps": steps,
        "guidance": 3.0,
        "draws": "clips",
    }
    return f"lorespark-clip-64/{version}", entry | {"licence": "CC0-1.0", "files": digests(folder)}


def main() -> None:
    parser = argparse.ArgumentParser(description="Export a trained clip network into the bundled weights.")
    parser.add_argument("--network", type=Path, required=True, help="the network folder of a training run")
    parser.add_argument(
        "--codec", type=Path, default=WEIGHTS_FOLDER / "sprite-64" / "vae", help="the autoencoder"
    )
    parser.add_argument("--out", type=Path, default=WEIGHTS_FOLDER)
    parser.add_argument(
        "--steps", type=int, nargs=3, default=DEFAULT_STEPS, metavar=("DRAFT", "STANDARD", "HIGH")
    )
    parser.add_argument("--version", type=int, default=1)
    args = parser.parse_args()
    steps = dict(zip((quality.value for quality in Quality), args.steps, strict=True))
    with tempfile.TemporaryDirectory(dir=args.out.parent) as made:
        folder = Path(made) / "clip-64"
        put_into(args.out, [folder], dict([export(args.network, args.codec, folder, steps, args.version)]))


if __name__ == "__main__":
    main()
