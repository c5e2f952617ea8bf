"""Models of your own, as a TOML file lists them: ``[[models]]`` entries, read into frozen values."""

import re
import reprlib
import tomllib
from collections.abc import Collection
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from generators.errors import InvalidModelEntry
from generators.model_files import named_pipeline
from generators.recipe import MAX_FRAMES, MAX_GUIDANCE, MAX_SIZE_PX, MAX_STEPS, Precision, Quality
from generators.video_family import VIDEO_FAMILIES, Video

MAX_FILE_BYTES = 1_000_000  # a list of models is a page of text
SIZE_STEP_PX = 8  # autoencoders of latent diffusion shrink by 8 or more
MIN_DRAWN_PX = 8
MAX_FPS = 50  # a frame of 20 ms, the shortest that browsers show as it is
_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)?")
_HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,95}/[A-Za-z0-9][A-Za-z0-9._-]{0,95}")

_OF_CLIPS = ("width", "height", "frames", "frames_max", "frames_step", "fps")

Dtype = Literal["auto"] | Precision
Offload = Literal["none", "model", "sequential"]


class _Entry(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class LoraEntry(_Entry):
    """A LoRA file (safetensors) and how strongly it is applied (Hu et al. 2021, arXiv:2106.09685, section 4.1)."""

    path: str = Field(min_length=1, max_length=4096)
    weight: float = Field(default=1.0, ge=-4, le=4, strict=False, allow_inf_nan=False)


class ModelEntry(_Entry):
    """One diffusers pipeline that draws pictures or clips: where it is and how it is best drawn with.

    ``path`` is a folder or a hub id, ``size`` its native pixels a side. ``offload`` keeps weights in main memory
    until they are needed: "model" by component, "sequential" by layer. ``tiling`` decodes large pictures in tiles.
    ``safety_checker`` is about the one that the model's folder may bring; False leaves it out.
    ``folder`` is that of the file this was read from; paths are relative to it.

    A model that draws clips may have a ``width`` and ``height`` in place of ``size``, then ``size`` is the longer;
    the other options are its ``Video``'s. ``pipeline`` is the class that draws where it is not the one that the folder
    names; at a hub id it also says that this model draws clips. ``motion_adapter`` is a folder or a hub id.
    """

    id: str
    path: str = Field(min_length=1, max_length=4096)
    steps: int = Field(ge=1, le=MAX_STEPS)
    guidance: float = Field(ge=0, le=MAX_GUIDANCE, strict=False, allow_inf_nan=False)
    size: int = Field(ge=MIN_DRAWN_PX, le=MAX_SIZE_PX, multiple_of=SIZE_STEP_PX)
    licence: str = Field(min_length=1, max_length=200)
    revision: str | None = Field(default=None, min_length=1, max_length=200)
    variant: str | None = Field(default=None, pattern=r"^[A-Za-z0-9_-]{1,40}$")
    dtype: Dtype = "auto"
    loras: tuple[LoraEntry, ...] = ()
    offload: Offload = "none"
    compile: bool = False
    tiling: bool = False
    safety_checker: bool = True
    pipeline: str | None = None
    motion_adapter: str | None = Field(default=None, min_length=1, max_length=4096)
    width: int | None = Field(default=None, ge=MIN_DRAWN_PX, le=MAX_SIZE_PX, multiple_of=SIZE_STEP_PX)
    height: int | None = Field(default=None, ge=MIN_DRAWN_PX, le=MAX_SIZE_PX, multiple_of=SIZE_STEP_PX)
    frames: int | None = Field(default=None, ge=1, le=MAX_FRAMES)
    frames_max: int | None = Field(default=None, ge=1, le=MAX_FRAMES)
    frames_step: int | None = Field(default=None, ge=1, le=MAX_FRAMES)
    fps: float | None = Field(default=None, ge=1, le=MAX_FPS, strict=False, allow_inf_nan=False)
    folder: Path = Field(default=Path(), exclude=True, strict=False)

    @field_validator("id")
    @classmethod
    def _named(cls, value: str) -> str:
        if len(value) > 100 or not _ID.fullmatch(value):
            raise ValueError(
                f"is {reprlib.repr(value)}; use letters, digits, '.', '_' and '-', as in 'sd-turbo'"
            )
        return value

    @field_validator("pipeline")
    @classmethod
    def _draws_clips(cls, value: str | None) -> str | None:
        if value is not None and value not in VIDEO_FAMILIES:
            raise ValueError(
                f"is {reprlib.repr(value)}; use {', '.join(VIDEO_FAMILIES)}, or leave it out for pictures"
            )
        return value

    @model_validator(mode="before")
    @classmethod
    def _longer_side(cls, data: Any) -> Any:
        if isinstance(data, dict) and "size" not in data:
            sides = [data.get("width"), data.get("height")]
            if all(isinstance(side, int) for side in sides):
                return data | {"size": max(sides)}
        return data

    @field_validator("loras", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @model_validator(mode="after")
    def _agreeing(self) -> Self:
        if self.compile and self.offload == "sequential":
            raise ValueError(
                "asks for compile and sequential offload, which exclude each other; drop one of them"
            )
        if self.local is None and self.hub_id is None:
            raise ValueError(
                f"has the path {reprlib.repr(self.path)}, where there is no folder; give a folder with a "
                "model_index.json, or a hub id such as 'stabilityai/sd-turbo'"
            )
        if self.local is not None and self.revision is not None:
            raise ValueError("has a revision and a folder; revisions belong to hub ids, so drop it")
        self._agreeing_on_clips()
        return self

    def _agreeing_on_clips(self) -> None:
        video = self.video
        if video is None:
            if given := [name for name in _OF_CLIPS if getattr(self, name) is not None]:
                raise ValueError(
                    f"has the option {given[0]}, which is for models that draw clips; if this is one, name its "
                    f"pipeline ({', '.join(VIDEO_FAMILIES)}), else drop it"
                )
            return
        if (self.width is None) != (self.height is None):
            raise ValueError("has a width without a height, or a height without one; give both, or a size")
        if self.size != max(video.width, video.height):
            raise ValueError("has a size beside its width and height; give the size alone for a square")
        if misfit := video.misfit(VIDEO_FAMILIES[video.pipeline].size_step_px):
            raise ValueError(misfit)
        if not video.fits(video.frames):
            raise ValueError(
                f"has {video.frames} frames, which do not fit its frames_step {video.frames_step} and frames_max "
                f"{video.frames_max}; use {video.nearest(video.frames)}"
            )
        if self.motion_adapter is not None:
            if video.pipeline != "AnimateDiffPipeline":
                raise ValueError(f"has a motion_adapter, which no {video.pipeline} takes; drop it")
            if self.local is not None and named_pipeline(self.local) == video.pipeline:
                raise ValueError("has a motion_adapter, and its folder holds one already; drop it")
            if self.adapter_local is None and not _HUB_ID.fullmatch(self.motion_adapter):
                raise ValueError(
                    f"has the motion_adapter {reprlib.repr(self.motion_adapter)}, where there is no folder; give a "
                    "folder with a config.json, or a hub id"
                )

    @property
    def video(self) -> Video | None:
        """How this model draws clips; None where it draws pictures, as far as can be known without a download."""
        name = self.pipeline or ("AnimateDiffPipeline" if self.motion_adapter else None)
        if name is None and self.local is not None:
            name = named_pipeline(self.local)
        family = VIDEO_FAMILIES.get(name or "")
        if name is None or family is None:
            return None
        video = Video(
            model=self.id,
            pipeline=name,
            frames=family.frames,
            frames_max=self.frames_max or family.frames_max,
            frames_step=self.frames_step or family.frames_step,
            fps=self.fps or family.fps,
            width=self.width or self.size,
            height=self.height or self.size,
            from_picture=family.from_picture,
        )
        return replace(video, frames=self.frames or video.nearest(family.frames))

    @property
    def local(self) -> Path | None:
        """The folder that ``path`` names, or None where it names none that is there."""
        return self._folder(self.path)

    @property
    def adapter_local(self) -> Path | None:
        """The folder that ``motion_adapter`` names, or None where it names none that is there."""
        return None if self.motion_adapter is None else self._folder(self.motion_adapter)

    def _folder(self, path: str) -> Path | None:
        folder = self.folder / Path(path).expanduser()
        return folder.absolute() if folder.is_dir() else None

    @property
    def hub_id(self) -> str | None:
        """The hub id that ``path`` is where it is no folder."""
        return self.path if self.local is None and _HUB_ID.fullmatch(self.path) else None

    @property
    def where(self) -> str:
        """The folder or the hub id and revision, for people."""
        if self.local is not None:
            return str(self.local)
        return f"hub {self.path}" + (f"@{self.revision}" if self.revision else "")

    def steps_for(self, quality: Quality) -> int:
        """Half of ``steps`` for a draft, twice as many for high quality."""
        wanted = {Quality.DRAFT: self.steps // 2, Quality.STANDARD: self.steps, Quality.HIGH: self.steps * 2}
        return min(max(1, wanted[quality]), MAX_STEPS)

    def lora_path(self, lora: LoraEntry) -> Path:
        return (self.folder / Path(lora.path).expanduser()).absolute()


def read_model_entries(path: Path, taken: Collection[str] = ()) -> tuple[ModelEntry, ...]:
    """The entries of a TOML file in its order; none where there is no file. ``taken`` ids are the bundled models'.

    Raises InvalidModelEntry with one sentence that names the entry and says what to do.
    """
    try:
        if not path.exists():
            return ()
        if path.stat().st_size > MAX_FILE_BYTES:
            raise InvalidModelEntry(
                f"The list of models {path} is larger than 1 MB; give a list of [[models]]."
            )
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        reason = (error.strerror or "it cannot be read").lower()
        raise InvalidModelEntry(f"The list of models {path} cannot be read ({reason}); fix it.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise InvalidModelEntry(f"The list of models {path} is not TOML ({error}); correct it.") from error
    rows = document.pop("models", [])
    if document or not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        odd = ", ".join(reprlib.repr(name) for name in document) or "a 'models' of another form"
        raise InvalidModelEntry(f"The list of models {path} holds {odd}; write each model as [[models]].")
    entries: list[ModelEntry] = []
    for position, row in enumerate(rows, 1):
        name = f"model {row['id']!r}" if isinstance(row.get("id"), str) else f"model number {position}"
        if "folder" in row:
            raise InvalidModelEntry(_told(path, name, "has no option 'folder'; write it as path"))
        try:
            entry = ModelEntry(**row, folder=path.absolute().parent)
        except ValidationError as error:
            raise InvalidModelEntry(_told(path, name, _reason(error))) from error
        if entry.id in taken:
            raise InvalidModelEntry(_told(path, name, "has the id of a bundled model; choose another id"))
        if entry.id in {earlier.id for earlier in entries}:
            raise InvalidModelEntry(_told(path, name, "is there twice; give each model an id of its own"))
        entries.append(entry)
    return tuple(entries)


_WANTED = {
    "id": "text, such as 'sd-turbo'",
    "path": "a folder or a hub id such as 'stabilityai/sd-turbo'",
    "steps": f"a whole number from 1 to {MAX_STEPS}",
    "guidance": f"a number from 0 to {MAX_GUIDANCE:g}",
    "size": f"the model's native pixels a side, a multiple of {SIZE_STEP_PX} up to {MAX_SIZE_PX}",
    "licence": "the name of its licence, such as 'Apache-2.0'",
    "revision": "a branch, a tag or a commit",
    "variant": "the word in its files' names, such as 'fp16'",
    "dtype": ", ".join(("auto", *get_args(Precision)[:-1])) + f" or {get_args(Precision)[-1]}",
    "loras": "a list such as [{path = 'pixel.safetensors', weight = 0.8}], with weights from -4 to 4",
    "offload": "none, model or sequential",
    "compile": "true or false",
    "tiling": "true or false",
    "safety_checker": "true or false",
    "pipeline": f"one of {', '.join(VIDEO_FAMILIES)}",
    "motion_adapter": "a folder or a hub id",
    "width": f"a multiple of {SIZE_STEP_PX} up to {MAX_SIZE_PX}",
    "height": f"a multiple of {SIZE_STEP_PX} up to {MAX_SIZE_PX}",
    "frames": f"a whole number from 1 to {MAX_FRAMES}",
    "frames_max": f"a whole number from 1 to {MAX_FRAMES}",
    "frames_step": f"a whole number from 1 to {MAX_FRAMES}",
    "fps": f"frames a second, from 1 to {MAX_FPS}",
}


def _reason(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    field = str(first["loc"][0]) if first["loc"] else ""
    match first["type"]:
        case "value_error":
            reason = str(first["ctx"]["error"])
            return f"has an {field} that {reason}" if field else reason
        case "missing" if field in _WANTED and len(first["loc"]) == 1:
            return f"has no {field}; give {_WANTED[field]}"
        case "extra_forbidden" if len(first["loc"]) == 1:
            return f"has no option {reprlib.repr(field)}; remove it or correct its name"
        case _:
            return f"has a {field} that cannot be used; give {_WANTED.get(field, 'another value')}"


def _told(path: Path, name: str, reason: str) -> str:
    return f"In {path}, {name} {reason}."
