"""The package of one asset: a directory of its metadata, media and image, which travels as one CAR file.

An asset that was drawn from another picture has that one, and its mask, in the package too: without them nobody could
draw it again. A clip's package holds its video, other animated pictures and sprite sheet as well.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from io import BytesIO
from typing import BinaryIO, Final

from assets.block import BlockReader, Blocks, MemoryBlocks
from assets.car import export_dag, read_car, write_car
from assets.cid import Cid, split_ipfs_uri
from assets.errors import AssetsError, InvalidPackage
from assets.link import Link
from assets.metadata import MAX_METADATA_BYTES, TokenMetadata
from assets.unixfs import add_directory, add_file, file_size, list_directory, read_file

METADATA_NAME: Final = "metadata.json"
MEDIA_NAME: Final = "media.png"
IMAGE_NAME: Final = "image.png"
SOURCE_NAME: Final = "source.png"
MASK_NAME: Final = "mask.png"
# Sprites are far smaller; long clips of large video models come near. An import holds one package in memory.
MAX_PICTURE_BYTES: Final = 96 * 1024 * 1024

# What a clip comes in beside its media, an animated PNG: for marketplaces, for pages, for game engines.
CLIP_NAMES: Final = (
    "clip.mp4",
    "clip.webp",
    "clip.gif",
    "sheet.png",
    "sheet.json",
    "sheet.tres",
    "sheet.tsx",
)

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LIMITS = {
    METADATA_NAME: MAX_METADATA_BYTES,
    MEDIA_NAME: MAX_PICTURE_BYTES,
    IMAGE_NAME: MAX_PICTURE_BYTES,
    SOURCE_NAME: MAX_PICTURE_BYTES,
    MASK_NAME: MAX_PICTURE_BYTES,
    **dict.fromkeys(CLIP_NAMES, MAX_PICTURE_BYTES),
}
_OPTIONAL = frozenset({SOURCE_NAME, MASK_NAME, *CLIP_NAMES})
# All pictures, the metadata, and the nodes above them; no asset has every file at its largest.
_MAX_CAR_BYTES = 6 * MAX_PICTURE_BYTES + 4 * 1024 * 1024
# What holding a block in memory costs beside its bytes, so that a flood of tiny blocks is bounded too.
_BLOCK_OVERHEAD_BYTES = 256


@dataclass(frozen=True, slots=True)
class AssetPackage:
    """The addresses of a package: its directory ``root`` (dag-pb), and the files inside it.

    ``metadata_cid`` is a raw CIDv1, so its digest is the sha256 of the metadata. ``tsize`` is the bytes of
    all blocks, as the directory states them.
    """

    root: Cid
    metadata_cid: Cid
    media_cid: Cid
    image_cid: Cid
    tsize: int


def asset_directory(
    store: Blocks,
    *,
    metadata: bytes,
    media: bytes,
    image: bytes,
    source: bytes | None = None,
    mask: bytes | None = None,
    files: Mapping[str, bytes] | None = None,
) -> AssetPackage:
    """Stores the files and the directory over them, and gives their addresses.

    ``metadata`` is canonical token metadata; an ``ipfs://`` image in it must be ``media`` or ``image``, an
    ``ipfs://`` animation one of ``files``, whose names are of ``CLIP_NAMES``. The pictures
    are PNG files of at most 96 MiB. Nothing is stored unless all of it is sound. Raises InvalidPackage, and
    StorageFull or StorageFailed from ``store``.
    """
    given = {
        METADATA_NAME: metadata,
        MEDIA_NAME: media,
        IMAGE_NAME: image,
        SOURCE_NAME: source,
        MASK_NAME: mask,
        **(files or {}),
    }
    if unknown := sorted(set(given) - set(_LIMITS)):
        raise InvalidPackage(f"A package holds no {unknown[0]}; its files are {', '.join(_LIMITS)}.")
    contents = {name: content for name, content in given.items() if content is not None}
    staged = MemoryBlocks()
    links = {name: add_file(BytesIO(content), staged) for name, content in contents.items()}
    _check_contents(contents, {name: link.cid for name, link in links.items()})
    package = _package(add_directory(links, staged), links)
    store.put_many(staged.items())
    return package


def read_package(root: Cid, blocks: BlockReader) -> AssetPackage:
    """The package whose directory is ``root``, read whole and checked as :func:`asset_directory` checks.

    Raises InvalidPackage or InvalidUnixFs when it is anything else, BlockMissing and BlockDamaged from
    ``blocks``.
    """
    entries = {entry.name: entry for entry in list_directory(root, blocks)}
    if not set(_LIMITS) - _OPTIONAL <= set(entries) <= set(_LIMITS):
        names, more = ", ".join(sorted(set(_LIMITS) - _OPTIONAL)), " and ".join(sorted(_OPTIONAL))
        raise InvalidPackage(
            f"Directory {root} is not an asset's package; it must hold {names}, may hold {more}, and no more."
        )
    contents = {}
    for name in entries:
        limit = _LIMITS[name]
        size = file_size(entries[name].cid, blocks)
        if size > limit:
            raise InvalidPackage(
                f"The package's {name} has {size} bytes, more than {limit}; make it smaller."
            )
        contents[name] = b"".join(read_file(entries[name].cid, blocks))
    _check_contents(contents, {name: entry.cid for name, entry in entries.items()})
    tsize = len(blocks.get(root)) + sum(entry.tsize for entry in entries.values())
    links = {name: Link(entry.cid, len(contents[name]), entry.tsize) for name, entry in entries.items()}
    return _package(Link(root, sum(map(len, contents.values())), tsize), links)


def export_asset_car(file: BinaryIO, root: Cid, blocks: BlockReader) -> int:
    """Writes the package ``root`` to ``file`` as a CARv1 with that root; the bytes written.

    The package is checked first, so a damaged one leaves ``file`` untouched. The same package always gives
    the same bytes. Raises what :func:`read_package` raises; errors of ``file`` pass through.
    """
    read_package(root, blocks)
    return write_car(file, [root], export_dag([root], blocks))


def import_asset_car(file: BinaryIO, store: Blocks) -> AssetPackage:
    """Reads a CARv1 with the package of one asset, checks all of it, and only then stores its blocks.

    Raises InvalidCar for a bad file, InvalidPackage when it holds more or less than one package, and
    StorageFull or StorageFailed from ``store``.
    """
    roots, blocks = read_car(file)
    if len(roots) != 1:
        raise InvalidPackage(
            f"The CAR file has {len(roots)} roots; export each asset into a file of its own."
        )
    staged = MemoryBlocks()
    for cid, data in _bounded(blocks):
        staged.put(cid, data)
    try:
        package = read_package(roots[0], staged)
        reached = {cid.as_v1() for cid, _ in export_dag(roots, staged)}
    except AssetsError as error:
        raise InvalidPackage(f"The CAR file does not hold one whole asset: {error}") from error
    if reached != set(staged):
        raise InvalidPackage("The CAR file holds blocks that are no part of its asset; export it again.")
    store.put_many(staged.items())
    return package


def _bounded(blocks: Iterator[tuple[Cid, bytes]]) -> Iterator[tuple[Cid, bytes]]:
    total = 0
    for cid, data in blocks:
        total += len(data) + _BLOCK_OVERHEAD_BYTES
        if total > _MAX_CAR_BYTES:
            raise InvalidPackage(f"The CAR file holds more than {_MAX_CAR_BYTES} bytes; it is not one asset.")
        yield cid, data


def _package(root: Link, links: dict[str, Link]) -> AssetPackage:
    return AssetPackage(
        root.cid, links[METADATA_NAME].cid, links[MEDIA_NAME].cid, links[IMAGE_NAME].cid, root.tsize
    )


def _check_contents(contents: dict[str, bytes], cids: dict[str, Cid]) -> None:
    """Raises InvalidPackage unless the files, by name, are what an asset's package holds."""
    for name, content in contents.items():
        if len(content) > (limit := _LIMITS[name]):
            raise InvalidPackage(
                f"The package's {name} has {len(content)} bytes, more than {limit}; make it smaller."
            )
    for name in contents:
        if name.endswith(".png") and not contents[name].startswith(_PNG_SIGNATURE):
            raise InvalidPackage(f"The package's {name} is not a PNG file; convert it first.")
    try:
        metadata = TokenMetadata.from_bytes(contents[METADATA_NAME])
        if metadata.to_bytes() != contents[METADATA_NAME] or metadata.cid != cids[METADATA_NAME]:
            raise InvalidPackage(
                "The metadata is not one raw block of canonical JSON; write it with TokenMetadata."
            )
        if metadata.image.startswith("ipfs:"):
            shown, path = split_ipfs_uri(metadata.image)
            if path or shown.as_v1() not in (cids[IMAGE_NAME].as_v1(), cids[MEDIA_NAME].as_v1()):
                raise InvalidPackage("The metadata's image is not in the package; set it to the image's CID.")
        if (metadata.animation_url or "").startswith("ipfs:"):
            shown, path = split_ipfs_uri(metadata.animation_url or "")
            if path or shown.as_v1() not in {cids[name].as_v1() for name in CLIP_NAMES if name in cids}:
                raise InvalidPackage(
                    "The metadata's animation is not in the package; set it to its file's CID."
                )
    except InvalidPackage:
        raise
    except AssetsError as error:
        raise InvalidPackage(f"The package's {METADATA_NAME} is not token metadata: {error}") from error
