"""Jobs in this process: taken from the records in turn and carried out on threads, or one by one for who waits."""

import logging
import random
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import Any, Final

from sqlalchemy import Connection

from engine.database.database import Database
from engine.database.jobs import (
    BUNDLED,
    RECURRING,
    Job,
    any_due,
    claim,
    claim_record,
    enqueue,
    finish,
    put_back,
    state_of,
)
from engine.database.tables import LOCAL_TENANT
from engine.errors import DatabaseUnusable, HoldLost, JobFailed
from engine.jobs.hold import Hold
from engine.jobs.presence import Presence
from engine.jobs.work import ROOM_ERRORS, Work
from engine.jobs.workflows import Workflows
from generators.errors import DrawingStopped

log = logging.getLogger(__name__)

# How soon work of another process is seen by a worker that was just busy, and by who waits.
POLL_S: Final = 0.05
IDLE_POLL_S: Final = 0.25  # and by one that has been idle for a while; costs 1 % of a core
LONGEST_WAIT_S: Final = 1.0  # of who waits for a job that wants to run again later
BROKEN_POLL_S: Final = 2.0  # how often a database that does not answer is asked again
MAX_BACKOFF_S: Final = 300.0
MAX_BACKOFF_OF_S: Final = {"mint": 15.0}  # its job has run often before a node fails once
CLOSE_TIMEOUT_S: Final = 8.0  # for steps that run; whoever runs the process kills it after about 30 s
_SWEEP_BUSY: Final = 100  # finished workflows that wait to be deleted while there is something better to do

# What ended, in whose hands, and after how many seconds it is to run again.
_Owed = tuple[Job, str, float | None]


class JobRuntime:
    """Carries out jobs of one database, from ``start`` on those of its queues, and any by ``finish``."""

    def __init__(
        self,
        database: Database,
        workflows: Workflows,
        works: Mapping[str, Work],
        stop_drawing: Callable[[], None],
    ) -> None:
        """``stop_drawing`` ends what draws at its next step. Raises DatabaseUnusable."""
        self._database, self._workflows, self._works = database, workflows, works
        self._stop_drawing = stop_drawing
        self._stopping = threading.Event()
        self._running: Counter[str] = Counter()  # jobs here by queue, those of a lost hold included
        self._changed = threading.Condition()
        self._owed: deque[_Owed] = deque()
        self._dispatcher: threading.Thread | None = None
        self._slots = 0
        self._models: tuple[str, ...] = ()
        self.presence = Presence(database, on_lost=database.enqueued.set)
        self.presence.enter((), ())

    def start(self, queues: Sequence[str], slots: int, models: Sequence[dict[str, Any]] = ()) -> None:
        """Takes jobs of ``queues``, at most ``slots`` of each at once, on threads until ``close``.

        ``models`` (as engine.api.account.Model) are those that it can draw with. Raises DatabaseUnusable.
        """
        queues = [queue for queue in queues if queue in self._works]
        bundled = (BUNDLED,) if any(model["bundled"] for model in models) else ()
        self._slots, self._models = slots, (*(model["id"] for model in models), *bundled)
        with self._database.writing() as connection:
            for queue in set(RECURRING).intersection(queues):
                enqueue(connection, queue, RECURRING[queue], LOCAL_TENANT)
        self.presence.announce(queues, models)
        self._dispatcher = threading.Thread(
            target=self._dispatch, args=(queues,), name="lorespark-jobs", daemon=True
        )
        self._dispatcher.start()

    def close(self, timeout_s: float = CLOSE_TIMEOUT_S) -> bool:
        """Stops taking jobs and gives back what runs, which may go on elsewhere.

        False where something still runs after ``timeout_s``, which nothing but the end of the process can stop; what
        it writes does not count.
        """
        self._stopping.set()
        self._database.enqueued.set()
        if self._dispatcher is not None:
            self._dispatcher.join(timeout=timeout_s)
        with self._changed:
            busy = self._running.total() > 0
        if busy:
            # A picture that draws without taking steps must not keep the process from ending.
            threading.Thread(target=self._stop_drawing, name="lorespark-stop", daemon=True).start()
            with self._changed:
                busy = not self._changed.wait_for(lambda: self._running.total() == 0, timeout_s)
        try:
            self._settle_owed()
            self._workflows.sweep()
            self.presence.leave()
        except DatabaseUnusable as error:
            log.info("%s", error)  # then others take the jobs over, or the next start does
        if not busy:
            self._workflows.close()
        return not busy

    def check(self) -> None:
        """Raises DatabaseUnusable where the jobs' database does not answer."""
        self._workflows.check()

    def create(self, creation_id: str) -> None:
        """Finishes the creation's job; see ``finish``."""
        self.finish("generate", creation_id)

    def mint(self, mint_id: str, timeout_s: float | None = None) -> None:
        """Finishes the mint's job; see ``finish``. Raises ChainError where the chain cannot be asked."""
        self.finish("mint", mint_id, timeout_s=timeout_s)

    def finish(
        self,
        queue: str,
        record_id: str,
        tenant_id: str = LOCAL_TENANT,
        *,
        timeout_s: float | None = None,
        once: bool = False,
    ) -> None:
        """Carries the record's job out on this thread, or waits for whoever does; returns when it has ended, or after
        ``timeout_s`` with the job left to go on. With ``once`` also where it wants to run again later.

        Raises what its work raises: then the job waits for the next time, as it does after DatabaseUnusable. Raises
        JobFailed where it was set aside.
        """
        self._settle_owed()
        with self._database.writing() as connection:
            if state_of(connection, queue, record_id) is None:
                enqueue(connection, queue, record_id, tenant_id)
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        while deadline is None or time.monotonic() < deadline:
            with self._database.reading() as connection:
                state = state_of(connection, queue, record_id)
            if state is None:
                return
            if state == "set_aside":
                raise JobFailed(f"The job of {record_id} ended its worker again and again and was set aside.")
            if self._stopping.is_set():
                raise JobFailed(f"The job of {record_id} was given back, because this process ends.")
            worker_id = self.presence.worker_id
            if state == "queued":
                with self._database.writing() as connection:
                    job = claim_record(connection, queue, record_id, worker_id)
                if job is not None:
                    after_s = self._finish_claimed(job, worker_id)
                    if after_s is None or once:
                        return
                    self._stopping.wait(min(after_s, LONGEST_WAIT_S))
                    continue
            time.sleep(POLL_S)

    def _finish_claimed(self, job: Job, worker_id: str) -> float | None:
        """After how many seconds it wants to run again, None where it has ended."""
        with self._changed:
            self._running[job.queue] += 1
        try:
            try:
                after_s = self._works[job.queue].run(job, Hold(job.number, worker_id))
            except BaseException as error:
                self._owe(job, worker_id, _after_failure_s(job) if isinstance(error, Exception) else 0.0)
                with suppress(DatabaseUnusable):  # the first error is the one to report
                    self._settle_owed()
                raise
            self._owe(job, worker_id, after_s)
            self._settle_owed()
            return after_s
        finally:
            self._freed(job)

    def _dispatch(self, queues: Sequence[str]) -> None:
        pause_s = POLL_S
        while not self._stopping.is_set():
            self._database.enqueued.clear()
            try:
                took = self._take(queues)
                pause_s = POLL_S if took else min(pause_s * 1.2, IDLE_POLL_S)
                self._workflows.sweep(at_least=_SWEEP_BUSY if took else 1)
            except DatabaseUnusable as error:
                log.info("%s", error)
                pause_s = BROKEN_POLL_S
            except Exception:
                log.exception("Taking a job failed unexpectedly; it is tried again.")
                pause_s = BROKEN_POLL_S
            self._database.enqueued.wait(pause_s)

    def _take(self, queues: Sequence[str]) -> bool:
        """Writes down what ended and begins what there is room for; whether there was anything to do."""
        rooms = {queue: room for queue in queues if (room := self._room(queue)) > 0}
        due = False
        if rooms:
            with self._database.reading() as connection:
                due = any_due(connection, list(rooms))
        if not due and not self._owed:
            return False
        taken: list[tuple[Job, str]] = []
        with self._settling() as owed, self._database.writing() as connection:
            for ended in owed:
                _settle(connection, *ended)
            worker_id = self.presence.worker_id
            for queue, room in rooms.items() if due else ():
                for _ in range(room):
                    job = claim(connection, queue, worker_id, self._models)
                    if job is None:
                        break
                    taken.append((job, worker_id))
        for job, worker_id in taken:
            with self._changed:
                self._running[job.queue] += 1
            name = f"lorespark-{job.queue}"
            threading.Thread(target=self._carry_out, args=(job, worker_id), name=name, daemon=True).start()
        return bool(taken or owed)

    def _room(self, queue: str) -> int:
        with self._changed:
            return self._slots - self._running[queue]

    def _carry_out(self, job: Job, worker_id: str) -> None:
        try:
            after_s: float | None
            try:
                after_s = self._works[job.queue].run(job, Hold(job.number, worker_id))
            except HoldLost:
                return
            except DrawingStopped:
                after_s = 0.0
            except ROOM_ERRORS as error:
                log.info("%s goes on later: %s", job.record_id, error)
                after_s = _after_failure_s(job)
            except Exception:
                log.exception("The job of %s failed unexpectedly; it goes on later.", job.record_id)
                after_s = _after_failure_s(job)
            self._owe(job, worker_id, after_s)  # the dispatcher writes it down
        finally:
            self._freed(job)

    def _owe(self, job: Job, worker_id: str, after_s: float | None) -> None:
        with self._changed:
            self._owed.append((job, worker_id, after_s))

    @contextmanager
    def _settling(self) -> Iterator[list[_Owed]]:
        """What became of jobs and is not written down yet; owed further where it cannot be, as who else could."""
        with self._changed:
            owed = list(self._owed)
            self._owed.clear()
        try:
            yield owed
        except BaseException:
            with self._changed:
                self._owed.extendleft(reversed(owed))
            raise

    def _settle_owed(self) -> None:
        with self._settling() as owed:
            if owed:
                with self._database.writing() as connection:
                    for ended in owed:
                        _settle(connection, *ended)

    def _freed(self, job: Job) -> None:
        with self._changed:
            self._running[job.queue] -= 1
            self._changed.notify_all()
        self._database.enqueued.set()


def _settle(connection: Connection, job: Job, worker_id: str, after_s: float | None) -> None:
    if after_s is None:
        finish(connection, job.number, worker_id)
    else:
        put_back(connection, job.number, worker_id, after_s)


def _after_failure_s(job: Job) -> float:
    return min(backoff_s(job.run), MAX_BACKOFF_OF_S.get(job.queue, MAX_BACKOFF_S))


def backoff_s(run: int) -> float:
    """How long a job waits after its ``run``-th run: twice as long each time, with some chance against crowds."""
    return min(MAX_BACKOFF_S, 2.0 ** min(run, 10)) * random.uniform(0.75, 1.0)
