"""Pictures that people bring: a PNG, read safely and kept as it came, as an asset that nobody drew.

The recipe of such an asset draws nothing; it says which bytes it is.
"""

import hashlib
from datetime import UTC, datetime
from io import BytesIO
from typing import Final
from uuid import uuid4

import numpy as np

from assets.asset import Asset, AssetKind
from assets.block import MemoryBlocks
from assets.blockstore import BlockStore
from assets.canonical_json import JsonObject, thaw
from assets.metadata import Attribute, TokenMetadata
from assets.package import asset_directory
from assets.unixfs import add_file
from engine.errors import BodyTooLarge, InvalidBody, InvalidRequest
from generators.errors import InvalidPicture
from generators.png import encode_png
from generators.recipe import Recipe
from generators.source_picture import read_picture

UPLOAD_FORMAT: Final = "lorespark-upload/1"
MAX_BYTES: Final = 16 * 2**20
MAX_SIDE_PX: Final = 4096  # a decoded picture then takes 64 MB
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_IHDR_BYTES: Final = 24  # up to the picture's width and height
_END: Final = b"\x00\x00\x00\x00IEND\xaeB`\x82"


def is_upload(asset: Asset) -> bool:
    """Whether the asset was uploaded rather than drawn."""
    return asset.recipe.get("format") == UPLOAD_FORMAT


def drawn_recipe(asset: Asset) -> Recipe:
    """The recipe that draws the asset again. Raises InvalidRequest where it was uploaded, InvalidRecipe."""
    if is_upload(asset):
        raise InvalidRequest(
            f"The asset {asset.asset_id} was uploaded, so no recipe draws it; start a drawing from it instead."
        )
    return Recipe.from_dict(thaw(asset.recipe))


def side_px(asset: Asset) -> int:
    """Pixels of the picture's longer side."""
    sides = [asset.recipe.get(name) for name in ("size", "width", "height")]
    return max((side for side in sides if isinstance(side, int)), default=0)


def add_upload(blocks: BlockStore, data: bytes, name: str, kind: AssetKind) -> Asset:
    """Stores the PNG ``data`` as the media of a new asset, which the caller records.

    Raises BodyTooLarge for more than 16 MiB, InvalidBody where it is no sound PNG, moves, or has more than 4096 pixels
    a side; StorageFull and StorageFailed from the store.
    """
    if len(data) > MAX_BYTES:
        raise BodyTooLarge(f"The PNG has {len(data):,d} bytes; send one of {MAX_BYTES:,d} or fewer.")
    width, height = _size_px(data)
    media = add_file(BytesIO(data), MemoryBlocks()).cid
    recipe = JsonObject(
        {
            "format": UPLOAD_FORMAT,
            "sha256": hashlib.sha256(data).hexdigest(),
            "width": width,
            "height": height,
        }
    )
    metadata = TokenMetadata(
        name=name,
        description=f"A picture of {width} x {height} px, uploaded as {kind.value}",
        image=media.uri,
        attributes=(
            Attribute("Kind", kind.value.capitalize()),
            Attribute("Width", width, "number"),
            Attribute("Height", height, "number"),
        ),
        properties=JsonObject(
            {
                "media": media.uri,
                "recipe": recipe,
                "recipe_hash": hashlib.sha256(recipe.to_bytes()).hexdigest(),
            }
        ),
    )
    package = asset_directory(blocks, metadata=metadata.to_bytes(), media=data, image=data)
    return Asset(
        asset_id=f"asset-{uuid4().hex[:20]}",
        kind=kind,
        name=name,
        recipe=recipe,
        media_cid=package.media_cid,
        image_cid=package.image_cid,
        metadata_cid=package.metadata_cid,
        created_at=datetime.now(UTC).replace(microsecond=0),
    )


def as_png(data: bytes) -> bytes:
    """Any picture that can be read, as a new PNG of its pixels and nothing else: no comment, place or time of a photo.

    Raises BodyTooLarge, InvalidBody where it has more than 4096 pixels a side, InvalidPicture.
    """
    if len(data) > MAX_BYTES:
        raise BodyTooLarge(f"The picture has {len(data):,d} bytes; send one of {MAX_BYTES:,d} or fewer.")
    pixels = read_picture(data, "The picture")
    height, width = pixels.shape[:2]
    if max(height, width) > MAX_SIDE_PX:
        raise InvalidBody(
            f"The picture has {width:,d} x {height:,d} pixels; scale it down to {MAX_SIDE_PX} or fewer a side."
        )
    return encode_png(np.ascontiguousarray(pixels), 1, {})


def _size_px(data: bytes) -> tuple[int, int]:
    """Width and height of a PNG that was decoded to its end."""
    if not data.startswith(_SIGNATURE) or len(data) < _IHDR_BYTES:
        raise InvalidBody("The body is no PNG; send the bytes of a PNG file, other formats are not taken.")
    width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))
    if not 0 < max(width, height) <= MAX_SIDE_PX:
        raise InvalidBody(
            f"The PNG has {width:,d} x {height:,d} pixels; scale it down to {MAX_SIDE_PX} or fewer a side."
        )
    if not data.endswith(_END):
        raise InvalidBody("The PNG is cut short, or has bytes after its end; save it again.")
    try:
        pixels = read_picture(data, "The PNG")
    except InvalidPicture as error:
        raise InvalidBody(str(error)) from error
    height, width = pixels.shape[:2]
    return width, height
