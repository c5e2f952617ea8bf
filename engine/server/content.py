"""What an ``/ipfs/`` path leads to, found in this store alone."""

from dataclasses import dataclass
from urllib.parse import quote

from assets.block import BlockReader
from assets.cid import DAG_PB, RAW, Cid
from assets.dag_scope import DIRECTORIES, FILES, Trail
from assets.errors import EntryMissing, InvalidUnixFs
from assets.link import check_name
from assets.unixfs import node_type, resolve
from assets.unixfs_data import NodeType
from engine.errors import InvalidRequest, NotServed


@dataclass(frozen=True)
class Content:
    """``cids`` are the roots of the first path segment up to the last; ``passed`` the blocks read between them."""

    names: tuple[str, ...]
    cids: tuple[Cid, ...]
    passed: tuple[Cid, ...]

    @property
    def cid(self) -> Cid:
        """The block that the path ends at."""
        return self.cids[-1]

    @property
    def path(self) -> str:
        """The content path, percent-encoded."""
        return "/ipfs/" + "/".join((str(self.cids[0]), *(quote(name, safe="") for name in self.names)))

    @property
    def name(self) -> str:
        """The last name of the path; empty where the path is a CID alone."""
        return self.names[-1] if self.names else ""


def find_content(cid: str, path: str, blocks: BlockReader) -> Content:
    """Follows ``path`` below ``cid``. The block at its end is not read.

    Raises InvalidCid, InvalidRequest for a name that no directory can hold, EntryMissing, BlockMissing,
    BlockDamaged, InvalidUnixFs.
    """
    cids = [Cid.parse(cid)]
    stripped = path.strip("/")
    names = tuple(stripped.split("/")) if stripped else ()
    for name in names:
        try:
            check_name(name)
        except InvalidUnixFs as error:
            raise InvalidRequest(f"The path cannot be followed: {error}") from error
    trail = Trail(blocks)
    for name in names:
        parent = cids[-1]
        if parent.codec not in (RAW, DAG_PB) or node_type(parent, blocks) not in DIRECTORIES:
            raise EntryMissing(f"{parent} is no directory, so it has no entry {name!r}; leave the name out.")
        cids.append(resolve(parent, name, trail))
    return Content(names, tuple(cids), tuple(cid for cid, _ in trail.take()))


def is_directory(cid: Cid, blocks: BlockReader) -> bool:
    """Whether ``cid`` is a directory; else it is a file.

    Raises NotServed for what is neither, BlockMissing, BlockDamaged, InvalidUnixFs.
    """
    if cid.codec not in (RAW, DAG_PB):
        blocks.get(cid)  # what is not here is not here, whatever it would be
    kind: NodeType | None = node_type(cid, blocks) if cid.codec in (RAW, DAG_PB) else None
    if kind not in DIRECTORIES | FILES:
        raise NotServed(
            f"{cid} is neither a file nor a directory; ask for it with ?format=raw or ?format=car."
        )
    return kind in DIRECTORIES
