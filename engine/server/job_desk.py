"""What one caller can do with the tenant's work: list it, try again what failed, cancel what may be cancelled."""

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Connection

from engine.api.account import Scope
from engine.api.creation import CreationRequest
from engine.api.job import Job, JobKind, JobState
from engine.api.model import Page
from engine.app import Application
from engine.database.asset_rows import asset_of
from engine.database.assets import own_asset
from engine.database.creations import has_ended, own_creation
from engine.database.deliveries import begin_anew
from engine.database.job_feed import FEEDS
from engine.database.job_views import job_views
from engine.database.jobs import bring_forward, enqueue, state_of
from engine.database.mints import add_mint, own_mint
from engine.database.pins import is_waived, waive
from engine.database.usage import add_use
from engine.database.vouchers import Asking, Terms, add_voucher, cancel_voucher, own_voucher
from engine.errors import Conflict, UnknownRecord
from engine.server.caller import Caller
from engine.server.creation_desk import CreationDesk
from engine.server.cursor import cursor_after, page

Effect = Callable[[Connection], Job]
# What a key needs to change work of each kind; to see deliveries it needs the same.
SCOPES: Final = {
    JobKind.CREATION: Scope.CREATE,
    JobKind.MINT: Scope.MINT,
    JobKind.VOUCHER: Scope.MINT,
    JobKind.PIN: Scope.CREATE,
    JobKind.DELIVERY: Scope.ADMIN,
}


@dataclass(frozen=True)
class JobDesk:
    """Work of every kind. What ``retry`` returns is done within a transaction; it reads what it needs before."""

    application: Application
    caller: Caller

    def kinds(self) -> tuple[JobKind, ...]:
        """Those that the caller's key may see."""
        return tuple(
            kind for kind in JobKind if kind is not JobKind.DELIVERY or Scope.ADMIN in self.caller.scopes
        )

    def changes(self, kind: JobKind) -> bool:
        """Whether the caller's key may try work of that kind again, or cancel it."""
        return SCOPES[kind] in self.caller.scopes

    def listed(
        self,
        connection: Connection,
        kind: JobKind | None,
        states: Sequence[JobState],
        limit: int,
        cursor: str | None,
    ) -> Page[Job]:
        """Some of the tenant's work, newest first. Raises ScopeMissing for deliveries, InvalidRequest."""
        if kind is JobKind.DELIVERY:
            self.caller.require(Scope.ADMIN)
        lists, more = [], False
        for each in self.kinds() if kind is None else (kind,):
            feed = FEEDS[each]
            query = feed.query(self.caller.tenant_id, states)
            rows, following = page(connection, query, feed.order, limit, cursor)
            lists.append(job_views(connection, each, rows))
            more |= following is not None
        # Those of one second are in the order of their kinds, which is that of the first letters of their ids.
        merged = list(heapq.merge(*lists, key=lambda job: (job.created_at, job.id[0]), reverse=True))
        told, more = merged[:limit], more or len(merged) > limit
        return Page[Job](
            data=tuple(told), next=cursor_after(told[-1].created_at, told[-1].id) if more else None
        )

    def read(self, connection: Connection, kind: JobKind, record_id: str) -> Job:
        """Raises UnknownRecord."""
        feed = FEEDS[kind]
        query = feed.query(self.caller.tenant_id).where(feed.table.c.id == record_id)
        # PostgreSQL takes no NUL in a text.
        rows = connection.execute(query).all() if record_id.isprintable() else []
        if not rows:
            raise UnknownRecord(
                f"There is no {kind.value} {record_id[:80]!r}; list the jobs to see those there are."
            )
        return job_views(connection, kind, rows)[0]

    def retry(self, kind: JobKind, record_id: str) -> Effect:
        """Tries again what failed or waits for a later try: what was set aside or waits goes on, what has ended begins
        anew, as another record where it needs one.

        Raises ScopeMissing, UnknownRecord, and what asking for the same anew raises; the effect raises Conflict where
        there is nothing to try again.
        """
        self.caller.require(SCOPES[kind])
        with self.application.records.database.reading() as connection:
            found = self.read(connection, kind, record_id)
        if kind is JobKind.DELIVERY:
            return lambda connection: self._delivered_anew(connection, record_id)
        if kind is JobKind.CREATION:
            return self._creation(record_id)
        anew = None
        if found.status == "failed" and kind is not JobKind.PIN:
            anew = self._mint(record_id) if kind is JobKind.MINT else self._voucher(record_id)

        def effect(connection: Connection) -> Job:
            now = self.read(connection, kind, record_id)
            if not now.can_retry:
                raise Conflict(_NOTHING.format(record_id, now.status))
            if anew is not None:
                return anew(connection)
            return self._go_on(connection, now)

        return effect

    def cancel(self, connection: Connection, kind: JobKind, record_id: str) -> Job:
        """Raises ScopeMissing, UnknownRecord, and Conflict for what cannot be cancelled."""
        self.caller.require(SCOPES[kind])
        self.read(connection, kind, record_id)
        if kind is JobKind.CREATION:
            CreationDesk(self.application, self.caller).cancel(connection, record_id)
        elif kind is JobKind.VOUCHER:
            cancel_voucher(connection, own_voucher(connection, self._asking, record_id))
        else:
            raise Conflict(f"A {kind.value} cannot be cancelled; only creations and vouchers can.")
        return self.read(connection, kind, record_id)

    @property
    def _asking(self) -> Asking:
        return Asking(tenant_id=self.caller.tenant_id, key_id=self.caller.key_id)

    def _go_on(self, connection: Connection, job: Job) -> Job:
        """Lets a record's own job be taken now: it was set aside, waits for later, or is gone."""
        queue = FEEDS[job.kind].queue
        cancelling = job.kind is JobKind.VOUCHER and job.status == "cancelling"
        name = f"cancel:{job.id}" if cancelling else job.id
        if state_of(connection, queue, name) == "queued":
            bring_forward(connection, queue, [name])
        else:
            enqueue(connection, queue, name, self.caller.tenant_id)
        return self.read(connection, job.kind, job.id)

    def _creation(self, creation_id: str) -> Effect:
        """One that was set aside goes on; one that failed or was cancelled is asked for once more, with its seed."""
        desk, database = CreationDesk(self.application, self.caller), self.application.records.database
        with database.reading() as connection:
            record = own_creation(connection, self.caller.tenant_id, creation_id)
            if state_of(connection, "generate", creation_id) == "set_aside":
                return lambda connection: self._resumed(connection, desk, creation_id)
        if not has_ended(record) or record.status == "succeeded":
            # Within the transaction, so that who asks again with an Idempotency-Key has the answer of before.
            return refusing(Conflict(_NOTHING.format(creation_id, record.status)))
        if record.request is None:
            return refusing(Conflict("It was asked for on the command line; ask for it there again."))
        request = desk.prepared(CreationRequest.model_validate(record.request))
        refusal = desk.refusal(request)

        def effect(connection: Connection) -> Job:
            made = desk.take_in(connection, request, refusal)
            return self.read(connection, JobKind.CREATION, made.id)

        return effect

    def _resumed(self, connection: Connection, desk: CreationDesk, creation_id: str) -> Job:
        desk.resume(connection, creation_id)
        return self.read(connection, JobKind.CREATION, creation_id)

    def _mint(self, mint_id: str) -> Effect:
        """A failed one is followed by another of the same asset to the same account, by the same terms."""
        with self.application.records.database.reading() as connection:
            before = own_mint(connection, self.caller.tenant_id, mint_id)
            asset = asset_of(own_asset(connection, self.caller.tenant_id, before.asset_id))
            waived = is_waived(connection, mint_id)
        with self.application.decoding:
            asset = self.application.gate.passed(asset, force=asset.quality is not None)

        def effect(connection: Connection) -> Job:
            chain_id = self.application.settings.chain_id
            mint, made = add_mint(connection, asset, before.recipient, chain_id, self.caller.key_id)
            if made:
                add_use(connection, self.caller.key_id, mints=1)
                enqueue(connection, "mint", mint.id, self.caller.tenant_id)
                if waived:
                    waive(connection, mint.id)
            return self.read(connection, JobKind.MINT, mint.id)

        return effect

    def _voucher(self, voucher_id: str) -> Effect:
        """A failed one is followed by another for the same account, that holds for as long."""
        with self.application.records.database.reading() as connection:
            before = own_voucher(connection, self._asking, voucher_id)
            asset = asset_of(own_asset(connection, self.caller.tenant_id, before.asset_id))
        with self.application.decoding:
            asset = self.application.gate.passed(asset, force=asset.quality is not None)
        valid_s = before.deadline_s - int(datetime.fromisoformat(before.created_at).timestamp())

        def effect(connection: Connection) -> Job:
            chain_id = self.application.settings.chain_id
            asking = Asking(self.caller.tenant_id, self.caller.key_id, before.player_id)
            wanted = Terms(before.recipient, valid_s, int(before.price_wei))
            record, made = add_voucher(connection, asset, wanted, chain_id, asking)
            if made:
                add_use(connection, self.caller.key_id, mints=1)
            return self.read(connection, JobKind.VOUCHER, record.id)

        return effect

    def _delivered_anew(self, connection: Connection, delivery_id: str) -> Job:
        begin_anew(connection, self.caller.tenant_id, delivery_id)
        return self.read(connection, JobKind.DELIVERY, delivery_id)


def refusing(error: Conflict) -> Effect:
    """An effect that raises it."""

    def effect(connection: Connection) -> Job:
        raise error

    return effect


_NOTHING: Final = "{} is {}, so there is nothing to try again; reload the list to see how it stands."
