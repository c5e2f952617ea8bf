"""Assets side by side in one PNG, for people to look at."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from assets.asset import Asset
from engine.data_folder import write_whole

if TYPE_CHECKING:  # it imports web3, which takes a second
    from engine.app import Application

CELL_PX = 256
BACKGROUND = (40, 38, 48, 255)


def write_contact_sheet(
    application: "Application", assets: Sequence[Asset], path: Path, across: int, cell_px: int = CELL_PX
) -> Path:
    """Writes the assets' contact sheet; returns ``path``. Raises DataFolderUnusable where it cannot be written."""
    pictures = [application.media_path(asset) for asset in assets]
    write_whole(path, contact_sheet(pictures, across, cell_px))
    return path


def contact_sheet(pictures: Sequence[Path], across: int, cell_px: int = CELL_PX) -> bytes:
    """A PNG of the pictures, ``across`` a line, each scaled to a cell by a whole number."""
    across = min(across, len(pictures))
    sheet = Image.new("RGBA", (cell_px * across, cell_px * -(-len(pictures) // across)), BACKGROUND)
    for position, path in enumerate(pictures):
        with Image.open(path) as picture:
            scaled = picture.convert("RGBA").resize((cell_px, cell_px), Image.Resampling.NEAREST)
        sheet.alpha_composite(scaled, (cell_px * (position % across), cell_px * (position // across)))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    return buffer.getvalue()
