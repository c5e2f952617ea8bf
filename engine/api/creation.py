"""What is asked of a creation, and what is told of it."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import Field

from engine.api.asset import Asset
from engine.api.model import Asked, EthereumAddress, Tag, Told
from generators.motion import Direction
from generators.recipe import (
    DEFAULT_STRENGTH,
    MAX_COUNT,
    MAX_FRAMES,
    MAX_GUIDANCE,
    MAX_PROMPT_CHARACTERS,
    MAX_SEED,
    MAX_SIZE_PX,
    MAX_STEPS,
    MIN_SIZE_PX,
    Kind,
    Quality,
)

MAX_PRIORITY = 9
MAX_TAGS = 20
Colour = Annotated[str, Field(max_length=20, examples=["#ff8800"])]
Id = Annotated[str, Field(min_length=1, max_length=80)]
MAX_TRAITS = 12
TraitName = Annotated[
    str, Field(min_length=1, max_length=40, pattern=r"^[^\x00-\x1f\x7f]+$", examples=["Hat"])
]
TraitText = Annotated[
    str, Field(min_length=1, max_length=80, pattern=r"^[^\x00-\x1f\x7f]+$", examples=["crown"])
]


class CreationStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        return self not in (CreationStatus.QUEUED, CreationStatus.RUNNING)


class Controls(Asked):
    """How it is drawn; what is left out is the model's own choice."""

    negative_prompt: Annotated[str, Field(max_length=MAX_PROMPT_CHARACTERS)] = ""
    size: Annotated[int, Field(ge=MIN_SIZE_PX, le=MAX_SIZE_PX)] | None = None  # pixels a side
    quality: Quality = Quality.STANDARD
    steps: Annotated[int, Field(ge=1, le=MAX_STEPS)] | None = None
    guidance: Annotated[float, Field(ge=0, le=MAX_GUIDANCE, allow_inf_nan=False)] | None = None
    palette: Annotated[
        str | int | tuple[Colour, ...] | None,
        Field(description="A palette's name, a number of colours, a list of colours, or `none`."),
    ] = None
    outline: Annotated[Colour, Field(description="A colour, or `none` to remove it.")] | None = None
    background: Colour | None = None
    source: Annotated[Id, Field(description="The asset to start from.")] | None = None
    strength: Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)] = DEFAULT_STRENGTH
    mask: Annotated[Id, Field(description="An uploaded asset, white where `source` may change.")] | None = (
        None
    )
    seamless: bool = False
    cutout: bool = False
    style: Annotated[Id, Field(description="The name of a style on the server.")] | None = None
    action: Annotated[str, Field(max_length=40)] | None = None
    direction: Direction | None = None
    frames: Annotated[int, Field(ge=1, le=MAX_FRAMES)] | None = None
    fps: Annotated[float, Field(ge=1, le=100, allow_inf_nan=False)] | None = None


class DrawnTrait(Asked):
    """What one asset of a collection has: becomes an attribute of its token's metadata."""

    name: TraitName
    value: TraitText


class MintTo(Asked):
    """To whom each asset is minted when it is finished; left out, to the server's own account."""

    to: EthereumAddress | None = None


class CreationRequest(Asked):
    """One request for ``count`` assets, with seeds one after another."""

    kind: Kind = Kind.CHARACTER
    prompt: Annotated[
        str, Field(min_length=1, max_length=MAX_PROMPT_CHARACTERS, examples=["a red potion bottle"])
    ]
    count: Annotated[int, Field(ge=1, le=MAX_COUNT)] = 1
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] | None = None
    controls: Controls = Controls()
    model: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    priority: Annotated[
        int, Field(ge=0, le=MAX_PRIORITY, description="Higher goes first among your own.")
    ] = 0
    tags: Annotated[tuple[Tag, ...], Field(max_length=MAX_TAGS)] = ()
    collection: Annotated[Id, Field(description="A collection that the assets go into.")] | None = None
    traits: Annotated[
        tuple[DrawnTrait, ...],
        Field(max_length=MAX_TRAITS, description="Attributes of each token; the prompt has to say them too."),
    ] = ()
    mint: MintTo | None = None
    dry_run: Annotated[bool, Field(description="Estimate it, and make nothing.")] = False


class Progress(Told):
    """Step ``step`` of ``steps`` of the assets that are being drawn; ``done`` of ``of`` are finished."""

    step: int
    steps: int
    done: int
    of: int


class Creation(Told):
    """``queue_place`` is 1 for the one that is next; None once it has begun."""

    id: str
    status: CreationStatus
    kind: Kind
    prompt: str
    count: int
    seed: int
    model: str | None
    priority: int
    tags: tuple[str, ...]
    collection: str | None
    queue_place: int | None
    progress: Progress | None
    error: str | None
    resumable: bool = False  # it ended its workers again and again; POST …/resume tries it once more
    created_at: str
    started_at: str | None
    finished_at: str | None
    assets: tuple[Asset, ...]
    mints: tuple[str, ...] = ()  # their ids
    links: dict[str, str]


class Estimate(Told):
    """What a creation would cost. ``seconds`` is None until the server has measured such a one."""

    assets: int  # counted against the key's day
    steps: int | None  # of denoising, over all assets; None where only a worker knows the model's number
    seconds: float | None  # from now to the end, the queue included
    queue_length: int  # creations before it
    allowed: bool  # whether the key's quota has room for it today


class CreationEvent(Told):
    """One thing that happened: ``type`` is queued, started, step, preview, asset, or how it ended."""

    number: int
    type: str
    data: dict[str, Any]
