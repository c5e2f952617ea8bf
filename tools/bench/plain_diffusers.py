"""The same weights in the loop that diffusers' own text-to-image pipelines run: float32, guided by a second pass."""

import torch
import torch.nn.functional as F  # noqa: N812 - the name torch's own documentation uses
from diffusers import AutoencoderTiny, FlowMatchEulerDiscreteScheduler, UNet2DConditionModel

from generators.models import SpriteModel
from generators.recipe import MAX_TOKENS
from generators.sprite_pipeline import PATCH_PX, straight_alpha
from generators.text_encoder import load_text_encoder, quiet_loading


class PlainLoop:
    """Draws pictures as they come out of the autoencoder; nothing is finished or written."""

    def __init__(self, model: SpriteModel) -> None:
        self._text = load_text_encoder()
        with quiet_loading():
            self._network = UNet2DConditionModel.from_pretrained(model.folder / "unet", dtype=torch.float32)
            self._scheduler = FlowMatchEulerDiscreteScheduler.from_pretrained(model.folder / "scheduler")
            self._vae = None
            if (model.folder / "vae").exists():
                self._vae = AutoencoderTiny.from_pretrained(model.folder / "vae", dtype=torch.float32)

    @torch.inference_mode()
    def draw(self, prompts: list[str], steps: int, guidance: float, guided: bool) -> None:
        """One picture for each prompt; ``guided`` passes the network twice a step."""
        texts = [""] * len(prompts) + prompts if guided else prompts
        tokens = self._text.tokenizer(
            texts, padding="max_length", truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
        )
        states = self._text.model(**tokens).last_hidden_state
        side = self._network.config.sample_size
        latents = torch.randn(len(prompts), self._network.config.in_channels, side, side)
        self._scheduler.set_timesteps(sigmas=[1 - step / steps for step in range(steps)])
        for timestep in self._scheduler.timesteps:
            velocity = self._network(
                torch.cat([latents, latents]) if guided else latents,
                timestep,
                states,
                encoder_attention_mask=tokens["attention_mask"],
                return_dict=False,
            )[0]
            if guided:
                without, towards = velocity.chunk(2)
                velocity = without + guidance * (towards - without)
            latents = self._scheduler.step(velocity, timestep, latents, return_dict=False)[0]
        cells = latents if self._vae is None else self._vae.decode(latents).sample
        straight_alpha(F.pixel_shuffle(cells, PATCH_PX))
