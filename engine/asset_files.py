"""The files that belong to an asset, read back from the block store by the addresses in its metadata and recipe."""

from collections.abc import Mapping
from functools import lru_cache

from assets.asset import Asset
from assets.block import BlockReader, Blocks
from assets.cid import Cid, split_ipfs_uri
from assets.metadata import TokenMetadata
from assets.package import AssetPackage, asset_directory
from assets.unixfs import read_file

REMEMBERED = 4096  # metadata documents whose lists of files are kept; a list takes about 2 kB


class AssetFiles:
    """Reads ``blocks``. Every method raises BlockMissing and BlockDamaged where a file cannot be read."""

    def __init__(self, blocks: Blocks) -> None:
        self.blocks = blocks
        # What an address leads to never changes.
        self._listed = lru_cache(REMEMBERED)(
            lambda cid: listed_files(TokenMetadata.from_bytes(self.read(cid)))
        )

    def read(self, cid: Cid) -> bytes:
        return read_whole(cid, self.blocks)

    def metadata(self, asset: Asset) -> TokenMetadata:
        return TokenMetadata.from_bytes(self.read(asset.metadata_cid))

    def listed(self, metadata: Cid) -> Mapping[str, Cid]:
        """Name -> address of what a clip comes in beside its media, by its ``metadata``; nothing for a picture."""
        return self._listed(metadata)

    def more(self, asset: Asset) -> dict[str, bytes]:
        """Name -> bytes of what a clip comes in beside its media; nothing for a picture."""
        return {name: self.read(cid) for name, cid in self.listed(asset.metadata_cid).items()}

    def package(self, asset: Asset, metadata: bytes | None = None) -> AssetPackage:
        """The asset's files and what it was drawn from, under one directory; with other ``metadata`` where given."""
        source, mask = (asset.recipe.get(name) for name in ("source_cid", "mask_cid"))
        return asset_directory(
            self.blocks,
            metadata=metadata if metadata is not None else self.read(asset.metadata_cid),
            media=self.read(asset.media_cid),
            image=self.read(asset.image_cid),
            source=self.read(Cid.parse(source)) if isinstance(source, str) else None,
            mask=self.read(Cid.parse(mask)) if isinstance(mask, str) else None,
            files=self.more(asset),
        )


def listed_files(metadata: TokenMetadata) -> dict[str, Cid]:
    """Name -> address of the files that the metadata's ``properties.files`` lists."""
    listed = metadata.properties.get("files")
    if not isinstance(listed, Mapping):
        return {}
    return {name: split_ipfs_uri(uri)[0] for name, uri in listed.items() if isinstance(uri, str)}


def read_whole(cid: Cid, blocks: BlockReader) -> bytes:
    """A file's bytes. Raises BlockMissing and BlockDamaged."""
    return b"".join(read_file(cid, blocks))
