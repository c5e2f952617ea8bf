"""Pins: one row for each asset and service, and what writes them within a transaction."""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, exists, insert, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from assets.cid import Cid
from assets.errors import InvalidCid
from engine.database.assets import own_asset
from engine.database.clock import now
from engine.database.jobs import bring_forward, enqueue
from engine.database.tables import assets, jobs, mints, pin_waivers, pins

UNPINNED: Final = ("queued", "pinning", "failed", "lost")
# What a pin says of other content than it is about from now on.
NO_RECEIPT: Final = {"request_id": None, "pinned_at": None, "checked_at": None, "read_at": None}
_PUBLIC_ROWS: Final = 1_000  # many assets may share one content; those that are held come first


@dataclass(frozen=True)
class PinRecord:
    """``root`` is the asset's directory, None until it was put together; ``metadata_cid`` what it holds. ``bytes`` are
    those of all blocks. ``read_at`` is when they last came back from the service, ``checked_at`` when it was last
    asked. ``error`` is what went wrong since it last went well."""

    id: str
    tenant_id: str
    asset_id: str
    service: str
    metadata_cid: str
    root: str | None
    status: str
    request_id: str | None
    bytes: int | None
    attempts: int
    repairs: int
    error: str | None
    requested_at: str
    pinned_at: str | None
    checked_at: str | None
    read_at: str | None


def pin_id(asset_id: str, service: str) -> str:
    return "pin-" + hashlib.sha256(f"{asset_id}/{service}".encode()).hexdigest()[:24]


def want_pins(connection: Connection, asset_ids: Iterable[str], services: Sequence[str]) -> None:
    """Lets each service pin each asset as it is now; nothing where that is so or under way.

    An asset whose metadata changed, as by a mint that overrules the quality gate, is pinned anew.
    """
    wanted = list(asset_ids)
    if not wanted or not services:
        return
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    for row in connection.execute(select(assets).where(assets.c.id.in_(wanted))).all():
        for service in services:
            own = pins.c.id == pin_id(row.id, service)
            fresh = dialect.insert(pins).values(
                id=pin_id(row.id, service),
                tenant_id=row.tenant_id,
                asset_id=row.id,
                service=service,
                metadata_cid=row.metadata_cid,
                status="queued",
                requested_at=now(),
            )
            made = connection.scalar(fresh.on_conflict_do_nothing().returning(pins.c.id)) is not None
            changed = own & (pins.c.metadata_cid != row.metadata_cid)
            anew = {
                "metadata_cid": row.metadata_cid,
                "root": None,
                "bytes": None,
                "status": "queued",
                "error": None,
                "requested_at": now(),
                **NO_RECEIPT,
            }
            made |= connection.execute(update(pins).where(changed).values(**anew)).rowcount > 0
            if made:
                enqueue(connection, "pin", pin_id(row.id, service), row.tenant_id)


def pin(connection: Connection, record_id: str) -> PinRecord | None:
    row = connection.execute(select(pins).where(pins.c.id == record_id)).one_or_none()
    return None if row is None else PinRecord(**row._mapping)


def pins_of(connection: Connection, asset_id: str) -> list[PinRecord]:
    """The asset's, by the names of the services."""
    query = select(pins).where(pins.c.asset_id == asset_id).order_by(pins.c.service)
    return [PinRecord(**row._mapping) for row in connection.execute(query)]


def update_pin(connection: Connection, record: PinRecord, **values: Any) -> None:
    """Changes the pin as long as it is about the same content. One that is pinned lets waiting mints go on."""
    same = (pins.c.id == record.id) & (pins.c.metadata_cid == record.metadata_cid)
    changed = connection.execute(update(pins).where(same).values(**values)).rowcount
    if changed and values.get("status") == "pinned":
        waiting = select(mints.c.id).where(mints.c.asset_id == record.asset_id, mints.c.status == "prepared")
        bring_forward(connection, "mint", list(connection.scalars(waiting)))


def is_pinned(connection: Connection, asset_id: str) -> bool:
    """Whether a service holds the asset as it is now."""
    held = (
        select(pins.c.id)
        .join(assets, assets.c.id == pins.c.asset_id)
        .where(
            assets.c.id == asset_id,
            pins.c.status == "pinned",
            pins.c.metadata_cid == assets.c.metadata_cid,
        )
    )
    return connection.scalar(held.limit(1)) is not None


def mint_is_ready() -> ColumnElement[bool]:
    """Of a row of ``mints``: a service holds its asset as it is now, or it was told to go on without."""
    held = (
        select(pins.c.id)
        .join(assets, assets.c.id == pins.c.asset_id)
        .where(
            pins.c.asset_id == mints.c.asset_id,
            pins.c.status == "pinned",
            pins.c.metadata_cid == assets.c.metadata_cid,
        )
        .correlate(mints)
        .exists()
    )
    return or_(held, exists().where(pin_waivers.c.mint_id == mints.c.id))


def waive(connection: Connection, mint_id: str) -> None:
    """Lets the mint go on without a pin."""
    try:
        with connection.begin_nested():
            connection.execute(insert(pin_waivers).values(mint_id=mint_id))
    except IntegrityError:
        return  # it was waived before


def is_waived(connection: Connection, mint_id: str) -> bool:
    query = select(pin_waivers.c.mint_id).where(pin_waivers.c.mint_id == mint_id)
    return connection.scalar(query) is not None


def unwanted_assets(connection: Connection, service: str, limit: int) -> list[str]:
    """Assets that were never given to the service, as those that are older than it, oldest first."""
    known = exists().where(pins.c.asset_id == assets.c.id, pins.c.service == service)
    query = select(assets.c.id).where(~known).order_by(assets.c.created_at, assets.c.id).limit(limit)
    return list(connection.scalars(query))


def due_pins(
    connection: Connection, services: Sequence[str], checked_before: str, limit: int
) -> list[PinRecord]:
    """Pins without a job that are to be looked at: not pinned yet, or last looked at before that time."""
    if not services:
        return []
    has_job = exists().where(jobs.c.queue == "pin", jobs.c.record_id == pins.c.id)
    due = pins.c.status.in_(UNPINNED) | (pins.c.checked_at < checked_before)
    query = select(pins).where(pins.c.service.in_(services), due, ~has_job)
    query = query.order_by(pins.c.checked_at, pins.c.id).limit(limit)
    return [PinRecord(**row._mapping) for row in connection.execute(query)]


def named_asset(connection: Connection, tenant_id: str, name: str) -> Row[Any]:
    """The tenant's asset of that id, or the newest whose directory or metadata has that CID. Raises UnknownAsset."""
    try:
        cid = str(Cid.parse(name).as_v1())
    except InvalidCid:
        return own_asset(connection, tenant_id, name)
    rooted = select(pins.c.asset_id).where(pins.c.root == cid)
    query = select(assets).where(
        assets.c.tenant_id == tenant_id, (assets.c.metadata_cid == cid) | assets.c.id.in_(rooted)
    )
    row = connection.execute(query.order_by(assets.c.created_at.desc(), assets.c.id).limit(1)).one_or_none()
    return own_asset(connection, tenant_id, name) if row is None else row


@dataclass(frozen=True)
class PublicHealth:
    """What anybody may know of content that was minted or is pinned: which services, and when. ``held`` says whether
    the service held it when it was last asked."""

    minted: bool
    services: tuple[tuple[str, bool, str | None, str | None, str | None], ...]


def public_health(connection: Connection, cid: Cid) -> PublicHealth | None:
    """Of whoever's asset it is; None for what is neither minted nor pinned. For each service its name, whether it
    holds it, and when it was pinned, asked and read back."""
    text = str(cid.as_v1())
    confirmed = (
        select(mints.c.id)
        .join(assets, assets.c.id == mints.c.asset_id)
        .where(assets.c.metadata_cid == text, mints.c.status == "confirmed")
    )
    minted = connection.scalar(confirmed.limit(1)) is not None
    about = (pins.c.root == text) | (pins.c.metadata_cid == text)
    # Several assets may share the content: what one of them says is held counts before what another lost.
    held = pins.c.status == "pinned"
    query = select(pins).where(about, pins.c.pinned_at.is_not(None))
    query = query.order_by(held.desc(), pins.c.checked_at.desc(), pins.c.id)
    found: dict[str, Row[Any]] = {}
    for row in connection.execute(query.limit(_PUBLIC_ROWS)):
        found.setdefault(row.service, row)
    if not minted and not found:
        return None
    told = [
        (name, row.status == "pinned", row.pinned_at, row.checked_at, row.read_at)
        for name, row in sorted(found.items())
    ]
    return PublicHealth(minted, tuple(told))
