"""Reading files and directories back, and refusing blocks that were made to mislead a reader."""

import random
from collections.abc import Iterator
from dataclasses import replace
from io import BytesIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

import assets.hamt
from assets.block import MemoryBlocks
from assets.cid import DAG_PB, RAW, Cid, cid_of, raw_cid
from assets.dagpb import PbLink, PbNode
from assets.errors import BlockMissing, EntryMissing, InvalidUnixFs
from assets.import_profile import KUBO_V1, UNIXFS_V0_2015, ImportProfile
from assets.link import Entry, Link
from assets.unixfs import MAX_DEPTH, add_directory, add_file, file_size, list_directory, read_file, resolve
from assets.unixfs_data import NodeType, UnixFsData

SMALL = ImportProfile(chunk_bytes=7, max_links=3)


def put_node(blocks: MemoryBlocks, links: list[PbLink], info: UnixFsData) -> Cid:
    block = PbNode(tuple(links), info.encode()).encode()
    cid = cid_of(block, DAG_PB)
    blocks.put(cid, block)
    return cid


def sharded(names: list[str], fanout: int = 256) -> tuple[Cid, MemoryBlocks]:
    blocks = MemoryBlocks()
    profile = replace(KUBO_V1, shard_threshold_bytes=0, fanout=fanout)
    links = {name: add_file(BytesIO(name.encode()), blocks) for name in names}
    return add_directory(links, blocks, profile).cid, blocks


@given(st.binary(max_size=400), st.integers(0, 410), st.integers(0, 410))
@pytest.mark.parametrize(
    "profile", [SMALL, replace(SMALL, cid_version=0, raw_leaves=False)], ids=["raw leaves", "version 0"]
)
def test_any_range_of_a_file_is_read_back(
    profile: ImportProfile, content: bytes, one: int, other: int
) -> None:
    blocks = MemoryBlocks()
    cid = add_file(BytesIO(content), blocks, profile).cid
    start, stop = sorted((one, other))
    assert b"".join(read_file(cid, blocks)) == content
    assert b"".join(read_file(cid, blocks, start, stop)) == content[start:stop]
    assert b"".join(read_file(cid, blocks, start)) == content[start:]
    assert file_size(cid, blocks) == len(content)


def test_blocks_outside_the_range_are_not_needed() -> None:
    blocks = MemoryBlocks()
    content = random.Random(1).randbytes(70)
    cid = add_file(BytesIO(content), blocks, SMALL).cid

    class Without:
        def get(self, wanted: Cid) -> bytes:
            if wanted == raw_cid(content[:7]):
                raise BlockMissing("the first leaf is missing")
            return blocks.get(wanted)

    assert b"".join(read_file(cid, Without(), 7)) == content[7:]
    with pytest.raises(BlockMissing):
        b"".join(read_file(cid, Without(), 6))


@pytest.mark.parametrize(("start", "stop"), [(-1, None), (5, 4)])
def test_a_range_that_runs_backwards_is_refused(start: int, stop: int | None) -> None:
    with pytest.raises(InvalidUnixFs):
        read_file(raw_cid(b""), MemoryBlocks(), start, stop)


def test_a_directory_lists_its_entries_and_resolves_paths() -> None:
    blocks = MemoryBlocks()
    leaf = add_file(BytesIO(b"deep"), blocks)
    inner = add_directory({"leaf.txt": leaf}, blocks)
    root = add_directory({"inner": inner, "top": leaf}, blocks, UNIXFS_V0_2015)
    assert list(list_directory(root.cid, blocks)) == [
        Entry("inner", inner.cid, inner.tsize),
        Entry("top", leaf.cid, 4),
    ]
    assert resolve(root.cid, "inner/leaf.txt", blocks) == leaf.cid
    assert resolve(root.cid, "/inner/", blocks) == inner.cid
    assert resolve(root.cid, "", blocks) == root.cid


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("nobody", EntryMissing),
        ("inner/nobody", EntryMissing),
        ("top/leaf.txt", InvalidUnixFs),
        ("inner/../top", InvalidUnixFs),
        ("inner//leaf.txt", InvalidUnixFs),
    ],
)
def test_paths_that_lead_nowhere_are_refused(path: str, error: type[Exception]) -> None:
    blocks = MemoryBlocks()
    leaf = add_file(BytesIO(b"deep"), blocks)
    root = add_directory({"inner": add_directory({"leaf.txt": leaf}, blocks), "top": leaf}, blocks)
    with pytest.raises(error):
        resolve(root.cid, path, blocks)


@pytest.mark.parametrize("fanout", [8, 256, 1024])
def test_a_sharded_directory_lists_and_resolves_all_its_names(fanout: int) -> None:
    names = [f"sprite-{number}.png" for number in range(2000)]
    cid, blocks = sharded(names, fanout)
    listed = {entry.name: entry.cid for entry in list_directory(cid, blocks)}
    assert listed == {name: raw_cid(name.encode()) for name in names}
    for name in names[::97]:
        assert resolve(cid, name, blocks) == listed[name]
    for absent in ("sprite-2000.png", "sprite", "00", "x" * 255):
        with pytest.raises(EntryMissing):
            resolve(cid, absent, blocks)


@given(st.sets(st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=20)))
def test_sharded_and_plain_directories_hold_the_same_entries(names: set[str]) -> None:
    names -= {".", ".."}
    blocks = MemoryBlocks()
    leaf = Link(raw_cid(b""), 0, 0)
    plain = add_directory(dict.fromkeys(names, leaf), blocks)
    shards = add_directory(dict.fromkeys(names, leaf), blocks, replace(KUBO_V1, shard_threshold_bytes=0))
    assert (shards.cid == plain.cid) == (not names)
    assert {e.name for e in list_directory(shards.cid, blocks)} == names
    assert [e.name for e in list_directory(plain.cid, blocks)] == sorted(names, key=str.encode)


def test_reading_a_directory_as_a_file_says_what_it_is() -> None:
    blocks = MemoryBlocks()
    cid = add_directory({}, blocks).cid
    with pytest.raises(InvalidUnixFs, match="is a directory, not a file"):
        b"".join(read_file(cid, blocks))
    with pytest.raises(InvalidUnixFs, match="is a directory, not a file"):
        file_size(cid, blocks)


def test_listing_a_file_says_what_it_is() -> None:
    blocks = MemoryBlocks()
    raw = add_file(BytesIO(b"x"), blocks).cid
    wrapped = add_file(BytesIO(b"x"), blocks, UNIXFS_V0_2015).cid
    for cid in (raw, wrapped):
        with pytest.raises(InvalidUnixFs, match="is a file, not a directory"):
            list(list_directory(cid, blocks))


def test_a_codec_that_is_not_unixfs_is_refused() -> None:
    blocks = MemoryBlocks()
    cid = cid_of(b"\xa0", 0x71)
    blocks.put(cid, b"\xa0")
    with pytest.raises(InvalidUnixFs, match="codec 0x71"):
        b"".join(read_file(cid, blocks))


def lying_files() -> Iterator[tuple[str, list[int], UnixFsData]]:
    """Name, lengths of the leaves, and a message about them that is not true."""
    yield "a leaf is shorter than stated", [3], UnixFsData(NodeType.FILE, file_size=4, block_sizes=(4,))
    yield "the whole is longer than the parts", [3], UnixFsData(NodeType.FILE, file_size=9, block_sizes=(3,))
    yield "a size is missing", [3, 3], UnixFsData(NodeType.FILE, file_size=3, block_sizes=(3,))
    yield "a size has no leaf", [3], UnixFsData(NodeType.FILE, file_size=6, block_sizes=(3, 3))
    yield "a leaf is empty", [3, 0], UnixFsData(NodeType.FILE, file_size=3, block_sizes=(3, 0))


@pytest.mark.parametrize(
    ("lengths", "info"), [case[1:] for case in lying_files()], ids=[case[0] for case in lying_files()]
)
def test_a_file_whose_sizes_are_not_true_is_refused(lengths: list[int], info: UnixFsData) -> None:
    blocks = MemoryBlocks()
    links = [PbLink(add_file(BytesIO(b"z" * length), blocks).cid, "", length) for length in lengths]
    cid = put_node(blocks, links, info)
    with pytest.raises(InvalidUnixFs):
        b"".join(read_file(cid, blocks))


def chain(blocks: MemoryBlocks, levels: int) -> Cid:
    """A one-byte file under ``levels`` nodes of one link each."""
    cid = add_file(BytesIO(b"x"), blocks).cid
    for _ in range(levels):
        cid = put_node(blocks, [PbLink(cid, "", 1)], UnixFsData(NodeType.FILE, file_size=1, block_sizes=(1,)))
    return cid


def test_a_file_is_read_down_to_the_deepest_level_allowed_and_no_further() -> None:
    blocks = MemoryBlocks()
    assert b"".join(read_file(chain(blocks, MAX_DEPTH), blocks)) == b"x"
    with pytest.raises(InvalidUnixFs, match="deeper"):
        b"".join(read_file(chain(blocks, MAX_DEPTH + 1), blocks))


def test_inline_data_before_links_is_read_in_order() -> None:
    blocks = MemoryBlocks()
    leaf = add_file(BytesIO(b"world"), blocks).cid
    info = UnixFsData(NodeType.FILE, data=b"hello ", file_size=11, block_sizes=(5,))
    cid = put_node(blocks, [PbLink(leaf, "", 5)], info)
    assert b"".join(read_file(cid, blocks)) == b"hello world"
    assert b"".join(read_file(cid, blocks, 4, 8)) == b"o wo"


def test_a_directory_that_repeats_or_smuggles_a_name_is_refused() -> None:
    blocks = MemoryBlocks()
    leaf = add_file(BytesIO(b"x"), blocks).cid
    for names in (["a", "a"], ["../a"], [""]):
        cid = put_node(blocks, [PbLink(leaf, name, 1) for name in names], UnixFsData(NodeType.DIRECTORY))
        with pytest.raises(InvalidUnixFs):
            list(list_directory(cid, blocks))


def shard_info(buckets: set[int]) -> UnixFsData:
    bits = sum(1 << bucket for bucket in buckets).to_bytes(32, "big")
    return UnixFsData(NodeType.HAMT_SHARD, data=bits, hash_type=0x22, fanout=256)


def test_a_shard_that_contradicts_its_bitfield_or_hash_is_refused() -> None:
    blocks = MemoryBlocks()
    leaf = add_file(BytesIO(b"x"), blocks).cid
    wrong = [
        ([PbLink(leaf, "00name", 1)], shard_info({1})),
        ([PbLink(leaf, "00name", 1)], shard_info({0, 1})),
        ([PbLink(leaf, "00name", 1)], shard_info(set())),
        ([PbLink(leaf, "00name", 1)], shard_info({0})),  # "name" hashes to another bucket
        ([PbLink(leaf, "00", 1)], shard_info({0})),  # a leaf where a shard should be
        ([PbLink(put_node(blocks, [], shard_info(set())), "00", 0)], shard_info({0})),  # an empty sub-shard
        ([], replace(shard_info(set()), hash_type=0x12)),
        ([], replace(shard_info(set()), fanout=7)),
    ]
    for links, info in wrong:
        with pytest.raises(InvalidUnixFs):
            list(list_directory(put_node(blocks, links, info), blocks))


def test_a_few_shards_cannot_describe_an_endless_directory() -> None:
    blocks = MemoryBlocks()
    cid = put_node(blocks, [], shard_info(set()))
    for _ in range(9):
        links = [PbLink(cid, f"{bucket:02X}", 0) for bucket in range(256)]
        cid = put_node(blocks, links, shard_info(set(range(256))))
    with pytest.raises(InvalidUnixFs):
        list(list_directory(cid, blocks))
    with pytest.raises(InvalidUnixFs):
        resolve(cid, "name", blocks)


def test_names_that_collide_in_every_bit_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assets.hamt, "name_hash", lambda name: 0)
    with pytest.raises(InvalidUnixFs, match="collide"):
        sharded(["one", "two"])


def test_a_missing_shard_is_reported_by_name() -> None:
    cid, blocks = sharded([str(number) for number in range(600)])
    root_only = MemoryBlocks()
    root_only.put(cid, blocks.get(cid))
    with pytest.raises(BlockMissing):
        list(list_directory(cid, root_only))


@given(st.binary(max_size=80))
def test_any_bytes_are_a_node_or_refused(block: bytes) -> None:
    try:
        node = PbNode.decode(block)
        info = UnixFsData.decode(node.data)
    except InvalidUnixFs:
        return
    assert PbNode.decode(node.encode()) == node
    assert UnixFsData.decode(info.encode()) == info


LINK = b"\x0a\x24" + bytes(raw_cid(b"")) + b"\x12\x01a\x18\x05"


@pytest.mark.parametrize(
    "block",
    [
        b"\x0a",  # cut short
        b"\x0a\x05x",
        b"\x0a\x01x\x0a\x01y",  # data twice
        b"\x08\x01",  # data as a number
        b"\x1a\x01x",  # an unknown field
        b"\x0d1234",  # a wire type that dag-pb does not use
        b"\x12\x03\x12\x01a",  # a link without a hash
        b"\x12\x04\x0a\x02Qm",  # a hash that is no CID
        b"\x12\x04\x12\x02\xff\xfe",  # a name that is not UTF-8
        b"\x12\x2b" + LINK[38:41] + LINK[:38] + LINK[41:],  # name before hash
        b"\x12\x2b" + LINK + b"\x0a\x01x" + b"\x12\x2b" + LINK,  # links around data
    ],
)
def test_malformed_dag_pb_is_refused(block: bytes) -> None:
    with pytest.raises(InvalidUnixFs):
        PbNode.decode(block)


def test_data_before_links_is_understood() -> None:
    block = b"\x0a\x01x" + b"\x12\x2b" + LINK
    assert PbNode.decode(block) == PbNode((PbLink(raw_cid(b""), "a", 5),), b"x")


def test_packed_sizes_and_times_of_other_importers_are_understood() -> None:
    message = b"\x08\x02\x18\x05\x22\x02\x02\x03\x38\xa4\x03\x42\x02\x08\x01"
    assert UnixFsData.decode(message) == UnixFsData(NodeType.FILE, file_size=5, block_sizes=(2, 3))


@pytest.mark.parametrize(
    "message",
    [b"", b"\x18\x05", b"\x08\x09", b"\x08\x02\x08\x02", b"\x0a\x00", b"\x08\x02\x4a\x00"],
    ids=["empty", "no type", "unknown type", "type twice", "type as bytes", "unknown field"],
)
def test_malformed_unixfs_is_refused(message: bytes) -> None:
    with pytest.raises(InvalidUnixFs):
        UnixFsData.decode(message)


def test_a_raw_block_is_the_file_itself() -> None:
    blocks = MemoryBlocks()
    blocks.put(raw_cid(b"pixels"), b"pixels")
    assert raw_cid(b"pixels").codec == RAW
    assert list(read_file(raw_cid(b"pixels"), blocks)) == [b"pixels"]
