"""Trains the clip network on a set that tools.clip_dataset made, from a sprite pipeline; resumes where it stopped.

    python -m tools.train_clips --minutes 120 --out runs/clip-64 [--start-from generators/weights/sprite-64]

See tools/training_run.py for what lies in the out folder.
"""

import argparse
import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from diffusers import AutoencoderTiny, UNet2DConditionModel
from numpy.typing import NDArray

from generators.bundle import WEIGHTS_FOLDER
from generators.clip_network import NOISE, ClipNetwork
from generators.clip_pipeline import clip_noise, shifted
from generators.cpu_layers import fit_to_cpu
from generators.sprite_pipeline import PATCH_PX, premultiplied
from generators.text_encoder import quiet_loading
from tools.clips.batches import FRAMES_A_BATCH, ClipBatches, reference_pictures
from tools.clips.dataset import ClipSet, read_set
from tools.clips.sequence import CANVAS_PX
from tools.clips.sheet import save_sheet
from tools.sprites.text_cache import read_text_cache
from tools.training_run import Schedule, TrainingRun

EMA_DECAY = 0.998
STILL_WEIGHT, MOST_WEIGHT = 0.5, 3.0  # of a cell in the loss: what moves counts more than what stays
MOVES_WEIGHT = 0.3
LATE = 0.25  # times below it count for less


@dataclass(frozen=True)
class Plan:
    """What the command line asked for."""

    data: Path
    out: Path
    start_from: Path
    network: Path | None
    minutes: float
    frames_a_batch: int
    learning_rate: float
    seed: int
    threads: int


class ClipRun(TrainingRun[ClipNetwork]):
    """A training run of the clip network."""

    def __init__(self, plan: Plan, device: torch.device, network: ClipNetwork | None = None) -> None:
        torch.manual_seed(plan.seed)
        self.plan = plan
        if network is None:
            network = first_network(plan)
        if device.type == "cpu":
            fit_to_cpu(network.unet)  # a step takes 1.2 s of a core with these layers and 1.7 without
        schedule = Schedule(plan.out, plan.minutes, plan.learning_rate, EMA_DECAY, "network")
        super().__init__(schedule, network, device)

    def train_step(self, batches: ClipBatches) -> tuple[float, dict[str, list[float]]]:
        """One optimiser step; returns the loss and its terms by kind."""
        batch = batches.batch(self.step, self.plan.frames_a_batch)
        generator = torch.Generator().manual_seed(self.plan.seed * 1_000_003 + self.step)
        clips = len(batch.clean)
        # One time for all frames of a clip, near the beginning most often: a tenth of the clip in so little noise tells
        # already what moves where, so that is where motion is decided.
        t = (1 - torch.rand(clips, generator=generator) ** 2).to(self.device)
        noise = torch.stack([clip_noise(batch.clean.shape[1:], generator) for _ in range(clips)]).to(
            self.device
        )
        clean, moved = batch.clean.to(self.device), batch.moved.to(self.device)
        at = t[:, None, None, None, None]
        begin = moved[:, :1] + NOISE * noise
        noisy = (1 - at) * clean + at * begin
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            answers = self.network.answers(
                noisy,
                moved[:, 0],
                self.network.shifts.candidates(moved.to(torch.bfloat16), batch.wraps.to(self.device)),
                t * 1000,
                batch.scenes.to(self.device),
                batch.states.to(self.device),
                batch.mask.to(self.device),
            )
        changed = (clean - moved[:, :1]).abs().mean(2, keepdim=True)
        weight = (STILL_WEIGHT + 2 * changed).clamp(max=MOST_WEIGHT)
        # A velocity is an error of the picture divided by the time: near its end small errors must not drown the rest.
        late = (at / LATE).clamp(max=1) ** 2
        error = (answers.velocity(noisy) - (begin - clean)) ** 2 * late
        # Moves learn faster when they are judged by themselves too, however little the gate trusts them yet.
        error = error + MOVES_WEIGHT * (answers.moved - clean) ** 2
        each = (error * weight).mean((1, 2, 3, 4)) / weight.mean((1, 2, 3, 4)).clamp(min=0.5)
        self.learn(each.mean(), clips)
        by_kind: dict[str, list[float]] = defaultdict(list)
        for kind, value in zip(batch.kinds, each.detach().tolist(), strict=True):
            by_kind[kind].append(value)
        return float(each.detach().mean()), by_kind


def first_network(plan: Plan) -> ClipNetwork:
    """The clip network that a run starts from, where the plan names one, else what the sprite network knows."""
    with quiet_loading():
        if plan.network is not None:
            return ClipNetwork.from_pretrained(plan.network, dtype=torch.float32)
        sprites = UNet2DConditionModel.from_pretrained(plan.start_from / "unet", dtype=torch.float32)
    return ClipNetwork.from_sprites(sprites)


@torch.inference_mode()
def encoded(vae: AutoencoderTiny, made: ClipSet, folder: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """The latents of all pictures (n 16 16 16, fp16), and of the pictures that sequences start from, shifted (r 16 16
    16 16); kept in files for next time."""
    encoder = vae.encoder.to(torch.bfloat16).to(memory_format=torch.channels_last)

    def latents(pixels: NDArray[np.uint8]) -> torch.Tensor:
        cells = F.pixel_unshuffle(premultiplied(pixels), PATCH_PX).to(torch.bfloat16)
        return encoder(cells.contiguous(memory_format=torch.channels_last)).half().contiguous()

    wrapping = {picture for row in made.rows if row.kind == "tile" for picture in row.references}
    wanted = {
        "latents.pt": (
            latents(np.array(made.pixels[begin : begin + 256])) for begin in range(0, len(made.pixels), 256)
        ),
        "moved.pt": (
            latents(shifted(np.array(made.pixels[picture]), picture in wrapping))[None]
            for picture in reference_pictures(made)
        ),
    }
    for name, parts in wanted.items():
        if not (folder / name).exists():
            torch.save(torch.cat(list(parts)), folder / f"{name}.new")
            (folder / f"{name}.new").rename(folder / name)
    first, second = (torch.load(folder / name, weights_only=True, mmap=True) for name in wanted)
    return first, second


def train(plan: Plan) -> None:
    """Trains until the plan's minutes are spent or a signal asks to stop; saves and draws a sheet at the end."""
    torch.set_num_threads(plan.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    plan.out.mkdir(parents=True, exist_ok=True)
    made = read_set(plan.data)
    with quiet_loading():
        vae = AutoencoderTiny.from_pretrained(plan.start_from / "vae", dtype=torch.float32)
    latents, moved = encoded(vae, made, plan.data)
    batches = ClipBatches(made, latents, moved, read_text_cache(plan.data, CANVAS_PX), plan.seed)
    run = ClipRun(plan, device)
    run.drive(
        lambda: run.train_step(batches),
        lambda: save_sheet(run.average, plan.start_from, made, plan.out / f"sheet-{run.step:06d}.png"),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the clip network; run again to resume.")
    parser.add_argument("--data", type=Path, default=Path("runs/clips"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument(
        "--start-from", type=Path, default=WEIGHTS_FOLDER / "sprite-64", help="a 64 px sprite pipeline"
    )
    parser.add_argument(
        "--network", type=Path, help="a clip network to start from, in place of the pipeline's"
    )
    parser.add_argument(
        "--minutes", type=float, default=120.0, help="training time in all, resumed parts included"
    )
    parser.add_argument("--frames-a-batch", type=int, default=FRAMES_A_BATCH)
    parser.add_argument("--learning-rate", type=float, default=4e-4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 2)
    train(Plan(**vars(parser.parse_args())))


if __name__ == "__main__":
    main()
