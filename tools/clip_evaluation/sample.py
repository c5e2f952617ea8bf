"""The real clips that a network is measured beside, and its own clips of the same first pictures."""

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import ModelMixin
from numpy.typing import NDArray

from generators.clip_finishing import finished_frames
from generators.clip_judge import FRAMES
from generators.clip_network import ClipNetwork
from generators.clip_pipeline import ClipPipeline
from generators.errors import WeightsUnavailable
from generators.finishing import FINISH
from generators.motion import ACTIONS, Direction
from generators.recipe import Kind, Recipe
from generators.text_encoder import quiet_loading
from tools.clip_evaluation.motion import OPAQUE
from tools.clip_judge.score import clip_of
from tools.clip_judge.split import group_of, unseen
from tools.clips.dataset import ClipSet, Row
from tools.clips.sequence import CANVAS_PX, enlarged
from tools.clips.sheet import pipeline_of

Pixels = NDArray[np.uint8]
# Frames as drawn (f h w 4), the picture they started from (h w 4) and what was asked -> frames as users get them.
Finishing = Callable[[Pixels, Pixels, Row], Pixels]


def hard_outline(frames: Pixels, reference: Pixels, row: Row) -> Pixels:
    """Every pixel drawn or clear, and nothing else finished."""
    out = frames.copy()
    visible = out[..., 3] >= OPAQUE
    out[..., 3] = np.where(visible, 255, 0)
    out[~visible] = 0
    return out


def finished(frames: Pixels, reference: Pixels, row: Row) -> Pixels:
    """As the product finishes a clip without a palette of its own; 32 px art is enlarged again to be compared."""
    times = 2 if row.art_px == 2 else 1
    recipe = Recipe.make(
        kind=Kind.CLIP,
        prompt=row.captions[0],
        seed=0,
        model="evaluated",
        weights="0" * 64,
        steps=1,
        guidance=1.0,
        size=CANVAS_PX // times,
        precision="fp32",
        finish=FINISH,
        action=row.action,
        frames=len(frames),
        frame_ms=ACTIONS[row.action].frame_ms,
    )
    return enlarged(finished_frames(frames, reference, recipe), times)


@dataclass(frozen=True)
class Sample:
    """A sequence new to the judge, as a clip: ``reference`` h w 4, ``real`` 8 h w 4, both with hard outlines.

    ``group`` is how it is new, as ``tools.clip_judge.split.group_of`` says.
    """

    row: Row
    group: str
    reference: Pixels
    real: Pixels

    @property
    def still(self) -> Pixels:
        """The reference, standing still."""
        return np.repeat(self.reference[None], FRAMES, 0)


def samples(made: ClipSet, count: int) -> list[Sample]:
    """``count`` sequences, always the same; see ``sample_rows``."""
    found = []
    for row in sample_rows(made.rows, count):
        given = np.array(made.pixels[row.references[0]])
        reference = hard_outline(given[None], given, row)[0]
        found.append(Sample(row, group_of(row), reference, hard_outline(clip_of(made, row), reference, row)))
    return found


def sample_rows(rows: list[Row], count: int) -> list[Row]:
    """As many of each action as there are, up to ``count``; held-out ones first, then those that are reserved from the
    judge alone, and within that one of each kind in turn."""
    queues: dict[tuple[str, bool, str, str], list[Row]] = defaultdict(list)
    for row in unseen(rows):
        group = group_of(row)
        queues[row.action, group == "reserved", row.kind, group].append(row)
    draw = np.random.default_rng(0)
    for key in sorted(queues):
        queues[key] = [queues[key][i] for i in draw.permutation(len(queues[key]))]
    by_action: dict[str, list[Row]] = defaultdict(list)
    for action in ACTIONS:
        for reserved in (False, True):
            by_action[action] += in_turn(
                queues[key] for key in sorted(queues) if key[:2] == (action, reserved)
            )
    return list(in_turn(by_action[action] for action in ACTIONS))[:count]


def in_turn(lists: Iterable[list[Row]]) -> Iterator[Row]:
    """The first of each list, then the second of each that has one, and so on."""
    waiting = [iter(one) for one in lists]
    while waiting:
        left = []
        for one in waiting:
            row = next(one, None)
            if row is not None:
                yield row
                left.append(one)
        waiting = left


class ClipDrawer:
    """A clip network's folder, drawing finished clips; ``sprites`` has the autoencoder.

    ``weights`` is the network's digest. Raises WeightsUnavailable where the folder has no weights.
    """

    def __init__(self, folder: Path, sprites: Path, steps: int, finishing: Finishing) -> None:
        self.weights = network_digest(folder)
        with quiet_loading():
            network: ModelMixin = ClipNetwork.from_pretrained(folder, dtype=torch.float32)
        self._pipeline: ClipPipeline = pipeline_of(network, sprites)
        self.folder, self.steps, self.finishing = folder, steps, finishing

    def draw(self, sample: Sample, seed: int) -> Pixels:
        """The clip (8 h w 4) that the network makes of a sample's reference."""
        row = sample.row
        frames = self._pipeline(
            row.captions[0],
            sample.reference,
            ACTIONS[row.action],
            None if row.direction is None else Direction(row.direction),
            num_frames=FRAMES,
            art_px=row.art_px,
            num_inference_steps=self.steps,
            generator=torch.Generator().manual_seed(seed),
        ).frames
        return self.finishing(frames, sample.reference, row)


def network_digest(folder: Path) -> str:
    """Of the weights files of a network's folder. Raises WeightsUnavailable where there are none."""
    digest, paths = hashlib.sha256(), sorted(folder.glob("*.safetensors"))
    if not paths:
        raise WeightsUnavailable(f"{folder} holds no weights; give the folder that tools.train_clips wrote.")
    for path in paths:
        digest.update(path.read_bytes())
    return digest.hexdigest()
