"""Content identifiers: known vectors, every accepted spelling, and the refusal of all others."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from assets import varint
from assets.cid import DAG_PB, RAW, Cid, raw_cid, split_ipfs_uri
from assets.errors import InvalidCid

EMPTY_FILE = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
EMPTY_DIRECTORY_V0 = "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"
EMPTY_DIRECTORY_V1 = "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354"

digests = st.binary(min_size=32, max_size=32)
cids = st.one_of(
    st.builds(Cid, st.just(1), st.sampled_from([RAW, DAG_PB, 0x71, 0x0129]), digests),
    st.builds(Cid, st.just(0), st.just(DAG_PB), digests),
)


def test_the_empty_block_has_its_well_known_cid() -> None:
    assert str(raw_cid(b"")) == EMPTY_FILE


def test_a_digest_alone_gives_the_cid_of_a_raw_block() -> None:
    assert Cid.raw(hashlib.sha256(b"lore").digest()) == raw_cid(b"lore")


def test_the_two_versions_of_a_directory_address_the_same_block() -> None:
    old = Cid.parse(EMPTY_DIRECTORY_V0)
    assert (old.version, old.codec) == (0, DAG_PB)
    assert str(old) == EMPTY_DIRECTORY_V0
    assert str(old.as_v1()) == EMPTY_DIRECTORY_V1
    assert Cid.parse(EMPTY_DIRECTORY_V1) == old.as_v1()


def test_a_uri_always_holds_a_version_that_survives_lower_casing() -> None:
    assert Cid.parse(EMPTY_DIRECTORY_V0).uri == f"ipfs://{EMPTY_DIRECTORY_V1}"


@given(cids)
def test_text_and_bytes_lead_back_to_the_cid(cid: Cid) -> None:
    assert Cid.parse(str(cid)) == cid
    assert Cid.from_bytes(bytes(cid)) == cid
    assert Cid.read(bytes(cid) + b"block") == (cid, len(bytes(cid)))


@given(digests)
def test_base16_is_read_and_written_as_base32(digest: bytes) -> None:
    cid = Cid.parse("f01551220" + digest.hex())
    assert cid == Cid.raw(digest)
    assert str(cid).startswith("bafkrei")


def test_base58btc_of_a_version_1_is_read() -> None:
    assert str(Cid.parse("zdj7WbTaiJT1fgatdet9Ei9iDB5hdCxkbVyhyh8YTUnXMiwYi")) == EMPTY_DIRECTORY_V1


@given(st.text(max_size=120))
def test_any_text_is_a_cid_or_refused(text: str) -> None:
    try:
        cid = Cid.parse(text)
    except InvalidCid:
        return
    assert Cid.parse(str(cid)) == cid


@pytest.mark.parametrize(
    "text",
    [
        "",
        "b",
        "Qm",
        "hello",
        EMPTY_FILE.upper(),
        "B" + EMPTY_FILE[1:].upper(),
        EMPTY_FILE[:-1],
        EMPTY_FILE + "a",
        EMPTY_FILE[:-1] + "v",  # the same bytes with stray bits after them
        EMPTY_FILE + "=",
        " " + EMPTY_FILE,
        EMPTY_FILE + "\n",
        "b" + "a" * 4000,
        "Qm" + "0" * 44,
        EMPTY_DIRECTORY_V0[:-1],
        "z" + EMPTY_DIRECTORY_V0,  # a version 0 has no base prefix
        "f" + "01 55" + "1220" + "00" * 32,
        "f" + "0155" + "1220" + "AA" * 32,
        "f" + "0155" + "1220" + "00" * 31,
        "f" + "0155" + "1220" + "00" * 33,
        "f" + "0155" + "1120" + "00" * 32,  # another hash
        "f" + "0155" + "1340" + "00" * 64,  # sha2-512
        "f" + "0155" + "0000",  # an identity hash
        "f" + "0255" + "1220" + "00" * 32,  # version 2
        "f" + "01d500" + "1220" + "00" * 32,  # a codec that is not in its shortest form
        "ipfs://" + EMPTY_FILE,
    ],
)
def test_what_is_not_a_canonical_cid_is_refused(text: str) -> None:
    with pytest.raises(InvalidCid):
        Cid.parse(text)


@pytest.mark.parametrize(
    ("version", "codec", "digest"),
    [(2, RAW, bytes(32)), (0, RAW, bytes(32)), (1, RAW, bytes(31)), (1, -1, bytes(32)), (1, RAW, "0" * 32)],
)
def test_parts_that_make_no_cid_are_refused(version: int, codec: int, digest: bytes) -> None:
    with pytest.raises(InvalidCid):
        Cid(version, codec, digest)


def test_bytes_after_a_cid_are_refused() -> None:
    with pytest.raises(InvalidCid, match="1 bytes follow"):
        Cid.from_bytes(bytes(raw_cid(b"")) + b"\0")


def test_an_ipfs_uri_gives_its_cid_and_path() -> None:
    assert split_ipfs_uri(f"ipfs://{EMPTY_FILE}/a/b.png") == (Cid.parse(EMPTY_FILE), "a/b.png")
    assert split_ipfs_uri(f"ipfs://{EMPTY_FILE}") == (Cid.parse(EMPTY_FILE), "")


@pytest.mark.parametrize("uri", [f"https://{EMPTY_FILE}", "ipfs:", "ipfs://", f"ipfs:/{EMPTY_FILE}"])
def test_other_uris_are_refused(uri: str) -> None:
    with pytest.raises(InvalidCid):
        split_ipfs_uri(uri)


@given(st.integers(0, 2**63 - 1))
def test_varints_lead_back_to_the_number(value: int) -> None:
    encoded = varint.encode(value)
    assert varint.decode(b"x" + encoded + b"y", 1) == (value, 1 + len(encoded))


@pytest.mark.parametrize("data", [b"", b"\x80", b"\x80\x00", b"\xff" * 9, b"\x80" * 9 + b"\x01"])
def test_malformed_varints_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="varint"):
        varint.decode(data)


@pytest.mark.parametrize("value", [-1, 2**63])
def test_numbers_outside_a_varint_are_refused(value: int) -> None:
    with pytest.raises(ValueError, match="varint"):
        varint.encode(value)
