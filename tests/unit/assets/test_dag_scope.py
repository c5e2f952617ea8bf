"""Which blocks of a DAG a CAR carries."""

from dataclasses import replace
from io import BytesIO

import pytest

from assets.block import MemoryBlocks
from assets.car import encode_car, export_dag, write_car
from assets.cid import Cid, cid_of
from assets.dag_scope import DagScope, EntityBytes, Trail, scoped_blocks
from assets.errors import BlockMissing
from assets.import_profile import KUBO_V1
from assets.unixfs import add_directory, add_file, list_directory, node_type, read_file
from assets.unixfs_data import NodeType

SMALL = replace(KUBO_V1, chunk_bytes=10, max_links=3)
CONTENT = bytes(range(100))
DAG_CBOR = 0x71


def cids(*arguments: object, **named: object) -> list[Cid]:
    return [cid for cid, _ in scoped_blocks(*arguments, **named)]


@pytest.fixture
def blocks() -> MemoryBlocks:
    return MemoryBlocks()


def test_all_is_what_an_export_of_the_dag_holds(blocks: MemoryBlocks) -> None:
    links = {"a": add_file(BytesIO(CONTENT), blocks, SMALL), "b": add_file(BytesIO(CONTENT), blocks, SMALL)}
    root = add_directory(links, blocks).cid
    assert list(scoped_blocks((), root, blocks)) == list(export_dag([root], blocks))


def test_the_way_comes_first_and_no_block_twice(blocks: MemoryBlocks) -> None:
    file = add_file(BytesIO(b"x"), blocks)
    root = add_directory({"a": file}, blocks).cid
    assert cids((root, root), file.cid, blocks, DagScope.BLOCK) == [root, file.cid]


def test_a_block_is_the_root_alone_also_of_an_unknown_codec(blocks: MemoryBlocks) -> None:
    root = add_file(BytesIO(CONTENT), blocks, SMALL).cid
    assert cids((), root, blocks, DagScope.BLOCK) == [root]
    strange = cid_of(b"\xa0", DAG_CBOR)
    blocks.put(strange, b"\xa0")
    assert cids((), strange, blocks, DagScope.ENTITY) == [strange]


def test_the_entity_of_a_directory_is_its_list_without_the_files(blocks: MemoryBlocks) -> None:
    links = {f"{n}": add_file(BytesIO(b"%d" % n), blocks) for n in range(300)}
    plain = add_directory(links, blocks).cid
    assert cids((), plain, blocks, DagScope.ENTITY) == [plain]
    sharded = add_directory(links, blocks, replace(KUBO_V1, shard_threshold_bytes=0, fanout=8)).cid
    kept = MemoryBlocks()
    for cid, data in scoped_blocks((), sharded, blocks, DagScope.ENTITY):
        kept.put(cid, data)
    assert {entry.name for entry in list_directory(sharded, kept)} == set(links)
    assert not any(link.cid in kept for link in links.values())


@pytest.mark.parametrize(
    ("first", "last", "start", "stop"),
    [
        (0, None, 0, 100),
        (25, 44, 25, 45),
        (-15, None, 85, 100),
        (10, -81, 10, 20),
        (95, 4000, 95, 100),
        (-400, 3, 0, 4),
    ],
)
def test_a_span_carries_just_the_blocks_that_hold_it(
    blocks: MemoryBlocks, first: int, last: int | None, start: int, stop: int
) -> None:
    root = add_file(BytesIO(CONTENT), blocks, SMALL).cid
    trail = Trail(blocks)
    assert b"".join(read_file(root, trail, start, stop)) == CONTENT[start:stop]
    needed = [cid for cid, _ in trail.take()]
    assert cids((), root, blocks, span=EntityBytes(first, last)) == needed


@pytest.mark.parametrize(("first", "last"), [(100, None), (50, 40), (400, 500), (0, -101)])
def test_a_span_outside_the_file_carries_its_root_which_tells_its_size(
    blocks: MemoryBlocks, first: int, last: int | None
) -> None:
    root = add_file(BytesIO(CONTENT), blocks, SMALL).cid
    assert cids((), root, blocks, span=EntityBytes(first, last)) == [root]


def test_a_span_of_a_directory_is_its_list(blocks: MemoryBlocks) -> None:
    root = add_directory({"a": add_file(BytesIO(CONTENT), blocks)}, blocks).cid
    assert cids((), root, blocks, span=EntityBytes(0, 5)) == [root]


def test_blocks_are_read_when_they_are_asked_for(blocks: MemoryBlocks) -> None:
    whole = MemoryBlocks()
    root = add_file(BytesIO(CONTENT), whole, SMALL).cid
    blocks.put(root, whole.get(root))
    found = scoped_blocks((), root, blocks)
    assert next(found)[0] == root
    with pytest.raises(BlockMissing):
        next(found)


def test_a_streamed_car_is_the_written_one(blocks: MemoryBlocks) -> None:
    root = add_file(BytesIO(CONTENT), blocks, SMALL).cid
    file = BytesIO()
    write_car(file, [root], export_dag([root], blocks))
    assert b"".join(encode_car([root], export_dag([root], blocks))) == file.getvalue()


def test_a_node_says_what_it_is(blocks: MemoryBlocks) -> None:
    small, large = add_file(BytesIO(b"x"), blocks), add_file(BytesIO(CONTENT), blocks, SMALL)
    folder = add_directory({"a": small}, blocks)
    kinds = [node_type(link.cid, blocks) for link in (small, large, folder)]
    assert kinds == [NodeType.RAW, NodeType.FILE, NodeType.DIRECTORY]
