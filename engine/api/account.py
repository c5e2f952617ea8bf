"""Keys, usage and models, as the API tells them."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from engine.api.model import Asked, Told

MAX_PER_MINUTE, MAX_PER_DAY, MAX_CONCURRENT = 100_000, 10_000_000, 100_000


class Scope(StrEnum):
    """What a key may be used for. Each but ``read`` includes ``read``; ``admin`` manages keys and webhooks."""

    CREATE = "create"
    MINT = "mint"
    READ = "read"
    ADMIN = "admin"


class Limits(Asked):
    """Requests a minute, assets a day (UTC), and creations that have not ended."""

    per_minute: Annotated[int, Field(ge=1, le=MAX_PER_MINUTE)] = 600
    per_day: Annotated[int, Field(ge=0, le=MAX_PER_DAY)] = 10_000
    concurrent: Annotated[int, Field(ge=1, le=MAX_CONCURRENT)] = 1_000


class NewKey(Asked):
    name: Annotated[str, Field(min_length=1, max_length=200)]
    scopes: Annotated[tuple[Scope, ...], Field(min_length=1)] = (Scope.CREATE, Scope.MINT, Scope.READ)
    limits: Limits = Limits()


class Key(Told):
    id: str
    name: str
    prefix: str
    scopes: tuple[Scope, ...]
    limits: Limits
    created_at: str
    revoked_at: str | None


class KeyWithSecret(Key):
    """``secret`` is shown this once; the server keeps a hash of it."""

    secret: str = Field(repr=False)


class Me(Told):
    """The key that asks. ``assets_left`` are those that it may still ask for until midnight UTC, and ``unfinished`` its
    creations that have not ended."""

    tenant: str  # the name
    key: Key
    assets_left: int
    unfinished: int


class DayOfUse(Told):
    key: str
    day: str  # YYYY-MM-DD, UTC
    creations: int
    assets: int
    steps: int
    mints: int
    upload_bytes: int


class Usage(Told):
    data: tuple[DayOfUse, ...]


class Model(Told):
    """``online`` says whether a worker that can draw with it is running. ``object``, ``created`` and ``owned_by`` are
    what OpenAI's clients look for."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0  # Unix time; unknown
    owned_by: str = "lorespark"
    kinds: tuple[str, ...]
    sizes: tuple[int, ...]  # pixels a side; empty: any that its recipe may have
    bundled: bool
    online: bool = True


class Models(Told):
    object: Literal["list"] = "list"
    data: tuple[Model, ...]
