"""What a folder of a video pipeline can draw, and how its parts are loaded, beside what pictures need."""

from typing import Any

import torch
from diffusers import AutoencoderKLLTXVideo, DDIMScheduler, DiffusionPipeline, MotionAdapter

from generators.errors import WeightsUnavailable
from generators.model_files import INDEX, PartFiles, PipelineFiles, read_config
from generators.video_family import VIDEO_FAMILIES, Video

ANIMATEDIFF = "AnimateDiffPipeline"
# Latents a side of what Wan's transformers see as one (Wan Team 2025, arXiv:2503.20314, section 4.2).
WAN_PATCH = 2


def check_parts(files: PipelineFiles, has_adapter: bool) -> None:
    """Raises WeightsUnavailable where the folder's parts cannot draw with the class that its entry names."""
    if files.pipeline == ANIMATEDIFF and files.named != ANIMATEDIFF:
        if files.named != "StableDiffusionPipeline":
            raise WeightsUnavailable(_other(files, "a StableDiffusionPipeline with a motion_adapter"))
        if not has_adapter:
            raise WeightsUnavailable(
                f"The model folder {files.folder} has no motion adapter; name one in its entry: motion_adapter."
            )
    elif files.pipeline[:3] != files.named[:3]:
        raise WeightsUnavailable(_other(files, f"a {files.pipeline}"))
    for_both = bool(read_config(files.folder, INDEX).get("expand_timesteps"))  # Wan 2.2's model of 5 billion
    config = read_config(files.folder, "transformer/config.json")
    if files.pipeline.startswith(("Wan", "CogVideoX")) and config and not for_both:
        # What draws from a picture sees that picture's latents beside those that it draws.
        sees_more = config.get("in_channels") != config.get("out_channels")
        if sees_more != VIDEO_FAMILIES[files.pipeline].from_picture:
            raise WeightsUnavailable(_other(files, "one that was trained so"))


def _other(files: PipelineFiles, wanted: str) -> str:
    return (
        f"The model folder {files.folder} is a {files.named}, whose parts do not draw as a {files.pipeline}; use "
        f"{wanted}, or drop the pipeline from its entry."
    )


def bounds(video: Video, files: PipelineFiles, adapter: PartFiles | None) -> tuple[int, int]:
    """How many frames the folder's model draws at most, and what its width and height are multiples of."""
    step_px = VIDEO_FAMILIES[video.pipeline].size_step_px
    if video.pipeline == ANIMATEDIFF:
        folder = adapter.folder if adapter else files.folder / "motion_adapter"
        seen = read_config(folder, "config.json").get("motion_max_seq_length")
        return min(video.frames_max, seen) if isinstance(seen, int) else video.frames_max, step_px
    if video.pipeline.startswith("Wan"):
        scale = read_config(files.folder / "vae", "config.json").get("scale_factor_spatial")
        return video.frames_max, max(step_px, scale * WAN_PATCH) if isinstance(scale, int) else step_px
    return video.frames_max, step_px


def precisions(files: PipelineFiles, dtype: torch.dtype) -> torch.dtype | dict[str, torch.dtype]:
    """``dtype`` for all parts, but for Wan's autoencoder, whose makers decode in fp32: in less its colours drift."""
    if files.pipeline.startswith("Wan") and dtype != torch.float32:
        return {"default": dtype, "vae": torch.float32}
    return dtype


def adapter_parts(files: PipelineFiles, adapter: PartFiles, dtype: torch.dtype) -> dict[str, Any]:
    """The motion adapter, and the folder's scheduler set as motion modules were trained (Guo et al. 2023,
    arXiv:2307.04725, section 4: a linear schedule of betas), as parts of a pipeline."""
    motion = MotionAdapter.from_pretrained(
        adapter.folder, dtype=dtype, variant=adapter.variant, local_files_only=True, use_safetensors=True
    )
    scheduler = DDIMScheduler.from_pretrained(
        files.folder,
        subfolder="scheduler",
        local_files_only=True,
        beta_schedule="linear",
        clip_sample=False,
        timestep_spacing="linspace",
        steps_offset=1,
    )
    return {"motion_adapter": motion, "scheduler": scheduler}


def decode_in_parts(pipeline: DiffusionPipeline) -> None:
    """Beside tiles: LTX's autoencoder decodes a few frames at a time, which the others always do."""
    vae = getattr(pipeline, "vae", None)
    if isinstance(vae, AutoencoderKLLTXVideo):
        vae.use_framewise_decoding = True
