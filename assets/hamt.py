"""Sharded directories: a hash array mapped trie for directories too large for one block.

Source: UnixFS specification, "HAMT Directory"; the hash is the first half of murmur3-x64-128, seed 0.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import mmh3

from assets.block import BlockReader, BlockWriter
from assets.cid import DAG_PB, Cid, cid_of
from assets.dagpb import PbLink, PbNode
from assets.errors import EntryMissing, InvalidUnixFs
from assets.import_profile import ImportProfile
from assets.link import Entry, Link, check_name
from assets.unixfs_data import NodeType, UnixFsData

_MURMUR3_X64_64: Final = 0x22
_HASH_BITS: Final = 64


@dataclass(frozen=True, slots=True)
class _Shard:
    """A node of the trie. A link's name begins with its bucket in hexadecimal; a bare one is a sub-shard."""

    links: dict[int, PbLink]
    fanout: int

    @property
    def bits(self) -> int:
        return self.fanout.bit_length() - 1

    @property
    def prefix_chars(self) -> int:
        return len(f"{self.fanout - 1:X}")

    def bucket(self, name_hash: int, depth: int) -> int:
        """The bucket of a name at ``depth``: the next bits of its hash, highest first."""
        shift = _HASH_BITS - self.bits * (depth + 1)
        if shift < 0:
            raise InvalidUnixFs("Two names collide in every bit of their hash; rename one of them.")
        return name_hash >> shift & (self.fanout - 1)

    @classmethod
    def decode(cls, node: PbNode, info: UnixFsData) -> "_Shard":
        """The shard in ``node``; raises InvalidUnixFs unless its bitfield and links agree."""
        fanout = info.fanout or 0
        if info.hash_type != _MURMUR3_X64_64 or fanout not in (8, 16, 32, 64, 128, 256, 512, 1024):
            raise InvalidUnixFs("The sharded directory has an unknown hash or fan-out; it cannot be read.")
        bitfield = int.from_bytes(info.data or b"", "big")
        buckets = [bucket for bucket in range(fanout) if bitfield >> bucket & 1]
        shard = cls(dict(zip(buckets, node.links, strict=False)), fanout)
        prefixes = [link.name[: shard.prefix_chars] for link in node.links]
        if bitfield >> fanout or prefixes != [f"{bucket:0{shard.prefix_chars}X}" for bucket in buckets]:
            raise InvalidUnixFs("The sharded directory's links do not match its bitfield; fetch it again.")
        return shard


def name_hash(name: bytes) -> int:
    """The 64-bit hash that places ``name`` (UTF-8) in the trie."""
    return int.from_bytes(mmh3.mmh3_x64_128_digest(name)[:8], "little")


def add_shards(
    entries: Sequence[tuple[bytes, str, Link]], blocks: BlockWriter, profile: ImportProfile
) -> tuple[Cid, int]:
    """Writes ``entries`` (name in UTF-8, name, link) as a sharded directory; its CID and tsize in bytes.

    Raises InvalidUnixFs when two names have the same 64-bit hash.
    """
    return _add_shard([(name_hash(key), name, link) for key, name, link in entries], blocks, profile, 0)


def _add_shard(
    entries: list[tuple[int, str, Link]], blocks: BlockWriter, profile: ImportProfile, depth: int
) -> tuple[Cid, int]:
    shard = _Shard({}, profile.fanout)
    buckets: dict[int, list[tuple[int, str, Link]]] = {}
    for entry in entries:
        buckets.setdefault(shard.bucket(entry[0], depth), []).append(entry)
    links = []
    bitfield = 0
    for bucket, inside in sorted(buckets.items()):
        bitfield |= 1 << bucket
        prefix = f"{bucket:0{shard.prefix_chars}X}"
        if len(inside) == 1:
            _, name, link = inside[0]
            links.append(PbLink(link.cid, prefix + name, link.tsize))
        else:
            cid, tsize = _add_shard(inside, blocks, profile, depth + 1)
            links.append(PbLink(cid, prefix, tsize))
    info = UnixFsData(
        NodeType.HAMT_SHARD,
        data=bitfield.to_bytes((bitfield.bit_length() + 7) // 8, "big"),
        hash_type=_MURMUR3_X64_64,
        fanout=profile.fanout,
    )
    block = PbNode(tuple(links), info.encode()).encode()
    cid = cid_of(block, DAG_PB, profile.cid_version)
    blocks.put(cid, block)
    return cid, len(block) + sum(link.tsize for link in links)


def list_shards(node: PbNode, info: UnixFsData, blocks: BlockReader) -> Iterator[Entry]:
    """The entries of the sharded directory whose root is ``node``, in the order of the trie.

    Raises InvalidUnixFs for a name that does not lie where its hash belongs, which also stops a small set of
    blocks from describing an endless directory; BlockMissing and BlockDamaged from ``blocks``.
    """
    return _list_shard(_Shard.decode(node, info), blocks, ())


def _list_shard(shard: _Shard, blocks: BlockReader, path: tuple[int, ...]) -> Iterator[Entry]:
    for bucket, link in shard.links.items():
        here = (*path, bucket)
        name = link.name[shard.prefix_chars :]
        if not name:
            yield from _list_shard(_sub_shard(link.cid, shard, blocks, len(here)), blocks, here)
            continue
        hashed = name_hash(check_name(name))
        if here != tuple(shard.bucket(hashed, depth) for depth in range(len(here))):
            raise InvalidUnixFs(f"The entry {name!r} lies in the wrong shard; fetch the directory again.")
        yield Entry(name, link.cid, link.tsize)


def find_in_shards(node: PbNode, info: UnixFsData, name: str, blocks: BlockReader) -> Entry:
    """The entry ``name`` of the sharded directory whose root is ``node``, reading one block per level.

    Raises EntryMissing, InvalidUnixFs, and BlockMissing or BlockDamaged from ``blocks``.
    """
    hashed = name_hash(check_name(name))
    shard = _Shard.decode(node, info)
    depth = 0
    while (link := shard.links.get(shard.bucket(hashed, depth))) is not None:
        found = link.name[shard.prefix_chars :]
        if found == name:
            return Entry(name, link.cid, link.tsize)
        if found:
            break
        depth += 1
        shard = _sub_shard(link.cid, shard, blocks, depth)
    raise EntryMissing(f"The directory has no entry {name!r}; list it to see its names.")


def _sub_shard(cid: Cid, parent: _Shard, blocks: BlockReader, depth: int) -> _Shard:
    if cid.codec != DAG_PB or depth * parent.bits >= _HASH_BITS:
        raise InvalidUnixFs(f"Block {cid} cannot be a shard at depth {depth}; fetch the directory again.")
    node = PbNode.decode(blocks.get(cid))
    info = UnixFsData.decode(node.data)
    shard = _Shard.decode(node, info)
    if info.type is not NodeType.HAMT_SHARD or shard.fanout != parent.fanout or not shard.links:
        raise InvalidUnixFs(f"Block {cid} is not a shard of this directory; fetch the directory again.")
    return shard
