"""Whose assets are within the game, before and beside what the chain says."""

from typing import Any

from sqlalchemy import Connection, Row, select, update

from engine.database.assets import own_asset
from engine.database.players import known_player
from engine.database.tables import assets
from engine.database.voucher_places import check_no_mint, check_no_voucher
from engine.database.vouchers import Asking
from engine.errors import UnknownAsset


def set_holder(
    connection: Connection,
    tenant_id: str,
    asset_id: str,
    chain_id: int,
    player_id: str | None,
    reference: str | None,
) -> None:
    """Says whose the tenant's asset is: a player's, somebody's whom the studio knows, or nobody's.

    Raises UnknownAsset, UnknownRecord for a player, and Conflict where the asset is on its way onto the chain.
    """
    own_asset(connection, tenant_id, asset_id)
    if player_id is not None:
        known_player(connection, player_id)
    check_no_voucher(connection, asset_id, chain_id)
    check_no_mint(connection, asset_id, chain_id)
    values = {"holder_player_id": player_id, "holder_reference": reference}
    connection.execute(update(assets).where(assets.c.id == asset_id).values(**values))


def held_asset(connection: Connection, asking: Asking, asset_id: str) -> Row[Any]:
    """The row of an asset that is the studio's, or that the player holds. Raises UnknownAsset."""
    if asking.tenant_id is not None:
        return own_asset(connection, asking.tenant_id, asset_id)
    query = select(assets).where(assets.c.id == asset_id, assets.c.holder_player_id == asking.player_id)
    row = connection.execute(query).one_or_none() if asset_id.isprintable() else None
    if row is None:
        raise UnknownAsset(f"You hold no asset {asset_id[:80]!r}; ask the game which are yours.")
    return row
