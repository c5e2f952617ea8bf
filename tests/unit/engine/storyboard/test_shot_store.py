"""Kept shots: sound or not there."""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.errors import DataFolderUnusable
from engine.storyboard.shot_store import ShotStore

A, B, C = "a" * 64, "b" * 64, "c" * 64


def frames(count: int = 5, seed: int = 1) -> list[NDArray[np.uint8]]:
    return [np.random.default_rng(seed + i).integers(0, 256, (18, 32, 3), np.uint8) for i in range(count)]


@pytest.fixture
def store(tmp_path: Path) -> ShotStore:
    return ShotStore(tmp_path / "storyboards")


def test_frames_come_back_to_the_bit(store: ShotStore) -> None:
    assert not store.holds(A, 5)
    store.put(A, iter(frames()))
    assert store.holds(A, 5)
    assert all(np.array_equal(x, y) for x, y in zip(store.frames(A), frames(), strict=True))
    assert not store.holds(A, 4)
    assert not store.holds(A, 6)
    assert not store.holds(B, 5)


def test_the_same_frames_are_kept_as_the_same_bytes(store: ShotStore) -> None:
    store.put(A, iter(frames()))
    store.put(B, iter(frames()))
    assert store.path(A).read_bytes() == store.path(B).read_bytes()


def test_a_shot_that_breaks_off_leaves_nothing(store: ShotStore) -> None:
    def broken() -> Iterator[NDArray[np.uint8]]:
        yield from frames(3)
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.put(A, broken())
    assert not store.holds(A, 5)
    assert list(store.path(A).parent.iterdir()) == []


def test_damage_is_noticed_wherever_it_is(store: ShotStore) -> None:
    store.put(A, iter(frames(2)))
    whole = store.path(A).read_bytes()
    for at in range(0, len(whole), 97):
        damaged = bytearray(whole)
        damaged[at] ^= 0xFF
        store.path(A).write_bytes(damaged)
        if store.holds(A, 2):  # a byte that decides nothing, such as a time
            assert all(np.array_equal(x, y) for x, y in zip(store.frames(A), frames(2), strict=True))
    for length in (0, 1, len(whole) // 2, len(whole) - 1):
        store.path(A).write_bytes(whole[:length])
        assert not store.holds(A, 2)


def test_the_oldest_go_first_but_none_that_is_needed(store: ShotStore) -> None:
    for age, digest in enumerate((A, B, C)):
        store.put(digest, iter(frames()))
        os.utime(store.path(digest), (1000 + age, 1000 + age))
    size = store.path(A).stat().st_size
    assert store.holds(A, 5)  # used now, so no longer the oldest
    (store.path(A).parent / ".x.zip.new").write_bytes(b"half")
    store.prune(keep=[B], most_bytes=2 * size)
    assert sorted(path.stem for path in store.path(A).parent.iterdir()) == [A, B]
    store.prune(keep=[B], most_bytes=0)
    assert [path.stem for path in store.path(A).parent.iterdir()] == [B]


def test_a_folder_that_cannot_be_written_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    store = ShotStore(tmp_path / "file" / "storyboards")
    store.prune(keep=[])
    with pytest.raises(DataFolderUnusable, match=r"cannot be used"):
        store.put(A, iter(frames()))
