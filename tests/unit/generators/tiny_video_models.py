"""Video pipelines of each family at a millionth of their size, built from configs, and AnimateDiff's motion adapter."""

from collections.abc import Callable
from pathlib import Path

import torch
from diffusers import (
    AnimateDiffPipeline,
    AutoencoderKLCogVideoX,
    AutoencoderKLLTXVideo,
    AutoencoderKLWan,
    CogVideoXDDIMScheduler,
    CogVideoXPipeline,
    CogVideoXTransformer3DModel,
    DiffusionPipeline,
    FlowMatchEulerDiscreteScheduler,
    LTXImageToVideoPipeline,
    LTXPipeline,
    LTXVideoTransformer3DModel,
    MotionAdapter,
    UniPCMultistepScheduler,
    WanImageToVideoPipeline,
    WanPipeline,
    WanTransformer3DModel,
)
from transformers import (
    CLIPImageProcessor,
    CLIPVisionConfig,
    CLIPVisionModel,
    T5Config,
    T5EncoderModel,
    UMT5Config,
    UMT5EncoderModel,
)

from generators.text_encoder import quiet_loading
from tests.unit.generators.tiny_models import WIDTH, stable_diffusion, word_tokenizer

MARKS = ["<pad>", "</s>", "<unk>"]
LATENTS = 4  # channels of every autoencoder


def ltx(
    _: Path, pipeline: type[DiffusionPipeline] = LTXPipeline, conditioned: bool = False
) -> DiffusionPipeline:
    """``conditioned``: its autoencoder decodes at a time of its own, as that of versions from 0.9.1 on does."""
    return pipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True),
        vae=AutoencoderKLLTXVideo(
            latent_channels=LATENTS,
            block_out_channels=(8, 8, 8, 8),
            decoder_block_out_channels=(8, 8, 8, 8),
            layers_per_block=(1, 1, 1, 1, 1),
            decoder_layers_per_block=(1, 1, 1, 1, 1),
            timestep_conditioning=conditioned,
        ),
        text_encoder=T5EncoderModel(T5Config(**_t5())),
        tokenizer=word_tokenizer(MARKS),
        transformer=LTXVideoTransformer3DModel(
            in_channels=LATENTS,
            out_channels=LATENTS,
            num_attention_heads=2,
            attention_head_dim=8,
            cross_attention_dim=16,
            num_layers=1,
            caption_channels=WIDTH,
        ),
    )


def ltx_from_picture(folder: Path) -> DiffusionPipeline:
    return ltx(folder, LTXImageToVideoPipeline)


def wan(_: Path, from_both: bool = False) -> DiffusionPipeline:
    """``from_both``: draws from words and from a picture, as Wan 2.2's model of 5 billion parameters does."""
    return WanPipeline(
        tokenizer=word_tokenizer(MARKS),
        text_encoder=UMT5EncoderModel(UMT5Config(**_t5())),
        vae=_wan_autoencoder(),
        scheduler=UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
        ),
        transformer=_wan_transformer(in_channels=LATENTS),
        expand_timesteps=from_both,
    )


def wan_from_picture(_: Path) -> DiffusionPipeline:
    vision = CLIPVisionConfig(
        hidden_size=WIDTH,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        image_size=32,
        patch_size=16,
    )
    return WanImageToVideoPipeline(
        tokenizer=word_tokenizer(MARKS),
        text_encoder=UMT5EncoderModel(UMT5Config(**_t5())),
        vae=_wan_autoencoder(),
        scheduler=UniPCMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0
        ),
        image_processor=CLIPImageProcessor(size=32, crop_size=32),
        image_encoder=CLIPVisionModel(vision),
        # The noise, the mask of the frames that are given (four to a latent one), and the latents of those.
        transformer=_wan_transformer(in_channels=2 * LATENTS + 4, image_dim=WIDTH, added_kv_proj_dim=24),
    )


def cogvideox(_: Path) -> DiffusionPipeline:
    return CogVideoXPipeline(
        tokenizer=word_tokenizer(MARKS),
        text_encoder=T5EncoderModel(T5Config(**_t5())),
        vae=AutoencoderKLCogVideoX(
            down_block_types=("CogVideoXDownBlock3D",) * 4,
            up_block_types=("CogVideoXUpBlock3D",) * 4,
            block_out_channels=(8, 8, 8, 8),
            latent_channels=LATENTS,
            layers_per_block=1,
            norm_num_groups=2,
        ),
        transformer=CogVideoXTransformer3DModel(
            num_attention_heads=2,
            attention_head_dim=16,
            in_channels=LATENTS,
            out_channels=LATENTS,
            time_embed_dim=8,
            text_embed_dim=WIDTH,
            num_layers=1,
            sample_width=8,
            sample_height=8,
            sample_frames=9,
        ),
        scheduler=CogVideoXDDIMScheduler(),
    )


def animatediff(folder: Path) -> DiffusionPipeline:
    base = stable_diffusion(folder)
    parts = {
        name: base.components[name] for name in ("vae", "text_encoder", "tokenizer", "unet", "scheduler")
    }
    return AnimateDiffPipeline(**parts, motion_adapter=motion_adapter())


def motion_adapter() -> MotionAdapter:
    return MotionAdapter(
        block_out_channels=(8, 16),
        motion_layers_per_block=1,
        motion_norm_num_groups=2,
        motion_num_attention_heads=2,
        motion_max_seq_length=24,
    )


VIDEO_FAMILIES: dict[str, Callable[[Path], DiffusionPipeline]] = {
    "ltx": ltx,
    "ltx-from-picture": ltx_from_picture,
    "wan": wan,
    "wan-from-picture": wan_from_picture,
    "cogvideox": cogvideox,
    "animatediff": animatediff,
}
VARIANTS: dict[str, Callable[[Path], DiffusionPipeline]] = {
    "ltx-conditioned": lambda folder: ltx(folder, conditioned=True),
    "wan-from-both": lambda folder: wan(folder, from_both=True),
    "stable-diffusion": stable_diffusion,
}


def save_tiny_video(family: str, folder: Path) -> Path:
    """Writes a pipeline of that family, with weights of seed 0, as ``save_pretrained`` does; returns ``folder``."""
    torch.manual_seed(0)
    work = folder.with_name(folder.name + "-vocabulary")
    work.mkdir(parents=True, exist_ok=True)
    with quiet_loading():
        (VIDEO_FAMILIES | VARIANTS)[family](work).save_pretrained(folder, safe_serialization=True)
    return folder


def save_motion_adapter(folder: Path) -> Path:
    torch.manual_seed(0)
    motion_adapter().save_pretrained(folder, safe_serialization=True)
    return folder


def _t5() -> dict[str, int]:
    return {"vocab_size": 300, "d_model": WIDTH, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2}


def _wan_autoencoder() -> AutoencoderKLWan:
    return AutoencoderKLWan(
        base_dim=4, z_dim=LATENTS, num_res_blocks=1, latents_mean=[0.0] * LATENTS, latents_std=[1.0] * LATENTS
    )


def _wan_transformer(in_channels: int, **given: int) -> WanTransformer3DModel:
    return WanTransformer3DModel(
        num_attention_heads=2,
        attention_head_dim=12,
        in_channels=in_channels,
        out_channels=LATENTS,
        text_dim=WIDTH,
        freq_dim=16,
        ffn_dim=32,
        num_layers=1,
        rope_max_seq_len=64,
        **given,
    )
