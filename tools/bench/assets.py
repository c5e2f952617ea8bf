"""How fast content is addressed and stored."""

import io
import tempfile
from collections.abc import Iterator
from pathlib import Path

from assets.block import NoBlocks
from assets.blockstore import BlockStore
from assets.cid import raw_cid
from assets.unixfs import add_file
from tools.bench.figure import Figure, median_s

BYTES = 256 * 1024 * 1024
BLOCKS = 200


def figures() -> Iterator[Figure]:
    data = bytes(range(256)) * (BYTES // 256)
    took = median_s(lambda: add_file(io.BytesIO(data), NoBlocks()), 3)
    yield Figure("cid_mb_per_s", BYTES / 1e6 / took, "MB/s", 400, at_most=False, note="256 MiB in memory")
    with tempfile.TemporaryDirectory() as folder:
        blocks = [n.to_bytes(4, "big") * 1024 for n in range(BLOCKS)]
        rounds = iter(range(1000))

        def put_all() -> None:
            store = BlockStore(Path(folder) / str(next(rounds)))
            for block in blocks:
                store.put(raw_cid(block), block)

        took = median_s(put_all, 3)
    yield Figure("block_put_ms", took / BLOCKS * 1000, "ms", note="4 KiB, on disk when it returns")
