"""Mints as frozen records and as the API tells them, and what writes them within a transaction."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Select, bindparam, func, insert, literal, select, update
from sqlalchemy.exc import IntegrityError

from assets.asset import Asset
from engine.api.asset import Mint, MintChange
from engine.api.webhook import EventType
from engine.database.asset_rows import asset_row
from engine.database.clock import now
from engine.database.tables import assets, mint_changes, mints
from engine.database.voucher_places import check_no_voucher
from engine.database.webhooks import announce
from engine.errors import UnknownRecord

NEWEST_FIRST = (mints.c.created_at, mints.c.id)  # as engine.server.cursor.page orders
FINISHED_MINT = ("confirmed", "failed")
_TOLD_AT_THE_END = {"confirmed": EventType.MINT_CONFIRMED, "failed": EventType.MINT_FAILED}


@dataclass(frozen=True)
class MintRecord:
    """``token_id``, ``tx_hash`` and ``block_number`` are None until they are known, ``key_id`` for the command line."""

    id: str
    tenant_id: str
    key_id: str | None
    asset_id: str
    recipient: str
    chain_id: int
    contract: str | None
    status: str
    token_id: str | None
    tx_hash: str | None
    block_number: int | None
    error: str | None
    created_at: str


def mint_view(mint: MintRecord, history: tuple[MintChange, ...] | None = None) -> Mint:
    """The mint as the API tells it."""
    return Mint(
        id=mint.id,
        asset=mint.asset_id,
        to=mint.recipient,
        chain_id=mint.chain_id,
        status=mint.status,
        contract=mint.contract,
        token_id=mint.token_id,
        tx_hash=mint.tx_hash,
        block_number=mint.block_number,
        error=mint.error,
        created_at=mint.created_at,
        history=history,
        links={"self": f"/v1/mints/{mint.id}", "asset": f"/v1/assets/{mint.asset_id}"},
    )


def mints_of(tenant_id: str, status: str | None = None, asset_id: str | None = None) -> Select[Any]:
    """The rows of the tenant's mints, in no order."""
    query = select(mints).where(mints.c.tenant_id == tenant_id)
    if status is not None:
        query = query.where(mints.c.status == status)
    return query if asset_id is None else query.where(mints.c.asset_id == asset_id)


def own_mint(connection: Connection, tenant_id: str, mint_id: str) -> MintRecord:
    """Raises UnknownRecord."""
    query = mints_of(tenant_id).where(mints.c.id == mint_id)
    # PostgreSQL takes no NUL in a text.
    row = connection.execute(query).one_or_none() if mint_id.isprintable() else None
    if row is None:
        raise UnknownRecord(f"There is no mint {mint_id[:80]!r}; list the mints to see those there are.")
    return MintRecord(**row._mapping)


def living_mint(connection: Connection, asset_id: str, chain_id: int) -> MintRecord | None:
    """The asset's mint on that chain, finished or not, unless it failed."""
    row = connection.execute(living(asset_id, chain_id)).one_or_none()
    return None if row is None else MintRecord(**row._mapping)


def living(asset_id: str, chain_id: int) -> Select[Any]:
    """The query behind ``living_mint``."""
    return select(mints).where(
        mints.c.asset_id == asset_id, mints.c.chain_id == chain_id, mints.c.status != "failed"
    )


def add_mint(
    connection: Connection, asset: Asset, recipient: str, chain_id: int, key_id: str | None = None
) -> tuple[MintRecord, bool]:
    """The asset's living mint on that chain, and whether this call made it.

    A mint that is made writes the asset's metadata and quality with it, all or nothing: what goes on chain is
    what ``asset`` says. Raises Conflict where a voucher promises the asset.
    """
    record = living_mint(connection, asset.asset_id, chain_id)
    if record is not None:
        return record, False
    check_no_voucher(connection, asset.asset_id, chain_id)
    own = assets.c.id == asset.asset_id
    of_asset = mints.c.asset_id == asset.asset_id
    earlier = connection.scalar(select(func.count()).select_from(mints).where(of_asset)) or 0
    row = asset_row(asset)
    try:
        with connection.begin_nested():
            connection.execute(
                insert(mints).values(
                    id=f"mint-{asset.asset_id}-{earlier + 1}",
                    tenant_id=select(assets.c.tenant_id).where(own).scalar_subquery(),
                    key_id=key_id,
                    asset_id=asset.asset_id,
                    recipient=recipient,
                    chain_id=chain_id,
                    status="prepared",
                    created_at=now(),
                )
            )
            described = {name: row[name] for name in ("metadata_cid", "quality")}
            connection.execute(update(assets).where(own).values(**described))
            _write_down(connection, [f"mint-{asset.asset_id}-{earlier + 1}"])
            made = True
    except IntegrityError:
        made = False  # another process was first; its mint is the living one
    record = living_mint(connection, asset.asset_id, chain_id)
    assert record is not None, "the index uq_mints_living refuses a mint only beside a living one"
    return record, made


def update_mint(connection: Connection, mint_id: str, **values: Any) -> None:
    """As ``update_mints``, of one."""
    update_mints(connection, [mint_id], **values)


def update_mints(
    connection: Connection, mint_ids: Sequence[str], tokens: Sequence[str] | None = None, **values: Any
) -> list[str]:
    """Changes those of the mints that have not ended; one that has stays as it is. Returns which were changed.

    ``tokens`` gives each its token's id. A new status is written down in ``mint_changes``, an end announced to the
    tenant's webhooks.
    """
    query = select(mints).where(mints.c.id.in_(mint_ids), mints.c.status.not_in(FINISHED_MINT))
    before = {row.id: row for row in connection.execute(query.with_for_update())}
    changed = [mint_id for mint_id in mint_ids if mint_id in before]
    if not changed:
        return []
    connection.execute(update(mints).where(mints.c.id.in_(changed)).values(**values))
    if tokens is not None:
        token_of = dict(zip(mint_ids, tokens, strict=True))
        given = [{"mint": mint_id, "token": token_of[mint_id]} for mint_id in changed]
        own = mints.c.id == bindparam("mint")
        connection.execute(update(mints).where(own).values(token_id=bindparam("token")), given)
    status = values.get("status")
    moved = [mint_id for mint_id in changed if status not in (None, before[mint_id].status)]
    if moved:
        _write_down(connection, moved)
        event = _TOLD_AT_THE_END.get(str(status))
        if event is not None:
            for row in connection.execute(select(mints).where(mints.c.id.in_(moved)).order_by(mints.c.id)):
                told = mint_view(MintRecord(**row._mapping)).model_dump(mode="json")
                announce(connection, row.tenant_id, event, told)
    return changed


def reopen_mints(connection: Connection, mint_ids: Sequence[str], reason: str) -> list[MintRecord]:
    """Lets those of the mints that were confirmed go on from ``sent``, without a place; returns them as they were."""
    query = select(mints).where(mints.c.id.in_(mint_ids), mints.c.status == "confirmed").with_for_update()
    reopened = [MintRecord(**row._mapping) for row in connection.execute(query)]
    ids = [mint.id for mint in reopened]
    if ids:
        values = {"status": "sent", "token_id": None, "block_number": None, "error": reason}
        connection.execute(update(mints).where(mints.c.id.in_(ids)).values(**values))
        of_mints = assets.c.id.in_([mint.asset_id for mint in reopened])
        connection.execute(update(assets).where(of_mints).values(owner=None))
        _write_down(connection, ids)
    return reopened


def history_of(connection: Connection, mint_id: str) -> tuple[MintChange, ...]:
    """Each change of the mint's status, oldest first."""
    table = mint_changes
    rows = connection.execute(select(table).where(table.c.mint_id == mint_id).order_by(table.c.number))
    return tuple(
        MintChange(
            status=row.status,
            reason=row.reason,
            tx_hash=row.tx_hash,
            block_number=row.block_number,
            at=row.at,
        )
        for row in rows
    )


def _write_down(connection: Connection, mint_ids: Sequence[str]) -> None:
    """The mints' present state as their next change."""
    table = mint_changes
    earlier = (
        select(func.coalesce(func.max(table.c.number), 0))
        .where(table.c.mint_id == mints.c.id)
        .correlate(mints)
        .scalar_subquery()
    )
    state = select(
        mints.c.id,
        earlier + 1,
        mints.c.status,
        mints.c.error,
        mints.c.tx_hash,
        mints.c.block_number,
        literal(now()),
    ).where(mints.c.id.in_(mint_ids))
    columns = ["mint_id", "number", "status", "reason", "tx_hash", "block_number", "at"]
    connection.execute(insert(table).from_select(columns, state))
