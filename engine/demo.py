"""What ``lorespark demo`` draws, and the sheet it leaves behind."""

import io
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image

from assets.asset import Asset
from engine.data_folder import write_whole
from generators.quality_gate import failed
from generators.recipe import Kind, Recipe, random_seed

if TYPE_CHECKING:
    from engine.app import Application

DEMO_PROMPTS = (
    (Kind.CHARACTER, "a white ice golem with blue crystals"),
    (Kind.ITEM, "red potion bottle"),
    (Kind.TILE, "grass floor tile"),
)
MAX_DRAWS = 5
CELL_PX = 256
BACKGROUND = (40, 38, 48, 255)


def draw_passing(
    application: "Application", create: Callable[[list[Recipe]], str]
) -> tuple[str, list[Asset]]:
    """One asset for each prompt that the quality gate lets through, and the first creation's id.

    About one picture in fifty fails; it is drawn again with another seed, up to MAX_DRAWS times in all.
    """
    first_id = ""
    chosen: dict[tuple[Kind, str], Asset | None] = dict.fromkeys(DEMO_PROMPTS)
    for _ in range(MAX_DRAWS):
        open_prompts = [
            asked
            for asked, asset in chosen.items()
            if asset is None or failed(application.gate.inspect(asset))
        ]
        if not open_prompts:
            break
        recipes = [application.generator.recipe(prompt, kind, random_seed()) for kind, prompt in open_prompts]
        creation_id = create(recipes)
        first_id = first_id or creation_id
        chosen |= zip(open_prompts, application.records.assets_of(creation_id), strict=True)
    return first_id, [asset for asset in chosen.values() if asset is not None]


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
