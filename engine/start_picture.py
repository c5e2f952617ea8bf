"""The picture that a drawing starts from, fitted and stored, as fields of a recipe."""

from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from assets.asset import Asset
from assets.block import Blocks
from assets.unixfs import add_file, read_file
from generators.palette import rgb_values
from generators.png import encode_png
from generators.recipe import DEFAULT_COLOURS, MAX_COLOURS
from generators.source_picture import fitted, fitted_mask, mask_png, read_bytes, read_mask, read_picture


def start_fields(
    blocks: Blocks, source: Asset | Path, size_px: int, strength: float, mask: Asset | Path | None
) -> dict[str, Any]:
    """Fits the source and the mask to ``size_px``, stores them, and names them as a recipe does.

    An asset's own background is taken away first. With a mask the palette has room for the colours that stay and
    some new ones. Raises InvalidPicture, and BlockMissing or BlockDamaged where an asset cannot be read.
    """
    asset = source if isinstance(source, Asset) else None
    picture = read_picture(_bytes(blocks, source), f"The picture {_name(source)}")
    start = fitted(picture, size_px)
    if asset is not None and isinstance(behind := asset.recipe.get("background"), str):
        start[(start[..., :3] == rgb_values((behind,))[0]).all(-1)] = 0
    fields: dict[str, Any] = {
        "source": None if asset is None else asset.asset_id,
        "source_cid": _stored(blocks, encode_png(start, 1, {})),
        "strength": strength,
    }
    if mask is not None:
        marked = fitted_mask(read_mask(_bytes(blocks, mask), f"The mask {_name(mask)}"), picture, size_px)
        kept = len(np.unique(start[~marked & (start[..., 3] > 0)], axis=0))
        fields["mask_cid"] = _stored(blocks, mask_png(marked))
        fields["palette"] = min(MAX_COLOURS, kept + DEFAULT_COLOURS // 2)
    return fields


def _bytes(blocks: Blocks, picture: Asset | Path) -> bytes:
    return (
        read_bytes(picture) if isinstance(picture, Path) else b"".join(read_file(picture.media_cid, blocks))
    )


def _name(picture: Asset | Path) -> str:
    return (str(picture) if isinstance(picture, Path) else picture.asset_id)[:200]


def _stored(blocks: Blocks, data: bytes) -> str:
    return str(add_file(BytesIO(data), blocks).cid)
