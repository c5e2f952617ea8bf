"""A style: what a hero, an enemy, an item and a tile made months apart have in common."""

import hashlib
import json
import reprlib
import tomllib
from typing import Any, Literal, Self

import rfc8785
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from generators.errors import InvalidRecipe, InvalidStyle
from generators.recipe import HEX_COLOUR, MAX_COLOURS, MAX_SIZE_PX, MIN_SIZE_PX, Kind, check_request

MAX_STYLE_BYTES = 100_000
MAX_REFERENCES = 256
Light = Literal["left", "top-left", "top", "top-right", "right"]
Size = Field(default=None, ge=MIN_SIZE_PX, le=MAX_SIZE_PX)


class Style(BaseModel):
    """Frozen. What it sets, it sets for every picture; None leaves a value as it is without a style.

    ``palette`` is a list of "#rrggbb", ``outline`` "none" or a colour, ``background`` a colour; ``character_px``,
    ``item_px`` and ``tile_px`` are sizes. ``prefix`` and ``suffix`` are words around every prompt, ``negative`` words
    for every negative prompt. ``light`` is where it comes from in the references; it is checked, and changes no
    prompt. ``references`` are the ids or file names that the style was taken from.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    format: Literal["lorespark-style/1"] = "lorespark-style/1"
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    palette: tuple[str, ...] | None = None
    outline: str | None = Field(default=None, pattern=rf"^(none|{HEX_COLOUR})$")
    background: str | None = Field(default=None, pattern=rf"^{HEX_COLOUR}$")
    character_px: int | None = Size
    item_px: int | None = Size
    tile_px: int | None = Size
    light: Light | None = None
    prefix: str = ""
    suffix: str = ""
    negative: str = ""
    references: tuple[str, ...] = Field(default=(), max_length=MAX_REFERENCES)

    @field_validator("palette", "references", mode="before")
    @classmethod
    def _listed(cls, value: Any) -> Any:
        return tuple(value) if isinstance(value, list) else value

    @field_validator("references")
    @classmethod
    def _printable(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if not all(name.isprintable() and 0 < len(name) <= 255 for name in names):
            raise ValueError("names")
        return names

    @field_validator("prefix", "suffix", "negative")
    @classmethod
    def _one_line(cls, text: str) -> str:
        return " ".join(text.split())

    @classmethod
    def make(cls, **fields: Any) -> Self:
        """A style from keyword fields. Raises InvalidStyle with one sentence where a field cannot be used."""
        try:
            style = cls(**fields)
            style.fields_for(Kind.ITEM, "any")
        except ValidationError as error:
            raise InvalidStyle(_sentence(error)) from error
        except InvalidRecipe as error:
            raise InvalidStyle(f"The style cannot be drawn with: {error}") from error
        return style

    @classmethod
    def from_toml(cls, data: bytes) -> Self:
        """The style in a TOML file. Raises InvalidStyle."""
        if len(data) > MAX_STYLE_BYTES:
            raise InvalidStyle("The style file is larger than 100 kB; it is not one that Lorespark wrote.")
        try:
            fields = tomllib.loads(data.decode("utf-8"))
        except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
            raise InvalidStyle(f"The style file is not TOML ({str(error)[:120]}); correct it.") from error
        return cls.make(**fields)

    def to_toml(self) -> str:
        """One line a field; ``from_toml`` gives the style back. What is not set is left out."""
        # JSON's text and lists of text are TOML's, once DEL is written as an escape (TOML 1.0, "String").
        texts = {name: json.dumps(value, ensure_ascii=False) for name, value in self.to_dict().items()}
        lines = [f"{name} = {text}".replace("\x7f", "\\u007f") for name, text in texts.items()]
        return "\n".join(lines) + "\n"

    def to_dict(self) -> dict[str, Any]:
        """The JSON object, without what is not set."""
        fields = self.model_dump(mode="json")
        return {name: value for name, value in fields.items() if value not in (None, "", [])}

    @property
    def hash(self) -> str:
        """Lower-case hex sha256 of the canonical JSON (RFC 8785); a recipe names its style by it."""
        return hashlib.sha256(rfc8785.dumps(self.to_dict())).hexdigest()

    def fields_for(self, kind: Kind, prompt: str, negative_prompt: str = "") -> dict[str, Any]:
        """The fields of a recipe that the style decides, for a picture of ``kind``.

        Raises InvalidRecipe where they make no recipe, such as a prompt that the style's words make too long.
        """
        fields: dict[str, Any] = {
            "prompt": " ".join(part for part in (self.prefix, prompt, self.suffix) if part),
            "negative_prompt": ", ".join(part for part in (negative_prompt, self.negative) if part),
            "outline": self.outline,
            "background": self.background,
        }
        if self.palette is not None:
            fields["palette"] = self.palette
        check_request(kind=kind, seed=0, **fields)
        return fields | {"style": self.hash}

    def size_for(self, kind: Kind) -> int | None:
        """Pixels a side for pictures of ``kind``; None where the style leaves it open."""
        return {Kind.CHARACTER: self.character_px, Kind.ITEM: self.item_px, Kind.TILE: self.tile_px}.get(kind)


_WANTED = {
    "name": "1 to 40 lower-case letters, digits and dashes",
    "outline": "none, or a colour written as #rrggbb",
    "background": "a colour written as #rrggbb",
    "palette": f"a list of 2 to {MAX_COLOURS} colours written as #rrggbb",
    "references": f"up to {MAX_REFERENCES} names of assets or files",
    "light": "left, top-left, top, top-right or right",
    "format": "lorespark-style/1",
    **dict.fromkeys(
        ("character_px", "item_px", "tile_px"),
        f"a whole number of pixels from {MIN_SIZE_PX} to {MAX_SIZE_PX}",
    ),
}


def _sentence(error: ValidationError) -> str:
    first = error.errors(include_url=False)[0]
    field = str(first["loc"][0]) if first["loc"] else "style"
    match first["type"]:
        case "missing":
            return f"The style's {field} is missing."
        case "extra_forbidden":
            return f"A style has no field {reprlib.repr(field)}; remove it."
        case _:
            return f"The style's {field} must be {_WANTED.get(field, 'text')}, not {reprlib.repr(first['input'])}."
