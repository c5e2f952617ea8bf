"""Trains the autoencoder of the 64 px network: 64x64 RGBA sprites to 16x16 latents of 16 channels, and back.

    python -m tools.train_sprite_codec --minutes 12 --out runs/codec-64

Latents are held near zero mean and unit spread while training, so the sprite network can use them as they are.
"""

import argparse
import os
import time
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812
from diffusers import AutoencoderTiny

from generators.sprite_pipeline import PATCH_PX, premultiplied, straight_alpha
from tools.sprites.dataset import SpriteSet, read_set
from tools.sprites.sheet import tile

LEARNING_RATE = 2e-3
ALPHA_FROM = 3 * PATCH_PX**2  # the first of a cell's alpha channels; its colours come before
LATENT_NOISE = 0.08  # what the decoder must shrug off: about the error a sampled latent carries
CLEAR_WEIGHT = 0.15  # of a fully clear cell in the loss: most of a canvas is empty and learnt at once


def new_codec() -> AutoencoderTiny:
    """Half resolution in, a quarter out, 64 channels inside."""
    return AutoencoderTiny(
        in_channels=16,
        out_channels=16,
        encoder_block_out_channels=(64, 64),
        decoder_block_out_channels=(64, 64),
        num_encoder_blocks=(1, 3),
        num_decoder_blocks=(4, 2),
        latent_channels=16,
    )


def train(pictures: SpriteSet, out: Path, minutes: float, batch: int, seed: int) -> None:
    """Trains on all pictures but the held-out ones for ``minutes``, and writes the codec to ``out`` (fp16)."""
    torch.manual_seed(seed)
    chosen = np.flatnonzero(~pictures.held_out)
    codec = new_codec().to(memory_format=torch.channels_last).train()
    optimiser = torch.optim.AdamW(codec.parameters(), LEARNING_RATE, betas=(0.9, 0.99), weight_decay=1e-4)
    draw = np.random.default_rng(seed)
    began, step = time.monotonic(), 0
    while (done := (time.monotonic() - began) / (minutes * 60)) < 1:
        pixels = np.stack([pictures.pixels[i] for i in draw.choice(chosen, batch)])
        if draw.random() < 0.5:
            pixels = pixels[:, :, ::-1]
        cells = F.pixel_unshuffle(premultiplied(pixels), PATCH_PX)
        cells = cells.contiguous(memory_format=torch.channels_last)
        for group in optimiser.param_groups:
            group["lr"] = LEARNING_RATE * min(1.0, (step + 1) / 100) * max(0.02, 1 - done)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            latents = codec.encode(cells).latents
            noisy = latents + LATENT_NOISE * torch.randn_like(latents)
            made = codec.decode(noisy).sample
        made, latents = made.float(), latents.float()
        drawn = (cells[:, ALPHA_FROM:] > -0.99).any(1, keepdim=True)
        weight = torch.where(F.max_pool2d(drawn.float(), 3, 1, 1) > 0, 1.0, CLEAR_WEIGHT)
        picture = ((made - cells).abs() * weight).mean() + ((made - cells) ** 2 * weight).mean()
        seen = latents.permute(1, 0, 2, 3).flatten(1)
        spread = (seen.mean(1) ** 2).mean() + ((seen.var(1) - 1) ** 2).mean()
        loss = picture + 0.01 * spread
        loss.backward()
        torch.nn.utils.clip_grad_norm_(codec.parameters(), 1.0)
        optimiser.step()
        optimiser.zero_grad(set_to_none=True)
        step += 1
        if step % 50 == 0:
            rate = step * batch / (time.monotonic() - began)
            print(
                f"step {step} picture {picture.item():.4f} spread {spread.item():.3f} {rate:.0f} images/s",
                flush=True,
            )
    codec.eval().to(torch.float16).save_pretrained(out)


def evaluate(pictures: SpriteSet, folder: Path, path: Path) -> None:
    """Prints the error on held-out pictures and writes a sheet: originals above, decoded below."""
    codec = AutoencoderTiny.from_pretrained(folder, dtype=torch.float32).eval()
    chosen = np.flatnonzero(pictures.held_out)
    pixels = np.stack([pictures.pixels[i] for i in chosen])
    with torch.inference_mode():
        cells = F.pixel_unshuffle(premultiplied(pixels), PATCH_PX)
        latents = codec.encode(cells).latents
        made = straight_alpha(F.pixel_shuffle(codec.decode(latents).sample, PATCH_PX))
    opaque, decoded = pixels[..., 3] > 127, made[..., 3] > 127
    both = opaque & decoded
    error = np.abs(made[..., :3].astype(int) - pixels[..., :3])[both].mean() if both.any() else 255.0
    print(f"held out: {len(chosen)} pictures, colour error {error:.1f} of 255 per channel,")
    print(
        f"  outline pixels wrong {100 * (opaque != decoded).sum() / opaque.sum():.2f} % of the opaque ones,"
    )
    print(
        f"  latents: mean {latents.mean():.3f}, spread {latents.std():.3f}, largest {latents.abs().max():.2f}"
    )
    picks = np.linspace(0, len(chosen) - 1, 12).astype(int)
    tile([pixels[picks], made[picks]], path, across=12, scale=2)


def main() -> None:
    parser = argparse.ArgumentParser(description="Train the 64 px sprite autoencoder.")
    parser.add_argument("--data", type=Path, default=Path("runs/dataset"))
    parser.add_argument("--out", type=Path, default=Path("runs/codec-64"))
    parser.add_argument("--minutes", type=float, default=12.0)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    torch.set_num_threads(os.cpu_count() or 2)
    args.out.mkdir(parents=True, exist_ok=True)
    pictures = read_set(args.data, 64)
    train(pictures, args.out, args.minutes, args.batch, args.seed)
    evaluate(pictures, args.out, args.out / "sheet.png")


if __name__ == "__main__":
    main()
