"""Names and pictures beside what a player has: whoever may see the voucher or the token may see these."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, select, tuple_

from engine.database.tables import assets, mints
from engine.database.tokens import TokenKey


@dataclass(frozen=True)
class Picture:
    """Of an asset of the tenant ``tenant_id``."""

    asset_id: str
    tenant_id: str
    name: str
    kind: str
    image_cid: str


_COLUMNS = (assets.c.id, assets.c.tenant_id, assets.c.name, assets.c.kind, assets.c.image_cid)


def pictures_of(connection: Connection, asset_ids: Collection[str]) -> dict[str, Picture]:
    """By the assets' ids."""
    if not asset_ids:
        return {}
    rows = connection.execute(select(*_COLUMNS).where(assets.c.id.in_(asset_ids)))
    return {row.id: Picture(*row) for row in rows}


def pictures_of_tokens(
    connection: Connection, chain_id: int, keys: Collection[TokenKey]
) -> dict[TokenKey, Picture]:
    """By contract and token id, of those that were minted from here."""
    if not keys:
        return {}
    rows = connection.execute(
        select(mints.c.contract, mints.c.token_id, *_COLUMNS)
        .join(assets, assets.c.id == mints.c.asset_id)
        .where(
            mints.c.chain_id == chain_id,
            mints.c.status != "failed",
            tuple_(mints.c.contract, mints.c.token_id).in_(list(keys)),
        )
    )
    return {(row[0], row[1]): Picture(*row[2:]) for row in rows}
