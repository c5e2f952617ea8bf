"""Pipelines of each family at a thousandth of their size, built from configs, with tokenizers trained on the spot."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from diffusers import (
    AutoencoderDC,
    AutoencoderKL,
    DiffusionPipeline,
    DPMSolverMultistepScheduler,
    EulerDiscreteScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    PNDMScheduler,
    SanaPipeline,
    SanaTransformer2DModel,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from diffusers.pipelines.stable_diffusion.safety_checker import StableDiffusionSafetyChecker
from tokenizers import Tokenizer, models, pre_tokenizers, trainers
from transformers import (
    CLIPConfig,
    CLIPImageProcessor,
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionConfig,
    Gemma2Config,
    Gemma2Model,
    PreTrainedTokenizerFast,
    T5Config,
    T5EncoderModel,
)

WORDS = ["a red potion bottle in pixel art", "a wizard with a blue robe", "sword tile knight castle"]
WIDTH = 16  # of every text encoder
PX = 64


def stable_diffusion(folder: Path) -> DiffusionPipeline:
    return StableDiffusionPipeline(
        vae=_autoencoder(),
        text_encoder=CLIPTextModel(_clip()),
        tokenizer=clip_tokenizer(folder),
        unet=_unet(cross_attention_dim=WIDTH),
        scheduler=PNDMScheduler(skip_prk_steps=True, steps_offset=1),
        safety_checker=None,
        feature_extractor=None,
        requires_safety_checker=False,
    )


def checked(folder: Path, flags: bool) -> DiffusionPipeline:
    """Stable Diffusion 1.x with a safety checker, which ``flags`` every picture or none."""
    pipeline = stable_diffusion(folder)
    vision = CLIPVisionConfig(
        hidden_size=WIDTH,
        intermediate_size=32,
        num_hidden_layers=1,
        num_attention_heads=2,
        image_size=32,
        patch_size=16,
    )
    config = CLIPConfig(text_config=_clip().to_dict(), vision_config=vision.to_dict(), projection_dim=WIDTH)
    checker = StableDiffusionSafetyChecker(config)
    with torch.no_grad():  # how near to a concept a picture may come: cosines lie between -1 and 1
        checker.concept_embeds_weights.fill_(-2.0 if flags else 2.0)
        checker.special_care_embeds_weights.fill_(2.0)
    return StableDiffusionPipeline(
        **{
            **pipeline.components,
            "safety_checker": checker,
            "feature_extractor": CLIPImageProcessor(size={"shortest_edge": 32}, crop_size=32),
        }
    )


def turbo(folder: Path) -> DiffusionPipeline:
    pipeline = stable_diffusion(folder)
    pipeline.scheduler = EulerDiscreteScheduler(timestep_spacing="trailing", steps_offset=1)
    return pipeline


def stable_diffusion_xl(folder: Path) -> DiffusionPipeline:
    return StableDiffusionXLPipeline(
        vae=_autoencoder(),
        text_encoder=CLIPTextModel(_clip()),
        text_encoder_2=CLIPTextModelWithProjection(_clip()),
        tokenizer=clip_tokenizer(folder),
        tokenizer_2=clip_tokenizer(folder),
        unet=_unet(
            cross_attention_dim=2 * WIDTH,
            addition_embed_type="text_time",
            addition_time_embed_dim=8,
            projection_class_embeddings_input_dim=8 * 6 + WIDTH,
        ),
        scheduler=EulerDiscreteScheduler(timestep_spacing="trailing"),
        add_watermarker=False,
    )


def flux(folder: Path) -> DiffusionPipeline:
    return FluxPipeline(
        scheduler=FlowMatchEulerDiscreteScheduler(),
        vae=_autoencoder(
            latent_channels=4, use_quant_conv=False, use_post_quant_conv=False, shift_factor=0.1
        ),
        text_encoder=CLIPTextModel(_clip()),
        tokenizer=clip_tokenizer(folder),
        text_encoder_2=T5EncoderModel(
            T5Config(vocab_size=300, d_model=WIDTH, d_kv=8, d_ff=32, num_layers=1, num_heads=2)
        ),
        tokenizer_2=word_tokenizer(["<pad>", "</s>", "<unk>"]),
        transformer=FluxTransformer2DModel(
            patch_size=1,
            in_channels=16,
            num_layers=1,
            num_single_layers=1,
            attention_head_dim=16,
            num_attention_heads=2,
            joint_attention_dim=WIDTH,
            pooled_projection_dim=WIDTH,
            guidance_embeds=False,
            axes_dims_rope=(4, 6, 6),
        ),
    )


def sana(folder: Path) -> DiffusionPipeline:
    return SanaPipeline(
        scheduler=DPMSolverMultistepScheduler(
            prediction_type="flow_prediction", use_flow_sigmas=True, flow_shift=3.0, solver_order=2
        ),
        text_encoder=Gemma2Model(
            Gemma2Config(
                vocab_size=300,
                hidden_size=WIDTH,
                intermediate_size=32,
                num_hidden_layers=1,
                num_attention_heads=2,
                num_key_value_heads=1,
                head_dim=8,
            )
        ),
        tokenizer=word_tokenizer(["<pad>", "<eos>", "<bos>", "<unk>"]),
        vae=AutoencoderDC(
            in_channels=3,
            latent_channels=4,
            attention_head_dim=2,
            encoder_block_types=("ResBlock", "EfficientViTBlock"),
            decoder_block_types=("ResBlock", "EfficientViTBlock"),
            encoder_block_out_channels=(8, 8),
            decoder_block_out_channels=(8, 8),
            encoder_qkv_multiscales=((), (5,)),
            decoder_qkv_multiscales=((), (5,)),
            encoder_layers_per_block=(1, 1),
            decoder_layers_per_block=(1, 1),
            upsample_block_type="interpolate",
            downsample_block_type="stride_conv",
            decoder_norm_types="rms_norm",
            decoder_act_fns="silu",
            scaling_factor=0.41407,
        ),
        transformer=SanaTransformer2DModel(
            patch_size=1,
            in_channels=4,
            out_channels=4,
            num_layers=1,
            num_attention_heads=2,
            attention_head_dim=4,
            num_cross_attention_heads=2,
            cross_attention_head_dim=4,
            cross_attention_dim=8,
            caption_channels=WIDTH,
            sample_size=PX // 2,
        ),
    )


FAMILIES: dict[str, Callable[[Path], DiffusionPipeline]] = {
    "stable-diffusion": stable_diffusion,
    "turbo": turbo,
    "xl": stable_diffusion_xl,
    "flux": flux,
    "sana": sana,
}


CHECKED: dict[str, Callable[[Path], DiffusionPipeline]] = {
    "checked": partial(checked, flags=False),
    "flagged": partial(checked, flags=True),
}


def save_tiny(family: str, folder: Path) -> Path:
    """Writes a pipeline of that family, with weights of seed 0, as ``save_pretrained`` does; returns ``folder``."""
    torch.manual_seed(0)
    work = folder.with_name(folder.name + "-vocabulary")
    work.mkdir(parents=True, exist_ok=True)
    (FAMILIES | CHECKED)[family](work).save_pretrained(folder, safe_serialization=True)
    return folder


def clip_tokenizer(folder: Path) -> CLIPTokenizer:
    """CLIP's own byte-level letters without any merges."""
    marks = ["<|startoftext|>", "<|endoftext|>"]
    letters = [chr(code) for code in range(ord("!"), ord("~") + 1)]
    names = letters + [letter + "</w>" for letter in letters] + marks
    vocabulary, merges = folder / "vocab.json", folder / "merges.txt"
    vocabulary.write_text(json.dumps({name: number for number, name in enumerate(names)}), encoding="utf-8")
    merges.write_text("#version: 0.2\n", encoding="utf-8")
    return CLIPTokenizer.from_pretrained(folder, model_max_length=77)


def word_tokenizer(marks: list[str]) -> PreTrainedTokenizerFast:
    """Stands for the tokenizers of T5 and Gemma, whose vocabularies are megabytes: the same class of file."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.train_from_iterator(WORDS, trainers.BpeTrainer(vocab_size=200, special_tokens=marks))
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        unk_token="<unk>",
        eos_token=marks[1],
        model_max_length=512,
    )


def _clip() -> CLIPTextConfig:
    return CLIPTextConfig(
        vocab_size=200,
        hidden_size=WIDTH,
        intermediate_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        projection_dim=WIDTH,
        max_position_embeddings=77,
        bos_token_id=188,
        eos_token_id=189,
        pad_token_id=189,
    )


def _unet(**given: object) -> UNet2DConditionModel:
    return UNet2DConditionModel(
        sample_size=PX // 2,
        in_channels=4,
        out_channels=4,
        block_out_channels=(8, 16),
        layers_per_block=1,
        norm_num_groups=4,
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=2,
        **given,
    )


def _autoencoder(**given: object) -> AutoencoderKL:
    return AutoencoderKL(
        block_out_channels=(8, 8),
        norm_num_groups=4,
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        sample_size=PX,
        **given,
    )
