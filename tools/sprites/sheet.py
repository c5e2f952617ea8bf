"""Sample sheets: the same prompts and seeds for every version, nothing chosen by hand."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from generators.sprite_pipeline import SpritePipeline

BACKGROUND = (58, 56, 66, 255)
PROMPTS: dict[int, tuple[str, ...]] = {
    32: (
        "human knight with plate armour, long sword, kite shield",
        "wizard with blue robe, staff, blue wizard hat",
        "orc man warrior with axe",
        "elf woman ranger with bow, green cloak",
        "dwarf man with red beard and hammer",
        "fire dragon monster",
        "ice dragon monster",
        "skeleton monster",
        "giant spider animal monster",
        "red demon monster",
        "red potion bottle",
        "blue potion bottle",
        "golden ring",
        "magic sword",
        "emerald amulet",
        "scroll",
        "wooden shield",
        "treasure chest",
        "grass floor tile",
        "lava floor tile",
        "grey stone brick wall tile",
        "oak tree",
        "water tile",
        "door",
    ),
    64: (
        "a knight in silver armour with a red cape and a long sword",
        "a wizard in a blue robe holding a glowing staff",
        "a green orc warrior with a big axe",
        "a fire dragon with orange wings",
        "a white ice golem with blue crystals",
        "a skeleton warrior with a rusty blade",
        "a purple demon with horns",
        "a golden lion beast",
        "an elf archer in green with a bow",
        "a samurai in red armour with a katana",
        "a robot construct with a glowing blue core",
        "a black wolf with red eyes",
    ),
}


def draw(
    pipeline: SpritePipeline,
    prompts: Sequence[str],
    seeds: Sequence[int],
    steps: int = 20,
    guidance: float = 3.0,
) -> np.ndarray:
    """Pictures (b h w 4, uint8) of prompts, one seed each."""
    return pipeline(
        list(prompts),
        num_inference_steps=steps,
        guidance_scale=guidance,
        generator=[torch.Generator().manual_seed(seed) for seed in seeds],
        output_type="np",
    ).images


def save_sheet(
    pipeline: SpritePipeline,
    prompts: Sequence[str],
    path: Path,
    rows: int = 2,
    scale: int = 2,
    steps: int = 20,
    guidance: float = 3.0,
) -> None:
    """A sheet of ``prompts`` across and ``rows`` seeds down."""
    pictures = [
        draw(pipeline, prompts, [1000 * row + n for n in range(len(prompts))], steps, guidance)
        for row in range(rows)
    ]
    tile(pictures, path, across=12, scale=scale)


def tile(rows: Sequence[np.ndarray], path: Path, across: int, scale: int) -> None:
    """Writes rows of pictures (each b h w 4) as one PNG, ``across`` pictures a line."""
    size = rows[0].shape[1]
    lines = [row[begin : begin + across] for row in rows for begin in range(0, len(row), across)]
    sheet = Image.new("RGBA", (across * size, len(lines) * size), BACKGROUND)
    for y, line in enumerate(lines):
        for x, pixels in enumerate(line):
            hard = pixels.copy()
            hard[..., 3] = np.where(hard[..., 3] > 127, 255, 0)
            sheet.alpha_composite(Image.fromarray(hard), (x * size, y * size))
    sheet.resize((sheet.width * scale, sheet.height * scale), Image.Resampling.NEAREST).save(path)
