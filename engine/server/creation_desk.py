"""Where creations are asked for: checked, taken in, estimated, cancelled and tried again."""

from dataclasses import dataclass

from sqlalchemy import Connection

from chain.address import parse_recipient
from engine.api.account import Scope
from engine.api.creation import Creation, CreationRequest, Estimate
from engine.app import Application
from engine.database.collections import own_collection
from engine.database.creation_record import own_picture
from engine.database.creation_views import creation_views
from engine.database.creations import add_creation, cancel_creation, own_creation, resume_creation
from engine.database.drawing_times import ms_per_asset, ms_per_step
from engine.database.queue_places import next_rank, place, waiting_assets, waiting_by_tenant
from engine.database.records import CreationRecord
from engine.database.usage import reserve_creation, used_today
from engine.errors import EngineError, ModerationUnavailable, PromptRefused, QueueFull, ScopeMissing
from engine.planning import check_creation, pointing
from engine.server.caller import Caller
from generators.recipe import random_seed

_RETRY_QUEUE_S = 30  # a long queue has moved on by then


@dataclass(frozen=True)
class CreationDesk:
    """What one caller can do with creations. Nothing here loads a model or draws."""

    application: Application
    caller: Caller

    def prepared(self, request: CreationRequest) -> CreationRequest:
        """The request with its seed filled in, if what it says by itself can be drawn.

        Raises InvalidField, GeneratorError, and ScopeMissing where it asks for mints that the key may not ask for.
        """
        if request.mint is not None and Scope.MINT not in self.caller.scopes:
            raise ScopeMissing(
                "The API key lacks the scope `mint`; use a key that has it, or leave the mint out."
            )
        if request.mint is not None and request.mint.to is not None:
            with pointing("/mint/to"):
                parse_recipient(request.mint.to)
        if request.seed is None:
            request = request.model_copy(update={"seed": random_seed()})
        check_creation(request, self.application.planner.style(request))
        return request

    def refusal(self, request: CreationRequest) -> EngineError | None:
        """Why the prompt is not drawn; None where it is. Outside of any transaction: it may ask a service.

        What is kept out of a picture is not asked about: there the worst words are innocent.
        """
        try:
            self.application.moderator.check(self.caller.tenant_id, [request.prompt])
        except (PromptRefused, ModerationUnavailable) as refused:
            return refused
        return None

    def take_in(
        self, connection: Connection, request: CreationRequest, refusal: EngineError | None
    ) -> Creation:
        """Reserves, records and queues a request that is prepared; raises its ``refusal`` where there is one.

        Raises InvalidField for what it names and is not there, QuotaExceeded, QueueFull.
        """
        if refusal is not None:
            raise refusal  # here, so that who asks again with an Idempotency-Key has the answer of before
        caller = self.caller
        self._check_names(connection, request)
        waiting = waiting_by_tenant(connection)
        self._check_queue(waiting)
        reserve_creation(connection, caller.key_id, caller.limits, request.count)
        rank = next_rank(connection, caller.tenant_id, request.priority)
        made = add_creation(connection, caller.tenant_id, caller.key_id, request)
        # Counted once: a long queue takes some milliseconds.
        known = {made.id: place(waiting, caller.tenant_id, rank)}
        return creation_views(connection, [made], None, known)[0]

    def estimate(self, connection: Connection, request: CreationRequest) -> Estimate:
        """What a request that is prepared would cost, by what was measured here; see docs/api.md.

        Raises InvalidField for what it names and is not there.
        """
        self._check_names(connection, request)
        steps = self.application.catalogue.steps(request)
        waiting = waiting_by_tenant(connection)
        rank = next_rank(connection, self.caller.tenant_id, request.priority)
        before = place(waiting, self.caller.tenant_id, rank) - 1
        model = self.application.catalogue.drawing_model(request)
        own, usual = ms_per_step(connection, model, request.kind.value), ms_per_asset(connection)
        seconds = None
        if own is not None and usual is not None and steps is not None:
            in_queue = waiting_assets(connection) * before / max(1, sum(waiting.values()))
            workers = max(1, self.application.catalogue.workers(connection))
            seconds = round((own * steps * request.count + usual * in_queue / workers) / 1000, 2)
        return Estimate(
            assets=request.count,
            steps=None if steps is None else steps * request.count,
            seconds=seconds,
            queue_length=before,
            allowed=used_today(connection, self.caller.key_id) + request.count <= self.caller.limits.per_day,
        )

    def read(self, connection: Connection, creation_id: str) -> Creation:
        """Raises UnknownRecord."""
        return self._view(connection, own_creation(connection, self.caller.tenant_id, creation_id))

    def cancel(self, connection: Connection, creation_id: str) -> Creation:
        """Raises UnknownRecord."""
        return self._view(connection, cancel_creation(connection, self.caller.tenant_id, creation_id))

    def resume(self, connection: Connection, creation_id: str) -> Creation:
        """Raises UnknownRecord, Conflict."""
        return self._view(connection, resume_creation(connection, self.caller.tenant_id, creation_id))

    def _view(self, connection: Connection, creation: CreationRecord) -> Creation:
        return creation_views(connection, [creation], self.application.files)[0]

    def _check_names(self, connection: Connection, request: CreationRequest) -> None:
        self.application.catalogue.check(connection, request)
        for name, field in ((request.controls.source, "source"), (request.controls.mask, "mask")):
            if name is not None:
                own_picture(connection, self.caller.tenant_id, name, field)
        if request.collection is not None:
            with pointing("/collection"):
                own_collection(connection, self.caller.tenant_id, request.collection)

    def _check_queue(self, waiting: dict[str, int]) -> None:
        settings, own = self.application.settings, waiting.get(self.caller.tenant_id, 0)
        if sum(waiting.values()) >= settings.max_queued:
            raise QueueFull(
                f"{settings.max_queued:,d} creations wait already, and no more may; try again later.",
                _RETRY_QUEUE_S,
            )
        if own >= settings.max_queued_per_tenant:
            raise QueueFull(
                f"{own:,d} of your creations wait already, and no more may; wait for some to be drawn, or cancel some.",
                _RETRY_QUEUE_S,
            )
