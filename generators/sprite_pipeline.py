"""Text to RGBA sprite: flow matching on pixel patches, or on the latents of a tiny autoencoder."""

from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from diffusers import (
    AutoencoderTiny,
    DiffusionPipeline,
    FlowMatchEulerDiscreteScheduler,
    UNet2DConditionModel,
)
from diffusers.utils import BaseOutput
from diffusers.utils.torch_utils import randn_tensor
from PIL import Image
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from generators.conditions import conditions
from generators.prompt_reader import PromptReader
from generators.seamless import circular

PATCH_PX = 2  # pixels a side that one cell of the unshuffled picture holds
# Step index (from 0), number of steps, and a function that decodes what the picture would be if it stopped here
# (b h w 4, uint8). Raising from the callback stops the run.
StepCallback = Callable[[int, int, Callable[[], np.ndarray]], None]


@dataclass
class SpritePipelineOutput(BaseOutput):
    """``images``: PIL images (RGBA), or one array (b h w 4, uint8, straight alpha) for ``output_type="np"``."""

    images: list[Image.Image] | np.ndarray


class SpritePipeline(DiffusionPipeline):
    """Draws sprites from prompts by rectified flow, as in Liu et al. 2022 (arXiv:2209.03003), eq. 1.

    The network predicts the velocity ``noise - clean`` at ``x_t = (1 - t) clean + t noise`` for each text that steers
    a picture (``generators.conditions``); one that was distilled with ``distilled_guidance`` needs one pass where
    others need two. A picture is premultiplied RGBA in [-1, 1], unshuffled to ``16 h/2 w/2``; with a ``vae`` the
    network works on its latents (``16 h/4 w/4``), without one on the cells themselves.

    A picture is the same alone and in a batch: its noise comes from its own generator, and where the processor's
    kernels round by the size of the batch, its prompt, its velocity and its pixels are computed on their own.
    """

    model_cpu_offload_seq = "text_encoder->unet->vae"
    _optional_components = ["vae", "text_encoder", "tokenizer"]  # noqa: RUF012 - the base class reads it so

    def __init__(
        self,
        unet: UNet2DConditionModel,
        scheduler: FlowMatchEulerDiscreteScheduler,
        vae: AutoencoderTiny | None = None,
        text_encoder: PreTrainedModel | None = None,
        tokenizer: PreTrainedTokenizerBase | None = None,
        distilled_guidance: float = 1.0,
    ) -> None:
        super().__init__()
        self._prompts: PromptReader | None = None
        self.register_modules(
            unet=unet, scheduler=scheduler, vae=vae, text_encoder=text_encoder, tokenizer=tokenizer
        )
        self.register_to_config(distilled_guidance=distilled_guidance)

    @property
    def size_px(self) -> int:
        """Height and width of the pictures."""
        return self.unet.config.sample_size * PATCH_PX * (1 if self.vae is None else 2)

    def encode_prompt(self, prompts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """Token states (b 32 384) and their mask (b 32) of ``prompts``; tokens past the 32nd are cut off."""
        if self.text_encoder is None or self.tokenizer is None:
            raise ValueError("This pipeline was loaded without a text encoder; load it with one to draw.")
        if self._prompts is None or not self._prompts.reads_with(self.text_encoder, self.unet.dtype):
            self._prompts = PromptReader(self.tokenizer, self.text_encoder, self.unet.dtype)
        return self._prompts(prompts)

    def encode(self, pixels: torch.Tensor) -> torch.Tensor:
        """Premultiplied pixels (b 4 h w, in [-1, 1]) -> what the network works on (b 16 h' w')."""
        cells = F.pixel_unshuffle(pixels, PATCH_PX)
        return cells if self.vae is None else self.vae.encode(cells).latents

    @torch.inference_mode()  # a preview may be decoded after the step, on another thread
    def decode(self, latents: torch.Tensor) -> np.ndarray:
        """What the network works on (b 16 h' w') -> pixels (b h w 4, uint8, straight alpha)."""
        if self.vae is not None:
            weight = next(self.vae.decoder.parameters())
            rows = 1 if _rounds_by_batch(weight) else len(latents)
            parts = latents.to(weight.device, weight.dtype).split(rows)
            latents = torch.cat([self.vae.decode(part).sample for part in parts])
        return straight_alpha(F.pixel_shuffle(latents.float(), PATCH_PX))

    @torch.inference_mode()
    def __call__(
        self,
        prompt: str | Sequence[str],
        negative_prompt: str | Sequence[str] = "",
        image: np.ndarray | None = None,
        mask: np.ndarray | None = None,
        strength: float = 1.0,
        seamless: bool = False,
        num_inference_steps: int = 20,
        guidance_scale: float | Sequence[float] = 3.0,
        generator: torch.Generator | Sequence[torch.Generator] | None = None,
        callback_on_step_end: StepCallback | None = None,
        output_type: str = "pil",
        return_dict: bool = True,
    ) -> SpritePipelineOutput | tuple[list[Image.Image] | np.ndarray]:
        """Draws one picture for each prompt; ``(word:1.3)`` in a prompt weighs a word.

        ``generator``: one for each prompt (on the CPU), each seeded by its picture's recipe. With an ``image``
        (b h w 4, uint8, straight alpha) the drawing starts from it and changes it by ``strength`` (0 to 1, in so
        much of the steps); where there is a ``mask`` (b h w, bool), only its true pixels change. ``seamless``
        pictures join at opposite edges: every convolution reads around them.

        Raises ValueError where the numbers of prompts, pictures and generators do not fit, InvalidRecipe where a
        prompt's weights cannot be read.
        """
        prompts = _listed(prompt)
        count = len(prompts)
        negatives = _spread(negative_prompt, count, "negative prompt")
        guidances = _spread(guidance_scale, count, "guidance")
        if isinstance(generator, Sequence) and len(generator) != count:
            raise ValueError(f"{count} prompts need {count} generators, not {len(generator)}.")
        for name, given in (("pictures", image), ("masks", mask)):
            if given is not None and len(given) != count:
                raise ValueError(f"{count} prompts need {count} {name}, not {len(given)}.")
        if mask is not None and image is None:
            raise ValueError("A mask needs the picture that it belongs to.")

        steering = self._steering(prompts, negatives, guidances)
        device = self.unet.device
        side = self.unet.config.sample_size
        noise = randn_tensor(
            (count, self.unet.config.in_channels, side, side),
            generator=list(generator) if isinstance(generator, Sequence) else generator,
            device=device,
            dtype=torch.float32,
        )
        steps = max(1, round(num_inference_steps * strength)) if image is not None else num_inference_steps
        length = (strength if image is not None else 1.0) / steps
        self.scheduler.set_timesteps(sigmas=np.linspace(length * steps, length, steps), device=device)
        sigmas = self.scheduler.sigmas
        latents, start, changes = noise, None, None
        with circular(self.unet, self.vae) if seamless else nullcontext():
            if image is not None:
                start = self._encode_alone(image)
                latents = sigmas[0] * noise + (1 - sigmas[0]) * start
                changes = None if mask is None else self._changes(mask)
            for index, timestep in enumerate(self.progress_bar(self.scheduler.timesteps)):
                velocity = self._velocity(latents, timestep, steering)
                if callback_on_step_end is not None:
                    clean = latents - sigmas[index] * velocity
                    callback_on_step_end(index, steps, lambda clean=clean: self.decode(clean))
                latents = self.scheduler.step(velocity, timestep, latents, return_dict=False)[0]
                if changes is not None and start is not None:
                    kept = sigmas[index + 1] * noise + (1 - sigmas[index + 1]) * start
                    latents = torch.where(changes, latents, kept)
            pixels = self.decode(latents)
        if mask is not None and image is not None:
            pixels = np.where(mask[..., None], pixels, image)
        images = pixels if output_type == "np" else [Image.fromarray(picture) for picture in pixels]
        self.maybe_free_model_hooks()
        return SpritePipelineOutput(images) if return_dict else (images,)

    def _steering(self, prompts: list[str], negatives: list[str], guidances: list[float]) -> "_Steering":
        found = [
            conditions(*asked, self.config.distilled_guidance)
            for asked in zip(prompts, negatives, guidances, strict=True)
        ]
        states, mask = self.encode_prompt([text for each in found for text, _ in each])
        device, dtype = self.unet.device, self.unet.dtype
        return _Steering(
            states.to(device, dtype),
            mask.to(device),
            [[coefficient for _, coefficient in each] for each in found],
        )

    def _encode_alone(self, pictures: np.ndarray) -> torch.Tensor:
        """Pixels (b h w 4, uint8) -> what the network works on, each picture on its own."""
        device = self.unet.device
        return torch.cat([self.encode(premultiplied(one[None]).to(device)).float() for one in pictures])

    def _changes(self, mask: np.ndarray) -> torch.Tensor:
        """Which of the network's values (b 16 h' w') the mask's pixels (b h w) reach."""
        cells = torch.from_numpy(np.repeat(mask[:, None].astype(np.float32), 4, 1))
        if self.vae is None:
            return (F.pixel_unshuffle(cells, PATCH_PX) > 0).to(self.unet.device)
        reached = F.max_pool2d(cells[:, :1], 2 * PATCH_PX) > 0
        return reached.expand(-1, self.unet.config.in_channels, -1, -1).to(self.unet.device)

    def _velocity(self, latents: torch.Tensor, timestep: torch.Tensor, steering: "_Steering") -> torch.Tensor:
        """The velocity that each picture follows (b 16 h' w', float32).

        Where a batch would be rounded by its size, which finishing spreads to a sixth of the pixels, each picture goes
        alone, for a tenth more time.
        """
        passes = [len(coefficients) for coefficients in steering.coefficients]
        rows = latents.to(self.unet.dtype).repeat_interleave(torch.tensor(passes, device=latents.device), 0)
        split = passes if _rounds_by_batch(self.unet.conv_in.weight) else [len(rows)]
        parts = zip(rows.split(split), steering.states.split(split), steering.mask.split(split), strict=True)
        velocities = [
            self.unet(
                noisy.contiguous(memory_format=torch.channels_last),
                timestep,
                text,
                encoder_attention_mask=read,
                return_dict=False,
            )[0]
            for noisy, text, read in parts
        ]
        each = torch.cat(velocities).float().split(passes)
        return torch.stack(
            [
                sum(coefficient * row for coefficient, row in zip(coefficients, picture, strict=True))
                for coefficients, picture in zip(steering.coefficients, each, strict=True)
            ]
        )


@dataclass(frozen=True)
class _Steering:
    """Texts of all pictures, one after another (rows 32 384 and rows 32), and each picture's coefficients."""

    states: torch.Tensor
    mask: torch.Tensor
    coefficients: list[list[float]]


def _rounds_by_batch(weight: torch.Tensor) -> bool:
    """A CPU chooses float32 kernels by the size of the batch; those for bfloat16 give the same bits at every size."""
    return weight.device.type == "cpu" and weight.dtype == torch.float32


def premultiplied(pixels: np.ndarray) -> torch.Tensor:
    """Pixels (b h w 4, uint8, straight alpha) -> premultiplied, b 4 h w, float32 in [-1, 1]."""
    scaled = torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float() / 255
    return torch.cat([scaled[:, :3] * scaled[:, 3:], scaled[:, 3:]], 1) * 2 - 1


def straight_alpha(pixels: torch.Tensor) -> np.ndarray:
    """The inverse of ``premultiplied``: b 4 h w in [-1, 1] -> b h w 4, uint8, straight alpha."""
    scaled = (pixels.float() / 2 + 0.5).clamp(0, 1)
    alpha = scaled[:, 3:]
    colour = (scaled[:, :3] / alpha.clamp(min=1e-3)).clamp(0, 1)
    return (torch.cat([colour, alpha], 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()


def _listed(text: str | Sequence[str]) -> list[str]:
    return [text] if isinstance(text, str) else list(text)


def _spread(given: Any, count: int, name: str) -> list[Any]:
    """One value for each of ``count`` pictures."""
    listed = [given] if isinstance(given, (str, float, int)) else list(given)
    if len(listed) not in (1, count):
        raise ValueError(f"{count} prompts need one {name} or {count} of them, not {len(listed)}.")
    return listed * count if len(listed) == 1 else listed
