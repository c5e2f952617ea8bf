"""Pictures in OpenAI's format. Source: OpenAI API reference, "Images", "Create image"."""

import re
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from engine.api.creation import Controls, CreationRequest
from engine.api.model import Told
from engine.errors import InvalidField
from generators.recipe import MAX_PROMPT_CHARACTERS, MAX_SEED, MAX_SIZE_PX, MIN_SIZE_PX, Kind, Quality

MAX_PICTURES = 16  # one batch: who waits for an answer waits for all of them
_QUALITY: Final = {
    "draft": Quality.DRAFT,
    "low": Quality.DRAFT,
    "auto": Quality.STANDARD,
    "standard": Quality.STANDARD,
    "medium": Quality.STANDARD,
    "high": Quality.HIGH,
    "hd": Quality.HIGH,
}
_SIZE: Final = re.compile(r"([0-9]{1,5})x([0-9]{1,5})")
WHITE: Final = "#ffffff"


class ImageRequest(BaseModel):
    """What clients of OpenAI's images send. Fields that are not known are left aside: there are many.

    ``kind`` and ``seed`` are ours, for clients that can send more.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    prompt: Annotated[str, Field(min_length=1, max_length=MAX_PROMPT_CHARACTERS)]
    model: Annotated[str, Field(max_length=200)] | None = None
    n: Annotated[int, Field(ge=1, le=MAX_PICTURES)] | None = None
    size: Annotated[str, Field(max_length=20, description="As in 64x64; pictures are square.")] | None = None
    quality: Literal["auto", "draft", "low", "medium", "high", "standard", "hd"] | None = None
    response_format: Annotated[
        Literal["b64_json", "url"] | None, Field(description="Left out: both are in the answer.")
    ] = None
    background: Literal["transparent", "opaque", "auto"] | None = None
    output_format: Literal["png"] | None = None
    stream: Literal[False] | None = None
    user: Annotated[str, Field(max_length=1000)] | None = None
    kind: Kind | None = None
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] | None = None

    def creation(self, bundled: bool) -> CreationRequest:
        """The same as a creation. ``bundled`` says that a bundled model draws it: sprites, where others paint.

        Raises InvalidField, whose pointer is that of this request.
        """
        usual = Kind.CHARACTER if bundled else Kind.ILLUSTRATION
        return CreationRequest(
            kind=self.kind or usual,
            prompt=self.prompt,
            count=self.n or 1,
            seed=self.seed,
            model=self.model or None,
            controls=Controls(
                size=self._size_px(),
                quality=_QUALITY[self.quality or "auto"],
                background=WHITE if self.background == "opaque" and bundled else None,
            ),
        )

    def _size_px(self) -> int | None:
        if self.size in (None, "auto"):
            return None
        found = _SIZE.fullmatch(self.size or "")
        if found is None:
            raise InvalidField(f"The size {self.size!r} is none; write it as 64x64, or auto.", "/size")
        width, height = int(found[1]), int(found[2])
        if width != height or not MIN_SIZE_PX <= width <= MAX_SIZE_PX:
            raise InvalidField(
                f"Pictures are squares of {MIN_SIZE_PX} to {MAX_SIZE_PX} px, not {self.size}; ask for 64x64, or auto.",
                "/size",
            )
        return width


class Image(Told):
    b64_json: str | None = None
    url: str | None = None
    asset: str  # our id of it


class Images(Told):
    created: int  # Unix time
    data: tuple[Image, ...]
    output_format: str = "png"
    size: str
    creation: str  # our id of it
    usage: dict[str, Any] | None = None
