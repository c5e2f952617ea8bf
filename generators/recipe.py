"""Everything that re-creates one asset's pixels, and the hash that names it."""

import hashlib
import re
import reprlib
import secrets
from enum import StrEnum
from typing import Annotated, Any, Literal, Self, get_args

import rfc8785
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from generators.animation import FRAME_STEP_MS, MAX_FRAME_MS, MIN_FRAME_MS
from generators.errors import InvalidRecipe
from generators.motion import ACTIONS, Direction
from generators.prompt_weights import parse_prompt

# Of a prompt, with the two marks that the tokenizer adds. Change it only with networks trained on another number.
MAX_TOKENS = 32
MAX_PROMPT_CHARACTERS = 1_000  # far beyond what MAX_TOKENS can hold: a longer prompt is surely a mistake
MAX_SEED = 2**53 - 1  # the largest integer that every JSON reader keeps exactly (RFC 8785, section 3.2.2.3)
MAX_STEPS = 200
MAX_GUIDANCE = 30.0
MAX_COUNT = 256  # pictures of one request; more is several requests
MAX_FRAMES = 257  # the longest clip of the configured models that are known; memory is what bounds the rest
MAX_COLOURS = 256  # what an indexed PNG holds
MIN_SIZE_PX, MAX_SIZE_PX = 8, 2048  # the largest is what a GPU with 24 GB draws in one pass


class Kind(StrEnum):
    """What a picture shows."""

    CHARACTER = "character"
    ITEM = "item"
    TILE = "tile"
    ILLUSTRATION = "illustration"
    CLIP = "clip"


class Quality(StrEnum):
    """How many steps a model takes; each model knows its own numbers."""

    DRAFT = "draft"
    STANDARD = "standard"
    HIGH = "high"


DEFAULT_STRENGTH = 0.6  # of a drawing that starts from a picture: another thing in the same place and colours
DEFAULT_COLOURS = 32  # enough for shading, few enough to look like pixel art and to recolour by hand
DEFAULT_SIZE_PX = {Kind.CHARACTER: 64, Kind.ITEM: 32, Kind.TILE: 32, Kind.ILLUSTRATION: 512, Kind.CLIP: 64}
Precision = Literal["bf16", "fp16", "fp32"]
# Fields that came after the first recipes: left out of the JSON at their defaults, so that old hashes still hold.
_LATER_FIELDS = (
    "source_cid",
    "mask_cid",
    "strength",
    "seamless",
    "outline",
    "background",
    "style",
    "drawn_px",
    "cutout",
    "action",
    "direction",
    "frames",
    "frame_ms",
    "drawn_shape",
)
HEX_COLOUR = r"#[0-9a-f]{6}"
DrawnPx = Annotated[int, Field(ge=MIN_SIZE_PX, le=MAX_SIZE_PX)]


class Recipe(BaseModel):
    """Frozen. Two equal recipes give the same picture on the same kind of machine.

    ``palette`` is None (as drawn), a number of colours to reduce to, or the hex colours ("#rrggbb") to draw with.
    ``weights`` is the digest of the model folder, text encoder included; ``finish`` the version of the finishing
    rules; ``source`` the id of the asset this one was made from. ``size`` is that of the finished picture in pixels
    a side, ``drawn_px`` the model's own where that is another and the drawing is pixelised.

    A drawing that starts from a picture has that picture's ``source_cid`` and a ``strength`` (0 keeps it, 1 forgets
    it); ``mask_cid`` names a picture that is white where it may change. ``seamless`` pictures repeat without an edge.
    ``outline`` is None (as drawn), "none" or a hex colour, ``background`` None (clear) or a hex colour; ``cutout``
    removes the background of what was drawn. ``style`` is the hash of the style that these values came from.

    A clip has a number of ``frames``, each shown for ``frame_ms`` milliseconds. Of a bundled model it has an ``action``
    and may have the ``direction`` it faces, and its source picture, where it has one, is what moves: with strength 1.
    ``drawn_shape`` is the width and height that a video model draws at where these differ: then ``size`` is the longer
    of them, or, where the clip is pixelised, ``drawn_px`` is a side of the square in their middle that is kept.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal["lorespark-recipe/1"] = "lorespark-recipe/1"
    kind: Kind = Field(strict=False)
    prompt: str
    negative_prompt: str = ""
    seed: int = Field(ge=0, le=MAX_SEED)
    model: str
    weights: str = Field(pattern=r"^[0-9a-f]{64}$")
    steps: int = Field(ge=1, le=MAX_STEPS)
    guidance: float = Field(ge=0, le=MAX_GUIDANCE, strict=False, allow_inf_nan=False)
    size: int = Field(ge=MIN_SIZE_PX, le=MAX_SIZE_PX)
    precision: Precision
    palette: int | tuple[str, ...] | None = None
    finish: Literal[1, 2] = 1
    source: str | None = None
    source_cid: str | None = None
    mask_cid: str | None = None
    strength: float | None = Field(default=None, gt=0, le=1, strict=False, allow_inf_nan=False)
    seamless: bool = False
    outline: str | None = Field(default=None, pattern=rf"^(none|{HEX_COLOUR})$")
    background: str | None = Field(default=None, pattern=rf"^{HEX_COLOUR}$")
    style: str | None = Field(default=None, pattern=r"^[0-9a-f]{64}$")
    drawn_px: int | None = Field(default=None, ge=MIN_SIZE_PX, le=MAX_SIZE_PX)
    cutout: bool = False
    action: str | None = None
    direction: Direction | None = Field(default=None, strict=False)
    frames: int | None = Field(default=None, ge=1, le=MAX_FRAMES)
    frame_ms: int | None = Field(default=None, ge=MIN_FRAME_MS, le=MAX_FRAME_MS, multiple_of=FRAME_STEP_MS)
    drawn_shape: tuple[DrawnPx, DrawnPx] | None = None

    @field_validator("prompt", "negative_prompt", "model", "source", "source_cid", "mask_cid")
    @classmethod
    def _printable(cls, text: str | None) -> str | None:
        if any((ord(c) < 32 and c not in "\t\n\r") or 0xD800 <= ord(c) <= 0xDFFF for c in text or ""):
            raise ValueError("holds control characters; remove them")
        return text

    @field_validator("prompt", "negative_prompt")
    @classmethod
    def _readable(cls, text: str) -> str:
        if len(text) > MAX_PROMPT_CHARACTERS:
            raise ValueError(
                f"has {len(text):,} characters; shorten it to {MAX_PROMPT_CHARACTERS:,} or fewer"
            )
        return " ".join(text.split())

    @field_validator("action")
    @classmethod
    def _known(cls, action: str | None) -> str | None:
        if action is not None and action not in ACTIONS:
            raise ValueError(
                f"is {reprlib.repr(action)}, which no model knows; use one of {', '.join(ACTIONS)}"
            )
        return action

    @field_validator("prompt")
    @classmethod
    def _not_empty(cls, text: str) -> str:
        if not text:
            raise ValueError("is empty; say what to draw, for example 'a red potion bottle'")
        return text

    @field_validator("palette", "drawn_shape", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("palette")
    @classmethod
    def _usable(cls, palette: int | tuple[str, ...] | None) -> int | tuple[str, ...] | None:
        if palette is None:
            return None
        count = palette if isinstance(palette, int) else len(palette)
        if not 2 <= count <= MAX_COLOURS:
            raise ValueError(f"must have 2 to {MAX_COLOURS} colours, not {count}")
        for colour in palette if isinstance(palette, tuple) else ():
            if not re.fullmatch(HEX_COLOUR, colour):
                raise ValueError(
                    f"holds {reprlib.repr(colour)}, which is no colour; write it as #rrggbb in lower case"
                )
        return palette

    @model_validator(mode="after")
    def _agreeing(self) -> Self:
        if (self.source_cid is None) != (self.strength is None):
            raise ValueError(
                "names a source picture without a strength, or a strength without one; give both"
            )
        if self.mask_cid is not None and self.source_cid is None:
            raise ValueError("has a mask and no source picture; give the picture that the mask belongs to")
        if self.seamless and self.kind not in (Kind.TILE, Kind.CLIP):
            raise ValueError(f"is a seamless {self.kind}; only tiles repeat, so ask for a tile")
        of_clips = (self.action, self.direction, self.frames, self.frame_ms, self.drawn_shape)
        if self.kind is not Kind.CLIP and any(field is not None for field in of_clips):
            raise ValueError(
                f"is a moving {self.kind}; only clips have actions and frames, so ask for a clip"
            )
        if self.kind is Kind.CLIP and (self.frames is None or self.frame_ms is None):
            raise ValueError("is a clip without frames or their time; give both")
        return self

    @classmethod
    def make(cls, **fields: Any) -> Self:
        """A recipe from keyword fields. Raises InvalidRecipe with one sentence where a field cannot be used."""
        try:
            return cls(**fields)
        except ValidationError as error:
            raise InvalidRecipe(_sentence(error)) from error

    @classmethod
    def from_dict(cls, data: Any) -> Self:
        """A recipe from its JSON object. Raises InvalidRecipe where it is not one."""
        try:
            return cls.model_validate(data)
        except ValidationError as error:
            raise InvalidRecipe(_sentence(error)) from error

    @property
    def drawn_size(self) -> tuple[int, int]:
        """Width and height in pixels of what the model draws."""
        return self.drawn_shape or ((self.drawn_px or self.size),) * 2

    def to_dict(self) -> dict[str, Any]:
        """The JSON object; ``from_dict`` gives the recipe back."""
        fields = self.model_dump(mode="json")
        unused = {name for name in _LATER_FIELDS if fields[name] in (None, False)}
        return {name: value for name, value in fields.items() if name not in unused}

    def canonical(self) -> bytes:
        """Canonical JSON (RFC 8785)."""
        return rfc8785.dumps(self.to_dict())

    @property
    def hash(self) -> str:
        """Lower-case hex sha256 of the canonical JSON."""
        return hashlib.sha256(self.canonical()).hexdigest()


def check_request(
    *,
    prompt: str,
    kind: Kind,
    seed: int,
    negative_prompt: str = "",
    palette: int | tuple[str, ...] | None = None,
    steps: int | None = None,
    guidance: float | None = None,
    count: int = 1,
    strength: float | None = None,
    **more: Any,
) -> None:
    """Raises InvalidRecipe for a request that no model can draw; loads no model, so it answers at once.

    ``more`` are further fields of Recipe.
    """
    if not 1 <= count <= MAX_COUNT:
        raise InvalidRecipe(f"{count} pictures cannot be drawn at once; ask for 1 to {MAX_COUNT}.")
    Recipe.make(
        kind=kind,
        prompt=prompt,
        negative_prompt=negative_prompt,
        seed=seed,
        palette=palette,
        steps=1 if steps is None else steps,
        guidance=1.0 if guidance is None else guidance,
        model="any",
        weights="0" * 64,
        size=32,
        precision="fp32",
        source_cid=None if strength is None else "any",
        strength=strength,
        **more,
    )
    parse_prompt(prompt)
    if seed + count - 1 > MAX_SEED:
        raise InvalidRecipe(f"Seeds from {seed} on do not last for {count} pictures; start lower.")


def random_seed() -> int:
    """A seed below 2^32: short enough to read out, many enough never to meet again."""
    return secrets.randbelow(2**32)


# Field -> what it must be, and the name it goes by in a sentence where that is not its own.
_WANTED = {
    "kind": "character, item, tile, illustration or clip",
    "direction": "right, left, down or up",
    "frames": f"a whole number from 1 to {MAX_FRAMES}",
    "frame_ms": f"a multiple of {FRAME_STEP_MS} milliseconds from {MIN_FRAME_MS} to {MAX_FRAME_MS}",
    "seed": f"a whole number from 0 to {MAX_SEED}",
    "weights": "64 lower-case hex digits",
    "steps": f"a whole number from 1 to {MAX_STEPS}",
    "guidance": f"a number from 0 to {MAX_GUIDANCE:g}",
    "size": f"a whole number of pixels from {MIN_SIZE_PX} to {MAX_SIZE_PX}",
    "precision": ", ".join(get_args(Precision)[:-1]) + f" or {get_args(Precision)[-1]}",
    "strength": "a number above 0, up to 1",
    "outline": "none, or a colour written as #rrggbb",
    "background": "a colour written as #rrggbb",
    "style": "64 lower-case hex digits",
    "drawn_px": f"a whole number of pixels from {MIN_SIZE_PX} to {MAX_SIZE_PX}",
    "drawn_shape": f"a width and a height in pixels from {MIN_SIZE_PX} to {MAX_SIZE_PX}",
    "palette": "a number of colours, or a list of colours written as #rrggbb",
    "format": Recipe.model_fields["format"].default,
    "finish": "1 or 2",
}
_SPOKEN = {
    "negative_prompt": "negative prompt",
    "steps": "number of steps",
    "frames": "number of frames",
    "frame_ms": "time of a frame",
}


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    if not first["loc"]:
        reason = first.get("ctx", {}).get("error")
        return f"The recipe {reason}." if reason else "The recipe must be a JSON object."
    field = str(first["loc"][0])
    name = _SPOKEN.get(field, field)
    match first["type"]:
        case "value_error":
            return f"The {name} {first['ctx']['error']}."
        case "missing" if len(first["loc"]) == 1:
            return f"The {name} is missing."
        case "extra_forbidden":
            return f"A recipe has no field {reprlib.repr(field)}; remove it."
        case _:
            # Within a list the input is one entry, which says less than the sentence does.
            given = f", not {reprlib.repr(first['input'])}" if len(first["loc"]) == 1 else ""
            return f"The {name} must be {_WANTED.get(field, 'text')}{given}."
