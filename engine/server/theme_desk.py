"""Where themed collections are asked for: planned from one seed, and taken in as one creation for each asset."""

from dataclasses import dataclass

from sqlalchemy import Connection

from engine.api.creation import Creation, CreationRequest, DrawnTrait
from engine.api.theme import Theme
from engine.errors import EngineError, InvalidField, ModerationUnavailable, PromptRefused
from engine.planning import pointing
from engine.server.creation_desk import CreationDesk
from generators.collection import Trait, plan
from generators.recipe import random_seed


@dataclass(frozen=True)
class Planned:
    """What one theme becomes: a request for each asset, or why its words are not drawn."""

    requests: tuple[CreationRequest, ...]
    refusal: EngineError | None


@dataclass(frozen=True)
class ThemeDesk:
    """What one caller can do with themes. All that is drawn goes through the ``desk`` of single creations."""

    desk: CreationDesk

    def prepared(self, wanted: Theme) -> Planned:
        """The same theme, traits and seed give the same prompts. Outside of any transaction, as prompts are checked.

        Raises InvalidField, GeneratorError.
        """
        traits = [
            Trait(each.name.strip(), tuple((value.value.strip(), value.weight) for value in each.values))
            for each in wanted.traits
        ]
        seed = random_seed() if wanted.seed is None else wanted.seed
        with pointing("/traits" if traits else "/theme"):
            pieces = plan(wanted.theme, wanted.kinds, wanted.count, seed, traits)
        try:
            requests = tuple(
                self.desk.prepared(
                    CreationRequest(
                        kind=piece.kind,
                        prompt=piece.prompt,
                        seed=piece.seed,
                        controls=wanted.controls,
                        model=wanted.model,
                        traits=tuple(DrawnTrait(name=name, value=value) for name, value in piece.traits),
                    )
                )
                for piece in pieces
            )
        except InvalidField as error:
            raise InvalidField(
                str(error), "/theme" if error.pointer == "/prompt" else error.pointer
            ) from error
        return Planned(requests, self._refusal([request.prompt for request in requests]))

    def take_in(self, connection: Connection, planned: Planned, collection_id: str) -> list[Creation]:
        """Queues all of it, or nothing. Raises as ``CreationDesk.take_in``."""
        return [
            self.desk.take_in(
                connection, request.model_copy(update={"collection": collection_id}), planned.refusal
            )
            for request in planned.requests
        ]

    def _refusal(self, prompts: list[str]) -> EngineError | None:
        try:
            self.desk.application.moderator.check(self.desk.caller.tenant_id, prompts)
        except (PromptRefused, ModerationUnavailable) as refused:
            return refused
        return None
