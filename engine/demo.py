"""What ``lorespark demo`` draws."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from assets.asset import Asset
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
