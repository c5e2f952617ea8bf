"""Any diffusers text-to-image pipeline behind one narrow interface."""

import inspect
from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from diffusers import DiffusionPipeline
from numpy.typing import NDArray
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from generators.device import batch_size, large_precision
from generators.diffusers_loading import Loading, load_pipeline, pipeline_class
from generators.errors import DrawingFailed, InvalidRecipe, WeightsUnavailable
from generators.memory import draw_within_memory, free_memory
from generators.model_entry import ModelEntry, Offload
from generators.model_files import DigestCache, PipelineFiles, weights_digest
from generators.model_files import inspect as inspect_folder
from generators.model_hub import downloaded_folder, model_folder
from generators.picture_model import StepReport
from generators.recipe import Precision, Recipe
from generators.text_encoder import quiet_loading

# FLUX takes its guidance as an input and reads a negative prompt only in a second pass that its makers leave out.
NO_NEGATIVE = frozenset({"FluxPipeline"})
SCHNELL_TOKENS = 256  # what FLUX.1-schnell was distilled with; its pipeline's own 512 are for FLUX.1-dev


class DiffusersModel:
    """Loads its pipeline when it first draws and keeps it until it is told to let go.

    ``batch`` is how many pictures are drawn together at most. ``load`` is replaced by tests that need a pipeline
    with a smaller memory.
    """

    def __init__(
        self,
        entry: ModelEntry,
        device: torch.device,
        digests: DigestCache,
        *,
        batch: int | None = None,
        load: Callable[[Loading], DiffusionPipeline] = load_pipeline,
    ) -> None:
        self.entry, self.device = entry, device
        self._digests, self._load = digests, load
        self._batch = batch if batch is not None else batch_size(device)
        self._offload: Offload = entry.offload
        self._tiled = False
        self._loaded: tuple[Precision, DiffusionPipeline] | None = None

    @cached_property
    def files(self) -> PipelineFiles:
        """What loading reads; downloaded first where the entry names a hub id. Raises WeightsUnavailable."""
        return inspect_folder(model_folder(self.entry), self.entry.variant)

    @cached_property
    def digest(self) -> str:
        """Hex sha256 over all files that are read, LoRA files included: what a recipe names as its ``weights``."""
        return weights_digest(self.files, self._loras(), self._digests)

    @property
    def precision(self) -> Precision:
        return large_precision(self.device) if self.entry.dtype == "auto" else self.entry.dtype

    def is_ready(self) -> bool:
        """False where files are still to be downloaded. Raises WeightsUnavailable where they cannot be used."""
        self._loras()
        folder = downloaded_folder(self.entry)
        if folder is None:
            return False
        pipeline_class(inspect_folder(folder, self.entry.variant))
        return True

    def takes_negative(self, guidance: float) -> bool:
        """Whether a negative prompt changes the picture: not in distilled models, which draw without guidance."""
        return (
            guidance > 1.0
            and self.files.pipeline not in NO_NEGATIVE
            and "negative_prompt" in self._parameters
        )

    def token_count(self, prompt: str) -> tuple[int, int]:
        """How many tokens ``prompt`` takes, and how many the model reads."""
        with quiet_loading():
            tokens = len(self._tokenizer(prompt)["input_ids"])
        return tokens, min(self._tokenizer.model_max_length, self._max_sequence_length or 10**9)

    def draw(self, recipes: Sequence[Recipe], report: StepReport) -> list[NDArray[np.uint8]]:
        """Draws recipes that share precision, steps, guidance and size: one array each (h w 4, uint8, opaque).

        Each picture's noise comes from a CPU generator of its own. On a GPU pictures that share a batch may differ
        in the last bits from ones drawn alone, because its kernels are chosen by the size of the batch.

        Raises WeightsUnavailable, OutOfMemory, InvalidRecipe and DrawingFailed; what ``report`` raises passes through.
        """
        pictures, self._batch = draw_within_memory(
            range(len(recipes)),
            lambda positions: self._draw([recipes[position] for position in positions], positions, report),
            batch=self._batch,
            relieve=self._relieve,
            what=f"{self.entry.id} at {_drawn_px(recipes[0])} px on the {self.device.type} device",
        )
        return pictures

    def unload(self) -> None:
        """Lets go of the pipeline and its memory."""
        if self._loaded is not None:
            self._loaded = None
            free_memory()

    def _draw(
        self, recipes: Sequence[Recipe], positions: Sequence[int], report: StepReport
    ) -> NDArray[np.uint8]:
        first, px = recipes[0], _drawn_px(recipes[0])
        pipeline = self._pipeline(first.precision)
        told: list[BaseException] = []
        done = 0

        def on_step(pipe: Any, step: int, _: Any, tensors: dict[str, Any]) -> dict[str, Any]:
            nonlocal done
            # Some schedulers run the network more often than the number of steps that they were asked for.
            reached = (step + 1) * first.steps // pipe.num_timesteps
            latents = tensors["latents"]
            try:
                if reached > done:
                    report(positions, reached, first.steps, lambda: latent_picture(pipe, latents, px))
            except BaseException as error:
                told.append(error)
                raise
            done = reached
            return tensors

        wanted: dict[str, Any] = {
            "prompt": [recipe.prompt for recipe in recipes],
            "num_inference_steps": first.steps,
            "guidance_scale": first.guidance,
            "generator": [torch.Generator("cpu").manual_seed(recipe.seed) for recipe in recipes],
            "height": px,
            "width": px,
            "output_type": "np",
            "callback_on_step_end": on_step,
            "max_sequence_length": self._max_sequence_length,
            "use_resolution_binning": False,  # Sana's own choice of sizes, which need not be the one asked for
        }
        if self.takes_negative(first.guidance):
            wanted["negative_prompt"] = [recipe.negative_prompt for recipe in recipes]
        try:
            output = pipeline(
                **{
                    name: value
                    for name, value in wanted.items()
                    if name in self._parameters and value is not None
                }
            )
        except ValueError as error:
            if error in told:
                raise
            raise InvalidRecipe(
                f"The model {self.entry.id} cannot draw this ({str(error).splitlines()[0][:300].rstrip('.')}); change "
                "what it names."
            ) from error
        if any(getattr(output, "nsfw_content_detected", None) or ()):
            raise DrawingFailed(
                f"The safety checker of {self.entry.id} withheld a picture; change the prompt or the seed."
            )
        return self._opaque(np.asarray(output.images), px, first.precision)

    def _opaque(self, images: NDArray[np.float32], px: int, precision: Precision) -> NDArray[np.uint8]:
        """Images in [0, 1] (b h w 3) -> b h w 4, uint8."""
        if not np.isfinite(images).all():
            raise DrawingFailed(
                f"The model {self.entry.id} overflowed in {precision} and drew nothing; set its dtype to bf16 or fp32."
            )
        if images.shape[1:] != (px, px, 3):
            drawn = " x ".join(map(str, images.shape[1:]))
            raise DrawingFailed(
                f"The model {self.entry.id} drew {drawn} where {px} x {px} x 3 were asked for; set its entry's size to "
                "what it draws."
            )
        colours = (images * 255).round().astype(np.uint8)
        return np.concatenate([colours, np.full_like(colours[..., :1], 255)], -1)

    def _pipeline(self, precision: Precision) -> DiffusionPipeline:
        if self._loaded is None or self._loaded[0] != precision:
            self.unload()
            loading = Loading(
                files=self.files,
                variant=self.entry.variant,
                precision=precision,
                device=self.device,
                loras=self._loras(),
                offload=self._offload,
                tiled=self._tiled,
                compile=self.entry.compile,
            )
            self._loaded = (precision, self._load(loading))
        return self._loaded[1]

    def _relieve(self) -> bool:
        """The next way to need less memory, from the one that costs least; False where there is none left."""
        gpu = self.device.type != "cpu"
        if gpu and self._offload == "none":
            self._offload = "model"
        elif not self._tiled:
            self._tiled = True
        elif gpu and self._offload == "model" and not self.entry.compile:
            self._offload = "sequential"
        else:
            return False
        self.unload()
        return True

    def _loras(self) -> list[tuple[Path, float]]:
        loras = [(self.entry.lora_path(lora), lora.weight) for lora in self.entry.loras]
        for path, _ in loras:
            if path.suffix != ".safetensors":
                raise WeightsUnavailable(
                    f"The LoRA file {path} of model {self.entry.id} is not a .safetensors file, and pickles are never "
                    "opened; use one that is."
                )
            if not path.is_file():
                raise WeightsUnavailable(
                    f"The LoRA file {path} of model {self.entry.id} is not there; correct its path."
                )
        return loras

    @cached_property
    def _parameters(self) -> frozenset[str]:
        return frozenset(self._call_parameters)

    @cached_property
    def _call_parameters(self) -> dict[str, inspect.Parameter]:
        return dict(inspect.signature(pipeline_class(self.files).__call__).parameters)

    @cached_property
    def _max_sequence_length(self) -> int | None:
        parameter = self._call_parameters.get("max_sequence_length")
        if parameter is None:
            return None
        if self.files.pipeline in NO_NEGATIVE and not self._distilled_guidance():
            return SCHNELL_TOKENS
        return int(parameter.default)

    def _distilled_guidance(self) -> bool:
        """Whether the network of a FLUX folder takes guidance as an input (dev does, schnell does not)."""
        config = pipeline_class(self.files).load_config(self.files.folder / "transformer" / "config.json")
        return bool(config.get("guidance_embeds"))

    @cached_property
    def _tokenizer(self) -> PreTrainedTokenizerBase:
        names = {name.partition("/")[0] for name in self.files.files if name.startswith("tokenizer")}
        name = max(names, default="tokenizer")  # of several the last is the one that reads the whole prompt
        try:
            with quiet_loading():
                return AutoTokenizer.from_pretrained(self.files.folder / name, local_files_only=True)
        except (OSError, ValueError, KeyError) as error:
            raise WeightsUnavailable(
                f"The {name} of model {self.entry.id} cannot be loaded; download the model again."
            ) from error


def latent_picture(pipeline: Any, latents: torch.Tensor, px: int) -> NDArray[np.uint8]:
    """A rough look at unfinished latents (b c h w, or packed as FLUX does): their three principal components as red,
    green and blue, at latent size (b h w 4, uint8). The autoencoder, which would be exact, costs more than a step."""
    if latents.ndim == 3:
        latents = pipeline._unpack_latents(latents, px, px, pipeline.vae_scale_factor)
    count, channels, height, width = latents.shape
    cells = latents.detach().float().cpu().reshape(count, channels, -1).permute(0, 2, 1)
    cells = cells - cells.mean(1, keepdim=True)
    _, axes = torch.linalg.eigh(cells.transpose(1, 2) @ cells)
    shown = cells @ axes[..., -3:]
    spread = shown.abs().amax(1, keepdim=True).clamp(min=1e-6)
    colours = ((shown / spread + 1) * 127.5).round().to(torch.uint8).reshape(count, height, width, -1).numpy()
    return np.concatenate([colours, np.full_like(colours[..., :1], 255)], -1)


def _drawn_px(recipe: Recipe) -> int:
    return recipe.drawn_px or recipe.size
