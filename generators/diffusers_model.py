"""Any diffusers pipeline that draws pictures or clips behind one narrow interface."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from diffusers import DiffusionPipeline
from numpy.typing import NDArray

from generators.device import batch_size, large_precision
from generators.diffusers_loading import Loading, load_pipeline
from generators.errors import DrawingFailed, InvalidRecipe
from generators.latent_preview import latent_picture
from generators.memory import draw_within_memory, free_memory
from generators.model_entry import ModelEntry, Offload
from generators.model_files import DigestCache
from generators.model_folder import ModelFolder
from generators.order import Order
from generators.picture_model import StepReport
from generators.recipe import Precision, Recipe
from generators.text_encoder import quiet_loading
from generators.video_call import video_arguments

# What pipelines call their safety checkers' verdicts, one for each picture; the pictures themselves they leave black.
_FLAGS = ("nsfw_content_detected", "nsfw_detected")


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
        self._folder, self._load = ModelFolder(entry, digests), load
        # A clip is a batch of frames, and the pipelines that start from a picture take one of them at a time.
        self._batch = 1 if entry.video else batch if batch is not None else batch_size(device)
        self._offload: Offload = entry.offload
        self._tiled = entry.tiling
        self._loaded: tuple[Precision, DiffusionPipeline] | None = None

    @property
    def digest(self) -> str:
        """Hex sha256 over all files that are read, LoRA files included: what a recipe names as its ``weights``."""
        return self._folder.digest

    @property
    def precision(self) -> Precision:
        return large_precision(self.device) if self.entry.dtype == "auto" else self.entry.dtype

    def is_ready(self) -> bool:
        """False where files are still to be downloaded. Raises WeightsUnavailable where they cannot be used."""
        return self._folder.is_ready()

    def takes_negative(self, guidance: float) -> bool:
        """Whether a negative prompt changes the picture: not in distilled models, which draw without guidance."""
        return guidance > 1.0 and self._folder.reads_negative

    def token_count(self, prompt: str) -> tuple[int, int]:
        """How many tokens ``prompt`` takes, and how many the model reads."""
        tokenizer = self._folder.tokenizer
        with quiet_loading():
            tokens = len(tokenizer(prompt)["input_ids"])
        return tokens, min(tokenizer.model_max_length, self._folder.max_sequence_length or 10**9)

    def check_clip(self, frames: int) -> None:
        """Raises InvalidRecipe where the model draws no clip of so many frames; looks at its files, loads none."""
        self._folder.check_clip(frames)

    def draw(self, orders: Sequence[Order], report: StepReport) -> list[NDArray[np.uint8]]:
        """Draws orders that share precision, steps, guidance, size and frames: one array each (h w 4, of a clip
        f h w 4, uint8, opaque).

        Each picture's noise comes from a CPU generator of its own. On a GPU pictures that share a batch may differ
        in the last bits from ones drawn alone, because its kernels are chosen by the size of the batch.

        Raises WeightsUnavailable, OutOfMemory, InvalidRecipe and DrawingFailed; what ``report`` raises passes through.
        """
        pictures, self._batch = draw_within_memory(
            range(len(orders)),
            lambda positions: self._draw([orders[position] for position in positions], positions, report),
            batch=self._batch,
            relieve=self._relieve,
            what=f"{self.entry.id} at {_told(orders[0].recipe)} on the {self.device.type} device",
        )
        return pictures

    def unload(self) -> None:
        """Lets go of the pipeline and its memory."""
        if self._loaded is not None:
            self._loaded = None
            free_memory()

    def _draw(
        self, orders: Sequence[Order], positions: Sequence[int], report: StepReport
    ) -> NDArray[np.uint8]:
        recipes, first = [order.recipe for order in orders], orders[0].recipe
        width, height = first.drawn_size
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
                    report(positions, reached, first.steps, lambda: latent_picture(pipe, latents, first))
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
            "height": height,
            "width": width,
            "output_type": "np",
            "callback_on_step_end": on_step,
            "max_sequence_length": self._folder.max_sequence_length,
            "use_resolution_binning": False,  # Sana's own choice of sizes, which need not be the one asked for
        }
        if first.frames is not None:
            wanted |= video_arguments(pipeline, orders[0])
        if self.takes_negative(first.guidance):
            wanted["negative_prompt"] = [recipe.negative_prompt for recipe in recipes]
        try:
            output = pipeline(
                **{
                    name: value
                    for name, value in wanted.items()
                    if name in self._folder.parameters and value is not None
                }
            )
        except ValueError as error:
            if error in told:
                raise
            raise InvalidRecipe(
                f"The model {self.entry.id} cannot draw this ({str(error).splitlines()[0][:300].rstrip('.')}); change "
                "what it names."
            ) from error
        if any(any(getattr(output, name, None) or ()) for name in _FLAGS):
            raise DrawingFailed(
                f"The safety checker of {self.entry.id} withheld a picture; change the prompt or the seed."
            )
        drawn = output.images if first.frames is None else output.frames
        return self._opaque(np.asarray(drawn), first)

    def _opaque(self, images: NDArray[np.float32], recipe: Recipe) -> NDArray[np.uint8]:
        """Images in [0, 1] (b h w 3, or of clips b f h w 3) -> with alpha (… 4, uint8)."""
        if not np.isfinite(images).all():
            raise DrawingFailed(
                f"The model {self.entry.id} overflowed in {recipe.precision} and drew nothing; set its dtype to bf16 "
                "or fp32."
            )
        width, height = recipe.drawn_size
        asked = (height, width, 3) if recipe.frames is None else (recipe.frames, height, width, 3)
        if images.shape[1:] != asked:
            drawn, wanted = (" x ".join(map(str, shape)) for shape in (images.shape[1:], asked))
            raise DrawingFailed(
                f"The model {self.entry.id} drew {drawn} where {wanted} were asked for; set its entry's size to "
                "what it draws."
            )
        colours = (images * 255).round().astype(np.uint8)
        return np.concatenate([colours, np.full_like(colours[..., :1], 255)], -1)

    def _pipeline(self, precision: Precision) -> DiffusionPipeline:
        if self._loaded is None or self._loaded[0] != precision:
            self.unload()
            loading = Loading(
                files=self._folder.files,
                variant=self.entry.variant,
                precision=precision,
                device=self.device,
                loras=self._folder.loras(),
                offload=self._offload,
                tiled=self._tiled,
                compile=self.entry.compile,
                adapter=self._folder.adapter,
                checked=self.entry.safety_checker,
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


def _told(recipe: Recipe) -> str:
    width, height = recipe.drawn_size
    if recipe.frames is None:
        return f"{width} px"
    return f"{width} x {height} px and {recipe.frames} frames"
