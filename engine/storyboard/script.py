"""What a storyboard says: frozen shots with their cast, camera and subtitles."""

import reprlib
from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    Tag,
    field_validator,
    model_validator,
)

from generators.motion import ACTIONS, Direction
from generators.recipe import HEX_COLOUR, MAX_SEED

STILL = "still"  # the action of who only stands there
MAX_SHOTS = 100
MAX_CAST = 16
MAX_POINTS = 32
MAX_LINES = 40
MAX_TEXT = 240  # characters of a subtitle: more cannot be read in a shot, nor set within its margins
MAX_SHOT_S = 60.0
MAX_FRAMES = 18_000  # ten minutes at 30 frames a second, about 300 MB of kept shots
MIN_SIDE_PX, MAX_SIDE_PX = 32, 1920  # of the scene, before it is scaled
MAX_STAGE_PX = 4_194_304  # 4096 x 1024: each frame of a shot is kept as large as its stage
MAX_OUTPUT_SIDE_PX = 3840  # what H.264 decoders take (ITU-T H.264, level 5.1)
USUAL_OUTPUT_PX = (1280, 720)
FARTHEST_PX = 4096
DEFAULT_FPS = 12
FILM_ENDINGS = (".mp4", ".webp")


def _listed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _sized(value: Any) -> Any:
    """``320x180`` or ``[320, 180]`` -> (320, 180)."""
    if isinstance(value, str):
        parts = value.lower().split("x")
        if len(parts) == 2 and all(part.strip().isascii() and part.strip().isdigit() for part in parts):
            return tuple(int(part[:9]) for part in parts)
    return _listed(value)


Side = Annotated[int, Field(ge=MIN_SIDE_PX, le=MAX_SIDE_PX * 4, multiple_of=2)]  # yuv420p halves both sides
Size = Annotated[tuple[Side, Side], BeforeValidator(_sized)]
Coordinate = Annotated[int, Field(ge=-FARTHEST_PX, le=FARTHEST_PX)]
Point = Annotated[tuple[Coordinate, Coordinate], BeforeValidator(_listed)]
Colour = Annotated[str, Field(pattern=rf"^{HEX_COLOUR}$")]
Seconds = Annotated[float, Field(ge=0, le=MAX_SHOT_S, allow_inf_nan=False)]
Text = Annotated[str, Field(min_length=1, max_length=MAX_TEXT)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Line(_Part):
    """A subtitle from second ``start`` to ``end`` of its shot."""

    start: Seconds = Field(alias="from")
    end: Seconds = Field(alias="to")
    text: Text

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end <= self.start:
            raise ValueError("it must end after it begins")
        return self


Lines = Annotated[tuple[Line, ...], BeforeValidator(_listed), Field(min_length=1, max_length=MAX_LINES)]
Subtitle = Annotated[
    Annotated[Text, Tag("text")] | Annotated[Lines, Tag("lines")],
    Discriminator(lambda value: "lines" if isinstance(value, (list, tuple)) else "text"),
]


class View(_Part):
    """What the camera sees: the middle of the picture in stage pixels (the stage's own if None), and how near."""

    at: Point | None = None
    zoom: float = Field(default=1.0, ge=1, le=8, allow_inf_nan=False)


class Camera(_Part):
    """The camera goes from one view to the other over the whole shot; without the other it stands."""

    start: View = Field(default=View(), alias="from")
    end: View | None = Field(default=None, alias="to")


class Member(_Part):
    """One of the cast: an asset that does ``action`` at a place, or along a path at an even pace.

    Places are of the feet, in stage pixels. Without ``action`` a character walks along its path or stands idle,
    anything else only moves along; ``then`` follows on an action that ends.
    """

    asset: str = Field(min_length=1, max_length=128)
    action: str | None = None
    then: str | None = None
    direction: Direction | None = Field(default=None, strict=False)
    path: Annotated[tuple[Point, ...], BeforeValidator(_listed)] = Field(default=(), max_length=MAX_POINTS)
    at: Point | None = None
    scale: int = Field(default=1, ge=1, le=8)

    @field_validator("action", "then")
    @classmethod
    def _known(cls, action: str | None) -> str | None:
        if action is not None and action != STILL and action not in ACTIONS:
            known = ", ".join((STILL, *ACTIONS))
            raise ValueError(f"there is no action {reprlib.repr(action)}; use one of {known}")
        return action

    @model_validator(mode="after")
    def _agreeing(self) -> Self:
        if self.path and self.at is not None:
            raise ValueError("it has a path and a place (at); give one of them")
        if len(self.path) == 1:
            raise ValueError("it has a path of one point; give two or more, or a place (at)")
        ends = self.action in ACTIONS and not ACTIONS[self.action].loops
        if self.then is not None and not ends:
            raise ValueError("it has a 'then', which only follows on an action that ends, such as attack")
        return self


class Shot(_Part):
    """``background``: the id of a tile (repeated) or another asset (fitted), a picture file (fitted), or "#rrggbb".

    ``ground`` is the y of the floor line: a tile is repeated below it, and ``sky`` is above. ``stage`` is the size of
    what is played on, the film's own if None; a wider one is for the camera to pan over.
    """

    seconds: float = Field(ge=0.1, le=MAX_SHOT_S, allow_inf_nan=False)
    background: str = Field(min_length=1, max_length=4096)
    sky: Colour | None = None
    ground: int | None = Field(default=None, ge=0, le=FARTHEST_PX)
    stage: Size | None = None
    cast: Annotated[tuple[Member, ...], BeforeValidator(_listed)] = Field(default=(), max_length=MAX_CAST)
    camera: Camera = Camera()
    subtitle: Subtitle | None = None

    def frames(self, fps: int) -> int:
        """How many frames the shot has, to the nearest whole one."""
        return max(1, int(self.seconds * fps + 0.5))

    def lines(self, fps: int) -> tuple[Line, ...]:
        """The subtitles with their times, a single text from the first frame to the last."""
        if self.subtitle is None:
            return ()
        if isinstance(self.subtitle, str):
            whole = {"from": 0.0, "to": self.frames(fps) / fps, "text": self.subtitle}
            return (Line.model_validate(whole),)
        return self.subtitle


class Storyboard(_Part):
    """A film: ``size`` in scene pixels, scaled by the whole number ``scale``, shown at ``fps`` frames a second.

    ``scale`` None is the largest that stays within 1280 x 720. ``seed`` is that of every clip drawn for it, ``font`` a
    font file for burnt subtitles.
    """

    title: Text
    size: Size = (320, 180)
    scale: int | None = Field(default=None, ge=1, le=16)
    fps: int = Field(default=DEFAULT_FPS, ge=1, le=60)
    seed: int = Field(default=0, ge=0, le=MAX_SEED)
    font: str | None = Field(default=None, min_length=1, max_length=4096)
    shots: Annotated[tuple[Shot, ...], BeforeValidator(_listed)] = Field(min_length=1, max_length=MAX_SHOTS)

    @model_validator(mode="after")
    def _within_bounds(self) -> Self:
        width, height = self.output_size
        if max(self.size) > MAX_SIDE_PX or max(width, height) > MAX_OUTPUT_SIDE_PX:
            raise ValueError(
                f"the film would have {width} x {height} pixels; choose a size and a scale that stay within "
                f"{MAX_OUTPUT_SIDE_PX} a side"
            )
        if self.frames > MAX_FRAMES:
            raise ValueError(
                f"the film would have {self.frames:,} frames; shorten it to {MAX_FRAMES:,}, or lower fps"
            )
        return self

    @property
    def output_scale(self) -> int:
        if self.scale is not None:
            return self.scale
        return max(1, min(most // side for most, side in zip(USUAL_OUTPUT_PX, self.size, strict=True)))

    @property
    def output_size(self) -> tuple[int, int]:
        """Width and height of the film in pixels."""
        return self.size[0] * self.output_scale, self.size[1] * self.output_scale

    @property
    def frames(self) -> int:
        return sum(shot.frames(self.fps) for shot in self.shots)

    def stage_size(self, shot: Shot) -> tuple[int, int]:
        return shot.stage or self.size
