"""What ``lorespark demo`` draws, and the sheet it leaves behind."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from assets.asset import Asset
from engine.data_folder import write_whole
from generators.recipe import Kind

if TYPE_CHECKING:
    from engine.app import Application

DEMO_PROMPTS = (
    (Kind.CHARACTER, "a white ice golem with blue crystals"),
    (Kind.ITEM, "red potion bottle"),
    (Kind.TILE, "grass floor tile"),
)
CELL_PX = 256
BACKGROUND = (40, 38, 48, 255)


def contact_sheet(application: "Application", assets: Sequence[Asset]) -> Path:
    """The assets side by side, each scaled up by a whole number; returns the PNG's path."""
    sheet = Image.new("RGBA", (CELL_PX * len(assets), CELL_PX), BACKGROUND)
    for position, asset in enumerate(assets):
        with Image.open(application.media_path(asset)) as picture:
            scaled = picture.convert("RGBA").resize((CELL_PX, CELL_PX), Image.Resampling.NEAREST)
        sheet.alpha_composite(scaled, (CELL_PX * position, 0))
    path = application.folder.root / "demo.png"
    buffer = io.BytesIO()
    sheet.save(buffer, "PNG")
    write_whole(path, buffer.getvalue())
    return path
