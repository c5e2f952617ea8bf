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
    """Writes the assets, ``across`` a line, each scaled to a cell by a whole number; returns ``path``.

    Raises DataFolderUnusable where it cannot be written.
    """
    across = min(across, len(assets))
    sheet = Image.new("RGBA", (cell_px * across, cell_px * -(-len(assets) // across)), BACKGROUND)
    for position, asset in enumerate(assets):
        with Image.open(application.media_path(asset)) as picture:
            scaled = picture.convert("RGBA").resize((cell_px, cell_px), Image.Resampling.NEAREST)
        sheet.alpha_composite(scaled, (cell_px * (position % across), cell_px * (position // across)))
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    write_whole(path, buffer.getvalue())
    return path
