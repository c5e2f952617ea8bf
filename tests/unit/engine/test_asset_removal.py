"""Deleting assets: what may go, and which blocks go with it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import insert, select, update

from assets.asset import Asset
from engine.app import Application
from engine.database.database import Database
from engine.database.pins import want_pins
from engine.database.tables import (
    LOCAL_TENANT,
    asset_tags,
    assets,
    creations,
    favourites,
    jobs,
    mints,
    pins,
    released_blocks,
    vouchers,
)
from engine.errors import Conflict, UnknownAsset
from engine.settings import Settings

Add = Callable[..., Asset]
ACCOUNT = "0x" + "12" * 20


@pytest.fixture
def application(settings: Settings) -> Iterator[Application]:
    with Application.open(settings) as opened:
        yield opened


@pytest.fixture
def database(application: Application) -> Database:
    return application.records.database


def mint_row(database: Database, asset: Asset, status: str) -> None:
    with database.writing() as connection:
        values = {"tenant_id": LOCAL_TENANT, "asset_id": asset.asset_id, "recipient": ACCOUNT}
        connection.execute(
            insert(mints).values(id="mint-1", chain_id=31337, status=status, created_at="2026", **values)
        )


def voucher_row(database: Database, asset: Asset, status: str) -> None:
    with database.writing() as connection:
        values = {"tenant_id": LOCAL_TENANT, "asset_id": asset.asset_id, "recipient": ACCOUNT}
        connection.execute(
            insert(vouchers).values(
                id="voucher-1",
                chain_id=31337,
                status=status,
                digest="ab" * 32,
                deadline_s=1,
                created_at="2026",
                **values,
            )
        )


def test_an_asset_goes_with_all_that_is_about_it(
    application: Application, database: Database, add_asset: Add
) -> None:
    asset = add_asset(application)
    mint_row(database, asset, "failed")
    voucher_row(database, asset, "expired")
    with database.writing() as connection:
        connection.execute(insert(asset_tags).values(asset_id=asset.asset_id, tag="x"))
        connection.execute(insert(favourites).values(asset_id=asset.asset_id, at="2026"))
        want_pins(connection, [asset.asset_id], ["kubo"])
    application.removal.remove(LOCAL_TENANT, asset.asset_id)
    with database.reading() as connection:
        assert connection.execute(select(jobs).where(jobs.c.queue != "generate")).all() == []
        for table in (assets, asset_tags, favourites, mints, vouchers, pins):
            assert connection.execute(select(table)).all() == [], table.name
    with pytest.raises(UnknownAsset):
        application.removal.remove(LOCAL_TENANT, asset.asset_id)


@pytest.mark.parametrize("status", ["prepared", "signed", "sent", "mined", "confirmed"])
def test_what_is_minted_or_on_its_way_stays(
    application: Application, database: Database, add_asset: Add, status: str
) -> None:
    asset = add_asset(application)
    mint_row(database, asset, status)
    with pytest.raises(Conflict, match="on the chain" if status == "confirmed" else "being minted"):
        application.removal.remove(LOCAL_TENANT, asset.asset_id)
    assert application.records.asset(asset.asset_id) == asset


@pytest.mark.parametrize("status", ["prepared", "signed", "cancelling", "claimed"])
def test_what_a_voucher_promises_stays(
    application: Application, database: Database, add_asset: Add, status: str
) -> None:
    asset = add_asset(application)
    voucher_row(database, asset, status)
    with pytest.raises(Conflict, match="voucher"):
        application.removal.remove(LOCAL_TENANT, asset.asset_id)


def test_what_a_player_holds_stays(application: Application, database: Database, add_asset: Add) -> None:
    asset = add_asset(application)
    with database.writing() as connection:
        connection.execute(update(assets).values(holder_reference="player one"))
    with pytest.raises(Conflict, match="player"):
        application.removal.remove(LOCAL_TENANT, asset.asset_id)


def test_a_parent_stays_unless_its_children_go_with_it(
    application: Application, database: Database, add_asset: Add
) -> None:
    parent, child = add_asset(application, 1), add_asset(application, 2)
    own = assets.c.id == child.asset_id
    with database.writing() as connection:
        connection.execute(update(assets).where(own).values(parents=[parent.asset_id]))
    with pytest.raises(Conflict, match="was made from it"):
        application.removal.remove(LOCAL_TENANT, parent.asset_id)
    removal = application.removal.remove_many(LOCAL_TENANT, [parent.asset_id, child.asset_id])
    assert set(removal.removed) == {parent.asset_id, child.asset_id}


def test_what_is_being_made_into_something_stays(
    application: Application, database: Database, add_asset: Add
) -> None:
    asset = add_asset(application)
    with database.writing() as connection:
        connection.execute(
            insert(creations).values(
                id="creation-now",
                tenant_id=LOCAL_TENANT,
                status="queued",
                request={"kind": "item", "controls": {"source": asset.asset_id}},
                recipes=[],
                count=1,
                created_at="2026",
            )
        )
    with pytest.raises(Conflict, match="being made"):
        application.removal.remove(LOCAL_TENANT, asset.asset_id)


def test_blocks_go_at_the_next_start_unless_something_else_needs_them(
    application: Application, database: Database, add_asset: Add
) -> None:
    shared, gone = add_asset(application, 1), add_asset(application, 2)
    with database.writing() as connection:  # another asset whose image is that of the one that goes
        own = assets.c.id == shared.asset_id
        connection.execute(update(assets).where(own).values(image_cid=str(gone.image_cid)))
    application.removal.remove(LOCAL_TENANT, gone.asset_id)
    assert application.blocks.has(gone.media_cid), "another may be storing the same block at this moment"
    assert application.removal.sweep() > 0
    assert not application.blocks.has(gone.media_cid)
    assert not application.blocks.has(gone.metadata_cid)
    assert application.blocks.has(gone.image_cid)
    assert all(application.blocks.has(cid) for cid in (shared.media_cid, shared.metadata_cid))
    assert application.removal.sweep() == 0


def test_blocks_stay_while_a_creation_has_not_ended(
    application: Application, database: Database, add_asset: Add
) -> None:
    asset = add_asset(application)
    application.removal.remove(LOCAL_TENANT, asset.asset_id)
    application.records.add_creation("creation-late", [{"model": "any/1"}])
    assert application.removal.sweep() == 0
    assert application.blocks.has(asset.media_cid)
    with database.reading() as connection:
        assert connection.execute(select(released_blocks)).all() != []


def test_blocks_stay_where_what_is_needed_cannot_be_read(
    application: Application, database: Database, add_asset: Add
) -> None:
    clip, gone = add_asset(application, 1), add_asset(application, 2)
    application.removal.remove(LOCAL_TENANT, gone.asset_id)
    with database.writing() as connection:
        own = assets.c.id == clip.asset_id
        connection.execute(update(assets).where(own).values(kind="clip"))
    application.blocks.delete(clip.metadata_cid)
    assert application.removal.sweep() == 0
    assert application.blocks.has(gone.media_cid)


def test_on_postgresql_an_asset_goes_and_its_parent_stays(
    postgresql_url: str, tmp_path: Path, add_asset: Add
) -> None:
    told = {"LORESPARK_DATA_DIR": str(tmp_path / "data"), "LORESPARK_DATABASE_URL": postgresql_url}
    with Application.open(Settings.from_environment(told)) as application:
        parent, child = add_asset(application, 1), add_asset(application, 2)
        own = assets.c.id == child.asset_id
        with application.records.database.writing() as connection:
            connection.execute(update(assets).where(own).values(parents=[parent.asset_id]))
        with pytest.raises(Conflict, match="was made from it"):
            application.removal.remove(LOCAL_TENANT, parent.asset_id)
        application.removal.remove(LOCAL_TENANT, child.asset_id)
        application.removal.remove(LOCAL_TENANT, parent.asset_id)
        assert application.records.asset(parent.asset_id) is None
