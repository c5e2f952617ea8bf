"""Puts trained networks into the pipeline folders that the package ships, and writes their manifest.

python -m tools.export_sprites --small runs/sprite-32/unet --fine runs/sprite-64/unet --codec runs/codec-64
"""

import argparse
import tempfile
from pathlib import Path

import torch
from diffusers import AutoencoderTiny, FlowMatchEulerDiscreteScheduler, UNet2DConditionModel

from generators.bundle import WEIGHTS_FOLDER
from generators.recipe import Quality
from generators.sprite_pipeline import SpritePipeline
from tools.bundled_weights import digests, put_into
from tools.train_sprites import SHIFT

DEFAULT_STEPS = (4, 8, 16)  # more than sixteen change single pixels


def export(
    unet: Path,
    codec: Path | None,
    folder: Path,
    steps: dict[str, int],
    guidance: float,
    size_px: int,
    version: int,
) -> tuple[str, dict[str, object]]:
    """Writes one pipeline (fp16) of a network that ``guidance`` was distilled into, to the new ``folder``.

    Returns its id and manifest entry.
    """
    pipeline = SpritePipeline(
        UNet2DConditionModel.from_pretrained(unet, dtype=torch.float16),
        FlowMatchEulerDiscreteScheduler(shift=SHIFT),
        AutoencoderTiny.from_pretrained(codec, dtype=torch.float16) if codec else None,
        distilled_guidance=guidance,
    )
    pipeline.save_pretrained(folder, safe_serialization=True)
    entry = {"folder": folder.name, "size_px": size_px, "steps": steps, "guidance": guidance}
    return f"lorespark-sprite-{size_px}/{version}", entry | {"licence": "CC0-1.0", "files": digests(folder)}


def main() -> None:
    parser = argparse.ArgumentParser(description="Export trained networks into the bundled weights.")
    parser.add_argument("--small", type=Path, required=True, help="the 32 px UNet folder")
    parser.add_argument("--fine", type=Path, required=True, help="the 64 px UNet folder")
    parser.add_argument("--codec", type=Path, required=True, help="the 64 px autoencoder folder")
    parser.add_argument("--out", type=Path, default=WEIGHTS_FOLDER)
    parser.add_argument(
        "--steps", type=int, nargs=3, default=DEFAULT_STEPS, metavar=("DRAFT", "STANDARD", "HIGH")
    )
    parser.add_argument("--guidance", type=float, default=3.0, help="what the networks were trained with")
    parser.add_argument("--version", type=int, default=2)
    args = parser.parse_args()
    steps = dict(zip((quality.value for quality in Quality), args.steps, strict=True))
    settings = {"steps": steps, "guidance": args.guidance, "version": args.version}
    args.out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.out.parent) as made:
        small, fine = Path(made) / "sprite-32", Path(made) / "sprite-64"
        entries = dict(
            [
                export(args.small, None, small, size_px=32, **settings),
                export(args.fine, args.codec, fine, size_px=64, **settings),
            ]
        )
        put_into(args.out, [small, fine], entries)


if __name__ == "__main__":
    main()
