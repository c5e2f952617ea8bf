"""The queries behind assets, collections, mints and search, on SQLite and on PostgreSQL alike."""

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
import pytest
from sqlalchemy import update

from assets.asset import Asset, AssetKind
from assets.blockstore import BlockStore
from assets.canonical_json import JsonObject
from assets.cid import raw_cid
from engine.api.account import NewKey
from engine.api.asset import NewCollection
from engine.asset_files import AssetFiles
from engine.database import tables
from engine.database.asset_vectors import texts_without_vector
from engine.database.asset_views import asset_views
from engine.database.assets import (
    NEWEST_FIRST,
    AssetFilter,
    assets_of_tenant,
    own_asset,
    own_assets,
    record_upload,
    set_tags,
)
from engine.database.collections import add_assets, add_collection, assets_in, own_collection, remove_asset
from engine.database.database import Database
from engine.database.mints import add_mint, mints_of, own_mint, update_mint
from engine.database.records import Records
from engine.database.tenants import add_key, add_tenant
from engine.errors import UnknownAsset, UnknownRecord
from engine.search import LEARNT_AT_ONCE, AssetSearch
from engine.server.cursor import page
from generators.recipe import Recipe
from tests.recorded import record_assets

ALICE = "0x" + "11" * 20
Recipes = Callable[..., Recipe]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        opened = Database.open(tmp_path / "records.db")
    else:
        opened = Database.connect(request.getfixturevalue("postgresql_url"))
    yield opened
    opened.close()


@pytest.fixture
def tenant(database: Database) -> str:
    with database.writing() as connection:
        return add_tenant(connection, "studio").id


@pytest.fixture
def files(tmp_path: Path) -> AssetFiles:
    return AssetFiles(BlockStore(tmp_path / "blocks"))


@pytest.fixture
def put(database: Database, tenant: str, recipe: Recipes) -> Callable[..., Asset]:
    """Records an asset of its own creation, each a second newer than the one before."""
    made = 0

    def put(prompt: str = "a red potion bottle", tenant_id: str = tenant, **fields: Any) -> Asset:
        nonlocal made
        made += 1
        drawn = recipe(prompt=prompt, seed=made, **fields)
        asset = Asset(
            asset_id=f"asset-{made}",
            kind=AssetKind(drawn.kind.value),
            name=prompt.capitalize(),
            recipe=JsonObject(drawn.to_dict()),
            media_cid=raw_cid(b"media"),
            image_cid=raw_cid(b"image"),
            metadata_cid=raw_cid(b"{}"),
            created_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=made),
        )
        records = Records(database)
        records.add_creation(f"creation-{made}", [drawn.to_dict()], tenant_id)
        record_assets(records, f"creation-{made}", [asset])
        return asset

    return put


def found(database: Database, tenant: str, **wanted: Any) -> list[str]:
    with database.reading() as connection:
        query = assets_of_tenant(tenant, AssetFilter(**wanted))
        return [row.id for row in page(connection, query, NEWEST_FIRST, 50, None)[0]]


def test_filters_find_what_they_say_and_only_the_tenants(
    database: Database, tenant: str, put: Callable[..., Asset]
) -> None:
    potion, wall = put(), put("a wall", kind="tile")
    with database.writing() as connection:
        other = add_tenant(connection, "other").id
    put("a wall", tenant_id=other, kind="tile")
    with database.writing() as connection:
        set_tags(connection, potion.asset_id, ["forest"])
        made = add_collection(connection, tenant, NewCollection(name="All", assets=(wall.asset_id,)))
        mint, _ = add_mint(connection, potion, ALICE, 31337)
        update_mint(connection, mint.id, status="confirmed", token_id="1", contract=ALICE)
        uploaded = Asset(
            asset_id="asset-upload",
            kind=AssetKind.ITEM,
            name="A fox",
            recipe=JsonObject({"format": "lorespark-upload/1", "width": 8, "height": 9}),
            media_cid=raw_cid(b"fox"),
            image_cid=raw_cid(b"fox"),
            metadata_cid=raw_cid(b"{}"),
            created_at=datetime(2026, 1, 2, tzinfo=UTC),
        )
        record_upload(connection, tenant, uploaded, ["forest"])
    with database.writing() as connection:
        connection.execute(
            update(tables.assets).where(tables.assets.c.id == potion.asset_id).values(owner=ALICE)
        )
    assert found(database, tenant) == ["asset-upload", "asset-2", "asset-1"]
    assert found(database, tenant, kind=AssetKind.TILE) == ["asset-2"]
    assert found(database, tenant, tag="forest") == ["asset-upload", "asset-1"]
    assert found(database, tenant, creation="creation-2") == ["asset-2"]
    assert found(database, tenant, collection=made.id) == ["asset-2"]
    assert found(database, tenant, owner=ALICE) == ["asset-1"]
    assert found(database, tenant, minted=True) == ["asset-1"]
    assert found(database, tenant, minted=False) == ["asset-upload", "asset-2"]
    assert found(database, tenant, uploaded=True) == ["asset-upload"]
    assert found(database, tenant, uploaded=True, kind=AssetKind.TILE) == []
    assert found(database, other, minted=False) == ["asset-3"]
    with database.reading() as connection, pytest.raises(UnknownAsset, match="There is no asset 'asset-3'"):
        own_assets(connection, tenant, ["asset-1", "asset-3"])
    with database.reading() as connection, pytest.raises(UnknownAsset):
        own_asset(connection, tenant, "asset-1\0")


def test_views_tell_tags_collections_and_the_newest_token(
    database: Database, tenant: str, put: Callable[..., Asset], files: AssetFiles
) -> None:
    first, second = put(), put()
    with database.writing() as connection:
        set_tags(connection, first.asset_id, ["b", "a"])
        made = add_collection(connection, tenant, NewCollection(name="All", assets=(first.asset_id,)))
        for chain, token in ((1, "5"), (2, "6")):
            mint, _ = add_mint(connection, first, ALICE, chain)
            update_mint(connection, mint.id, status="confirmed", token_id=token, contract=ALICE)
        views = asset_views(connection, [second, first], files)
        assert asset_views(connection, [own_asset(connection, tenant, "asset-1")], files) == views[1:]
        assert asset_views(connection, [], files) == []
    assert [view.id for view in views] == ["asset-2", "asset-1"]
    assert (views[1].tags, views[1].collections) == (("a", "b"), (made.id,))
    assert views[1].token is not None
    assert views[1].created_at == "2026-01-01T00:00:01Z"
    assert (views[0].tags, views[0].token) == ((), None)


def test_a_collection_keeps_the_order_in_which_it_was_filled(
    database: Database, tenant: str, put: Callable[..., Asset]
) -> None:
    ids = [put().asset_id for _ in range(4)]
    with database.writing() as connection:
        made = add_collection(connection, tenant, NewCollection(name="All", assets=(ids[2],))).id
        add_assets(connection, tenant, made, [ids[0], ids[2], ids[1]])
        remove_asset(connection, tenant, made, ids[0])
        add_assets(connection, tenant, made, [ids[0]])
        assert [row.id for row in assets_in(connection, tenant, made)] == [ids[2], ids[1], ids[0]]
        assert own_collection(connection, tenant, made).asset_count == 3
        with pytest.raises(UnknownRecord):
            assets_in(connection, "tenant-local", made)


def test_two_at_once_fill_a_collection_without_taking_a_place_twice(
    database: Database, tenant: str, put: Callable[..., Asset]
) -> None:
    ids = [put().asset_id for _ in range(8)]
    with database.writing() as connection:
        made = add_collection(connection, tenant, NewCollection(name="All")).id

    def fill(part: list[str]) -> None:
        for asset_id in part:
            with database.writing() as connection:
                add_assets(connection, tenant, made, [asset_id])

    threads = [threading.Thread(target=fill, args=(part,)) for part in (ids[:4], ids[4:])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    with database.reading() as connection:
        assert sorted(row.id for row in assets_in(connection, tenant, made)) == ids


def test_one_living_mint_whoever_is_first(database: Database, tenant: str, put: Callable[..., Asset]) -> None:
    asset = put()
    with database.writing() as connection:
        key = add_key(connection, tenant, NewKey(name="k")).id
    made: list[tuple[str, bool]] = []

    def mint() -> None:
        with database.writing() as connection:
            record, fresh = add_mint(connection, asset, ALICE, 31337, key)
            made.append((record.id, fresh))

    threads = [threading.Thread(target=mint) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len({mint_id for mint_id, _ in made}) == 1
    assert [fresh for _, fresh in made].count(True) == 1
    with database.reading() as connection:
        record = own_mint(connection, tenant, made[0][0])
        assert (record.tenant_id, record.key_id) == (tenant, key)
        assert len(connection.execute(mints_of(tenant, "prepared", asset.asset_id)).all()) == 1
        with pytest.raises(UnknownRecord):
            own_mint(connection, "tenant-local", record.id)


class Words:
    """A meaning of which tests can tell what is alike: texts that share words."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def vectors(self, texts: Sequence[str]) -> Any:
        self.read += texts
        made = np.zeros((len(texts), 384), np.float32)
        for text, vector in zip(texts, made, strict=True):
            for word in text.lower().split():
                vector[crc32(word.encode()) % 384] += 1
        return made / np.maximum(np.linalg.norm(made, axis=1, keepdims=True), 1e-6)


@pytest.fixture
def words() -> Words:
    return Words()


@pytest.fixture
def search(database: Database, words: Words) -> Iterator[AssetSearch]:
    made = AssetSearch(database, lambda: words)
    yield made
    made.close()


def ids(rows: Sequence[Any]) -> list[str]:
    return [row.id for row in rows]


def test_search_puts_the_most_alike_first_and_obeys_filters(
    database: Database, tenant: str, put: Callable[..., Asset], search: AssetSearch
) -> None:
    put("a blue knight"), put("a red potion"), put("a red knight"), put("a grey wall", kind="tile")
    with database.writing() as connection:
        other = add_tenant(connection, "other").id
    put("a red knight", tenant_id=other)
    everything = AssetFilter()
    assert ids(search.find(tenant, "red knight", everything, 0, 10))[0] == "asset-3"
    assert set(ids(search.find(tenant, "red knight", everything, 0, 10))) == {
        f"asset-{n}" for n in (1, 2, 3, 4)
    }
    whole = ids(search.find(tenant, "red knight", everything, 0, 4))
    assert ids(search.find(tenant, "red knight", everything, 1, 2)) == whole[1:3]
    assert search.find(tenant, "red knight", everything, 4, 2) == []
    assert ids(search.find(tenant, "red knight", AssetFilter(kind=AssetKind.TILE), 0, 10)) == ["asset-4"]
    items = AssetFilter(kind=AssetKind.ITEM)
    assert ids(search.find(tenant, "red knight", items, 1, 1)) == [whole[1]]
    assert search.find("tenant-local", "red knight", everything, 0, 10) == []


def test_search_reads_each_text_once_and_what_came_since(
    database: Database, tenant: str, put: Callable[..., Asset], search: AssetSearch, words: Words
) -> None:
    put("a blue knight"), put("a blue knight")
    search.find(tenant, "x", AssetFilter(), 0, 10)
    assert words.read == ["a blue knight", "x"]
    put("a wizard")
    assert ids(search.find(tenant, "wizard", AssetFilter(), 0, 1)) == ["asset-3"]
    assert words.read == ["a blue knight", "x", "a wizard", "wizard"]
    another = AssetSearch(database, lambda: words)  # as another process has it
    assert ids(another.find(tenant, "wizard", AssetFilter(), 0, 1)) == ["asset-3"]
    assert words.read[4:] == ["wizard"], "the vectors are kept in the database"


def test_more_than_one_search_reads_are_read_meanwhile(
    database: Database, tenant: str, search: AssetSearch, recipe: Recipes
) -> None:
    count = LEARNT_AT_ONCE * 2 + 10
    drawn = [recipe(prompt=f"potion {number}", seed=number) for number in range(count)]
    records = Records(database)
    records.add_creation("creation-many", [each.to_dict() for each in drawn], tenant)
    record_assets(
        records,
        "creation-many",
        [
            Asset(
                asset_id=f"asset-many-{number}",
                kind=AssetKind.ITEM,
                name="Potion",
                recipe=JsonObject(each.to_dict()),
                media_cid=raw_cid(b"m"),
                image_cid=raw_cid(b"m"),
                metadata_cid=raw_cid(b"m"),
                created_at=datetime(2026, 1, 1, tzinfo=UTC),
            )
            for number, each in enumerate(drawn)
        ],
    )
    search.find(tenant, "potion", AssetFilter(), 0, 1)
    for thread in threading.enumerate():
        if thread.name == "asset vectors":
            thread.join(60)
    with database.reading() as connection:
        assert texts_without_vector(connection, tenant, 1) == []
    assert len(search.find(tenant, "potion", AssetFilter(), 0, count + 1)) == count
