"""The clip network at a fraction of its width, with random weights."""

import torch
from diffusers import AutoencoderTiny, FlowMatchEulerDiscreteScheduler, UNet2DConditionModel

from generators.clip_network import ClipNetwork
from generators.clip_pipeline import ClipPipeline
from generators.text_encoder import STATE_WIDTH, load_text_encoder, quiet_loading


def tiny_sprites(text_width: int = 24, sample_size: int = 8) -> UNet2DConditionModel:
    torch.manual_seed(0)
    return UNet2DConditionModel(
        sample_size=sample_size,
        in_channels=16,
        out_channels=16,
        block_out_channels=(16, 32),
        layers_per_block=1,
        norm_num_groups=8,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        mid_block_type="UNetMidBlock2DCrossAttn",
        cross_attention_dim=text_width,
        attention_head_dim=2,
    ).eval()


def tiny_network(text_width: int = 24, sample_size: int = 8) -> ClipNetwork:
    return ClipNetwork.from_sprites(tiny_sprites(text_width, sample_size)).eval()


def tiny_codec() -> AutoencoderTiny:
    torch.manual_seed(1)
    return AutoencoderTiny(
        in_channels=16,
        out_channels=16,
        encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8),
        num_encoder_blocks=(1, 1),
        num_decoder_blocks=(1, 1),
        latent_channels=16,
    ).eval()


def tiny_clip_pipeline(sample_size: int = 8) -> ClipPipeline:
    """Clips of 32 px (64 px at a sample size of 16), prompts read by the real encoder."""
    with quiet_loading():
        encoder = load_text_encoder()
        pipeline = ClipPipeline(
            tiny_network(STATE_WIDTH, sample_size),
            FlowMatchEulerDiscreteScheduler(shift=2.0),
            tiny_codec(),
            encoder.model,
            encoder.tokenizer,
        )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline
