"""Text to RGBA sprite: flow matching on pixel patches, or on the latents of a tiny autoencoder."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

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

from generators.recipe import MAX_TOKENS

PATCH_PX = 2  # pixels a side that one cell of the unshuffled picture holds
MAX_ENCODED = 64  # prompts whose token states are kept, 50 KB each; the empty one is in every guided picture
# Step index (from 0), number of steps, and a function that decodes what the picture would be if it stopped here
# (b h w 4, uint8). Raising from the callback stops the run.
StepCallback = Callable[[int, int, Callable[[], np.ndarray]], None]


@dataclass
class SpritePipelineOutput(BaseOutput):
    """``images``: PIL images (RGBA), or one array (b h w 4, uint8, straight alpha) for ``output_type="np"``."""

    images: list[Image.Image] | np.ndarray


class SpritePipeline(DiffusionPipeline):
    """Draws sprites from prompts by rectified flow, as in Liu et al. 2022 (arXiv:2209.03003), eq. 1.

    The network predicts the velocity ``noise - clean`` at ``x_t = (1 - t) clean + t noise`` and is guided without a
    classifier (Ho & Salimans 2022, eq. 6). A picture is premultiplied RGBA in [-1, 1], unshuffled to
    ``16 h/2 w/2``; with a ``vae`` the network works on its latents (``16 h/4 w/4``), without one on the cells
    themselves.

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
    ) -> None:
        super().__init__()
        self._encoded: dict[
            tuple[int, str], tuple[torch.Tensor, torch.Tensor]
        ] = {}  # least recently used first
        self.register_modules(
            unet=unet, scheduler=scheduler, vae=vae, text_encoder=text_encoder, tokenizer=tokenizer
        )

    @property
    def size_px(self) -> int:
        """Height and width of the pictures."""
        return self.unet.config.sample_size * PATCH_PX * (1 if self.vae is None else 2)

    def encode_prompt(self, prompts: Sequence[str]) -> tuple[torch.Tensor, torch.Tensor]:
        """Token states (b 32 384) and their mask (b 32) of ``prompts``; tokens past the 32nd are cut off."""
        if self.text_encoder is None or self.tokenizer is None:
            raise ValueError("This pipeline was loaded without a text encoder; pass prompt_embeds instead.")
        encoded = {prompt: self._encode_one(prompt) for prompt in dict.fromkeys(prompts)}
        states, masks = zip(*(encoded[prompt] for prompt in prompts), strict=True)
        return torch.cat(states), torch.cat(masks)

    def _encode_one(self, prompt: str) -> tuple[torch.Tensor, torch.Tensor]:
        key = (id(self.text_encoder), prompt)
        if (known := self._encoded.pop(key, None)) is None:
            tokens = self.tokenizer(
                [prompt], padding="max_length", truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
            ).to(self.text_encoder.device)
            known = self.text_encoder(**tokens).last_hidden_state, tokens["attention_mask"]
        self._encoded[key] = known
        if len(self._encoded) > MAX_ENCODED:
            del self._encoded[next(iter(self._encoded))]
        return known

    def encode(self, pixels: torch.Tensor) -> torch.Tensor:
        """Premultiplied pixels (b 4 h w, in [-1, 1]) -> what the network works on (b 16 h' w')."""
        cells = F.pixel_unshuffle(pixels, PATCH_PX)
        return cells if self.vae is None else self.vae.encode(cells).latents

    @torch.inference_mode()  # a preview may be decoded after the step, on another thread
    def decode(self, latents: torch.Tensor) -> np.ndarray:
        """What the network works on (b 16 h' w') -> pixels (b h w 4, uint8, straight alpha)."""
        if self.vae is not None:
            alone = latents.to(self.vae.device, self.vae.dtype).split(1)
            latents = torch.cat([self.vae.decode(one).sample for one in alone])
        return straight_alpha(F.pixel_shuffle(latents.float(), PATCH_PX))

    @torch.inference_mode()
    def __call__(
        self,
        prompt: str | Sequence[str] | None = None,
        negative_prompt: str | Sequence[str] = "",
        num_inference_steps: int = 20,
        guidance_scale: float = 3.0,
        generator: torch.Generator | Sequence[torch.Generator] | None = None,
        prompt_embeds: tuple[torch.Tensor, torch.Tensor] | None = None,
        negative_prompt_embeds: tuple[torch.Tensor, torch.Tensor] | None = None,
        callback_on_step_end: StepCallback | None = None,
        output_type: str = "pil",
        return_dict: bool = True,
    ) -> SpritePipelineOutput | tuple[list[Image.Image] | np.ndarray]:
        """Draws one picture for each prompt.

        ``generator``: one for each prompt (on the CPU), each seeded by its picture's recipe. ``prompt_embeds`` are
        pairs as ``encode_prompt`` returns them and take the prompts' place. ``guidance_scale`` 1 or less draws
        without guidance, in half the time.

        Raises ValueError where the numbers of prompts, negative prompts and generators do not fit.
        """
        states, mask = prompt_embeds if prompt_embeds is not None else self.encode_prompt(_listed(prompt))
        count = len(states)
        guided = guidance_scale > 1.0
        negative: tuple[torch.Tensor, torch.Tensor] | None = None
        if guided:
            negative = negative_prompt_embeds or self._encode_negative(_listed(negative_prompt), count)
            if len(negative[0]) != count:
                raise ValueError(f"{count} prompts need {count} negative ones, not {len(negative[0])}.")
        if isinstance(generator, Sequence) and len(generator) != count:
            raise ValueError(f"{count} prompts need {count} generators, not {len(generator)}.")

        device, dtype = self.unet.device, self.unet.dtype
        if negative is not None:  # each picture's two passes lie side by side: without its prompt, with it
            states = torch.stack([negative[0], states], 1).flatten(0, 1)
            mask = torch.stack([negative[1], mask], 1).flatten(0, 1)
        passes = 2 if guided else 1
        states, mask = states.to(device, dtype), mask.to(device)
        side = self.unet.config.sample_size
        latents = randn_tensor(
            (count, self.unet.config.in_channels, side, side),
            generator=list(generator) if isinstance(generator, Sequence) else generator,
            device=device,
            dtype=torch.float32,
        )
        self.scheduler.set_timesteps(
            sigmas=np.linspace(1.0, 1.0 / num_inference_steps, num_inference_steps), device=device
        )
        for index, timestep in enumerate(self.progress_bar(self.scheduler.timesteps)):
            velocity = self._velocity(latents.repeat_interleave(passes, 0), timestep, states, mask, passes)
            if guided:
                without, towards = velocity.unflatten(0, (count, passes)).unbind(1)
                velocity = without + guidance_scale * (towards - without)
            sigma = self.scheduler.sigmas[index]
            if callback_on_step_end is not None:
                clean = latents - sigma * velocity
                callback_on_step_end(index, num_inference_steps, lambda clean=clean: self.decode(clean))
            latents = self.scheduler.step(velocity, timestep, latents, return_dict=False)[0]

        pixels = self.decode(latents)
        images = pixels if output_type == "np" else [Image.fromarray(picture) for picture in pixels]
        self.maybe_free_model_hooks()
        return SpritePipelineOutput(images) if return_dict else (images,)

    def _velocity(
        self,
        latents: torch.Tensor,
        timestep: torch.Tensor,
        states: torch.Tensor,
        mask: torch.Tensor,
        passes: int,
    ) -> torch.Tensor:
        """The network's velocity (b 16 h' w', float32); ``passes`` rows belong to each picture.

        In float32 a CPU's kernels are chosen by the size of the batch and differ in the last bits, which finishing
        spreads to a sixth of the pixels; so each picture goes alone, for a tenth more time. In bfloat16 they give
        the same bits at every size.
        """
        alone = self.unet.device.type == "cpu" and self.unet.dtype == torch.float32
        rows = passes if alone else len(latents)
        parts = zip(
            latents.to(self.unet.dtype).split(rows), states.split(rows), mask.split(rows), strict=True
        )
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
        return torch.cat(velocities).float()

    def _encode_negative(self, prompts: list[str], count: int) -> tuple[torch.Tensor, torch.Tensor]:
        if len(prompts) not in (1, count):
            raise ValueError(
                f"{count} prompts need one negative prompt or {count} of them, not {len(prompts)}."
            )
        states, mask = self.encode_prompt(prompts)
        repeats = count // len(prompts)
        return states.repeat(repeats, 1, 1), mask.repeat(repeats, 1)


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


def _listed(text: str | Sequence[str] | None) -> list[str]:
    if text is None:
        raise ValueError("Pass a prompt or prompt_embeds.")
    return [text] if isinstance(text, str) else list(text)
