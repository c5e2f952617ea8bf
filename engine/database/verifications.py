"""Verifications of assets: the newest of each, asked for once at a time."""

from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import Connection, delete, insert, select, update

from engine.api.asset import AssetCheck, Verification
from engine.database.clock import now
from engine.database.jobs import BUNDLED, enqueue, state_of
from engine.database.tables import verifications
from engine.errors import UnknownRecord

QUEUE: Final = "verify"
UNFINISHED_VERIFICATION: Final = ("queued", "running")
PictureName = Literal["original", "regenerated", "difference"]
PICTURES: Final[tuple[PictureName, ...]] = ("original", "regenerated", "difference")


@dataclass(frozen=True)
class Comparison:
    """What drawing again gave: counts as of generators.comparison.Difference, and three PNGs of frame ``frame``."""

    total: int
    differing: int
    visible: int
    largest: int
    frame: int
    original: bytes
    regenerated: bytes
    difference: bytes


def verification_of(connection: Connection, asset_id: str) -> Verification | None:
    """The asset's newest; None where there was none."""
    told = [column for column in verifications.c if column.name not in PICTURES]
    row = connection.execute(select(*told).where(verifications.c.asset_id == asset_id)).one_or_none()
    if row is None:
        return None
    here = f"/v1/assets/{asset_id}/verification"
    links = {"self": here, "asset": f"/v1/assets/{asset_id}"}
    if row.total is not None:
        links |= {name: f"{here}/{name}" for name in PICTURES}
    checks = tuple(AssetCheck(**each) for each in row.checks)
    return Verification(
        asset=asset_id,
        ok=all(check.ok for check in checks) if row.status == "done" else None,
        checks=checks,
        links=links,
        **{
            name: getattr(row, name)
            for name in (
                *("status", "error", "total", "differing", "visible", "largest", "frame"),
                *("created_at", "finished_at"),
            )
        },
    )


def ask_verification(
    connection: Connection, tenant_id: str, asset_id: str, model: str = BUNDLED
) -> Verification:
    """Lets the asset be verified by a worker that has ``model``; one that is under way goes on."""
    held = verification_of(connection, asset_id)
    if held is None or held.status not in UNFINISHED_VERIFICATION or _was_lost(connection, asset_id):
        own = verifications.c.asset_id == asset_id
        connection.execute(delete(verifications).where(own))
        connection.execute(
            insert(verifications).values(asset_id=asset_id, status="queued", checks=[], created_at=now())
        )
        enqueue(connection, QUEUE, asset_id, tenant_id, model=model)
    made = verification_of(connection, asset_id)
    assert made is not None, "it was just written"
    return made


def update_verification(connection: Connection, asset_id: str, **values: Any) -> None:
    """Changes it where it has not ended; an end gets its time."""
    if values.get("status") not in UNFINISHED_VERIFICATION:
        values["finished_at"] = now()
    unfinished = verifications.c.status.in_(UNFINISHED_VERIFICATION)
    connection.execute(
        update(verifications).where(verifications.c.asset_id == asset_id, unfinished).values(**values)
    )


def picture_of(connection: Connection, asset_id: str, name: PictureName) -> bytes:
    """The PNG of that name. Raises UnknownRecord where it was not drawn again."""
    found: bytes | None = connection.scalar(
        select(verifications.c[name]).where(verifications.c.asset_id == asset_id)
    )
    if found is None:
        raise UnknownRecord(f"The asset {asset_id} was not drawn again yet; ask for its verification first.")
    return found


def _was_lost(connection: Connection, asset_id: str) -> bool:
    return state_of(connection, QUEUE, asset_id) in (None, "set_aside")
