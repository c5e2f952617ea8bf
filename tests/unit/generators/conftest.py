"""Recipes, pictures and a tiny pipeline that the tests of this folder share."""

import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderTiny, FlowMatchEulerDiscreteScheduler, UNet2DConditionModel
from transformers import BertConfig, BertModel, BertTokenizer

from generators.recipe import Recipe
from generators.sprite_pipeline import SpritePipeline
from generators.text_encoder import quiet_loading
from tests.unit.generators.tiny_models import save_tiny
from tests.unit.generators.tiny_video_models import (
    VARIANTS,
    VIDEO_FAMILIES,
    save_motion_adapter,
    save_tiny_video,
)

WORDS = "[PAD] [UNK] [CLS] [SEP] [MASK] red blue potion sword tile knight".split()
TINY_WIDTH = 24  # of the token states


@pytest.fixture
def fields() -> dict[str, Any]:
    """The fields of a good recipe."""
    return {
        "kind": "item",
        "prompt": "a red potion bottle",
        "seed": 7,
        "model": "lorespark-sprite-32/1",
        "weights": "0123456789abcdef" * 4,
        "steps": 20,
        "guidance": 3.0,
        "size": 32,
        "precision": "bf16",
        "palette": None,
    }


@pytest.fixture
def recipe(fields: dict[str, Any]) -> Recipe:
    return Recipe.make(**fields)


@pytest.fixture
def drawn() -> np.ndarray:
    """A noisy disc on a noisy, mostly clear ground: 32 32 4, uint8, every alpha."""
    pixels = np.random.default_rng(5).integers(0, 256, (32, 32, 4), np.uint8)
    y, x = np.mgrid[:32, :32] - 15.5
    inside = x**2 + y**2 < 100
    pixels[..., 3] = np.where(inside, pixels[..., 3] // 3 + 150, pixels[..., 3] // 2)
    return pixels


@pytest.fixture
def png_header() -> Callable[[int, int], bytes]:
    """A PNG that promises that many pixels and holds none."""

    def header(width: int, height: int) -> bytes:
        body = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
        start = b"\x89PNG\r\n\x1a\n" + struct.pack(">I", 13) + body + struct.pack(">I", zlib.crc32(body))
        return start + struct.pack(">I", 0) + b"IDAT" + struct.pack(">I", zlib.crc32(b"IDAT"))

    return header


def tiny_pipeline(with_vae: bool, vocabulary: Path) -> SpritePipeline:
    """The bundled layout at a fortieth of its width, with random weights: pictures of 16 px, or 32 px with a vae."""
    torch.manual_seed(0)
    unet = UNet2DConditionModel(
        sample_size=8,
        in_channels=16,
        out_channels=16,
        block_out_channels=(16, 32),
        layers_per_block=1,
        norm_num_groups=8,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        mid_block_type="UNetMidBlock2DCrossAttn",
        cross_attention_dim=TINY_WIDTH,
        attention_head_dim=2,
    )
    vae = AutoencoderTiny(
        in_channels=16,
        out_channels=16,
        encoder_block_out_channels=(8, 8),
        decoder_block_out_channels=(8, 8),
        num_encoder_blocks=(1, 1),
        num_decoder_blocks=(1, 1),
        latent_channels=16,
    )
    vocabulary.write_text("\n".join(WORDS) + "\n", encoding="utf-8")
    text_encoder = BertModel(
        BertConfig(
            vocab_size=len(WORDS),
            hidden_size=TINY_WIDTH,
            num_hidden_layers=1,
            num_attention_heads=2,
            intermediate_size=32,
            max_position_embeddings=64,
        )
    )
    pipeline = SpritePipeline(
        unet.eval(),
        FlowMatchEulerDiscreteScheduler(shift=2.0),
        vae.eval() if with_vae else None,
        text_encoder.eval().requires_grad_(False),
        BertTokenizer(str(vocabulary)),
    )
    pipeline.set_progress_bar_config(disable=True)
    return pipeline


@pytest.fixture(params=[False, True], ids=["pixels", "latents"])
def pipeline(request: pytest.FixtureRequest, tmp_path: Path) -> SpritePipeline:
    with quiet_loading():
        return tiny_pipeline(request.param, tmp_path / "vocab.txt")


@pytest.fixture
def seeded() -> Callable[..., list[torch.Generator]]:
    """One generator on the CPU for each of the given seeds."""
    return lambda *seeds: [torch.Generator().manual_seed(seed) for seed in seeds]


@pytest.fixture(scope="session")
def folders(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny pipeline of that family, or of a motion adapter, saved once."""
    made: dict[str, Path] = {}

    def folder(family: str) -> Path:
        if family not in made:
            new = tmp_path_factory.mktemp("models") / family
            with quiet_loading():
                if family == "motion":
                    made[family] = save_motion_adapter(new)
                elif family in VIDEO_FAMILIES | VARIANTS:
                    made[family] = save_tiny_video(family, new)
                else:
                    made[family] = save_tiny(family, new)
        return made[family]

    return folder
