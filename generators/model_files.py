"""The files of a diffusers pipeline folder: which of them are read, that none is pickled, and their digest."""

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import rfc8785

from generators.errors import WeightsUnavailable

INDEX = "model_index.json"
PICKLED = frozenset({".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle"})
READ = frozenset({".json", ".txt", ".model", ".safetensors", ".jinja"})
# In the class names of parts that hold no weights of their own.
_WEIGHTLESS = ("Tokenizer", "Scheduler", "Processor", "FeatureExtractor")
_LIBRARIES = frozenset({"diffusers", "transformers"})


@dataclass(frozen=True)
class PipelineFiles:
    """``files`` are what loading reads, relative to ``folder``, sorted; ``named`` is the class that the folder says it
    is for, ``pipeline`` the one that draws with it."""

    folder: Path
    named: str
    pipeline: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class PartFiles:
    """``files`` of a part that comes in a ``folder`` of its own, relative to it, sorted; ``variant`` where they have
    one."""

    folder: Path
    files: tuple[str, ...]
    variant: str | None


def named_pipeline(folder: Path) -> str | None:
    """The class that a pipeline folder says it is for, or None where it cannot be read or says none."""
    named = read_config(folder, INDEX).get("_class_name")
    return named if isinstance(named, str) else None


def inspect_part(folder: Path, class_name: str, variant: str | None = None) -> PartFiles:
    """Looks at the folder of one part, such as a motion adapter. Raises WeightsUnavailable as ``inspect`` does."""
    names = [name.split("/", 1)[1] for name in _part(folder.parent, folder.name, class_name, variant)]
    if "config.json" not in names:
        raise WeightsUnavailable(
            f"The folder {folder} has no config.json, so it is no {class_name}; give one that is."
        )
    varied = variant is not None and any(variant in _variants(name) for name in names)
    return PartFiles(folder, tuple(names), variant if varied else None)


def inspect(folder: Path, variant: str | None = None, drawn_by: str | None = None) -> PipelineFiles:
    """Looks at a pipeline folder without loading anything of it; ``drawn_by`` is the class where it is another.

    Weights beside safetensors in another format are left alone; a part that has no safetensors is refused, and so
    is code of the folder's own. With a ``variant``, weights that have it in their names stand in for the plain ones.

    Raises WeightsUnavailable with what to do.
    """
    index = _read_index(folder)
    pipeline = index.get("_class_name")
    if not isinstance(pipeline, str):
        raise WeightsUnavailable(
            f"The model folder {folder} brings its own pipeline code, which is never run; use a model that a "
            "pipeline of diffusers draws."
        )
    kept = [INDEX]
    for name, value in sorted(index.items()):
        if name.startswith("_") or not isinstance(value, list) or len(value) != 2 or value[1] is None:
            continue
        library, class_name = value
        if not isinstance(class_name, str) or not _is_known(library):
            raise WeightsUnavailable(
                f"The part {name} of the model folder {folder} wants its own code ({library}), which is never run; "
                "use a model whose parts come from diffusers and transformers."
            )
        kept += _part(folder, name, class_name, variant)
    return PipelineFiles(folder, pipeline, drawn_by or pipeline, tuple(kept))


def read_config(folder: Path, name: str) -> dict[str, Any]:
    """The settings in ``name`` of a model's folder; none where it is not there or no JSON object."""
    try:
        config = json.loads((folder / name).read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return config if isinstance(config, dict) else {}


def _read_index(folder: Path) -> dict[str, Any]:
    try:
        index = json.loads((folder / INDEX).read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise WeightsUnavailable(
            f"The folder {folder} has no {INDEX}, so it is no diffusers pipeline; give the folder that "
            "`save_pretrained` wrote, or that a hub download made."
        ) from error
    except (OSError, ValueError, RecursionError) as error:
        raise WeightsUnavailable(
            f"The file {folder / INDEX} cannot be read; download the model again."
        ) from error
    if not isinstance(index, dict):
        raise WeightsUnavailable(f"The file {folder / INDEX} is no JSON object; download the model again.")
    return index


def _is_known(library: Any) -> bool:
    """Parts also come from pipeline modules of diffusers itself, such as the safety checker's."""
    if library in _LIBRARIES:
        return True
    from diffusers import pipelines  # noqa: PLC0415 - takes seconds, and this module is read before torch is wanted

    return isinstance(library, str) and hasattr(pipelines, library)


def _part(folder: Path, name: str, class_name: str, variant: str | None) -> list[str]:
    part = folder / name
    if not part.is_dir():
        raise WeightsUnavailable(
            f"The part {name} of the model folder {folder} is missing; download the model again."
        )
    paths = sorted(path for path in part.iterdir() if path.is_file())
    weights = [path for path in paths if path.suffix == ".safetensors"]
    if not weights and not any(word in class_name for word in _WEIGHTLESS):
        pickled = [path.name for path in paths if path.suffix in PICKLED]
        if pickled:
            raise WeightsUnavailable(
                f"The part {name} of the model folder {folder} has its weights only as a pickle ({pickled[0]}), which "
                "can run any code when it is opened; use the model's safetensors files, or convert it on a machine "
                "you can lose."
            )
        raise WeightsUnavailable(
            f"The part {name} of the model folder {folder} has no safetensors file; download the model again."
        )
    plain = [path for path in weights if not _variants(path.name)]
    wanted = [path for path in weights if variant is not None and variant in _variants(path.name)] or plain
    others = [path for path in paths if path.suffix in READ and path.suffix != ".safetensors"]
    return [f"{name}/{path.name}" for path in sorted(others + (wanted or weights))]


def _variants(name: str) -> list[str]:
    """``model.fp16-00001-of-00002.safetensors`` -> ["fp16"]."""
    return [word.split("-")[0] for word in name.split(".")[1:-1]]


class DigestCache:
    """Digests of large files by path, size and time of change, in a JSON file, so that each is read once.

    ``path`` None keeps them for the life of this object alone. A damaged file counts as empty.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._known: dict[str, str] = {}
        if path is not None:
            try:
                read = json.loads(path.read_text(encoding="utf-8"))
                self._known = {str(key): str(value) for key, value in read.items()}
            except (OSError, ValueError, AttributeError, RecursionError):
                self._known = {}

    def sha256(self, path: Path) -> str:
        """Hex sha256 of a file. Raises WeightsUnavailable where it cannot be read."""
        try:
            real = path.resolve(strict=True)
            facts = real.stat()
            key = f"{real}:{facts.st_size}:{facts.st_mtime_ns}"
            if key not in self._known:
                with real.open("rb") as file:
                    self._known[key] = hashlib.file_digest(file, "sha256").hexdigest()
                self._write()
        except OSError as error:
            reason = (error.strerror or "it cannot be read").lower()
            raise WeightsUnavailable(f"The file {path} cannot be read ({reason}); check the path.") from error
        return self._known[key]

    def _write(self) -> None:
        if self._path is None:
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile("w", dir=self._path.parent, delete=False, encoding="utf-8") as file:
            json.dump(self._known, file, indent=0)
        os.replace(file.name, self._path)  # noqa: PTH105 - the temporary file has only a name


def weights_digest(
    files: PipelineFiles,
    loras: Iterable[tuple[Path, float]],
    digests: DigestCache,
    motion: PartFiles | None = None,
) -> str:
    """Hex sha256 of the canonical JSON of every file that loading reads and each LoRA with its weight.

    What a recipe names as its ``weights``. A class that is not the folder's own counts, and so do the files of its
    ``motion`` adapter; a safety checker also where its entry leaves it out: it changes no picture, so a recipe stays
    the same with and without it. Raises WeightsUnavailable where a file cannot be read.
    """
    named: dict[str, Any] = {"files": {name: digests.sha256(files.folder / name) for name in files.files}}
    applied = [{"sha256": digests.sha256(path), "weight": float(weight)} for path, weight in loras]
    if applied:
        named["loras"] = applied
    if files.pipeline != files.named:
        named["pipeline"] = files.pipeline
    if motion is not None:
        named["motion_adapter"] = {name: digests.sha256(motion.folder / name) for name in motion.files}
    return hashlib.sha256(rfc8785.dumps(named)).hexdigest()
