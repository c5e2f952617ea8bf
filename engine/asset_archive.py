"""Several assets as one ZIP, made a file at a time while it is sent."""

import io
import re
import zipfile
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Final, Literal

from assets.asset import Asset
from engine.asset_files import AssetFiles
from engine.sheets import check_servable, sheet_of
from engine.upload import side_px

ArchiveFormat = Literal["png", "sheet", "aseprite", "godot", "tiled"]
# What goes beside the picture of a sheet.
_BESIDE: Final[dict[str, tuple[str, ...]]] = {
    "sheet": (),
    "aseprite": ("sheet.json",),
    "godot": ("sheet.tres",),
    "tiled": ("sheet.tsx",),
}
_MAX_NAME_CHARACTERS: Final = 60


def archive(assets: Sequence[Asset], kind: ArchiveFormat, files: AssetFiles) -> Iterator[bytes]:
    """The parts of the ZIP. ``png`` holds each asset's media; the others a sprite sheet of the assets of each size,
    with the file that tells the program how to play it.

    Raises InvalidRequest where a sheet would be too large, BlockMissing and BlockDamaged.
    """
    made = _pictures(assets, files) if kind == "png" else _sheets(assets, kind, files)
    written = _Written()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as zipped:  # pictures are compressed already
        for name, data, at in made:
            zipped.writestr(zipfile.ZipInfo(name, at.timetuple()[:6]), data)
            yield written.take()
    yield written.take()


def _pictures(assets: Sequence[Asset], files: AssetFiles) -> Iterator[tuple[str, bytes, datetime]]:
    for asset in assets:
        yield f"{_plain(asset.name)}-{asset.asset_id}.png", files.read(asset.media_cid), asset.created_at


def _sheets(
    assets: Sequence[Asset], kind: ArchiveFormat, files: AssetFiles
) -> Iterator[tuple[str, bytes, datetime]]:
    sizes = sorted({side_px(asset) for asset in assets})
    for size in sizes:
        alike = [asset for asset in assets if side_px(asset) == size]
        check_servable(alike)
        made = sheet_of(alike, files.read, "sheet")
        folder = "" if len(sizes) == 1 else f"{size}px/"
        for name in ("sheet.png", *_BESIDE[kind]):
            yield folder + name, made[name], datetime.now(UTC)


def _plain(name: str) -> str:
    """Letters and digits of a name, as every file system takes them."""
    return re.sub(r"[^A-Za-z0-9]+", "-", name).strip("-")[:_MAX_NAME_CHARACTERS].strip("-").lower() or "asset"


class _Written(io.RawIOBase):
    """Holds what was written since it was last taken; cannot seek, so that ZipFile writes straight on."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._at = 0

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        part = bytes(data)  # type: ignore[call-overload]
        self._parts.append(part)
        self._at += len(part)
        return len(part)

    def tell(self) -> int:
        return self._at

    def seekable(self) -> bool:
        return False

    def take(self) -> bytes:
        taken = b"".join(self._parts)
        self._parts.clear()
        return taken
