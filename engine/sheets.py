"""Sprite sheets of assets: each picture or clip an animation of its own."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Final

from assets.asset import Asset, AssetKind
from assets.cid import Cid
from engine.errors import InvalidRequest
from engine.upload import side_px
from generators.animation import MAX_FRAME_MS, Animation
from generators.apng import read_apng
from generators.source_picture import read_picture
from generators.sprite_sheet import sheet_files

# Of all frames of a sheet that a server makes: four times as many bytes are held meanwhile.
MAX_SERVED_PIXELS: Final = 32 * 1024 * 1024
MAX_NAME_CHARACTERS: Final = 50  # of an animation, so that a number fits behind it


def sheet_of(assets: Sequence[Asset], read: Callable[[Cid], bytes], name: str) -> dict[str, bytes]:
    """File name -> bytes of the sheet of ``assets`` called ``name``, as ``generators.sprite_sheet.sheet_files``.

    A clip is called what it does, a picture by its name, and two of one name are numbered. Raises InvalidRequest for
    no assets, InvalidPicture where the frames differ in size or do not fit on a sheet, BlockMissing
    and BlockDamaged.
    """
    if not assets:
        raise InvalidRequest("There is nothing to put on a sheet; add assets of the size first.")
    return sheet_files(named_apart([_animation(asset, read) for asset in assets]), name)


def check_servable(assets: Sequence[Asset]) -> None:
    """Raises InvalidRequest where a sheet of ``assets`` would take a server too much memory."""
    pixels = sum(side_px(asset) ** 2 * _frames(asset) for asset in assets)
    if pixels > MAX_SERVED_PIXELS:
        raise InvalidRequest(
            f"The frames have {pixels / 1e6:,.0f} million pixels, and a sheet is made of "
            f"{MAX_SERVED_PIXELS / 1e6:,.0f} million at most; ask for one size, or make several collections."
        )


def named_apart(animations: Sequence[Animation]) -> list[Animation]:
    """Two of one name get numbers: an engine finds an animation by its name."""
    taken: set[str] = set()
    named = []
    for animation in animations:
        numbered = (f"{animation.name}-{number}" for number in range(2, len(animations) + 2))
        name = next(name for name in (animation.name, *numbered) if name not in taken)
        taken.add(name)
        named.append(replace(animation, name=name))
    return named


def _frames(asset: Asset) -> int:
    frames = asset.recipe.get("frames")
    return frames if isinstance(frames, int) else 1


def _animation(asset: Asset, read: Callable[[Cid], bytes]) -> Animation:
    media = read(asset.media_cid)
    if asset.kind is AssetKind.CLIP:
        return read_apng(media)[0]
    name = re.sub(r"[^A-Za-z0-9]+", "-", asset.name).strip("-")[:MAX_NAME_CHARACTERS].strip("-")
    picture = read_picture(media, f"The asset {asset.asset_id}")
    return Animation(name.lower() or asset.kind.value, picture[None], MAX_FRAME_MS, loops=True)
