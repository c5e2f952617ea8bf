"""What the chain says became of vouchers, told to the records of their assets."""

import time
from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Connection, and_, func, insert, select, update

from chain.voucher import Claim
from engine.api.webhook import EventType
from engine.database.clock import now
from engine.database.jobs import enqueue
from engine.database.mints import MintRecord, living_mint, mint_view
from engine.database.tables import assets, mint_changes, mints, voucher_events, vouchers
from engine.database.voucher_places import LIVING_VOUCHER, lock_asset
from engine.database.vouchers import EXPIRY_MARGIN_S, QUEUE, VoucherRecord
from engine.database.webhooks import announce

RECHECK: Final = "recheck"  # the job of a voucher whose end a reorganisation removed
_REMOVED: Final = "A reorganisation of the chain removed the claim; the voucher can be claimed again."


def voucher_claimed(connection: Connection, chain_id: int, signer: str, nonce: int, claim: Claim) -> bool:
    """Records that a voucher became a token, as the chain says: the asset then has a confirmed mint and its owner, and
    the studio hears of it. Again is the same as once, and with another place or token the records follow. False for a
    voucher that is not ours.

    Whoever reads the chain calls it, for claims that are as final as a mint has to be.
    """
    own = (vouchers.c.chain_id == chain_id) & (vouchers.c.signer == signer) & (vouchers.c.nonce == str(nonce))
    found = connection.execute(select(vouchers).where(own).with_for_update()).one_or_none()
    if found is None:
        return False
    record = VoucherRecord(**found._mapping)
    lock_asset(connection, record.asset_id)
    _end_others(connection, record)
    ended = {"status": "claimed", "token_id": str(claim.token_id), "error": None}
    connection.execute(update(vouchers).where(vouchers.c.id == record.id).values(**ended))
    mint_id = f"mint-{record.id}"
    living = living_mint(connection, record.asset_id, chain_id)
    if living is not None and living.id != mint_id:
        return True  # a mint was faster than all that keeps one from it; the records tell of that
    owner = {"owner": claim.recipient}
    connection.execute(update(assets).where(assets.c.id == record.asset_id).values(**owner))
    told = {
        "recipient": claim.recipient,
        "status": "confirmed",
        "token_id": str(claim.token_id),
        "tx_hash": claim.tx_hash,
        "block_number": claim.block_number,
        "error": None,
    }
    before = connection.execute(select(mints).where(mints.c.id == mint_id)).one_or_none()
    if before is not None and all(before._mapping[name] == value for name, value in told.items()):
        return True
    if before is None:
        connection.execute(
            insert(mints).values(
                id=mint_id,
                tenant_id=record.tenant_id,
                key_id=record.key_id,
                asset_id=record.asset_id,
                chain_id=chain_id,
                contract=record.collection,
                created_at=now(),
                **told,
            )
        )
    else:
        connection.execute(update(mints).where(mints.c.id == mint_id).values(**told))
    _write_down(connection, mint_id)
    if before is None or (before.status, before.token_id) != ("confirmed", told["token_id"]):
        _announce(connection, mint_id, EventType.MINT_CONFIRMED)
    return True


def claim_block(connection: Connection, voucher_id: str) -> int | None:
    """The block in which a voucher was claimed, as far as the records know."""
    own = (mints.c.id == f"mint-{voucher_id}") & (mints.c.status == "confirmed")
    return connection.scalar(select(mints.c.block_number).where(own))


def claim_removed(connection: Connection, voucher_id: str) -> bool:
    """Lets a voucher be claimed again whose claim the chain no longer has; False where it is not claimed any more."""
    found = connection.execute(
        select(vouchers).where(vouchers.c.id == voucher_id).with_for_update()
    ).one_or_none()
    if found is None or found.status != "claimed":
        return False
    lock_asset(connection, found.asset_id)
    opened = {"status": "signed", "token_id": None, "error": _REMOVED}
    connection.execute(update(vouchers).where(vouchers.c.id == voucher_id).values(**opened))
    mint_id = f"mint-{voucher_id}"
    living = (mints.c.id == mint_id) & (mints.c.status != "failed")
    failed = update(mints).where(living).values(status="failed", error=_REMOVED)
    if connection.execute(failed).rowcount:
        connection.execute(update(assets).where(assets.c.id == found.asset_id).values(owner=None))
        _write_down(connection, mint_id)
        _announce(connection, mint_id, EventType.MINT_FAILED)
    after_s = max(0.0, found.deadline_s + EXPIRY_MARGIN_S - time.time())
    enqueue(connection, QUEUE, f"expire:{voucher_id}", found.tenant_id, after_s=after_s)
    return True


def recheck_vouchers(connection: Connection, chain_id: int, block_number: int) -> None:
    """Lets a worker look again at the vouchers that ended by what blocks after ``block_number`` said.

    For whoever undoes these blocks, before their events are gone.
    """
    of_voucher = and_(
        vouchers.c.chain_id == voucher_events.c.chain_id,
        vouchers.c.signer == voucher_events.c.signer,
        vouchers.c.nonce == voucher_events.c.nonce,
        vouchers.c.contract == voucher_events.c.contract,
    )
    ended: Sequence[Any] = connection.execute(
        select(vouchers.c.id, vouchers.c.tenant_id)
        .join(voucher_events, of_voucher)
        .where(
            voucher_events.c.chain_id == chain_id,
            voucher_events.c.block_number > block_number,
            vouchers.c.status.in_(("claimed", "cancelled")),
        )
        .distinct()
    ).all()
    for row in ended:
        enqueue(connection, QUEUE, f"{RECHECK}:{row.id}", row.tenant_id)


def _end_others(connection: Connection, record: VoucherRecord) -> None:
    """Ends the asset's living voucher besides this one: it would be a second token of the asset."""
    own = (vouchers.c.asset_id == record.asset_id) & (vouchers.c.chain_id == record.chain_id)
    other = own & (vouchers.c.id != record.id) & vouchers.c.status.in_(LIVING_VOUCHER)
    for row in connection.execute(select(vouchers).where(other).with_for_update()).all():
        told = {"error": f"The asset was claimed by the voucher {record.id}."}
        if row.handed_out_at is None:
            told["status"] = "cancelled"
        else:
            told["status"] = "cancelling"
            enqueue(connection, QUEUE, f"cancel:{row.id}", row.tenant_id)
        connection.execute(update(vouchers).where(vouchers.c.id == row.id).values(**told))


def _write_down(connection: Connection, mint_id: str) -> None:
    """The mint's present state as its next change."""
    mint = connection.execute(select(mints).where(mints.c.id == mint_id)).one()
    table = mint_changes
    last = connection.scalar(select(func.max(table.c.number)).where(table.c.mint_id == mint_id)) or 0
    connection.execute(
        insert(table).values(
            mint_id=mint_id,
            number=last + 1,
            status=mint.status,
            reason=mint.error,
            tx_hash=mint.tx_hash,
            block_number=mint.block_number,
            at=now(),
        )
    )


def _announce(connection: Connection, mint_id: str, event: EventType) -> None:
    row = connection.execute(select(mints).where(mints.c.id == mint_id)).one()
    told = mint_view(MintRecord(**row._mapping)).model_dump(mode="json")
    announce(connection, row.tenant_id, event, told)
