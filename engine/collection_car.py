"""A collection as one CAR: a directory whose entries are the assets' own directories."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from assets.asset import Asset
from assets.block import BlockReader, MemoryBlocks
from assets.car import encode_car, export_dag
from assets.cid import Cid
from assets.link import Link
from assets.unixfs import add_directory
from engine.asset_files import AssetFiles


@dataclass(frozen=True)
class CollectionCar:
    """``root`` is the directory; the nodes of it alone are in ``above``, all else in ``below``."""

    root: Cid
    above: MemoryBlocks
    below: BlockReader

    @classmethod
    def of(cls, assets: Sequence[Asset], files: AssetFiles) -> "CollectionCar":
        """The directory of ``assets`` by their ids. Raises BlockMissing and BlockDamaged."""
        entries = {}
        for asset in assets:
            package = files.package(asset)
            # A directory states how large its entries are with their blocks, and nothing else of their sizes.
            entries[asset.asset_id] = Link(package.root, package.tsize, package.tsize)
        above = MemoryBlocks()
        return cls(add_directory(entries, above).cid, above, files.blocks)

    def get(self, cid: Cid, /) -> bytes:
        """A block of the one or the other. Raises BlockMissing, BlockDamaged."""
        return self.above.get(cid) if cid in self.above else self.below.get(cid)

    def parts(self) -> Iterator[bytes]:
        """The bytes of the CAR, a block at a time. Raises BlockMissing, BlockDamaged."""
        return encode_car([self.root], export_dag([self.root], self))
