"""Files and directories as blocks, with the CIDs that Kubo gives them, and back.

Source: UnixFS specification (ipfs/specs), "Importing", "dag-pb File" and "dag-pb Directory".
"""

from collections.abc import Iterator, Mapping
from typing import BinaryIO

from assets.block import BlockReader, BlockWriter
from assets.cid import DAG_PB, RAW, Cid, cid_of
from assets.dagpb import PbLink, PbNode
from assets.errors import EntryMissing, InvalidUnixFs
from assets.hamt import add_shards, find_in_shards, list_shards
from assets.import_profile import KUBO_V1, ImportProfile, ShardEstimate
from assets.link import Entry, Link, check_name
from assets.unixfs_data import NodeType, UnixFsData

# A balanced tree of width 174 holds 2**63 bytes in 7 levels; other importers make narrower, deeper ones.
MAX_DEPTH = 32


def add_file(stream: BinaryIO, blocks: BlockWriter, profile: ImportProfile = KUBO_V1) -> Link:
    """Imports ``stream`` from its position to its end, a leaf at a time, in memory of a few leaves.

    Each block goes to ``blocks`` before any block that links to it. Errors of ``stream`` and ``blocks`` pass
    through.
    """
    levels: list[list[Link]] = [[]]

    def push(level: int, link: Link) -> None:
        if level == len(levels):
            levels.append([])
        if len(levels[level]) == profile.max_links:
            full, levels[level] = levels[level], []
            push(level + 1, _add_file_node(full, blocks, profile))
        levels[level].append(link)

    while chunk := _read_chunk(stream, profile.chunk_bytes):
        push(0, _add_leaf(chunk, blocks, profile))
    if not levels[0]:
        push(0, _add_leaf(b"", blocks, profile))
    level = 0
    while level + 1 < len(levels) or len(levels[level]) > 1:
        push(level + 1, _add_file_node(levels[level], blocks, profile))
        level += 1
    return levels[level][0]


def add_directory(entries: Mapping[str, Link], blocks: BlockWriter, profile: ImportProfile = KUBO_V1) -> Link:
    """Writes a directory of imported ``entries``, sharded when its size exceeds the profile's threshold.

    Raises InvalidUnixFs for a name that cannot be stored; errors of ``blocks`` pass through.
    """
    listed = sorted((check_name(name), name, link) for name, link in entries.items())
    size = sum(link.size for _, _, link in listed)
    links = tuple(PbLink(link.cid, name, link.tsize) for _, name, link in listed)
    block = PbNode(links, UnixFsData(NodeType.DIRECTORY).encode()).encode()
    if profile.shard_estimate is ShardEstimate.BLOCK:
        estimate = len(block)
    else:
        estimate = sum(len(key) + len(bytes(link.cid)) for key, _, link in listed)
    if estimate > profile.shard_threshold_bytes:
        cid, tsize = add_shards(listed, blocks, profile)
        return Link(cid, size, tsize)
    cid = cid_of(block, DAG_PB, profile.cid_version)
    blocks.put(cid, block)
    return Link(cid, size, len(block) + sum(link.tsize for link in links))


def node_type(cid: Cid, blocks: BlockReader) -> NodeType:
    """What the root block of ``cid`` says it is; a raw block is RAW, which reads as a file.

    Raises InvalidUnixFs for another codec or a bad node; BlockMissing and BlockDamaged from ``blocks``.
    """
    block = blocks.get(cid)
    return NodeType.RAW if cid.codec == RAW else _decode(cid, block)[1].type


def file_size(cid: Cid, blocks: BlockReader) -> int:
    """The bytes that the root block of a file states for its content; :func:`read_file` holds it to that.

    Raises InvalidUnixFs when ``cid`` is not a file; BlockMissing and BlockDamaged from ``blocks``.
    """
    block = blocks.get(cid)
    return len(block) if cid.codec == RAW else _file_node(cid, block)[2]


def read_file(cid: Cid, blocks: BlockReader, start: int = 0, stop: int | None = None) -> Iterator[bytes]:
    """The content of a file from byte ``start`` up to byte ``stop`` (its end when None), a block at a time.

    Blocks outside the range are not read. Raises InvalidUnixFs when ``cid`` is not a file, is deeper than 32
    levels, or when a block's content is not as long as its parent states; BlockMissing and BlockDamaged from
    ``blocks``.
    """
    if start < 0 or (stop is not None and stop < start):
        raise InvalidUnixFs(f"Bytes {start} to {stop} are not a range; give 0 <= start <= stop.")
    return _read(cid, blocks, None, start, stop, 0)


def list_directory(cid: Cid, blocks: BlockReader) -> Iterator[Entry]:
    """The entries of a directory, sharded or not, in the order they are stored.

    Raises InvalidUnixFs when ``cid`` is not a directory or holds a bad or repeated name; BlockMissing and
    BlockDamaged from ``blocks``.
    """
    node, info = _directory_node(cid, blocks)
    if info.type is NodeType.HAMT_SHARD:
        yield from list_shards(node, info, blocks)
        return
    names = set()
    for link in node.links:
        check_name(link.name)
        if link.name in names:
            raise InvalidUnixFs(f"Directory {cid} has two entries {link.name!r}; import it again.")
        names.add(link.name)
        yield Entry(link.name, link.cid, link.tsize)


def resolve(cid: Cid, path: str, blocks: BlockReader) -> Cid:
    """The CID at ``path`` (names joined by ``/``, slashes around them ignored) below directory ``cid``.

    Raises EntryMissing when a name is not there, InvalidUnixFs for a bad name or when a file stands where a
    directory is needed; BlockMissing and BlockDamaged from ``blocks``. Symbolic links are not followed.
    """
    stripped = path.strip("/")
    for name in stripped.split("/") if stripped else ():
        check_name(name)
        node, info = _directory_node(cid, blocks)
        if info.type is NodeType.HAMT_SHARD:
            cid = find_in_shards(node, info, name, blocks).cid
            continue
        found = [link.cid for link in node.links if link.name == name]
        if not found:
            raise EntryMissing(f"The directory {cid} has no entry {name!r}; list it to see its names.")
        cid = found[0]
    return cid


def _read_chunk(stream: BinaryIO, size: int) -> bytes:
    """The next ``size`` bytes, fewer only at the end: a pipe or socket may give less than is asked for."""
    chunk = stream.read(size)
    if not chunk or len(chunk) == size:
        return chunk
    parts = [chunk]
    missing = size - len(chunk)
    while missing and (part := stream.read(missing)):
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def _add_leaf(chunk: bytes, blocks: BlockWriter, profile: ImportProfile) -> Link:
    if profile.raw_leaves:
        cid = cid_of(chunk, RAW)
        blocks.put(cid, chunk)
        return Link(cid, len(chunk), len(chunk))
    info = UnixFsData(NodeType.FILE, data=chunk or None, file_size=len(chunk))
    block = PbNode((), info.encode()).encode()
    cid = cid_of(block, DAG_PB, profile.cid_version)
    blocks.put(cid, block)
    return Link(cid, len(chunk), len(block))


def _add_file_node(children: list[Link], blocks: BlockWriter, profile: ImportProfile) -> Link:
    sizes = tuple(child.size for child in children)
    links = tuple(PbLink(child.cid, "", child.tsize) for child in children)
    info = UnixFsData(NodeType.FILE, file_size=sum(sizes), block_sizes=sizes)
    block = PbNode(links, info.encode()).encode()
    cid = cid_of(block, DAG_PB, profile.cid_version)
    blocks.put(cid, block)
    return Link(cid, sum(sizes), len(block) + sum(child.tsize for child in children))


def _read(
    cid: Cid, blocks: BlockReader, expected: int | None, start: int, stop: int | None, depth: int
) -> Iterator[bytes]:
    """Bytes ``start`` to ``stop`` of the content below ``cid``, whose parent states ``expected`` bytes."""
    if depth > MAX_DEPTH:
        raise InvalidUnixFs(f"The file is deeper than {MAX_DEPTH} levels at {cid}; import it again.")
    block = blocks.get(cid)
    links: tuple[tuple[Cid, int], ...]
    if cid.codec == RAW:
        links, data, size = (), block, len(block)
    else:
        links, data, size = _file_node(cid, block)
    if expected is not None and size != expected:
        raise InvalidUnixFs(f"Block {cid} holds {size} bytes, not the {expected} that its parent states.")
    if part := data[start:stop]:
        yield part
    position = len(data)
    for child, length in links:
        after = position + length
        if start < after and (stop is None or stop > position):
            child_stop = None if stop is None or stop >= after else stop - position
            yield from _read(child, blocks, length, max(start - position, 0), child_stop, depth + 1)
        position = after


def _file_node(cid: Cid, block: bytes) -> tuple[tuple[tuple[Cid, int], ...], bytes, int]:
    """The children with their lengths, the inline content and the whole length, in bytes, of a file's node.

    A child of no bytes is refused: a few blocks of them could keep a reader busy for ever.
    """
    node, info = _decode(cid, block)
    if info.type not in (NodeType.FILE, NodeType.RAW):
        raise InvalidUnixFs(f"{cid} is a {info.type.name.lower()}, not a file; name a file inside it.")
    data = info.data or b""
    size = len(data) + sum(info.block_sizes)
    if (
        len(info.block_sizes) != len(node.links)
        or 0 in info.block_sizes
        or info.file_size not in (None, size)
    ):
        raise InvalidUnixFs(f"The sizes in file node {cid} contradict each other; import the file again.")
    links = tuple((link.cid, length) for link, length in zip(node.links, info.block_sizes, strict=True))
    return links, data, size


def _directory_node(cid: Cid, blocks: BlockReader) -> tuple[PbNode, UnixFsData]:
    if cid.codec == RAW:
        raise InvalidUnixFs(f"{cid} is a file, not a directory; read it instead.")
    node, info = _decode(cid, blocks.get(cid))
    if info.type not in (NodeType.DIRECTORY, NodeType.HAMT_SHARD):
        raise InvalidUnixFs(f"{cid} is a {info.type.name.lower()}, not a directory; read it instead.")
    return node, info


def _decode(cid: Cid, block: bytes) -> tuple[PbNode, UnixFsData]:
    if cid.codec != DAG_PB:
        raise InvalidUnixFs(f"{cid} has codec {cid.codec:#x}, which is not UnixFS; give a file or directory.")
    node = PbNode.decode(block)
    return node, UnixFsData.decode(node.data)
