"""A finished creation as it is recorded: its assets, and what was wished for them, in one transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, insert, select

from assets.asset import Asset
from engine.api.creation import CreationStatus
from engine.asset_files import AssetFiles
from engine.database.asset_rows import asset_of, asset_row
from engine.database.asset_views import asset_views
from engine.database.assets import own_asset
from engine.database.collections import add_assets
from engine.database.creation_events import ASSET, append
from engine.database.creations import end_creation, has_ended, locked_creation
from engine.database.jobs import enqueue
from engine.database.mints import add_mint
from engine.database.pins import want_pins
from engine.database.records import CreationRecord
from engine.database.tables import asset_tags, assets
from engine.database.usage import add_use
from engine.errors import Conflict
from engine.planning import pointing


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
    with pointing(f"/controls/{name}"):
        return asset_of(own_asset(connection, tenant_id, asset_id))


def record_success(
    connection: Connection,
    creation_id: str,
    made: Sequence[Asset],
    wishes: Wishes,
    files: AssetFiles,
    pinned_by: Sequence[str] = (),
) -> None:
    """Writes the assets with their tags, collection, pins by the services ``pinned_by``, mints and events, and ends
    the creation; nothing where it has ended before."""
    creation = locked_creation(connection, creation_id)
    if has_ended(creation):
        return
    _add_assets(connection, creation, made)
    want_pins(connection, [asset.asset_id for asset in made], pinned_by)
    for asset in made if wishes.tags else ():
        for tag in dict.fromkeys(wishes.tags):
            connection.execute(insert(asset_tags).values(asset_id=asset.asset_id, tag=tag))
    uncollected = _collect(connection, creation, made)
    minted = [] if wishes.mint is None else _ask_for_mints(connection, creation, made, wishes.mint)
    if creation.key_id is not None:
        steps = sum(int(recipe["steps"]) for recipe in creation.recipes)
        add_use(connection, creation.key_id, steps=steps, mints=len(minted))
    for view in asset_views(connection, made, files):
        append(connection, creation_id, ASSET, {"asset": view.model_dump(mode="json")})
    kept = {} if wishes.mint is None else dict(wishes.mint.kept)
    told: dict[str, Any] = {
        "assets": [asset.asset_id for asset in made],
        "mints": minted,
        "not_minted": [{"asset": name, "reason": reason} for name, reason in kept.items()],
    }
    if uncollected is not None:
        told["not_collected"] = uncollected
    end_creation(connection, creation_id, CreationStatus.SUCCEEDED, files=files, **told)


def _add_assets(connection: Connection, creation: CreationRecord, made: Sequence[Asset]) -> None:
    known = set(connection.scalars(select(assets.c.id).where(assets.c.creation_id == creation.id)))
    fresh = [
        asset_row(asset) | {"creation_id": creation.id, "position": position, "tenant_id": creation.tenant_id}
        for position, asset in enumerate(made)
        if asset.asset_id not in known
    ]
    if fresh:
        connection.execute(insert(assets), fresh)


def _collect(connection: Connection, creation: CreationRecord, made: Sequence[Asset]) -> str | None:
    """Puts them into the creation's collection; returns why it cannot be, which no drawing should be lost for."""
    if creation.collection_id is None:  # none was wished for, or it was removed meanwhile
        return None
    try:
        ids = [asset.asset_id for asset in made]
        add_assets(connection, creation.tenant_id, creation.collection_id, ids)
    except Conflict as error:
        return str(error)
    return None


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
