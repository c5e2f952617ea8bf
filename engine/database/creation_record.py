"""A finished creation as it is recorded: its assets, and what was wished for them, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, insert, select

from assets.asset import Asset
from engine.api.creation import CreationStatus
from engine.asset_files import AssetFiles
from engine.database.asset_rows import asset_of, asset_row
from engine.database.asset_views import asset_views
from engine.database.creation_events import ASSET, append
from engine.database.creations import end_creation, has_ended, locked_creation
from engine.database.jobs import enqueue
from engine.database.mints import add_mint
from engine.database.records import CreationRecord
from engine.database.tables import asset_tags, assets, collection_assets, collections
from engine.database.usage import add_use
from engine.errors import InvalidField


@dataclass(frozen=True)
class MintWish:
    """To whom each asset is minted on which chain. ``kept`` are those that are not, with the reason."""

    recipient: str
    chain_id: int
    kept: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Wishes:
    tags: tuple[str, ...] = ()
    mint: MintWish | None = None


def own_picture(connection: Connection, tenant_id: str, asset_id: str, name: str) -> Asset:
    """The tenant's asset of that id. Raises InvalidField at the request's control ``name`` where there is none."""
    own = (assets.c.id == asset_id) & (assets.c.tenant_id == tenant_id)
    row = connection.execute(select(assets).where(own)).one_or_none()
    if row is None:
        raise InvalidField(
            f"There is no asset {asset_id[:80]!r} to take as the {name}; upload one, or name one that is there.",
            f"/controls/{name}",
        )
    return asset_of(row)


def record_success(
    connection: Connection, creation_id: str, made: Sequence[Asset], wishes: Wishes, files: AssetFiles
) -> None:
    """Writes the assets with their tags, collection, mints and events, and ends the creation; nothing where it has
    ended before."""
    creation = locked_creation(connection, creation_id)
    if has_ended(creation):
        return
    _add_assets(connection, creation, made)
    for asset in made if wishes.tags else ():
        for tag in dict.fromkeys(wishes.tags):
            connection.execute(insert(asset_tags).values(asset_id=asset.asset_id, tag=tag))
    if creation.collection_id is not None:
        _collect(connection, creation.collection_id, made)
    minted = [] if wishes.mint is None else _ask_for_mints(connection, creation, made, wishes.mint)
    if creation.key_id is not None:
        steps = sum(int(recipe["steps"]) for recipe in creation.recipes)
        add_use(connection, creation.key_id, steps=steps, mints=len(minted))
    for view in asset_views(connection, made, files):
        append(connection, creation_id, ASSET, {"asset": view.model_dump(mode="json")})
    kept = {} if wishes.mint is None else dict(wishes.mint.kept)
    end_creation(
        connection,
        creation_id,
        CreationStatus.SUCCEEDED,
        files,
        assets=[asset.asset_id for asset in made],
        mints=minted,
        not_minted=[{"asset": name, "reason": reason} for name, reason in kept.items()],
    )


def _add_assets(connection: Connection, creation: CreationRecord, made: Sequence[Asset]) -> None:
    known = set(connection.scalars(select(assets.c.id).where(assets.c.creation_id == creation.id)))
    fresh = [
        asset_row(asset) | {"creation_id": creation.id, "position": position, "tenant_id": creation.tenant_id}
        for position, asset in enumerate(made)
        if asset.asset_id not in known
    ]
    if fresh:
        connection.execute(insert(assets), fresh)


def _collect(connection: Connection, collection_id: str, made: Sequence[Asset]) -> None:
    # Locked, so that two creations that end at once do not count from the same position.
    connection.execute(select(collections.c.id).where(collections.c.id == collection_id).with_for_update())
    table = collection_assets
    last = connection.scalar(select(func.max(table.c.position)).where(table.c.collection_id == collection_id))
    begin = 0 if last is None else last + 1
    rows = [
        {"collection_id": collection_id, "asset_id": asset.asset_id, "position": begin + index}
        for index, asset in enumerate(made)
    ]
    connection.execute(insert(table), rows)


def _ask_for_mints(
    connection: Connection, creation: CreationRecord, made: Sequence[Asset], wish: MintWish
) -> list[str]:
    asked = []
    for asset in made:
        if asset.asset_id in wish.kept:
            continue
        mint, fresh = add_mint(connection, asset, wish.recipient, wish.chain_id, creation.key_id)
        if fresh:
            enqueue(connection, "mint", mint.id, creation.tenant_id)
        asked.append(mint.id)
    return asked
