"""The models that this machine can draw with, without loading any of them."""

from engine.api.account import Model
from engine.settings import Settings
from generators.model_entry import read_model_entries
from generators.models import read_models
from generators.recipe import Kind

_PICTURES = (Kind.CHARACTER.value, Kind.ITEM.value, Kind.TILE.value)


def models_here(settings: Settings) -> list[Model]:
    """The bundled ones and those of the user's list. Raises WeightsUnavailable, InvalidModelEntry."""
    bundled = read_models()
    found = [
        Model(
            id=model.id,
            kinds=(Kind.CLIP.value,) if model.draws == "clips" else _PICTURES,
            sizes=(model.size_px,),
            bundled=True,
        )
        for model in bundled.values()
    ]
    for entry in read_model_entries(settings.model_list, taken=bundled):
        kinds = (Kind.CLIP.value,) if entry.video else (*_PICTURES, Kind.ILLUSTRATION.value)
        found.append(Model(id=entry.id, kinds=kinds, sizes=(), bundled=False))
    return found
