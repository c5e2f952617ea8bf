"""Assets as the API tells them: a page of them by a fixed number of queries."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Connection, Row, bindparam, select

from assets.asset import Asset as AssetRecord
from assets.cid import Cid
from engine.api.asset import Asset, File, Token
from engine.api.voucher import Holder
from engine.asset_files import AssetFiles
from engine.database.tables import asset_tags, assets, collection_assets, favourites, mints

_FILE_TYPES = {
    "mp4": "video/mp4",
    "webp": "image/webp",
    "gif": "image/gif",
    "png": "image/png",
    "json": "application/json",
    "tres": "text/plain; charset=utf-8",
    "tsx": "text/plain; charset=utf-8",
}
_LINKS = ("media", "image", "recipe", "metadata", "car")


# Written once: to put a statement together takes longer than SQLite takes to answer it.
_OF_THESE = bindparam("ids", expanding=True)
_ROWS = select(assets).where(assets.c.id.in_(_OF_THESE))
_TAGS = (
    select(asset_tags.c.asset_id, asset_tags.c.tag)
    .where(asset_tags.c.asset_id.in_(_OF_THESE))
    .order_by(asset_tags.c.tag)
)
_COLLECTIONS = (
    select(collection_assets.c.asset_id, collection_assets.c.collection_id)
    .where(collection_assets.c.asset_id.in_(_OF_THESE))
    .order_by(collection_assets.c.collection_id)
)
_FAVOURITES = select(favourites.c.asset_id).where(favourites.c.asset_id.in_(_OF_THESE))
_CONFIRMED = (
    select(mints.c.asset_id, mints.c.chain_id, mints.c.contract, mints.c.token_id)
    .where(mints.c.asset_id.in_(_OF_THESE), mints.c.status == "confirmed")
    .order_by(mints.c.created_at)
)


def asset_views(
    connection: Connection, found: Sequence[Row[Any] | AssetRecord], files: AssetFiles
) -> list[Asset]:
    """The assets in their order, with their tags, collections and tokens.

    ``found`` are rows of ``tables.assets``, or assets that are recorded there. The blocks are asked only for what a
    clip comes in. Raises BlockMissing and BlockDamaged where a clip's metadata cannot be read.
    """
    if not found:
        return []
    rows = _rows(connection, found)
    these = {"ids": [row.id for row in rows]}
    tags, collections = (_listed(connection.execute(query, these)) for query in (_TAGS, _COLLECTIONS))
    tokens = {  # of each asset's newest confirmed mint
        row.asset_id: Token(chain_id=row.chain_id, contract=row.contract, token_id=row.token_id)
        for row in connection.execute(_CONFIRMED, these)
    }
    marked = set(connection.scalars(_FAVOURITES, these))
    return [
        _view(
            row,
            tuple(tags[row.id]),
            tuple(collections[row.id]),
            tokens.get(row.id),
            row.id in marked,
            files,
        )
        for row in rows
    ]


def _rows(connection: Connection, found: Sequence[Row[Any] | AssetRecord]) -> list[Row[Any]]:
    ids = [each.asset_id for each in found if isinstance(each, AssetRecord)]
    read = {row.id: row for row in (connection.execute(_ROWS, {"ids": ids}) if ids else ())}
    return [read[each.asset_id] if isinstance(each, AssetRecord) else each for each in found]


def _listed(pairs: Iterable[Any]) -> defaultdict[str, list[str]]:
    listed: defaultdict[str, list[str]] = defaultdict(list)
    for asset_id, each in pairs:
        listed[asset_id].append(each)
    return listed


def _view(
    row: Row[Any],
    tags: tuple[str, ...],
    collections: tuple[str, ...],
    token: Token | None,
    favourite: bool,
    files: AssetFiles,
) -> Asset:
    here, recipe = f"/v1/assets/{row.id}", row.recipe
    moving = row.kind == "clip"
    listed = files.listed(Cid.parse(row.metadata_cid)) if moving else {}
    links = {"self": here} | {name: f"{here}/{name}" for name in _LINKS}
    if "sheet.png" in listed:
        links["sheet"] = f"{here}/sheet"
    if row.creation_id is not None:
        links["creation"] = f"/v1/creations/{row.creation_id}"
    return Asset(
        id=row.id,
        kind=row.kind,
        name=row.name,
        prompt=recipe.get("prompt"),
        model=recipe.get("model"),
        seed=recipe.get("seed"),
        size=recipe.get("size") or max(recipe["width"], recipe["height"]),
        tags=tags,
        favourite=favourite,
        creation=row.creation_id,
        collections=collections,
        owner=row.owner,
        holder=_holder(row),
        token=token,
        parents=tuple(row.parents),
        media=File(url=f"{here}/media", cid=row.media_cid, type="image/apng" if moving else "image/png"),
        image=File(url=f"{here}/image", cid=row.image_cid, type="image/png"),
        files={
            name: File(url=f"{here}/files/{name}", cid=str(cid), type=_FILE_TYPES[name.rpartition(".")[2]])
            for name, cid in listed.items()
        },
        metadata_cid=row.metadata_cid,
        recipe_hash=row.recipe_hash,
        uploaded=row.creation_id is None,
        quality=row.quality,
        created_at=row.created_at.replace("+00:00", "Z"),
        links=links,
    )


def _holder(row: Row[Any]) -> Holder | None:
    if row.holder_player_id is None and row.holder_reference is None:
        return None
    return Holder(player=row.holder_player_id, reference=row.holder_reference)
