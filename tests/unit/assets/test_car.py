"""CAR files: written as the specification's bytes, read with every block checked, refused when malformed."""

import random
from io import BytesIO
from pathlib import Path

import aleph_cid
import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets import varint
from assets.block import MAX_BLOCK_BYTES, MemoryBlocks
from assets.car import MAX_HEADER_BYTES, export_dag, read_car, write_car
from assets.car_header import decode_header, encode_header
from assets.cid import DAG_PB, RAW, Cid, cid_of, raw_cid
from assets.errors import BlockDamaged, BlockMissing, InvalidCar, InvalidUnixFs
from assets.import_profile import ImportProfile
from assets.unixfs import add_directory, add_file

BLOCKS = [(raw_cid(data), data) for data in (b"first", b"", b"third" * 300)]
ROOT = BLOCKS[0][0]


def car(roots: list[Cid], blocks: list[tuple[Cid, bytes]]) -> bytes:
    file = BytesIO()
    written = write_car(file, roots, blocks)
    assert written == len(file.getvalue())
    return file.getvalue()


def read(data: bytes) -> tuple[tuple[Cid, ...], list[tuple[Cid, bytes]]]:
    roots, blocks = read_car(BytesIO(data))
    return roots, list(blocks)


def section(data: bytes) -> bytes:
    return varint.encode(len(data)) + data


WHOLE = car([ROOT], BLOCKS)
HEADER = car([ROOT], [])


def test_the_header_has_the_bytes_of_the_specification() -> None:
    # The shape shown in the CARv1 specification: a map of roots (tag 42, a zero byte, the CID) and version 1.
    header = bytes.fromhex("a2 65") + b"roots" + bytes.fromhex("81 d82a 5825 00") + bytes(ROOT)
    header += bytes.fromhex("67") + b"version" + b"\x01"
    assert section(header) == HEADER


def test_what_was_written_is_read_back() -> None:
    roots = [ROOT, cid_of(b"", DAG_PB, version=0)]
    assert read(car(roots, BLOCKS)) == (tuple(roots), BLOCKS)


@given(st.lists(st.binary(max_size=200), max_size=8), st.integers(1, 300))
def test_any_blocks_under_any_number_of_roots_are_read_back(contents: list[bytes], roots: int) -> None:
    blocks = [(cid_of(content, RAW), content) for content in contents]
    many = [raw_cid(bytes([number % 256])) for number in range(roots)]
    assert read(car(many, blocks)) == (tuple(many), blocks)


def test_an_independent_implementation_reads_and_writes_the_same_dag(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    content = random.Random(5).randbytes(600_000)
    (folder / "big.bin").write_bytes(content)
    (folder / "small.txt").write_bytes(b"small")
    theirs = tmp_path / "theirs.car"
    root = Cid.parse(aleph_cid.write_folder_car(folder, theirs, cid_version=1))
    roots, their_blocks = read(theirs.read_bytes())
    assert roots == (root,)

    blocks = MemoryBlocks()
    links = {
        name: add_file(BytesIO(data), blocks)
        for name, data in {"big.bin": content, "small.txt": b"small"}.items()
    }
    assert add_directory(links, blocks).cid == root
    assert dict(export_dag([root], blocks)) == dict(their_blocks)
    ours = tmp_path / "ours.car"
    with ours.open("wb") as file:
        write_car(file, [root], export_dag([root], blocks))
    assert aleph_cid.read_carv1_root(ours) == str(root)


def test_a_car_without_roots_is_not_written() -> None:
    with pytest.raises(InvalidCar, match="root"):
        write_car(BytesIO(), [], BLOCKS)


def test_more_roots_than_a_reader_accepts_are_not_written() -> None:
    with pytest.raises(InvalidCar, match="header"):
        write_car(BytesIO(), [ROOT] * (MAX_HEADER_BYTES // 41), [])


def test_a_bad_block_is_not_written() -> None:
    with pytest.raises(BlockDamaged):
        write_car(BytesIO(), [ROOT], [(ROOT, b"other")])


def test_blocks_come_out_before_a_later_fault_is_reached() -> None:
    _, blocks = read_car(BytesIO(WHOLE[:-1]))
    assert [next(blocks), next(blocks)] == BLOCKS[:2]
    with pytest.raises(InvalidCar, match="cut short at byte"):
        next(blocks)


def test_a_car_cut_anywhere_but_between_sections_is_refused() -> None:
    between = {len(car([ROOT], BLOCKS[:count])) for count in range(4)}
    for length in range(len(WHOLE)):
        if length in between:
            assert len(read(WHOLE[:length])[1]) < len(BLOCKS)
        else:
            with pytest.raises(InvalidCar):
                read(WHOLE[:length])


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255))
def test_no_changed_byte_gives_a_wrong_block(position: int, change: int) -> None:
    data = bytearray(WHOLE)
    data[position] ^= change
    try:
        roots, blocks = read(bytes(data))
    except InvalidCar:
        return
    # A root can change unnoticed, which has no block to match, and so can a codec: the same bytes read otherwise.
    assert (len(roots), [content for _, content in blocks]) == (1, [content for _, content in BLOCKS])
    assert all(cid.digest == cid_of(content, RAW).digest for cid, content in blocks)


@given(st.binary(max_size=120))
def test_any_bytes_are_a_car_or_refused(data: bytes) -> None:
    for start in (b"", HEADER):
        try:
            _, blocks = read(start + data)
        except InvalidCar:
            continue
        assert all(cid.digest == cid_of(content, RAW).digest for cid, content in blocks)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\x00", "claims 0 bytes"),
        (b"\x80" * 10, "length at byte 0"),
        (b"\x81\x00" + b"x", "length at byte 0"),
        (varint.encode(MAX_HEADER_BYTES + 1), "claims 65537 bytes"),
        (section(b"\xa1gversion\x02"), "CARv2"),
        (section(b"\xa0"), "not a map"),
        (section(b"\xa2eroots\x80gversion\x01"), "no roots"),
        (HEADER + b"\x00", f"section at byte {len(HEADER)} claims 0"),
        (HEADER + varint.encode(MAX_BLOCK_BYTES + 65), f"section at byte {len(HEADER)} claims"),
        (HEADER + varint.encode(2**62), f"section at byte {len(HEADER)} claims"),
        (HEADER + b"\xff" * 9, f"length at byte {len(HEADER)}"),
        (HEADER + section(b"\x01\x55"), f"section at byte {len(HEADER)} has no valid CID"),
        (HEADER + section(bytes(ROOT) + b"First"), f"section at byte {len(HEADER)} holds a bad block"),
        (HEADER + section(bytes(ROOT)), f"section at byte {len(HEADER)} holds a bad block"),
        (HEADER + section(bytes(ROOT) + b"fir")[:-1], "cut short at byte"),
    ],
)
def test_a_malformed_car_is_refused_with_the_place_of_its_fault(data: bytes, reason: str) -> None:
    with pytest.raises(InvalidCar) as caught:
        read(data)
    assert reason in str(caught.value)


def test_a_block_above_the_limit_is_refused_even_when_it_matches() -> None:
    data = bytes(MAX_BLOCK_BYTES + 1)
    with pytest.raises(InvalidCar, match="bad block"):
        read(HEADER + section(bytes(raw_cid(data)) + data))


@pytest.mark.parametrize("roots", [1, 23, 24, 255, 256, 1500])
def test_headers_of_every_length_are_read_back(roots: int) -> None:
    many = tuple(raw_cid(b"%d" % number) for number in range(roots))
    assert decode_header(encode_header(many)) == many


GOOD = encode_header([ROOT])


@pytest.mark.parametrize(
    "header",
    [
        GOOD + b"\0",
        GOOD[:-1],
        GOOD[:-1] + b"\x02",
        GOOD.replace(b"\x81", b"\x98\x01", 1),  # a count that is not in its shortest form
        GOOD.replace(b"\x81", b"\x9f", 1),  # a count left open
        GOOD.replace(b"\x81", b"\x9b" + b"\xff" * 8, 1),
        GOOD.replace(b"\x81", b"\x82", 1),
        GOOD.replace(b"\xd8\x2a", b"\xd8\x2b", 1),  # another tag
        GOOD.replace(b"\x58\x25\x00", b"\x58\x25\x01", 1),  # a link without its zero byte
        GOOD.replace(b"\x58\x25", b"\x78\x25", 1),  # text, not bytes
        GOOD.replace(b"\x01\x55\x12", b"\x01\x55\x13", 1),  # another hash
        b"\xa2gversion\x01eroots" + GOOD[7:-9],  # keys in another order
    ],
)
def test_other_encodings_of_a_header_are_refused(header: bytes) -> None:
    with pytest.raises(ValueError, match=r"it|root|CBOR|follow"):
        decode_header(header)


def test_a_dag_is_walked_depth_first_in_link_order_and_each_block_once() -> None:
    blocks = MemoryBlocks()
    one, two = (add_file(BytesIO(text), blocks) for text in (b"one", b"two"))
    inner = add_directory({"1": one, "2": two}, blocks)
    root = add_directory({"a": inner, "b": inner, "c": one, "d": two}, blocks)
    expected = [root.cid, inner.cid, one.cid, two.cid]
    assert [cid for cid, _ in export_dag([root.cid], blocks)] == expected
    assert [cid for cid, _ in export_dag([inner.cid, root.cid], blocks)] == [
        inner.cid,
        one.cid,
        two.cid,
        root.cid,
    ]


def test_a_deep_dag_is_walked_without_recursion() -> None:
    blocks = MemoryBlocks()
    link = add_file(BytesIO(b"x"), blocks)
    for _ in range(3000):
        link = add_directory({"down": link}, blocks)
    assert sum(1 for _ in export_dag([link.cid], blocks)) == 3001


def test_a_dag_with_a_hole_is_not_exported_as_whole() -> None:
    blocks = MemoryBlocks()
    link = add_file(BytesIO(bytes(range(100))), blocks, ImportProfile(chunk_bytes=10))
    holed = MemoryBlocks()
    for cid, data in list(blocks.items())[1:]:
        holed.put(cid, data)
    with pytest.raises(BlockMissing):
        list(export_dag([link.cid], holed))


def test_a_codec_with_unknown_links_is_not_exported() -> None:
    blocks = MemoryBlocks()
    cid = cid_of(b"\xa0", 0x71)
    blocks.put(cid, b"\xa0")
    with pytest.raises(InvalidUnixFs, match="codec 0x71"):
        list(export_dag([cid], blocks))
