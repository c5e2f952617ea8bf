"""Where duels are begun and judged: two creations of one prompt and seed, by two models."""

import secrets
from dataclasses import dataclass

from sqlalchemy import Connection

from engine.api.arena import Ranking, Standing
from engine.api.creation import Creation, CreationRequest
from engine.app import Application
from engine.arena.pairing import next_pair
from engine.arena.ranking import ranking
from engine.database.duels import Duel, Verdict, add_duel, bouts_of, decide, own_duel, times_met
from engine.errors import EngineError, StillRunning
from engine.server.caller import Caller
from engine.server.creation_desk import CreationDesk
from generators.recipe import Kind, random_seed

TAG = "arena"  # of what duels drew, so that a gallery can leave it out


@dataclass(frozen=True)
class Sides:
    """A duel with what is drawn on its two sides."""

    duel: Duel
    left: Creation
    right: Creation

    @property
    def ended(self) -> bool:
        return self.left.status.ended and self.right.status.ended

    @property
    def drawn(self) -> bool:
        """Whether there are two pictures to choose from."""
        return bool(self.left.assets) and bool(self.right.assets)

    @property
    def fault(self) -> str | None:
        """Why there are no two pictures, once it has ended."""
        if not self.ended or self.drawn:
            return None
        lost = self.right if self.left.assets else self.left
        return lost.error or f"The drawing was {lost.status.value}."


@dataclass(frozen=True)
class ArenaDesk:
    """What one caller can do in the arena."""

    application: Application
    caller: Caller

    @property
    def _creations(self) -> CreationDesk:
        return CreationDesk(self.application, self.caller)

    def entrants(self, connection: Connection, kind: Kind) -> list[str]:
        """The models that can draw the kind and that a worker runs."""
        models = self.application.catalogue.models(connection)
        return [model.id for model in models if kind.value in model.kinds and model.online]

    def prepared(self, kind: Kind, prompt: str) -> tuple[CreationRequest, EngineError | None]:
        """The request that both models get but for its model, and why its prompt is refused, if it is.

        Raises what CreationDesk.prepared raises.
        """
        request = CreationRequest(kind=kind, prompt=prompt, seed=random_seed(), tags=(TAG,))
        prepared = self._creations.prepared(request)
        return prepared, self._creations.refusal(prepared)

    def begin(self, connection: Connection, request: CreationRequest, refusal: EngineError | None) -> Duel:
        """Records the duel and both creations. Raises InvalidField, QuotaExceeded, QueueFull, and ``refusal``."""
        met = times_met(connection, self.caller.tenant_id, request.kind.value)
        pair = next_pair(self.entrants(connection, request.kind), met, secrets.randbelow)
        left, right = (
            self._creations.take_in(connection, request.model_copy(update={"model": model}), refusal).id
            for model in pair
        )
        return add_duel(
            connection, self.caller.tenant_id, request.kind.value, request.prompt, pair, (left, right)
        )

    def sides(self, connection: Connection, duel_id: str) -> Sides:
        """Raises UnknownRecord."""
        duel = own_duel(connection, self.caller.tenant_id, duel_id)
        left, right = (
            self._creations.read(connection, each) for each in (duel.left_creation_id, duel.right_creation_id)
        )
        return Sides(duel, left, right)

    def judge(self, connection: Connection, duel_id: str, verdict: Verdict) -> Sides:
        """Raises UnknownRecord, StillRunning before there are two pictures, Conflict after another verdict."""
        if not self.sides(connection, duel_id).drawn:
            raise StillRunning("There are no two pictures yet; wait for them, or start another duel.")
        decide(connection, self.caller.tenant_id, duel_id, verdict)
        return self.sides(connection, duel_id)

    def ranking(self, connection: Connection, kind: Kind | None = None) -> Ranking:
        """By all of the tenant's duels, or those of one kind."""
        found = ranking(bouts_of(connection, self.caller.tenant_id, None if kind is None else kind.value))
        return Ranking(
            data=tuple(
                Standing(
                    model=each.model,
                    points=round(each.points, 1),
                    error=round(each.error, 1),
                    duels=each.duels,
                    won=each.won,
                    lost=each.lost,
                    even=each.even,
                )
                for each in found
            )
        )
