"""What can be drawn with, told without loading any of it: bundled, configured here, or announced by a worker."""

import time
from functools import cached_property
from pathlib import Path
from typing import Final

from pydantic import ValidationError
from sqlalchemy import Connection, select

from engine.api.account import Model
from engine.api.creation import CreationRequest
from engine.database.tables import workers
from engine.errors import InvalidField
from generators.bundle import SIZES_PX
from generators.model_entry import ModelEntry, read_model_entries
from generators.models import SpriteModel, model_for_size, read_models
from generators.recipe import DEFAULT_SIZE_PX, Kind

SPRITE_KINDS: Final = (Kind.CHARACTER.value, Kind.ITEM.value, Kind.TILE.value)
# Workers say each second that they live. A silent one is given up by others sooner than this; it allows for clocks
# of hosts that differ.
_SILENT_S: Final = 30


class ModelCatalogue:
    """``model_list`` is the TOML file with the user's own models; it need not be there."""

    def __init__(self, model_list: Path) -> None:
        self._model_list = model_list

    @cached_property
    def bundled(self) -> dict[str, SpriteModel]:
        return read_models()

    @cached_property
    def configured(self) -> dict[str, ModelEntry]:
        """Raises InvalidModelEntry where the file cannot be used."""
        return {entry.id: entry for entry in read_model_entries(self._model_list, taken=self.bundled)}

    def installed(self) -> tuple[Model, ...]:
        """What this process can draw with: what a worker announces."""
        bundled = map(_bundled, self.bundled.values())
        return (*bundled, *map(_configured, self.configured.values()))

    def models(self, connection: Connection) -> tuple[Model, ...]:
        """All that a creation may name, and whether a worker that can draw with it runs."""
        announced = _announced(connection)
        known = {model.id: model for model in self.installed()} | {
            name: model for name, model in announced.items() if name not in self.bundled
        }
        return tuple(
            model.model_copy(update={"online": name in announced}) for name, model in sorted(known.items())
        )

    def workers(self, connection: Connection) -> int:
        """How many workers that draw are alive."""
        rows = connection.scalars(select(workers.c.queues).where(workers.c.beat_at_ms > _since_ms()))
        return sum("generate" in queues for queues in rows)

    def check(self, connection: Connection, request: CreationRequest) -> None:
        """Raises InvalidField where no model is known that could draw it. The worker checks the rest."""
        if request.model is None:
            if request.kind is Kind.ILLUSTRATION:
                raise InvalidField(
                    "The bundled models draw no illustrations; name a configured model.", "/model"
                )
            return
        if request.model in self.bundled:
            own = self.bundled[request.model]
            size = request.controls.size
            if size not in (None, own.size_px) and (own.draws != "clips" or size not in SIZES_PX):
                raise InvalidField(
                    f"The model {own.id} draws at {own.size_px} px, not at {size}; leave the size out.",
                    "/controls/size",
                )
            return
        if request.model in self.configured:
            return
        known = {model.id: model for model in self.models(connection)}
        if request.model not in known:
            raise InvalidField(
                f"There is no model {request.model[:80]!r}; use one of {', '.join(known)}.", "/model"
            )

    def steps(self, request: CreationRequest) -> int | None:
        """Denoising steps of one asset; None where only a worker's model knows."""
        if request.controls.steps is not None:
            return request.controls.steps
        quality, named = request.controls.quality, self.drawing_model(request)
        if named in self.bundled:
            return self.bundled[named].steps_for(quality)
        entry = self.configured.get(named)
        return None if entry is None else entry.steps_for(quality)

    def drawing_model(self, request: CreationRequest) -> str:
        """The id of the model that will draw it, as a recipe names it."""
        if request.model is not None:
            return request.model
        if request.kind is Kind.CLIP:
            return next(model.id for model in self.bundled.values() if model.draws == "clips")
        return model_for_size(self.bundled, request.controls.size or DEFAULT_SIZE_PX[request.kind]).id


def _bundled(model: SpriteModel) -> Model:
    if model.draws == "clips":
        return Model(id=model.id, kinds=(Kind.CLIP.value,), sizes=SIZES_PX, bundled=True)
    return Model(id=model.id, kinds=SPRITE_KINDS, sizes=(model.size_px,), bundled=True)


def _configured(entry: ModelEntry) -> Model:
    kinds = (Kind.CLIP.value,) if entry.video is not None else (Kind.ILLUSTRATION.value, *SPRITE_KINDS)
    return Model(id=entry.id, kinds=kinds, sizes=(), bundled=False)


def _announced(connection: Connection) -> dict[str, Model]:
    """What living workers say that they can draw with."""
    found: dict[str, Model] = {}
    for told in connection.scalars(select(workers.c.models).where(workers.c.beat_at_ms > _since_ms())):
        for each in told:
            try:
                model = Model.model_validate(each)
            except ValidationError:
                continue  # of a worker of another version
            found[model.id] = model
    return found


def _since_ms() -> int:
    return int((time.time() - _SILENT_S) * 1000)
