"""A pipeline folder -> a diffusers pipeline on its device, as its entry asks for."""

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import diffusers
import torch
from diffusers import DiffusionPipeline
from safetensors import SafetensorError
from safetensors.torch import load_file

from generators.device import TORCH_DTYPES, attention
from generators.errors import GeneratorError, PackageMissing, WeightsUnavailable
from generators.memory import is_out_of_memory
from generators.model_entry import Offload
from generators.model_files import PartFiles, PipelineFiles
from generators.recipe import Precision
from generators.text_encoder import quiet_loading
from generators.video_family import VIDEO_FAMILIES
from generators.video_loading import ANIMATEDIFF, adapter_parts, check_parts, decode_in_parts, precisions

SAFETY_CHECKER = "safety_checker"
NETWORKS = ("unet", "transformer", "prior")  # the part that runs at every step


@dataclass(frozen=True)
class Loading:
    """Everything that loading a pipeline depends on. ``loras`` are files and their weights; ``tiled`` decodes large
    pictures in tiles, which needs less memory and may change a smooth part by a shade; ``adapter`` is AnimateDiff's;
    ``checked`` loads the safety checker that the folder brings, if it brings one."""

    files: PipelineFiles
    variant: str | None
    precision: Precision
    device: torch.device
    loras: Sequence[tuple[Path, float]]
    offload: Offload
    tiled: bool
    compile: bool
    adapter: PartFiles | None = None
    checked: bool = True


def pipeline_class(files: PipelineFiles, has_adapter: bool = True) -> type[DiffusionPipeline]:
    """The class that draws with the folder's parts, from words to pictures or one of ``VIDEO_FAMILIES``.

    Raises WeightsUnavailable where this diffusers has none.
    """
    with quiet_loading():
        named = getattr(diffusers, files.pipeline, None)
    if isinstance(named, type) and issubclass(named, DiffusionPipeline):
        if files.pipeline in VIDEO_FAMILIES:
            check_parts(files, has_adapter)
            return named
        call = inspect.signature(named.__call__).parameters
        drawing = {"prompt", "height", "width", "output_type"} <= set(call) and "num_frames" not in call
        if drawing and ("image" not in call or _draws_from_words(named)):
            return named
    raise WeightsUnavailable(
        f"The model folder {files.folder} is a {files.pipeline}, which the installed diffusers "
        f"{diffusers.__version__} does not know as text to image or to a clip; use another model or a newer diffusers."
    )


def _draws_from_words(named: type[DiffusionPipeline]) -> bool:
    """Whether diffusers lists a class that can also take a picture as one that needs none."""
    # It imports every pipeline there is, which takes a second, and few classes need it.
    with quiet_loading():
        from diffusers.pipelines.auto_pipeline import AUTO_TEXT2IMAGE_PIPELINES_MAPPING  # noqa: PLC0415

    return named in AUTO_TEXT2IMAGE_PIPELINES_MAPPING.values()


def load_pipeline(wanted: Loading) -> DiffusionPipeline:
    """Loads safetensors only, and no code of the folder's own.

    Raises WeightsUnavailable where a file is damaged or does not fit, PackageMissing; errors of memory pass through.
    """
    cls, folder = pipeline_class(wanted.files, wanted.adapter is not None), wanted.files.folder
    needed = {
        "peft": ("LoRA files need", bool(wanted.loras)),
        "accelerate": ("Offloading needs", wanted.offload != "none"),
        "ftfy": ("Wan's prompts need", wanted.files.pipeline.startswith("Wan")),
    }
    for package, (what, is_needed) in needed.items():
        if is_needed and find_spec(package) is None:
            raise PackageMissing(f"{what} the package {package}; run `pip install 'lorespark[models]'`.")
    dtype = TORCH_DTYPES[wanted.precision]
    try:
        with quiet_loading():
            pipeline = cls.from_pretrained(
                folder,
                dtype=precisions(wanted.files, dtype),
                variant=wanted.variant,
                local_files_only=True,
                use_safetensors=True,
                **({} if wanted.adapter is None else adapter_parts(wanted.files, wanted.adapter, dtype)),
                **({} if wanted.checked else _unchecked(cls, wanted.files)),
            )
            _apply_loras(pipeline, wanted.loras)
    except (GeneratorError, MemoryError):
        raise
    except ImportError as error:
        raise PackageMissing(
            f"The model folder {folder} needs a package that is not installed ({error.name or error}); install it "
            "with pip."
        ) from error
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RuntimeError, SafetensorError) as error:
        if is_out_of_memory(error):
            raise
        raise WeightsUnavailable(
            f"The model in {folder} cannot be loaded ({_first_line(error)}); download it again, or use one that "
            f"diffusers {diffusers.__version__} loads."
        ) from error
    pipeline.set_progress_bar_config(disable=True)
    _place(pipeline, wanted)
    return pipeline


def _unchecked(cls: type[DiffusionPipeline], files: PipelineFiles) -> dict[str, Any]:
    """What leaves the folder's safety checker out; nothing where it has none."""
    taken = inspect.signature(cls.__init__).parameters
    if SAFETY_CHECKER not in taken or not any(name.startswith(f"{SAFETY_CHECKER}/") for name in files.files):
        return {}
    return {SAFETY_CHECKER: None} | {name: False for name in (f"requires_{SAFETY_CHECKER}",) if name in taken}


def _apply_loras(pipeline: DiffusionPipeline, loras: Sequence[tuple[Path, float]]) -> None:
    if not loras:
        return
    if not hasattr(pipeline, "load_lora_weights"):
        raise WeightsUnavailable(
            f"A {type(pipeline).__name__} takes no LoRA files; remove them from its entry."
        )
    names = []
    for number, (path, _) in enumerate(loras):
        name = f"lora{number}"
        try:
            pipeline.load_lora_weights(load_file(path), adapter_name=name)
        except (
            OSError,
            ValueError,
            KeyError,
            TypeError,
            AttributeError,
            RuntimeError,
            SafetensorError,
        ) as error:
            if is_out_of_memory(error):
                raise
            raise WeightsUnavailable(
                f"The LoRA file {path} cannot be applied to a {type(pipeline).__name__} ({_first_line(error)}); use "
                "one that was made for this model."
            ) from error
        if name not in {adapter for part in pipeline.get_list_adapters().values() for adapter in part}:
            raise WeightsUnavailable(
                f"The LoRA file {path} holds nothing for a {type(pipeline).__name__}; use one that was made for this "
                "model."
            )
        names.append(name)
    pipeline.set_adapters(names, [weight for _, weight in loras])


def _place(pipeline: DiffusionPipeline, wanted: Loading) -> None:
    vae = getattr(pipeline, "vae", None)
    network: Any = next(
        (part for name in NETWORKS if (part := getattr(pipeline, name, None)) is not None), None
    )
    if wanted.tiled and vae is not None:
        for relief in ("enable_slicing", "enable_tiling"):
            if hasattr(vae, relief):
                getattr(vae, relief)()
        decode_in_parts(pipeline)
    for part in (network, vae):
        # Weights over time, height and width have an order of their own, and torch refuses this one.
        if isinstance(part, torch.nn.Module) and all(weight.ndim < 5 for weight in part.parameters()):
            part.to(memory_format=torch.channels_last)  # convolutions are faster so, on CPUs and tensor cores
    if wanted.device.type == "cpu" or wanted.offload == "none":  # there is nowhere to offload to
        pipeline.to(wanted.device)
    elif wanted.offload == "model":
        pipeline.enable_model_cpu_offload(device=wanted.device)
    else:
        pipeline.enable_sequential_cpu_offload(device=wanted.device)
    # Of the video networks only AnimateDiff's has the kind of attention that xformers stands in for.
    still = wanted.files.pipeline not in VIDEO_FAMILIES or wanted.files.pipeline == ANIMATEDIFF
    if still and attention(wanted.device).name == "xformers":
        pipeline.enable_xformers_memory_efficient_attention()
    if wanted.compile and network is not None:
        # Repeated blocks compile once for all of them; networks that name none are compiled whole.
        if getattr(network, "_repeated_blocks", None):
            network.compile_repeated_blocks()
        else:
            network.compile()


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0][:300].rstrip(".") if lines else type(error).__name__
