"""Trains a sprite network on a set that tools.sprite_dataset made, on CPU or CUDA, and resumes where it stopped.

    python -m tools.train_sprites --size 32 --minutes 120 --out runs/sprite-32 [--start-from FOLDER]
    python -m tools.train_sprites --size 64 --minutes 120 --out runs/sprite-64 --codec runs/codec-64

With ``--guidance 3`` the network learns to draw in one pass what took a guided pair before.

The out folder holds sheets of samples, unet/ (the average, fp16) and what tools/training_run.py says.
"""

import argparse
import hashlib
import os
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderTiny, FlowMatchEulerDiscreteScheduler, UNet2DConditionModel

from generators.sprite_pipeline import SpritePipeline, premultiplied
from generators.text_encoder import STATE_WIDTH, load_text_encoder
from tools.sprites.batches import Batches
from tools.sprites.dataset import SpriteSet, read_set
from tools.sprites.sheet import PROMPTS, save_sheet
from tools.sprites.text_cache import read_text_cache
from tools.training_run import Schedule, TrainingRun

EMA_DECAY = 0.9995
SHIFT = 2.0  # of the sampling times, towards noise: t' = 2t / (1 + t)


@dataclass(frozen=True)
class Plan:
    """What the command line asked for."""

    size_px: int
    data: Path
    out: Path
    codec: Path | None
    start_from: Path | None
    minutes: float
    guidance: float
    batch: int
    learning_rate: float
    seed: int
    threads: int


def new_network() -> UNet2DConditionModel:
    """The bundled architecture: 9.3M parameters over 16 channels at 16x16."""
    return UNet2DConditionModel(
        sample_size=16,
        in_channels=16,
        out_channels=16,
        block_out_channels=(96, 192),
        layers_per_block=1,
        norm_num_groups=16,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        mid_block_type="UNetMidBlock2DCrossAttn",
        cross_attention_dim=STATE_WIDTH,
        attention_head_dim=6,
    )


class Run(TrainingRun[UNet2DConditionModel]):
    """A training run of a sprite network."""

    def __init__(self, plan: Plan, device: torch.device) -> None:
        torch.manual_seed(plan.seed)
        self.plan, start = plan, plan.start_from
        network = UNet2DConditionModel.from_pretrained(start, dtype=torch.float32) if start else new_network()
        super().__init__(
            Schedule(plan.out, plan.minutes, plan.learning_rate, EMA_DECAY, "unet"), network, device
        )
        self.vae = AutoencoderTiny.from_pretrained(plan.codec, dtype=torch.float32) if plan.codec else None

    def train_step(self, batches: Batches) -> tuple[float, dict[str, list[float]]]:
        """One optimiser step; returns the loss and its terms by kind."""
        batch = batches.batch(self.step, self.plan.batch)
        clean = batch.clean.to(self.device)
        # Logit-normal times leaning to noise, where a caption decides the most (Esser et al. 2024, section 3.1).
        generator = torch.Generator().manual_seed(self.plan.seed * 1_000_003 + self.step)
        t = torch.sigmoid(torch.randn(len(clean), generator=generator) + 0.4).to(self.device)
        noise = torch.randn(clean.shape, generator=generator).to(self.device)
        weight = t[:, None, None, None]
        noisy = ((1 - weight) * clean + weight * noise).contiguous(memory_format=torch.channels_last)
        states, mask = batch.states.to(self.device), batch.mask.to(self.device)
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            velocity = self.network(noisy, t * 1000, states, encoder_attention_mask=mask).sample
        target = noise - clean
        if self.plan.guidance > 1:
            target = target + self._guiding(velocity.detach().float(), noisy, t, batches.empty(len(clean)))
        each = ((velocity.float() - target) ** 2).mean((1, 2, 3))
        loss = each.mean()
        self.learn(loss, len(clean))
        by_kind: dict[str, list[float]] = defaultdict(list)
        for kind, value in zip(batch.kinds, each.detach().tolist(), strict=True):
            by_kind[kind].append(value)
        return loss.item(), by_kind

    @torch.no_grad()
    def _guiding(
        self,
        velocity: torch.Tensor,
        noisy: torch.Tensor,
        t: torch.Tensor,
        empty: tuple[torch.Tensor, torch.Tensor],
    ) -> torch.Tensor:
        """What to add to the target so that the network arrives at its own guided velocity.

        Tang et al. 2025 (arXiv:2502.12154), eq. 7: the target moves by a share w of the difference that the caption
        makes; where the network follows, that difference is 1 / (1 - w) times what the data alone would give. Rows
        without a caption have no difference and stay as they are.
        """
        states, mask = (part.to(self.device) for part in empty)
        with torch.autocast(self.device.type, dtype=torch.bfloat16):
            without = self.network(noisy, t * 1000, states, encoder_attention_mask=mask).sample
        return (1 - 1 / self.plan.guidance) * (velocity - without.float())

    def sheet(self) -> None:
        """Samples of the average: fixed prompts, two seeds, nothing chosen."""
        encoder = load_text_encoder()
        scheduler = FlowMatchEulerDiscreteScheduler(shift=SHIFT)
        pipeline = SpritePipeline(self.average, scheduler, self.vae, encoder.model, encoder.tokenizer)
        pipeline.set_progress_bar_config(disable=True)
        guidance = 1.0 if self.plan.guidance > 1 else 3.0
        path = self.plan.out / f"sheet-{self.step:06d}.png"
        save_sheet(pipeline, PROMPTS[self.plan.size_px], path, guidance=guidance)


def encoded(vae: AutoencoderTiny, pictures: SpriteSet, kept: Path) -> tuple[torch.Tensor, torch.Tensor]:
    """The latents of all pictures and of their mirror images (n 16 16 16 each, fp16), kept in a file for next time."""
    if kept.exists():
        first, second = torch.load(kept, weights_only=True)
        return first, second
    pipeline = SpritePipeline(new_network(), FlowMatchEulerDiscreteScheduler(), vae)
    sides: list[torch.Tensor] = []
    with torch.inference_mode():
        for mirrored in (False, True):
            parts = []
            for begin in range(0, len(pictures.captions), 256):
                pixels = np.array(pictures.pixels[begin : begin + 256])
                parts.append(
                    pipeline.encode(premultiplied(pixels[:, :, ::-1] if mirrored else pixels)).half()
                )
            sides.append(torch.cat(parts))
    torch.save((sides[0], sides[1]), kept)
    return sides[0], sides[1]


def train(plan: Plan) -> None:
    """Trains until the plan's minutes are spent or a signal asks to stop; saves and draws a sheet at the end."""
    torch.set_num_threads(plan.threads)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    plan.out.mkdir(parents=True, exist_ok=True)
    pictures, text = read_set(plan.data, plan.size_px), read_text_cache(plan.data, plan.size_px)
    run = Run(plan, device)
    batches = Batches(pictures, text, plan.size_px, plan.seed)
    if run.vae is not None and plan.codec is not None:
        made_from = (
            plan.codec / "diffusion_pytorch_model.safetensors",
            plan.data / f"captions-{plan.size_px}.jsonl",
        )
        digest = hashlib.sha256(b"".join(path.read_bytes() for path in made_from)).hexdigest()
        batches.use_latents(*encoded(run.vae, pictures, plan.data / f"latents-{digest[:16]}.pt"))
    run.drive(lambda: run.train_step(batches), run.sheet)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train a sprite network; run again to resume.")
    parser.add_argument("--size", type=int, choices=(32, 64), required=True, dest="size_px")
    parser.add_argument("--data", type=Path, default=Path("runs/dataset"))
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--codec", type=Path, help="autoencoder folder, for 64 px")
    parser.add_argument("--start-from", type=Path, help="a UNet folder to start from")
    parser.add_argument(
        "--minutes", type=float, default=120.0, help="training time in all, resumed parts included"
    )
    parser.add_argument(
        "--guidance",
        type=float,
        default=1.0,
        help="what one pass is to be guided by; 1 learns the data as it is",
    )
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=5e-4)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=os.cpu_count() or 2)
    train(Plan(**vars(parser.parse_args())))


if __name__ == "__main__":
    main()
