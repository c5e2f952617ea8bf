"""A picture and a prompt to a clip: flow matching over all frames at once."""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass

import numpy as np
import torch
from diffusers import AutoencoderTiny, DiffusionPipeline, FlowMatchEulerDiscreteScheduler
from diffusers.utils import BaseOutput
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from generators.clip_network import CELL_PX, FACINGS, NOISE, ClipNetwork, frame_phases, scene
from generators.motion import Action, Direction
from generators.prompt_reader import PromptReader
from generators.seamless import circular
from generators.sprite_pipeline import PATCH_PX, StepCallback, premultiplied, straight_alpha

# The share of the noise's variance that all frames of a clip have in common, so that what does not move is drawn alike
# (the mixed noise of Ge et al. 2023, arXiv:2305.10474, section 4.1). Change it only with a network trained on another.
SHARED_NOISE = 0.5


@dataclass
class ClipPipelineOutput(BaseOutput):
    """``frames``: f h w 4, uint8, straight alpha."""

    frames: np.ndarray


def clip_noise(shape: Sequence[int], generator: torch.Generator) -> torch.Tensor:
    """Noise of unit variance (f c h w, float32, on the CPU), correlated between frames."""
    shared = torch.randn((1, *shape[1:]), generator=generator)
    own = torch.randn(tuple(shape), generator=generator)
    return SHARED_NOISE**0.5 * shared + (1 - SHARED_NOISE) ** 0.5 * own


def shifted(picture: np.ndarray, wraps: bool) -> np.ndarray:
    """A picture (h w 4) moved down and right by 0 to 3 pixels each (16 h w 4); what comes in is clear, or wraps."""
    height, width = picture.shape[:2]
    wider = np.pad(
        picture, ((CELL_PX - 1, 0), (CELL_PX - 1, 0), (0, 0)), mode="wrap" if wraps else "constant"
    )
    starts = range(CELL_PX - 1, -1, -1)
    return np.stack([wider[top : top + height, left : left + width] for top in starts for left in starts])


class ClipPipeline(DiffusionPipeline):
    """Sets a picture in motion by flow matching, from the picture under noise to a clip; see ``ClipNetwork``.

    Text to a clip is two draws, as in Emu Video (Girdhar et al. 2023, arXiv:2311.10709): a picture from the prompt, by
    ``SpritePipeline``, then this. One clip is drawn at a time: its frames fill a processor as a batch of pictures does.
    """

    model_cpu_offload_seq = "text_encoder->network->vae"
    _optional_components = ["text_encoder", "tokenizer"]  # noqa: RUF012 - the base class reads it so

    def __init__(
        self,
        network: ClipNetwork,
        scheduler: FlowMatchEulerDiscreteScheduler,
        vae: AutoencoderTiny,
        text_encoder: PreTrainedModel | None = None,
        tokenizer: PreTrainedTokenizerBase | None = None,
    ) -> None:
        super().__init__()
        self._prompts: PromptReader | None = None
        self.register_modules(
            network=network, scheduler=scheduler, vae=vae, text_encoder=text_encoder, tokenizer=tokenizer
        )

    @property
    def size_px(self) -> int:
        """Height and width of the frames."""
        return int(self.network.config.sample_size) * PATCH_PX * 2

    def encode_prompt(self, prompt: str) -> tuple[torch.Tensor, torch.Tensor]:
        """Token states (1 32 384) and their mask (1 32) of ``prompt``; tokens past the 32nd are cut off."""
        if self.text_encoder is None or self.tokenizer is None:
            raise ValueError("This pipeline was loaded without a text encoder; load it with one to draw.")
        if self._prompts is None or not self._prompts.reads_with(self.text_encoder, self.network.dtype):
            self._prompts = PromptReader(self.tokenizer, self.text_encoder, self.network.dtype)
        return self._prompts([prompt])

    def encode(self, picture: np.ndarray, wraps: bool) -> torch.Tensor:
        """Pixels (h w 4, uint8, straight alpha) -> latents (16 16 h/4 w/4) of the picture moved down and right by 0 to
        3 pixels, moves down counting first. What leaves it comes back on the other side where it ``wraps``."""
        moved = premultiplied(shifted(picture, wraps)).to(self.device)
        cells = torch.nn.functional.pixel_unshuffle(moved, PATCH_PX).to(self.network.dtype)
        return self.vae.encoder(cells.contiguous(memory_format=torch.channels_last))

    @torch.inference_mode()  # a preview may be decoded after the step, on another thread
    def decode(self, latents: torch.Tensor) -> np.ndarray:
        """Latents (f 16 h/4 w/4) -> pixels (f h w 4, uint8, straight alpha)."""
        weight = next(self.vae.decoder.parameters())
        rows = 1 if weight.dtype == torch.float32 and weight.device.type == "cpu" else len(latents)
        parts = [self.vae.decode(part.to(weight.device, weight.dtype)).sample for part in latents.split(rows)]
        return straight_alpha(torch.nn.functional.pixel_shuffle(torch.cat(parts).float(), PATCH_PX))

    @torch.inference_mode()
    def __call__(
        self,
        prompt: str,
        image: np.ndarray,
        action: Action,
        facing: Direction | None = None,
        num_frames: int = 16,
        art_px: int = 1,
        seamless: bool = False,
        num_inference_steps: int = 8,
        generator: torch.Generator | None = None,
        callback_on_step_end: StepCallback | None = None,
        return_dict: bool = True,
    ) -> ClipPipelineOutput | tuple[np.ndarray]:
        """Draws a clip of what ``image`` (h w 4, uint8, straight alpha) shows, doing ``action``.

        ``facing``: None, or right, down or up; a figure that faces right is drawn best, and one that is to face left
        is the mirror image of it. ``art_px``: how many pixels of the picture a pixel of its art takes a side.
        ``seamless`` frames join at opposite edges. ``generator``: on the CPU. The callback's preview is f h w 4.

        Raises ValueError where the picture has another size or the direction is none of these.
        """
        if image.shape != (self.size_px, self.size_px, 4):
            raise ValueError(f"The picture is {image.shape}; it must be ({self.size_px}, {self.size_px}, 4).")
        if facing is not None and facing not in FACINGS:
            raise ValueError(
                f"The network draws figures that face {', '.join(FACINGS)}; mirror one for left."
            )
        device, dtype = self.device, self.network.dtype
        states, mask = self.encode_prompt(prompt)
        scenes = scene(action, facing, frame_phases(action, num_frames), art_px)[None].to(device, dtype)
        side = self.network.config.sample_size
        noise = clip_noise(
            (num_frames, self.network.config.channels, side, side),
            generator or torch.Generator().manual_seed(0),
        )
        sigmas = np.linspace(1.0, 1.0 / num_inference_steps, num_inference_steps)
        self.scheduler.set_timesteps(sigmas=sigmas, device=device)
        with circular(self.network.unet, self.vae) if seamless else nullcontext():
            moved = self.encode(image, wraps=action.subject == "tile")[None]
            latents = moved[:, :1].float() + NOISE * noise[None].to(device)
            candidates = self.network.shifts.candidates(
                moved, torch.tensor([action.subject == "tile"], device=device)
            )
            for index, timestep in enumerate(self.progress_bar(self.scheduler.timesteps)):
                velocity = self.network(
                    latents,
                    moved[:, 0],
                    candidates,
                    timestep[None],
                    scenes,
                    states.to(device, dtype),
                    mask.to(device),
                )
                if callback_on_step_end is not None:
                    clean = (latents - self.scheduler.sigmas[index] * velocity)[0]
                    callback_on_step_end(index, num_inference_steps, lambda clean=clean: self.decode(clean))
                latents = self.scheduler.step(velocity, timestep, latents, return_dict=False)[0]
            frames = self.decode(latents[0])
        self.maybe_free_model_hooks()
        return ClipPipelineOutput(frames) if return_dict else (frames,)
