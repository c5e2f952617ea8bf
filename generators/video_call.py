"""What a video pipeline is told beside words, steps and guidance."""

from typing import Any

import torch

from generators.order import Order
from generators.start_frame import start_frame

# When and with how much noise LTX-Video's autoencoders decode, those that draw too (from version 0.9.1 on): what
# diffusers' documentation of the pipeline takes.
LTX_DECODING = {"decode_timestep": 0.05, "decode_noise_scale": 0.025}


def video_arguments(pipeline: Any, order: Order) -> dict[str, Any]:
    """Arguments by name for the clip of ``order``; those that the pipeline has no parameter for are left out later."""
    recipe = order.recipe
    wanted: dict[str, Any] = {
        "num_frames": recipe.frames,
        "frame_rate": 1000 / (recipe.frame_ms or 1000),
        # One and no list: LTX-Video's decoder draws its noise with torch's own function, which takes no list.
        "generator": torch.Generator("cpu").manual_seed(recipe.seed),
    }
    if order.source is not None:
        width, height = recipe.drawn_size
        pixelised = recipe.drawn_px is not None
        wanted["image"] = start_frame(order.source.pixels, width, height, pixelised=pixelised)
    if getattr(pipeline.vae.config, "timestep_conditioning", False):
        wanted |= LTX_DECODING
    return wanted
