"""Deleted assets: their records at once, their blocks when nobody can be storing the same ones."""

import logging
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, delete, select

from assets.asset import Asset, AssetKind
from assets.block import Blocks
from assets.car import export_dag
from assets.cid import RAW, Cid
from assets.errors import AssetsError
from engine.asset_files import AssetFiles
from engine.content_health import roots
from engine.database.asset_removal import remove_asset
from engine.database.asset_rows import asset_of
from engine.database.assets import own_assets
from engine.database.database import Database
from engine.database.pins import pins_of
from engine.database.tables import assets, creations, pins, released_blocks
from engine.errors import Conflict

log = logging.getLogger(__name__)
_UNFINISHED = ("queued", "running")


@dataclass(frozen=True)
class Removal:
    """What was deleted, and of each asset that was not, why."""

    removed: tuple[str, ...]
    kept: dict[str, str]


class AssetRemoval:
    """Deletes assets of one data folder or database."""

    def __init__(self, database: Database, blocks: Blocks) -> None:
        self._database, self._blocks, self._files = database, blocks, AssetFiles(blocks)

    def remove(self, tenant_id: str, asset_id: str) -> None:
        """Raises UnknownAsset, and Conflict with the reason where the asset has to stay."""
        kept = self.remove_many(tenant_id, [asset_id]).kept
        if asset_id in kept:
            raise Conflict(kept[asset_id])

    def remove_many(self, tenant_id: str, asset_ids: list[str]) -> Removal:
        """Deletes those that may go, each for itself, and what was made from another before that. Raises UnknownAsset,
        then nothing is deleted."""
        with self._database.reading() as connection:
            rows = own_assets(connection, tenant_id, list(dict.fromkeys(asset_ids)))
            content = {row.id: self._content(connection, asset_of(row)) for row in rows}
        removed: list[str] = []
        with self._database.writing() as connection:
            while True:  # once more for each that may go now that what was made from it is gone
                kept: dict[str, str] = {}
                left = [row for row in rows if row.id not in removed]
                for row in left:
                    try:
                        remove_asset(connection, row, content[row.id])
                        removed.append(row.id)
                    except Conflict as error:
                        kept[row.id] = str(error)
                if len(kept) in (0, len(left)):
                    break
        return Removal(tuple(removed), kept)

    def sweep(self) -> int:
        """Removes the blocks of deleted assets that nothing else needs; how many. Only for who has the data folder
        to itself, before anything is made: a block that another is about to record must not go.

        Where something is unfinished, or what is needed cannot be read, they stay for the next time.
        """
        with self._database.reading() as connection:
            released = {Cid.parse(text) for text in connection.scalars(select(released_blocks.c.cid))}
            busy = select(creations.c.id).where(creations.c.status.in_(_UNFINISHED)).limit(1)
            if not released or connection.scalar(busy) is not None:
                return 0
            try:
                unneeded = released.difference(self._needed(connection))
            except AssetsError as error:
                log.info("Blocks of deleted assets stay for now: %s", error)
                return 0
        for cid in unneeded:
            self._blocks.delete(cid)
        with self._database.writing() as connection:
            connection.execute(delete(released_blocks))
        return len(unneeded)

    def _content(self, connection: Connection, asset: Asset) -> list[Cid]:
        """Every block of the asset that can be read here."""
        held = pins_of(connection, asset.asset_id)
        found: list[Cid] = []
        try:
            tops = list(roots(asset, next((each.root for each in held if each.root), None), self._files))
        except AssetsError:
            tops = [asset.metadata_cid, asset.media_cid, asset.image_cid]
        for top in tops:
            try:
                found += (cid for cid, _ in export_dag([top], self._blocks))
            except AssetsError:
                continue  # what is damaged or gone already is none that has to go
        return found

    def _needed(self, connection: Connection) -> Iterator[Cid]:
        """The blocks of all assets of all tenants. Whatever else comes to keep blocks has to be named here."""
        tops: set[Cid] = set()
        for row in connection.execute(select(assets)):
            asset = asset_of(row)
            if asset.kind is AssetKind.CLIP:  # whose other files its metadata names alone
                tops.update(roots(asset, None, self._files))
            else:
                sources = (asset.recipe.get(name) for name in ("source_cid", "mask_cid"))
                tops.update((asset.metadata_cid, asset.media_cid, asset.image_cid))
                tops.update(Cid.parse(cid) for cid in sources if isinstance(cid, str))
        rooted = select(pins.c.root).where(pins.c.root.is_not(None))
        tops.update(Cid.parse(text) for text in connection.scalars(rooted))
        yield from (cid.as_v1() for cid in tops if cid.codec == RAW)
        yield from (
            cid.as_v1() for cid, _ in export_dag([cid for cid in tops if cid.codec != RAW], self._blocks)
        )
