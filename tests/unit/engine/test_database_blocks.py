"""Blocks in the database behave like blocks in a folder."""

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path

import pytest
from sqlalchemy import update

from assets.block import MAX_BLOCK_BYTES
from assets.cid import raw_cid
from assets.errors import BlockDamaged, BlockMissing, BlockTooLarge, StorageFailed
from assets.unixfs import add_file, read_file
from engine.database import blocks as blocks_module
from engine.database import tables
from engine.database.blocks import DatabaseBlocks
from engine.database.database import Database

DATA = b"a block"
CID = raw_cid(DATA)


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        database = Database.open(tmp_path / "records.db")
    else:
        database = Database.connect(request.getfixturevalue("postgresql_url"))
    yield database
    database.close()


@pytest.fixture
def store(database: Database) -> DatabaseBlocks:
    return DatabaseBlocks(database)


def test_a_block_is_there_for_every_process_once_it_is_stored(
    database: Database, store: DatabaseBlocks
) -> None:
    with pytest.raises(BlockMissing, match="missing"):
        store.get(CID)
    assert not store.has(CID)
    store.put(CID, DATA)
    assert DatabaseBlocks(database).get(CID) == DATA
    assert store.has(CID)
    assert store.put_many([(CID, DATA)]) == 0
    assert list(store) == [CID]
    assert list(store.verify()) == []


def test_both_versions_of_a_cid_name_one_block(store: DatabaseBlocks) -> None:
    content = bytes(300_000)
    root = add_file(BytesIO(content), store).cid
    assert b"".join(read_file(root, store)) == content
    assert store.has(root.as_v1())


def test_what_does_not_match_or_is_too_large_is_not_stored(store: DatabaseBlocks) -> None:
    with pytest.raises(BlockDamaged):
        store.put(CID, b"other")
    large = bytes(MAX_BLOCK_BYTES + 1)
    with pytest.raises(BlockTooLarge):
        store.put(raw_cid(large), large)
    assert list(store) == []


def test_a_damaged_block_is_found_and_repaired_by_storing_it_again(
    database: Database, store: DatabaseBlocks
) -> None:
    store.put(CID, DATA)
    with database.writing() as connection:
        connection.execute(update(tables.blocks).values(data=b"a blocc"))
    other = DatabaseBlocks(database)
    with pytest.raises(BlockDamaged, match="store it again to repair it"):
        other.get(CID)
    assert [cid for cid, _ in other.verify()] == [CID]
    assert other.put_many([(CID, DATA)]) == 1
    assert other.get(CID) == DATA


def test_a_deleted_block_is_missing(store: DatabaseBlocks) -> None:
    store.put(CID, DATA)
    assert store.get(CID) == DATA
    store.delete(CID)
    store.delete(CID)
    with pytest.raises(BlockMissing):
        store.get(CID)


def test_more_than_a_batch_and_a_page_are_stored_and_listed(
    store: DatabaseBlocks, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocks_module, "_PAGE", 7)
    wanted = {raw_cid(data): data for data in (b"%d" % number for number in range(150))}
    assert store.put_many(wanted.items()) == 150
    assert sorted(map(str, store)) == sorted(map(str, wanted))
    assert len(list(store)) == 150


def test_what_is_remembered_is_bounded(store: DatabaseBlocks, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(blocks_module, "_CACHE_BYTES", 2_500)
    wanted = [bytes([number]) * 1_000 for number in range(5)]
    for data in wanted:
        store.put(raw_cid(data), data)
        assert store.get(raw_cid(data)) == data
    assert store._cached_bytes == 2_000 == sum(map(len, store._cache.values()))
    assert [store.get(raw_cid(data)) for data in wanted] == wanted


def test_a_database_that_is_gone_is_a_storage_that_failed(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "records.db")
    store = DatabaseBlocks(database)
    with database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE blocks")
    with pytest.raises(StorageFailed, match=r"^Could not store blocks: The database .*"):
        store.put(CID, DATA)
    with pytest.raises(StorageFailed, match="read block"):
        store.get(CID)
    database.close()
