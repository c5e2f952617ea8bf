"""What a configured model is made of: its files and their digest, its tokenizer, and what its pipeline is told."""

import inspect
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from diffusers import DiffusionPipeline
from transformers import AutoTokenizer, PreTrainedTokenizerBase

from generators.diffusers_loading import pipeline_class
from generators.errors import InvalidRecipe, WeightsUnavailable
from generators.model_entry import ModelEntry
from generators.model_files import DigestCache, PartFiles, PipelineFiles, inspect_part, weights_digest
from generators.model_files import inspect as inspect_folder
from generators.model_hub import adapter_folder, downloaded_adapter, downloaded_folder, model_folder
from generators.text_encoder import quiet_loading
from generators.video_family import VIDEO_FAMILIES
from generators.video_loading import bounds

# FLUX takes its guidance as an input and reads a negative prompt only in a second pass that its makers leave out.
NO_NEGATIVE = frozenset({"FluxPipeline"})
SCHNELL_TOKENS = 256  # what FLUX.1-schnell was distilled with; its pipeline's own 512 are for FLUX.1-dev
ADAPTER = "MotionAdapter"


class ModelFolder:
    """Looks at the files of one entry, and downloads them where it must; loads no weights."""

    def __init__(self, entry: ModelEntry, digests: DigestCache) -> None:
        self.entry, self._digests = entry, digests

    @cached_property
    def files(self) -> PipelineFiles:
        """What loading reads; downloaded first where the entry names a hub id. Raises WeightsUnavailable."""
        return self._inspected(model_folder(self.entry))

    @cached_property
    def adapter(self) -> PartFiles | None:
        """The motion adapter that the entry names, if any. Raises WeightsUnavailable."""
        if self.entry.motion_adapter is None:
            return None
        return inspect_part(adapter_folder(self.entry), ADAPTER, self.entry.variant)

    @cached_property
    def digest(self) -> str:
        """Hex sha256 over all files that are read: what a recipe names as its ``weights``."""
        return weights_digest(self.files, self.loras(), self._digests, self.adapter)

    def is_ready(self) -> bool:
        """False where files are still to be downloaded. Raises WeightsUnavailable where they cannot be used."""
        self.loras()
        folder = downloaded_folder(self.entry)
        if folder is None:
            return False
        pipeline_class(self._inspected(folder), self.entry.motion_adapter is not None)
        if self.entry.motion_adapter is None:
            return True
        adapter = downloaded_adapter(self.entry)
        if adapter is not None:
            inspect_part(adapter, ADAPTER, self.entry.variant)
        return adapter is not None

    def check_clip(self, frames: int) -> None:
        """Raises InvalidRecipe where the model draws no clip of so many frames, or none of its entry's size."""
        video = self.entry.video
        if video is None:
            raise InvalidRecipe(f"The model {self.entry.id} draws pictures, not clips; name one that does.")
        frames_max, step_px = bounds(video, self.files, self.adapter)
        replace(video, frames_max=frames_max).check(frames)
        if misfit := video.misfit(step_px):
            raise InvalidRecipe(f"The entry of model {self.entry.id} {misfit}.")

    def _inspected(self, folder: Path) -> PipelineFiles:
        video = self.entry.video
        files = inspect_folder(folder, self.entry.variant, video.pipeline if video else None)
        if video is None and files.pipeline in VIDEO_FAMILIES:
            raise WeightsUnavailable(
                f"The model {self.entry.id} is a {files.pipeline}, which draws clips; say so in its entry: "
                f'pipeline = "{files.pipeline}".'
            )
        return files

    def loras(self) -> list[tuple[Path, float]]:
        """The LoRA files and their weights. Raises WeightsUnavailable where one is missing or a pickle."""
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

    @property
    def pipeline(self) -> type[DiffusionPipeline]:
        """The class that draws. Raises WeightsUnavailable."""
        return pipeline_class(self.files, self.entry.motion_adapter is not None)

    @property
    def reads_negative(self) -> bool:
        return self.files.pipeline not in NO_NEGATIVE and "negative_prompt" in self.parameters

    @cached_property
    def parameters(self) -> dict[str, inspect.Parameter]:
        """Those of the pipeline's call."""
        return dict(inspect.signature(self.pipeline.__call__).parameters)

    @cached_property
    def max_sequence_length(self) -> int | None:
        parameter = self.parameters.get("max_sequence_length")
        if parameter is None:
            return None
        if self.files.pipeline in NO_NEGATIVE and not self._distilled_guidance():
            return SCHNELL_TOKENS
        return int(parameter.default)

    def _distilled_guidance(self) -> bool:
        """Whether the network of a FLUX folder takes guidance as an input (dev does, schnell does not)."""
        config = self.pipeline.load_config(self.files.folder / "transformer" / "config.json")
        return bool(config.get("guidance_embeds"))

    @cached_property
    def tokenizer(self) -> PreTrainedTokenizerBase:
        names = {name.partition("/")[0] for name in self.files.files if name.startswith("tokenizer")}
        name = max(names, default="tokenizer")  # of several the last is the one that reads the whole prompt
        try:
            with quiet_loading():
                return AutoTokenizer.from_pretrained(self.files.folder / name, local_files_only=True)
        except (OSError, ValueError, KeyError) as error:
            raise WeightsUnavailable(
                f"The {name} of model {self.entry.id} cannot be loaded; download the model again."
            ) from error
