"""The CIDs that Kubo gives: golden values from its own tests, and an independent implementation beside ours.

The golden values are from Kubo's test/cli/cid_profiles_test.go, test/sharness/t0040-add-and-cat.sh and
test/sharness/t0260-sharding.sh.
"""

import hashlib
import random
from dataclasses import replace
from io import BytesIO, RawIOBase
from pathlib import Path

import aleph_cid
import pytest
from Crypto.Cipher import ChaCha20
from hypothesis import given
from hypothesis import strategies as st

from assets.block import MemoryBlocks, NoBlocks
from assets.cid import raw_cid
from assets.errors import InvalidUnixFs
from assets.import_profile import KUBO_V1, UNIXFS_V0_2015, UNIXFS_V1_2025, ImportProfile
from assets.link import Link
from assets.unixfs import add_directory, add_file

KIB = 1024
CHUNK = 256 * KIB
V0_RAW_LEAVES = replace(UNIXFS_V0_2015, raw_leaves=True)
V1_WRAPPED_LEAVES = replace(KUBO_V1, raw_leaves=False)


def file_cid(content: bytes, profile: ImportProfile) -> str:
    return str(add_file(BytesIO(content), NoBlocks(), profile).cid)


def kubo_bytes(size: int, seed: str) -> bytes:
    """The deterministic content of Kubo's tests: the ChaCha20 key stream under the seed's sha256."""
    cipher = ChaCha20.new(key=hashlib.sha256(seed.encode()).digest(), nonce=bytes(12))
    return cipher.encrypt(bytes(size))


def kubo_directory(files: int, name_chars: int, last_name_chars: int, seed: str) -> list[str]:
    """The file names of Kubo's directory tests; its alphabet does hold the zero twice."""
    alphabet = "abcdefghijklmnopqrstuvwxyz01234567890-_"
    stream = BytesIO(kubo_bytes(KIB * KIB, seed))
    lengths = [name_chars] * (files - 1) + [last_name_chars]
    return ["".join(alphabet[byte % len(alphabet)] for byte in stream.read(length)) for length in lengths]


@pytest.mark.parametrize(
    ("content", "profile", "expected"),
    [
        (b"", KUBO_V1, "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"),
        (b"", UNIXFS_V0_2015, "QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH"),
        (b"hello world", UNIXFS_V0_2015, "Qmf412jQZiuVUtdgnB36FXFX7xg5V6KEbSJ4dpQuhkLyfD"),
        (b"hello world", KUBO_V1, "bafkreifzjut3te2nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"),
        (b"Hello Worlds!\n", UNIXFS_V0_2015, "QmVr26fY1tKyspEJBniVhqxQeEjhF78XerGiqWAwraVLQH"),
        (b"Hello Mars!\n", KUBO_V1, "bafkreibmlvvgdyihetgocpof6xk64kjjzdeq2e4c7hqs3krdheosk4tgj4"),
        (b"Hello Mars!\n", V0_RAW_LEAVES, "bafkreibmlvvgdyihetgocpof6xk64kjjzdeq2e4c7hqs3krdheosk4tgj4"),
        (b"Hello Mars!\n", V1_WRAPPED_LEAVES, "bafybeiawta2ntdmsy24aro35w3homzl4ak7svr3si7l7gesvq4erglyye4"),
    ],
)
def test_small_files_have_the_cids_that_kubo_gives(
    content: bytes, profile: ImportProfile, expected: str
) -> None:
    assert file_cid(content, profile) == expected


@pytest.mark.parametrize(
    ("size", "seed", "profile", "expected"),
    [
        (CHUNK, "chunk-v0-seed", UNIXFS_V0_2015, "QmWmRj3dFDZdb6ABvbmKhEL6TmPbAfBZ1t5BxsEyJrcZhE"),
        (CHUNK + 1, "chunk-v0-seed", UNIXFS_V0_2015, "QmYyLxtzZyW22zpoVAtKANLRHpDjZtNeDjQdJrcQNWoRkJ"),
        (174 * CHUNK, "v0-seed", UNIXFS_V0_2015, "QmUbBALi174SnogsUzLpYbD4xPiBSFANF4iztWCsHbMKh2"),
        (174 * CHUNK + 1, "v0-seed", UNIXFS_V0_2015, "QmV81WL765sC8DXsRhE5fJv2rwhS4icHRaf3J9Zk5FdRnW"),
        (
            KIB * KIB,
            "chunk-v1-seed",
            UNIXFS_V1_2025,
            "bafkreiacndfy443ter6qr2tmbbdhadvxxheowwf75s6zehscklu6ezxmta",
        ),
        (
            KIB * KIB + 1,
            "chunk-v1-seed",
            UNIXFS_V1_2025,
            "bafybeigmix7t42i6jacydtquhet7srwvgpizfg7gjbq7627d35mjomtu64",
        ),
    ],
)
def test_files_at_the_edges_of_chunks_and_nodes_have_the_cids_that_kubo_gives(
    size: int, seed: str, profile: ImportProfile, expected: str
) -> None:
    assert file_cid(kubo_bytes(size, seed), profile) == expected


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        (UNIXFS_V0_2015, "QmWSgS32xQEcXMeqd3YPJLrNBLSdsfYCep2U7CFkyrjXwY"),
        (V0_RAW_LEAVES, "QmfWfQfKCY5Ukv9peBbxM5vqWM9BzmqUSXvdCgjT2wsiBT"),
        (KUBO_V1, "bafybeih7e5dmkyk25up5vxug4q3hrg2fxbzf23dfrac2fns5h7z4aa7ioi"),
        (V1_WRAPPED_LEAVES, "bafybeif5tuep5ap2d7zyhbktucey75aoacxufgt6i3v4gebmixyipnyp7y"),
    ],
)
def test_a_directory_has_the_cid_that_kubo_gives(profile: ImportProfile, expected: str) -> None:
    contents = {"venus.txt": b"Hello Venus!\n", "mars.txt": b"Hello Mars!\n"}
    links = {name: add_file(BytesIO(text), NoBlocks(), profile) for name, text in contents.items()}
    assert str(add_directory(links, NoBlocks(), profile).cid) == expected


def test_nested_directories_have_the_cid_that_kubo_gives() -> None:
    blocks, profile = NoBlocks(), UNIXFS_V0_2015

    def file(text: str) -> Link:
        return add_file(BytesIO(text.encode()), blocks, profile)

    jupiter = add_directory({"europa.txt": file("Hello Europa!\n")}, blocks, profile)
    saturn = add_directory({"titan.txt": file("Hello Titan!\n")}, blocks, profile)
    mercury = file("hey you are no moon!\n")
    moons = add_directory({"jupiter": jupiter, "saturn": saturn, "mercury.txt": mercury}, blocks, profile)
    assert str(moons.cid) == "QmbGoaQZm8kjYfCiN1aBsgwhqfUBGDYTrDb91Mz7Dvq81B"
    assert moons.size == len("Hello Europa!\nHello Titan!\nhey you are no moon!\n")


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        (UNIXFS_V0_2015, "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"),
        (KUBO_V1, "bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354"),
    ],
)
def test_the_empty_directory_has_its_well_known_cid(profile: ImportProfile, expected: str) -> None:
    link = add_directory({}, NoBlocks(), profile)
    assert (str(link.cid), link.size, link.tsize) == (expected, 0, 4)


@pytest.mark.parametrize(
    ("files", "name_chars", "last_name_chars", "profile", "expected"),
    [
        (4096, 30, 30, UNIXFS_V0_2015, "QmX5GtRk3TSSEHtdrykgqm4eqMEn3n2XhfkFAis5fjyZmN"),
        (4033, 31, 31, UNIXFS_V0_2015, "QmeMiJzmhpJAUgynAcxTQYek5PPKgdv3qEvFsdV3XpVnvP"),
        (4766, 11, 21, UNIXFS_V1_2025, "bafybeic3h7rwruealwxkacabdy45jivq2crwz6bufb5ljwupn36gicplx4"),
        (4766, 11, 22, UNIXFS_V1_2025, "bafybeiegvuterwurhdtkikfhbxcldohmxp566vpjdofhzmnhv6o4freidu"),
    ],
    ids=["links at the threshold", "links above it", "block at the threshold", "block above it"],
)
def test_directories_at_the_sharding_threshold_have_the_cids_that_kubo_gives(
    files: int, name_chars: int, last_name_chars: int, profile: ImportProfile, expected: str
) -> None:
    seed = f"hamt-unixfs-v{profile.cid_version}-{2025 if profile.cid_version else 2015}"
    leaf = add_file(BytesIO(b"x"), NoBlocks(), profile)
    links = dict.fromkeys(kubo_directory(files, name_chars, last_name_chars, seed), leaf)
    assert str(add_directory(links, NoBlocks(), profile).cid) == expected


@pytest.mark.parametrize(
    ("threshold_bytes", "expected"),
    [
        (1 << 30, "QmavrTrQG4VhoJmantURAYuw3bowq3E2WcvP36NRQDAC1N"),
        (1, "QmSCJD1KYLhVVHqBK3YyXuoEqHt7vggyJhzoFYbT8v1XYL"),
    ],
)
def test_sharding_forced_on_or_off_gives_the_cids_that_kubo_gives(
    threshold_bytes: int, expected: str
) -> None:
    profile = replace(UNIXFS_V0_2015, shard_threshold_bytes=threshold_bytes)
    links = {
        f"file{number}": add_file(BytesIO(b"%d\n" % number), NoBlocks(), profile) for number in range(1, 2001)
    }
    assert str(add_directory(links, NoBlocks(), profile).cid) == expected


@pytest.mark.parametrize(
    "size",
    [
        *(0, 1, 2, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK - 1, 2 * CHUNK, 2 * CHUNK + 1, 5_000_000),
        *(174 * CHUNK - 1, 174 * CHUNK, 174 * CHUNK + 1, 175 * CHUNK, 2 * 174 * CHUNK + 7),
    ],
)
def test_file_cids_agree_with_an_independent_implementation(size: int) -> None:
    content = random.Random(size).randbytes(size)
    first, second = aleph_cid.CidHasher.for_ipfs(), aleph_cid.CidHasher.for_ipfs_v1_raw_leaves()
    first.update(content)
    second.update(content)
    assert file_cid(content, UNIXFS_V0_2015) == first.finalize()
    assert file_cid(content, KUBO_V1) == second.finalize()


def test_a_folder_on_disk_agrees_with_an_independent_implementation(tmp_path: Path) -> None:
    contents = {"naïve ☃.txt": b"snow", "big.bin": random.Random(7).randbytes(3 * CHUNK + 5), "empty": b""}
    for name, content in contents.items():
        (tmp_path / name).write_bytes(content)
    for profile in (UNIXFS_V0_2015, KUBO_V1):
        links = {name: add_file(BytesIO(text), NoBlocks(), profile) for name, text in contents.items()}
        expected = aleph_cid.hash_folder(tmp_path, cid_version=profile.cid_version)
        assert str(add_directory(links, NoBlocks(), profile).cid) == expected


@given(st.binary(max_size=300), st.integers(1, 9), st.integers(2, 4))
def test_the_tree_over_the_leaves_is_balanced_and_counts_its_bytes(
    content: bytes, chunk: int, width: int
) -> None:
    blocks = MemoryBlocks()
    link = add_file(BytesIO(content), blocks, ImportProfile(chunk_bytes=chunk, max_links=width))
    level = [content[at : at + chunk] for at in range(0, len(content), chunk)] or [b""]
    sizes = [len(leaf) for leaf in level]
    while len(sizes) > 1:
        sizes = [sum(sizes[at : at + width]) for at in range(0, len(sizes), width)]
    assert link.size == sizes[0] == len(content)
    assert all(raw_cid(leaf) in blocks for leaf in level)
    assert (link.cid == raw_cid(content)) == (len(content) <= chunk)


class Trickle(RawIOBase):
    """A stream that gives at most 1000 bytes a time, as a socket may."""

    def __init__(self, content: bytes) -> None:
        self.left = content

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        given, self.left = self.left[: min(size, 1000)], self.left[min(size, 1000) :]
        return given


def test_a_stream_that_gives_less_than_asked_has_the_same_cid() -> None:
    content = random.Random(3).randbytes(CHUNK + 12_345)
    assert str(add_file(Trickle(content), NoBlocks()).cid) == file_cid(content, KUBO_V1)


@pytest.mark.parametrize("name", ["", ".", "..", "a/b", "a\0b", "\ud800", "é" * 128])
def test_names_that_could_not_be_extracted_are_refused(name: str) -> None:
    with pytest.raises(InvalidUnixFs):
        add_directory({name: add_file(BytesIO(b"x"), NoBlocks())}, NoBlocks())


@pytest.mark.parametrize(
    "parts",
    [{"cid_version": 2}, {"chunk_bytes": 0}, {"chunk_bytes": 2 << 20}, {"max_links": 1}, {"fanout": 100}],
)
def test_profiles_that_no_importer_could_follow_are_refused(parts: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=r"must|needs"):
        ImportProfile(**parts)  # type: ignore[arg-type]
