"""Sheets of clips: real sequences beside what a network makes of their first pictures."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny, FlowMatchEulerDiscreteScheduler
from numpy.typing import NDArray
from PIL import Image

from generators.clip_network import ClipNetwork
from generators.clip_pipeline import ClipPipeline
from generators.motion import ACTIONS, Direction
from generators.text_encoder import load_text_encoder, quiet_loading
from tools.clips.batches import chosen_frames
from tools.clips.dataset import ClipSet, Row
from tools.clips.sequence import CANVAS_PX

SHIFT = 4.0  # of the sampling times, towards the beginning, where motion is decided: t' = 4t / (1 + 3t)
GROUND = (64, 62, 72, 255)
SHOWN = 8


def held_out_rows(made: ClipSet, each: int) -> list[Row]:
    """Up to ``each`` sequences of every action and kind that no network was trained on, always the same."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in made.rows:
        if row.held_out or row.held_out_pair:
            found.setdefault((row.action, row.kind), []).append(row)
    return [row for key in sorted(found) for row in found[key][:: max(1, len(found[key]) // each)][:each]]


def drawn(
    pipeline: ClipPipeline, made: ClipSet, row: Row, steps: int, seed: int = 0, frames: int = SHOWN
) -> NDArray[np.uint8]:
    """The clip (f 64 64 4) that the network makes of a sequence's first reference."""
    return pipeline(
        row.captions[0],
        np.array(made.pixels[row.references[0]]),
        ACTIONS[row.action],
        None if row.direction is None else Direction(row.direction),
        num_frames=frames,
        art_px=row.art_px,
        num_inference_steps=steps,
        generator=torch.Generator().manual_seed(seed),
    ).frames


def real(made: ClipSet, row: Row, frames: int = SHOWN) -> NDArray[np.uint8]:
    """A sequence as a clip of so many frames (f 64 64 4)."""
    return np.array(made.pixels[np.array(row.frames)[chosen_frames(row, frames)]])


def strips(rows: Sequence[Sequence[NDArray[np.uint8]]], path: Path) -> None:
    """A picture of rows of frames (h w 4 each)."""
    across = max(len(row) for row in rows)
    sheet = Image.new("RGBA", (across * CANVAS_PX, len(rows) * CANVAS_PX), GROUND)
    for y, row in enumerate(rows):
        for x, frame in enumerate(row):
            sheet.alpha_composite(
                Image.fromarray(np.ascontiguousarray(frame)), (x * CANVAS_PX, y * CANVAS_PX)
            )
    sheet.save(path)


def pipeline_of(network: ClipNetwork, sprites: Path, shift: float = SHIFT) -> ClipPipeline:
    """``network`` in the pipeline, with the autoencoder of a sprite pipeline's folder; in bf16."""
    encoder = load_text_encoder()
    with quiet_loading():
        own = ClipNetwork.from_config(network.config)
        own.load_state_dict(network.state_dict())
        own = own.eval().to(torch.bfloat16).to(memory_format=torch.channels_last)
        vae = AutoencoderTiny.from_pretrained(sprites / "vae", dtype=torch.float32)
        vae.to(torch.bfloat16).to(memory_format=torch.channels_last)
    pipeline = ClipPipeline(
        own, FlowMatchEulerDiscreteScheduler(shift=shift), vae, encoder.model, encoder.tokenizer
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


def save_sheet(
    network: ClipNetwork, sprites: Path, made: ClipSet, path: Path, each: int = 1, steps: int = 8
) -> None:
    """Held-out sequences: the picture given and the real frames, and below it what the network drew."""
    pipeline = pipeline_of(network, sprites)
    lines = []
    for row in held_out_rows(made, each):
        given = np.array(made.pixels[row.references[0]])
        lines += [[given, *real(made, row)], [given, *drawn(pipeline, made, row, steps)]]
    strips(lines, path)
