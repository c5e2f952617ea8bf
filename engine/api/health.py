"""Who holds an asset's content, as the API tells it."""

from engine.api.model import Told


class PinHolder(Told):
    """One pinning service's part. ``status`` is queued, pinning, pinned, failed or lost; ``checked_at`` when the
    service was last asked, ``read_at`` when all of the content last came back from it and was hashed."""

    service: str
    status: str
    root: str | None
    bytes: int | None
    requested_at: str
    pinned_at: str | None
    checked_at: str | None
    read_at: str | None
    attempts: int
    repairs: int
    error: str | None


class Health(Told):
    """``whole`` says that every block of it lies in this server's store, just read and hashed; else ``fault`` says
    what is wrong. ``root`` is the directory that is pinned, None where no service is listed."""

    asset: str
    root: str | None
    metadata_cid: str
    whole: bool
    blocks: int
    bytes: int
    fault: str | None
    holders: tuple[PinHolder, ...]
    links: dict[str, str]
