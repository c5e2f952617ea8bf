"""A rough look at a picture or a clip that is not finished."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from generators.recipe import Recipe


def latent_picture(pipeline: Any, latents: torch.Tensor, recipe: Recipe) -> NDArray[np.uint8]:
    """Unfinished latents (b c h w, those of clips with frames, or packed): their three principal components as red,
    green and blue, at latent size (b h w 4, uint8); of a clip its middle frame. The autoencoder, which would be exact,
    costs more than a step."""
    if recipe.frames is not None:
        latents = _middle_frame(pipeline, latents, recipe)
    elif latents.ndim == 3:
        width, height = recipe.drawn_size
        latents = pipeline._unpack_latents(latents, height, width, pipeline.vae_scale_factor)
    count, channels, height, width = latents.shape
    cells = latents.detach().float().cpu().reshape(count, channels, -1).permute(0, 2, 1)
    cells = cells - cells.mean(1, keepdim=True)
    _, axes = torch.linalg.eigh(cells.transpose(1, 2) @ cells)
    shown = cells @ axes[..., -3:]
    spread = shown.abs().amax(1, keepdim=True).clamp(min=1e-6)
    colours = ((shown / spread + 1) * 127.5).round().to(torch.uint8).reshape(count, height, width, -1).numpy()
    return np.concatenate([colours, np.full_like(colours[..., :1], 255)], -1)


def _middle_frame(pipeline: Any, latents: torch.Tensor, recipe: Recipe) -> torch.Tensor:
    """b c h w of what the pipelines hold: b c f h w, CogVideoX b f c h w, LTX packed (b tokens c)."""
    if latents.ndim == 3:
        width, height = recipe.drawn_size
        space, patch = pipeline.vae_spatial_compression_ratio, pipeline.transformer_spatial_patch_size
        frames = ((recipe.frames or 1) - 1) // pipeline.vae_temporal_compression_ratio + 1
        latents = pipeline._unpack_latents(
            latents, frames, height // space, width // space, patch, pipeline.transformer_temporal_patch_size
        )
    elif type(pipeline).__name__.startswith("CogVideoX"):
        latents = latents.transpose(1, 2)
    return latents[:, :, latents.shape[2] // 2]
