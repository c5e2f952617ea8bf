"""Puts trained networks into the pipeline folders that the package ships, and writes their manifest.

python -m tools.export_sprites --small runs/sprite-32/unet --fine runs/sprite-64/unet --codec runs/codec-64
"""

import argparse
import hashlib
import json
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

import torch
from diffusers import AutoencoderTiny, FlowMatchEulerDiscreteScheduler, UNet2DConditionModel

from generators.bundle import WEIGHTS_FOLDER
from generators.models import MANIFEST
from generators.recipe import Quality
from generators.sprite_pipeline import SpritePipeline
from tools.train_sprites import SHIFT

MAX_FILE_BYTES = 50_000_000
MAX_BUNDLE_BYTES = 96_000_000
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
    for path in folder.rglob("*"):
        if path.name == "config.json":
            # Where a part was loaded from is this machine's business; the last key belongs to no constructor.
            config = json.loads(path.read_text(encoding="utf-8"))
            unwanted = {"_name_or_path"}
            if config["_class_name"] == "AutoencoderTiny":
                unwanted.add("block_out_channels")
            kept = {key: value for key, value in config.items() if key not in unwanted}
            path.write_text(json.dumps(kept, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        if path.is_file():
            path.chmod(0o644)
    files = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
    entry = {"folder": folder.name, "size_px": size_px, "steps": steps, "guidance": guidance}
    return f"lorespark-sprite-{size_px}/{version}", entry | {"licence": "CC0-1.0", "files": files}


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
        check_size(Path(made).rglob("*.safetensors"))
        for folder in (small, fine):
            shutil.rmtree(args.out / folder.name, ignore_errors=True)
            folder.rename(args.out / folder.name)
    (args.out / MANIFEST).write_text(json.dumps(entries, indent=1, sort_keys=True) + "\n", encoding="utf-8")


def check_size(weights: Iterable[Path]) -> None:
    """Prints the size of the weights files. Raises SystemExit where they are too large to be shipped."""
    sizes = [path.stat().st_size for path in weights]
    print(f"{sum(sizes) / 1e6:.1f} MB of weights, the largest file {max(sizes) / 1e6:.1f} MB")
    if sum(sizes) > MAX_BUNDLE_BYTES or max(sizes) > MAX_FILE_BYTES:
        raise SystemExit(
            f"The weights are over the limit of {MAX_BUNDLE_BYTES / 1e6:.0f} MB together or "
            f"{MAX_FILE_BYTES / 1e6:.0f} MB a file; train a smaller network."
        )


if __name__ == "__main__":
    main()
