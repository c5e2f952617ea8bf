"""What every value of the API shares: frozen, and strict about what it does not know."""

from typing import Annotated, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")

ADDRESS_PATTERN = r"^0x[0-9a-fA-F]{40}$"
TAG_PATTERN = r"^[a-z0-9][a-z0-9._:-]*$"
MAX_PAGE = 200  # items; more is several pages


class Asked(BaseModel):
    """What a client sends: a field that nobody knows is a mistake that it should hear of."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Told(BaseModel):
    """What the server answers: a client of today reads what a server of tomorrow adds."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Page(Told, Generic[Item]):
    """Some of a list, newest first. ``next`` is the cursor of the rest, None at the end."""

    data: tuple[Item, ...]
    next: str | None = None


Limit = Annotated[int, Field(ge=1, le=MAX_PAGE)]
EthereumAddress = Annotated[str, Field(pattern=ADDRESS_PATTERN, description="An account of the chain.")]
Tag = Annotated[str, Field(min_length=1, max_length=64, pattern=TAG_PATTERN, examples=["forest-level"])]
