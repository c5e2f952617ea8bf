"""What a player holds in the game and may claim, as the API tells it: a page by a fixed number of queries."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Row, Select, select

from engine.api.voucher import WalletAsset, WalletToken, WalletVoucher
from engine.database.tables import assets, mints, vouchers
from engine.database.voucher_places import LIVING_VOUCHER


def assets_held_by(player_id: str) -> Select[Any]:
    """The rows of the assets that a player holds, of every studio, in no order."""
    return select(assets).where(assets.c.holder_player_id == player_id)


def wallet_assets(
    connection: Connection, rows: Sequence[Row[Any]], player_id: str, chain_id: int
) -> tuple[WalletAsset, ...]:
    """These assets as their holder sees them."""
    ids = [row.id for row in rows]
    minted = select(mints).where(
        mints.c.asset_id.in_(ids), mints.c.chain_id == chain_id, mints.c.status != "failed"
    )
    promised = select(vouchers).where(
        vouchers.c.asset_id.in_(ids),
        vouchers.c.chain_id == chain_id,
        vouchers.c.status.in_(LIVING_VOUCHER),
    )
    mint_of = {row.asset_id: row for row in connection.execute(minted)} if ids else {}
    voucher_of = {row.asset_id: row for row in connection.execute(promised)} if ids else {}
    return tuple(_view(row, mint_of.get(row.id), voucher_of.get(row.id), player_id, chain_id) for row in rows)


def _view(
    row: Row[Any], mint: Row[Any] | None, voucher: Row[Any] | None, player_id: str, chain_id: int
) -> WalletAsset:
    path = f"/v1/assets/{row.id}"
    links = {"media": f"/ipfs/{row.media_cid}", "image": f"/ipfs/{row.image_cid}"}
    is_free = mint is None and voucher is None
    if is_free:
        links["claim"] = f"{path}/claim"
    own = voucher is not None and voucher.player_id == player_id
    if voucher is not None and own:
        links["voucher"] = f"/v1/vouchers/{voucher.id}"
    token = None
    if mint is not None and mint.token_id is not None and mint.contract is not None:
        token = WalletToken(chain_id=chain_id, contract=mint.contract, token_id=mint.token_id)
    return WalletAsset(
        id=row.id,
        kind=row.kind,
        name=row.name,
        media_cid=row.media_cid,
        image_cid=row.image_cid,
        metadata_cid=row.metadata_cid,
        owner=row.owner,
        token=token,
        mint=None if mint is None else mint.status,
        voucher=None if voucher is None else _voucher(voucher),
        claimable=is_free,
        created_at=row.created_at.replace("+00:00", "Z"),
        links=links,
    )


def _voucher(row: Row[Any]) -> WalletVoucher:
    return WalletVoucher(
        id=row.id,
        to=row.recipient,
        price_wei=row.price_wei,
        status="expired" if row.deadline_s < time.time() else row.status,
        expires_at=datetime.fromtimestamp(row.deadline_s, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
