"""A block store keeps what it promised through damage, killed writers and full disks."""

import errno
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from assets.block import MAX_BLOCK_BYTES, MemoryBlocks
from assets.blockstore import BlockStore
from assets.cid import DAG_PB, Cid, cid_of, raw_cid
from assets.errors import BlockDamaged, BlockMissing, BlockTooLarge, StorageFailed, StorageFull

REPOSITORY = Path(__file__).resolve().parents[3]
DATA = b"a sprite of 32 pixels" * 100
CID = raw_cid(DATA)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "blocks"


@pytest.fixture
def store(root: Path) -> BlockStore:
    return BlockStore(root)


def file_of(root: Path, cid: Cid) -> Path:
    return root / str(cid)[-3:-1] / str(cid)


def temporaries(root: Path) -> list[Path]:
    return sorted(root.rglob("*.tmp"))


def blocks(count: int) -> list[tuple[Cid, bytes]]:
    contents = [b"block %d" % number for number in range(count)]
    return [(raw_cid(content), content) for content in contents]


def test_a_stored_block_is_given_back(store: BlockStore, root: Path) -> None:
    store.put(CID, DATA)
    assert store.get(CID) == DATA
    assert store.has(CID)
    assert file_of(root, CID).read_bytes() == DATA
    assert list(store) == [CID]
    assert temporaries(root) == []


def test_a_new_store_on_the_same_folder_has_the_blocks(store: BlockStore, root: Path) -> None:
    store.put(CID, DATA)
    assert BlockStore(root).get(CID) == DATA


def test_a_store_without_a_folder_is_empty(store: BlockStore, root: Path) -> None:
    assert list(store) == []
    assert list(store.verify()) == []
    assert store.remove_stale(0) == 0
    assert not store.has(CID)
    with pytest.raises(BlockMissing, match=str(CID)):
        store.get(CID)
    assert not root.exists()


def test_both_versions_of_a_cid_name_one_block(store: BlockStore) -> None:
    old = cid_of(b"\x0a\x02\x08\x01", DAG_PB, version=0)
    store.put(old, b"\x0a\x02\x08\x01")
    assert store.get(old.as_v1()) == store.get(old)
    assert list(store) == [old.as_v1()]


def test_data_that_does_not_match_its_cid_is_not_stored(store: BlockStore) -> None:
    with pytest.raises(BlockDamaged):
        store.put(CID, DATA + b"!")
    assert not store.has(CID)


def test_a_block_too_large_to_exchange_is_not_stored(store: BlockStore) -> None:
    data = bytes(MAX_BLOCK_BYTES)
    store.put(raw_cid(data), data)
    with pytest.raises(BlockTooLarge):
        store.put(raw_cid(data + b"\0"), data + b"\0")


def test_a_good_block_is_not_written_again(store: BlockStore, root: Path) -> None:
    store.put(CID, DATA)
    before = file_of(root, CID).stat()
    assert store.put_many([(CID, DATA)]) == 0
    assert file_of(root, CID).stat().st_ino == before.st_ino


@pytest.mark.parametrize(
    "damaged", [b"", DATA[:-1], DATA + b"\0", b"B" + DATA[1:], bytes(MAX_BLOCK_BYTES + 1)]
)
def test_a_damaged_block_is_never_served_and_repaired_by_storing_it_again(
    store: BlockStore, root: Path, damaged: bytes
) -> None:
    good = blocks(3)
    store.put_many([*good, (CID, DATA)])
    file_of(root, CID).write_bytes(damaged)
    with pytest.raises(BlockDamaged, match=str(CID)):
        store.get(CID)
    found = list(store.verify())
    assert [cid for cid, _ in found] == [CID]
    assert "damaged" in found[0][1]
    assert store.put_many([(CID, DATA)]) == 1
    assert store.get(CID) == DATA
    assert list(store.verify()) == []


def test_a_deleted_block_is_missing_and_deleting_it_again_is_harmless(store: BlockStore) -> None:
    store.put(CID, DATA)
    store.delete(CID)
    store.delete(CID)
    assert not store.has(CID)
    with pytest.raises(BlockMissing):
        store.get(CID)


def test_foreign_and_misplaced_files_are_not_blocks(store: BlockStore, root: Path) -> None:
    store.put(CID, DATA)
    (root / "README").write_text("about")
    (file_of(root, CID).parent / "notes.txt").write_text("about")
    (root / "zz").mkdir()
    (root / "zz" / str(CID)).write_bytes(DATA)
    assert list(store) == [CID]


def test_many_blocks_are_stored_in_batches(store: BlockStore, root: Path) -> None:
    many = blocks(140)
    assert store.put_many(iter([*many, many[0]])) == 140
    assert set(store) == {cid for cid, _ in many}
    assert list(store.verify()) == []
    assert temporaries(root) == []


def test_many_blocks_need_fewer_syncs_than_one_at_a_time(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs = []
    monkeypatch.setattr(os, "fsync", lambda descriptor: syncs.append(descriptor))
    data = [b"%d" % number for number in range(4000)]
    same_folder = [(raw_cid(item), item) for item in data if str(raw_cid(item))[-3:-1] == "aa"]
    assert len(same_folder) > 1
    BlockStore(root).put_many(same_folder)
    together = len(syncs)
    other = BlockStore(tmp_path / "other")
    for cid, item in same_folder:
        other.put(cid, item)
    assert len(same_folder) < together < len(syncs) - together


def test_a_block_is_synced_before_it_gets_its_name_and_its_folder_after(
    store: BlockStore, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []
    real = os.fsync

    def fsync(descriptor: int) -> None:
        target = Path(f"/proc/self/fd/{descriptor}").readlink()
        seen.append(
            (target.suffix == ".tmp", target == file_of(root, CID).parent, file_of(root, CID).exists())
        )
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    store.put(CID, DATA)
    assert (True, False, False) in seen
    assert seen[-1] == (False, True, True)


def test_concurrent_writers_of_the_same_blocks_do_not_disturb_each_other(store: BlockStore) -> None:
    many = blocks(40)
    failures: list[Exception] = []

    def write() -> None:
        try:
            for cid, data in many:
                store.put(cid, data)
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert list(store.verify()) == []
    assert len(list(store)) == 40


WRITER = """
import os, sys, time
from pathlib import Path
from assets.blockstore import BlockStore
from assets.cid import raw_cid

def stop(descriptor):
    print("staged", flush=True)
    time.sleep(60)

store = BlockStore(Path(sys.argv[1]))
store.put(raw_cid(b"first"), b"first")
os.fsync = stop
store.put(raw_cid(b"second"), b"second")
"""


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs POSIX signals")
def test_a_killed_writer_leaves_whole_blocks_and_a_temporary_file_that_is_cleaned_away(
    store: BlockStore, root: Path
) -> None:
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(root)], cwd=REPOSITORY, stdout=subprocess.PIPE, text=True
    )
    with writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == "staged\n"
        writer.send_signal(signal.SIGKILL)
    assert len(temporaries(root)) == 1
    assert list(store) == [raw_cid(b"first")]
    assert list(store.verify()) == []
    assert not store.has(raw_cid(b"second"))
    assert store.remove_stale() == 0  # it might belong to a writer at work
    assert store.remove_stale(older_than_s=0) == 1
    assert temporaries(root) == []
    store.put(raw_cid(b"second"), b"second")
    assert store.get(raw_cid(b"second")) == b"second"


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("call", ["write", "fsync", "open"])
def test_a_full_disk_is_reported_and_leaves_nothing_behind(
    store: BlockStore, root: Path, monkeypatch: pytest.MonkeyPatch, code: int, call: str
) -> None:
    store.put_many(blocks(3))

    def full(*args: object, **kwargs: object) -> int:
        raise OSError(code, os.strerror(code))

    with monkeypatch.context() as patch:
        patch.setattr(os, call, full)
        with pytest.raises(StorageFull, match="disk is full") as caught:
            store.put(CID, DATA)
    assert isinstance(caught.value.__cause__, OSError)
    assert temporaries(root) == []
    assert not store.has(CID)
    assert len(list(store)) == 3
    store.put(CID, DATA)
    assert store.get(CID) == DATA


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", str(folder)]
    try:
        mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0
    except FileNotFoundError:
        mounted = False
    if not mounted:
        pytest.skip("mounting a small file system needs privileges")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


def test_a_disk_that_fills_up_keeps_its_blocks_and_works_again_after_cleaning(small_disk: Path) -> None:
    store = BlockStore(small_disk / "blocks")
    kept = []

    def fill() -> None:
        for number in range(100):
            data = bytes([number]) * 50_000
            store.put(raw_cid(data), data)
            kept.append(raw_cid(data))

    with pytest.raises(StorageFull):
        fill()
    assert 0 < len(kept) < 100
    assert set(store) == set(kept)
    assert list(store.verify()) == []
    assert temporaries(small_disk) == []
    store.delete(kept[0])
    store.put(CID, DATA)
    assert store.get(CID) == DATA


def test_a_folder_that_is_a_file_is_reported_as_a_storage_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    store = BlockStore(tmp_path / "file")
    with pytest.raises(StorageFailed, match="Could not store blocks") as caught:
        store.put(CID, DATA)
    assert not isinstance(caught.value, StorageFull)


def test_a_read_that_the_disk_refuses_is_a_storage_failure(
    store: BlockStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put(CID, DATA)

    def refuse(*args: object, **kwargs: object) -> object:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(StorageFailed, match="Could not read block"):
        store.get(CID)
    assert [cid for cid, _ in store.verify()] == [CID]


def test_blocks_in_memory_are_checked_like_those_on_disk() -> None:
    memory = MemoryBlocks()
    with pytest.raises(BlockDamaged):
        memory.put(CID, b"other")
    with pytest.raises(BlockMissing):
        memory.get(CID)
    memory.put(CID, DATA)
    assert CID in memory
    assert (list(memory), len(memory), memory.get(CID)) == ([CID], 1, DATA)
