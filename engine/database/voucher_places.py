"""The one way that an asset takes onto a chain: a mint or a voucher, never both."""

from typing import Final

from sqlalchemy import Connection, select

from engine.database.tables import assets, mints, vouchers
from engine.errors import Conflict

LIVING_VOUCHER: Final = ("prepared", "signed", "cancelling")


def lock_asset(connection: Connection, asset_id: str) -> None:
    """Until the transaction's end nobody else begins a mint or a voucher of the asset, or changes its holder."""
    connection.execute(select(assets.c.id).where(assets.c.id == asset_id).with_for_update())


def check_no_voucher(connection: Connection, asset_id: str, chain_id: int) -> None:
    """Raises Conflict where the asset has a living voucher on that chain. Locks the asset."""
    lock_asset(connection, asset_id)
    living = (vouchers.c.chain_id == chain_id) & vouchers.c.status.in_(LIVING_VOUCHER)
    found = connection.scalar(select(vouchers.c.id).where(vouchers.c.asset_id == asset_id, living))
    if found is not None:
        raise Conflict(
            f"The asset {asset_id} is promised by the voucher {found}; cancel it first, or wait for its deadline."
        )


def check_no_mint(connection: Connection, asset_id: str, chain_id: int) -> None:
    """Raises Conflict where the asset has a token on that chain, or will have. Locks the asset."""
    lock_asset(connection, asset_id)
    living = (mints.c.chain_id == chain_id) & (mints.c.status != "failed")
    found = connection.scalar(select(mints.c.id).where(mints.c.asset_id == asset_id, living))
    if found is not None:
        raise Conflict(
            f"The asset {asset_id} has a token, or its mint {found} is on its way; who owns it says the chain."
        )
