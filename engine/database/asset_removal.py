"""Deleting assets: whether one may go, and its rows with it."""

from collections.abc import Iterable
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from assets.cid import Cid
from engine.database.asset_family import children_of, is_being_used
from engine.database.tables import assets, jobs, mints, pins, released_blocks, vouchers
from engine.database.verifications import QUEUE
from engine.database.voucher_places import lock_asset
from engine.errors import Conflict

_ENDED_VOUCHER: Final = ("cancelled", "expired", "failed")


def remove_asset(connection: Connection, row: Row[Any], content: Iterable[Cid]) -> None:
    """Deletes the asset with its tags, its places in collections, its pins' rows and the mints that failed, and lets
    go of its ``content``.

    Raises Conflict, and says why, where it is minted or promised, held by a player, or made into others.
    """
    lock_asset(connection, row.id)
    if (reason := _keeps(connection, row)) is not None:
        raise Conflict(f"{row.name[:60]!r} cannot be deleted, because {reason}.")
    own_pins = select(pins.c.id).where(pins.c.asset_id == row.id)
    connection.execute(delete(jobs).where(jobs.c.queue == "pin", jobs.c.record_id.in_(own_pins)))
    connection.execute(delete(jobs).where(jobs.c.queue == QUEUE, jobs.c.record_id == row.id))
    connection.execute(delete(mints).where(mints.c.asset_id == row.id))
    connection.execute(delete(vouchers).where(vouchers.c.asset_id == row.id))
    connection.execute(delete(assets).where(assets.c.id == row.id))
    let_go = [{"cid": str(cid.as_v1())} for cid in dict.fromkeys(content)]
    if let_go:
        dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
        connection.execute(dialect.insert(released_blocks).on_conflict_do_nothing(), let_go)


def _keeps(connection: Connection, row: Row[Any]) -> str | None:
    """Why the asset has to stay; None where it may go."""
    status = connection.scalar(
        select(mints.c.status).where(mints.c.asset_id == row.id, mints.c.status != "failed").limit(1)
    )
    if status == "confirmed" or row.owner is not None:
        return "it is on the chain, and whoever owns it must be able to read and verify it"
    if status is not None:
        return "it is being minted; wait for the end of that"
    living = vouchers.c.status.not_in(_ENDED_VOUCHER)
    if connection.scalar(select(vouchers.c.id).where(vouchers.c.asset_id == row.id, living).limit(1)):
        return "a voucher promises it; cancel the voucher first"
    if row.holder_player_id is not None or row.holder_reference is not None:
        return "a player holds it; take it back first"
    children = children_of(connection, row.tenant_id, row.id)
    if children:
        more = f" and {len(children) - 1} more" if len(children) > 1 else ""
        return f"{children[0].name[:60]!r}{more} was made from it; delete what was made from it first"
    if is_being_used(connection, row.tenant_id, row.id):
        return "something is being made from it; wait for the end of that"
    return None
