"""Vouchers as frozen records, and what writes them within a transaction."""

import secrets
import time
from dataclasses import dataclass, replace
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Select, func, insert, select, update

from assets.asset import Asset
from engine.database.asset_rows import asset_row
from engine.database.clock import now
from engine.database.jobs import enqueue
from engine.database.tables import assets, voucher_contracts, vouchers
from engine.database.voucher_places import LIVING_VOUCHER, check_no_mint, lock_asset
from engine.errors import Conflict, UnknownRecord

NEWEST_FIRST: Final = (vouchers.c.created_at, vouchers.c.id)  # as engine.server.cursor.page orders
QUEUE: Final = "voucher"
# Blocks bear the times that their makers' clocks show; a claim may so be mined some time after a voucher's deadline.
EXPIRY_MARGIN_S: Final = 900
_NONCES_PER_WORD: Final = (
    256  # nonces side by side share a word of the contract's storage, which costs less gas
)
_WORD_BITS: Final = 192


@dataclass(frozen=True)
class VoucherRecord:
    """What is None is not known before the voucher is signed; ``handed_out_at`` before somebody has the signature,
    ``token_id`` before it is claimed. Of ``key_id`` and ``player_id`` one asked for it. Without a recipient it is for
    whoever has it."""

    id: str
    tenant_id: str
    key_id: str | None
    player_id: str | None
    asset_id: str
    chain_id: int
    recipient: str | None
    price_wei: str  # decimal
    digest: str
    deadline_s: int
    status: str
    collection: str | None
    contract: str | None
    signer: str | None
    nonce: str | None
    signature: str | None
    from_block: int | None
    handed_out_at: str | None
    token_id: str | None
    error: str | None
    created_at: str


@dataclass(frozen=True)
class Asking:
    """Who asks about a voucher: a studio by its key, or a player about what they asked for, or what is for their
    account ``address``."""

    tenant_id: str | None = None
    key_id: str | None = None
    player_id: str | None = None
    address: str | None = None


@dataclass(frozen=True)
class Terms:
    """What a voucher is asked to say. Without a recipient it is a bank note: whoever has it claims it."""

    recipient: str | None
    valid_s: int
    price_wei: int = 0


def vouchers_of(tenant_id: str, status: str | None = None, asset_id: str | None = None) -> Select[Any]:
    """The rows of the tenant's vouchers, in no order."""
    query = select(vouchers).where(vouchers.c.tenant_id == tenant_id)
    if status is not None:
        query = query.where(vouchers.c.status == status)
    return query if asset_id is None else query.where(vouchers.c.asset_id == asset_id)


def vouchers_of_player(asking: Asking) -> Select[Any]:
    """The rows of the vouchers that a player may read, in no order."""
    return select(vouchers).where(_readable(asking))


def _readable(asking: Asking) -> ColumnElement[bool]:
    if asking.tenant_id is not None:
        return vouchers.c.tenant_id == asking.tenant_id
    own = vouchers.c.player_id == asking.player_id
    return own if asking.address is None else own | (vouchers.c.recipient == asking.address)


def readable_voucher(connection: Connection, asking: Asking, voucher_id: str) -> VoucherRecord:
    """A voucher that the studio or the player may claim by. Locks it; raises UnknownRecord."""
    return _locked(connection, _readable(asking), voucher_id)


def own_voucher(connection: Connection, asking: Asking, voucher_id: str) -> VoucherRecord:
    """A voucher of the studio, or that the player asked for. Locks it until the transaction's end.

    Raises UnknownRecord.
    """
    return _locked(connection, _readable(replace(asking, address=None)), voucher_id)


def _locked(connection: Connection, whose: ColumnElement[bool], voucher_id: str) -> VoucherRecord:
    query = select(vouchers).where(vouchers.c.id == voucher_id, whose).with_for_update()
    # PostgreSQL takes no NUL in a text.
    row = connection.execute(query).one_or_none() if voucher_id.isprintable() else None
    if row is None:
        raise UnknownRecord(
            f"There is no voucher {voucher_id[:80]!r}; list the vouchers to see those there are."
        )
    return VoucherRecord(**row._mapping)


def voucher(connection: Connection, voucher_id: str) -> VoucherRecord | None:
    row = connection.execute(select(vouchers).where(vouchers.c.id == voucher_id)).one_or_none()
    return None if row is None else VoucherRecord(**row._mapping)


def living_voucher(connection: Connection, asset_id: str, chain_id: int) -> VoucherRecord | None:
    """The asset's voucher on that chain that may be claimed, or soon."""
    living = (vouchers.c.chain_id == chain_id) & vouchers.c.status.in_(LIVING_VOUCHER)
    row = connection.execute(select(vouchers).where(vouchers.c.asset_id == asset_id, living)).one_or_none()
    return None if row is None else VoucherRecord(**row._mapping)


def add_voucher(
    connection: Connection, asset: Asset, wanted: Terms, chain_id: int, asking: Asking
) -> tuple[VoucherRecord, bool]:
    """The asset's living voucher for that recipient and price, and whether this call made it and let it wait for a
    worker.

    One that is made writes the asset's metadata and quality with it: what is claimed is what ``asset`` says.
    Raises Conflict where the asset has a token, or a voucher for other terms.
    """
    lock_asset(connection, asset.asset_id)
    found = living_voucher(connection, asset.asset_id, chain_id)
    if found is not None:
        readable = asking.player_id in (None, found.player_id)
        same = (found.recipient, found.price_wei) == (wanted.recipient, str(wanted.price_wei))
        if same and found.status != "cancelling" and readable:
            if found.status == "prepared":  # who asks again means to try again what was set aside
                enqueue(connection, QUEUE, found.id, found.tenant_id)
            return found, False
        raise Conflict(
            f"The asset {asset.asset_id} is promised by another voucher, {found.id}; it has to be cancelled first, or "
            "its deadline to pass."
        )
    check_no_mint(connection, asset.asset_id, chain_id)
    row, own = asset_row(asset), assets.c.id == asset.asset_id
    described = {name: row[name] for name in ("metadata_cid", "quality")}
    connection.execute(update(assets).where(own).values(**described))
    tenant_id = connection.scalar(select(assets.c.tenant_id).where(own))
    assert tenant_id is not None, "the asset was read in this transaction"
    voucher_id = f"voucher-{uuid4().hex[:20]}"
    connection.execute(
        insert(vouchers).values(
            id=voucher_id,
            tenant_id=tenant_id,
            key_id=asking.key_id,
            player_id=asking.player_id,
            asset_id=asset.asset_id,
            chain_id=chain_id,
            recipient=wanted.recipient,
            price_wei=str(wanted.price_wei),
            digest=asset.metadata_cid.digest.hex(),
            deadline_s=int(time.time()) + wanted.valid_s,
            status="prepared",
            created_at=now(),
        )
    )
    enqueue(connection, QUEUE, voucher_id, tenant_id)
    made = voucher(connection, voucher_id)
    assert made is not None, "it was inserted above"
    return made, True


def hand_out(connection: Connection, record: VoucherRecord) -> VoucherRecord:
    """Notes that somebody gets the signature now, where it holds; from here on only the chain can cancel it."""
    if record.status != "signed" or record.handed_out_at is not None or record.deadline_s < time.time():
        return record
    return _changed(connection, record.id, handed_out_at=now())


def cancel_voucher(connection: Connection, record: VoucherRecord) -> VoucherRecord:
    """Cancels it here where nobody has its signature, else lets the cancellation wait for a worker.

    ``record`` is locked. Raises Conflict where it has ended in another way.
    """
    if record.status == "cancelled":
        return record
    if record.status not in LIVING_VOUCHER:
        raise Conflict(f"The voucher {record.id} is {record.status}, so there is nothing to cancel.")
    if record.handed_out_at is None:
        return _changed(connection, record.id, status="cancelled", error=None)
    enqueue(connection, QUEUE, f"cancel:{record.id}", record.tenant_id)
    return _changed(connection, record.id, status="cancelling")


def update_voucher(connection: Connection, voucher_id: str, *statuses: str, **values: Any) -> bool:
    """Changes a voucher that is in one of these states; False where it is in another."""
    which = (vouchers.c.id == voucher_id) & vouchers.c.status.in_(statuses)
    return connection.execute(update(vouchers).where(which).values(**values)).rowcount > 0


def next_nonce(connection: Connection, signer: str, chain_id: int, fresh: bool = False) -> int:
    """A nonce that no voucher of these records has: the one after the signer's last there, or with ``fresh`` the first
    of a word that nobody used."""
    own = (vouchers.c.signer == signer) & (vouchers.c.chain_id == chain_id) & vouchers.c.nonce.is_not(None)
    # Texts of one length are in the order of their numbers.
    order = (func.length(vouchers.c.nonce).desc(), vouchers.c.nonce.desc())
    last = None if fresh else connection.scalar(select(vouchers.c.nonce).where(own).order_by(*order).limit(1))
    if last is not None and (int(last) + 1) % _NONCES_PER_WORD:
        return int(last) + 1
    return secrets.randbits(_WORD_BITS) * _NONCES_PER_WORD


def living_vouchers_of(connection: Connection, signer: str, chain_id: int) -> int:
    """How many vouchers that this account signed can still be claimed, as far as these records know."""
    return (
        connection.scalar(select(func.count()).select_from(vouchers).where(_living_of(signer, chain_id))) or 0
    )


def fail_vouchers_of(connection: Connection, signer: str, chain_id: int) -> None:
    """Ends them, because their signer lost its role on the chain."""
    told = f"The key of {signer} that signed it was withdrawn; claim the asset again."
    connection.execute(
        update(vouchers).where(_living_of(signer, chain_id)).values(status="failed", error=told)
    )


def _living_of(signer: str, chain_id: int) -> ColumnElement[bool]:
    own = (vouchers.c.signer == signer) & (vouchers.c.chain_id == chain_id)
    return own & vouchers.c.status.in_(("signed", "cancelling"))


def voucher_contract(connection: Connection, chain_id: int) -> str | None:
    """The address of the voucher contract that this server deployed there."""
    table = voucher_contracts
    return connection.scalar(select(table.c.address).where(table.c.chain_id == chain_id))


def set_voucher_contract(connection: Connection, chain_id: int, address: str) -> None:
    if voucher_contract(connection, chain_id) is None:
        connection.execute(
            insert(voucher_contracts).values(chain_id=chain_id, address=address, created_at=now())
        )


def _changed(connection: Connection, voucher_id: str, **values: Any) -> VoucherRecord:
    connection.execute(update(vouchers).where(vouchers.c.id == voucher_id).values(**values))
    changed = voucher(connection, voucher_id)
    assert changed is not None, "vouchers are never deleted"
    return changed
