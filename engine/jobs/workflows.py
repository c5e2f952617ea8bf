"""Creations carried out by DBOS, which keeps each finished step; see docs/decisions/0008."""

import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import takewhile
from pathlib import Path
from threading import Lock
from typing import Any, Final
from uuid import uuid4

from dbos import DBOS, DBOSConfig, SetWorkflowID
from dbos import error as dbos_errors
from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from engine.database.jobs import Job
from engine.database.postgresql import postgresql_boundary
from engine.database.sqlite import database_boundary
from engine.errors import DatabaseUnusable, HoldLost, JobFailed
from engine.jobs.creation import CreationJob, StoredPicture
from engine.jobs.hold import Hold
from engine.jobs.work import ROOM_ERRORS
from generators.errors import DrawingStopped, TooManyWaiting

# Pinned, so that a new release goes on with what an old one began. Change it when a workflow's steps change.
JOBS_VERSION: Final = "lorespark-jobs-2"
# What keeps a step from going on here and now, and says nothing about what it does.
INTERRUPTING: Final = (HoldLost, DrawingStopped, TooManyWaiting, DatabaseUnusable)
_SWEEP: Final = 200  # workflows deleted in one transaction
_ID_PARTS: Final = 4  # of a workflow's id: queue, record, run, chance
_MAX_KEPT: Final = 10_000  # ids that wait for a sweep; the expiry finds what falls out


class _Interrupted(BaseException):
    """Passes through DBOS without being recorded, so that it looks like a process that died just here."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


@dataclass
class _Run:
    """One run of a workflow: whose it is, and the steps that an earlier run finished."""

    hold: Hold
    finished: deque[tuple[str, Any]] = field(default_factory=deque)

    def step(self, name: str, function: Callable[..., Any], *arguments: Any) -> Any:
        """Does the step, or takes what it gave the earlier run; DBOS keeps the result for the next one."""
        if self.finished and self.finished[0][0] == name:
            _, result = self.finished.popleft()
            return _step(name, lambda: result)
        self.finished.clear()

        def attempt() -> Any:
            try:
                return function(*arguments)
            except INTERRUPTING as error:
                raise _Interrupted(error) from error

        return _step(name, attempt)


class Workflows:
    """The one DBOS of this process. Each run of a job is a workflow of its own that takes over what earlier runs
    finished, so no two processes ever write the same one."""

    def __init__(self, engine: Engine, executor_id: str, creation: CreationJob) -> None:
        """Opens the jobs' database over ``engine``, which is closed with it. Raises DatabaseUnusable."""
        self._engine = engine
        self._runs: dict[str, _Run] = {}
        self._done: deque[str] = deque(maxlen=_MAX_KEPT)
        self._sweeping = Lock()
        log = logging.getLogger("dbos")
        log.setLevel(logging.CRITICAL)  # its errors reach people through the records
        if not log.handlers:
            log.addHandler(logging.NullHandler())  # else it adds one that writes to stderr
        config: DBOSConfig = {
            "name": "lorespark",
            "system_database_url": engine.url.render_as_string(hide_password=False),
            "system_database_engine": engine,
            "application_version": JOBS_VERSION,
            "executor_id": executor_id,
            "log_level": "CRITICAL",
            "enable_otlp": False,
            "use_listen_notify": False,  # nothing waits for its messages
            "notification_listener_polling_interval_sec": 0.1,  # what ending waits for; it looks at nothing
        }
        try:
            with self._boundary():
                DBOS(config=config)
                self._functions = {
                    "generate": DBOS.workflow(name="create")(self._create_workflow(creation)),
                }
                DBOS.launch()
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Ends DBOS' own threads; what still runs can write nothing more."""
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=0)
        self._engine.dispose()

    def check(self) -> None:
        """Asks the jobs' database for one job. Raises DatabaseUnusable where it does not answer."""
        with self._boundary():
            DBOS.list_workflows(limit=1, load_input=False, load_output=False)

    def run(self, job: Job, hold: Hold) -> None:
        """Carries the job out on this thread, after the last step that an earlier run finished.

        Raises what kept a step from going on (HoldLost, DrawingStopped, TooManyWaiting) and DatabaseUnusable; then the
        next run goes on.
        """
        workflow_id = f"{job.queue}:{job.record_id}:{job.run}:{uuid4().hex[:8]}"
        with self._boundary():
            earlier = self._earlier(job)
            self._runs[workflow_id] = _Run(hold, self._finished(earlier))
            try:
                with SetWorkflowID(workflow_id):
                    self._functions[job.queue](job.record_id)
            except _Interrupted as interrupted:
                raise interrupted.error from None
            finally:
                del self._runs[workflow_id]
        self._done.extend((*earlier, workflow_id))

    def sweep(self, at_least: int = 1) -> None:
        """Deletes workflows whose work has ended, once there are ``at_least`` so many. Raises DatabaseUnusable."""
        if len(self._done) < at_least:
            return
        with self._sweeping, self._boundary():
            while self._done:
                ids = [self._done.popleft() for _ in range(min(_SWEEP, len(self._done)))]
                DBOS.delete_workflows(ids)

    def ended_before(self, unix_time_s: float, limit: int) -> list[str]:
        """Ids of workflows that began before that time and ended."""
        return self._begun_before(unix_time_s, ["SUCCESS", "ERROR", "CANCELLED"], limit)

    def interrupted_before(self, unix_time_s: float) -> list[tuple[str, str, str]]:
        """Id, queue and record of workflows that began before that time and did not end, oldest first."""
        ids = self._begun_before(unix_time_s, ["PENDING", "ENQUEUED"], _MAX_KEPT)
        # Those of older releases are named otherwise, and nobody goes on with them.
        parts = [(workflow_id, *workflow_id.split(":")) for workflow_id in ids]
        return [(part[0], part[1], part[2] if len(part) == _ID_PARTS + 1 else "") for part in parts]

    def _begun_before(self, unix_time_s: float, states: list[str], limit: int) -> list[str]:
        when = datetime.fromtimestamp(unix_time_s, UTC).isoformat()
        with self._boundary():
            found = DBOS.list_workflows(
                status=states, end_time=when, limit=limit, load_input=False, load_output=False
            )
        return [status.workflow_id for status in found]

    def delete(self, workflow_ids: list[str]) -> None:
        with self._boundary():
            DBOS.delete_workflows(workflow_ids)

    def _earlier(self, job: Job) -> list[str]:
        """The job's runs that were interrupted. Of a first run there are none, unless the records were restored."""
        if job.run <= 1:
            return []
        statuses = DBOS.list_workflows(
            workflow_id_prefix=f"{job.queue}:{job.record_id}:",
            status="PENDING",
            app_version=JOBS_VERSION,
            load_input=False,
            load_output=False,
        )
        return [status.workflow_id for status in statuses]

    def _finished(self, workflow_ids: list[str]) -> deque[tuple[str, Any]]:
        """The steps of whichever run got furthest."""
        furthest: deque[tuple[str, Any]] = deque()
        for workflow_id in workflow_ids:
            steps = takewhile(lambda step: step["error"] is None, DBOS.list_workflow_steps(workflow_id))
            finished = deque((step["function_name"], step["output"]) for step in steps)
            furthest = max(furthest, finished, key=len)
        return furthest

    def _current(self) -> _Run:
        workflow_id = DBOS.workflow_id
        assert workflow_id is not None, "a workflow runs under its id"
        return self._runs[workflow_id]

    def _create_workflow(self, job: CreationJob) -> Callable[[str], None]:
        def draw(creation_id: str, batch: int, hold: Hold) -> list[dict[str, str]]:
            return [asdict(picture) for picture in job.draw(creation_id, batch, hold)]

        def record(creation_id: str, stored: list[dict[str, str]], hold: Hold) -> None:
            job.record(creation_id, [StoredPicture(**picture) for picture in stored], hold)

        def create(creation_id: str) -> None:
            run = self._current()
            try:
                stored: list[dict[str, str]] = []
                for batch in range(run.step("begin", job.batches, creation_id, run.hold)):
                    stored += run.step("draw", draw, creation_id, batch, run.hold)
                run.step("record", record, creation_id, stored, run.hold)
            except ROOM_ERRORS as error:
                run.step("fail", job.fail, creation_id, str(error), run.hold)
            except (dbos_errors.DBOSException, DBAPIError):
                raise  # a step could not be kept; it says nothing about the creation
            except Exception as error:
                told = f"An unexpected {type(error).__name__} ended it: {error}"
                run.step("fail", job.fail, creation_id, told, run.hold)

        return create

    @contextmanager
    def _boundary(self) -> Iterator[None]:
        """Translates what DBOS and its database raise."""
        try:
            with self._database_boundary():
                yield
        except (*ROOM_ERRORS, _Interrupted):
            raise
        except dbos_errors.DBOSException as error:
            raise DatabaseUnusable(
                f"The jobs in {self._place()} cannot go on ({error}); restore it from a backup, or remove it to "
                "begin them anew."
            ) from error
        except Exception as error:
            raise JobFailed(
                f"The job ended by an unexpected {type(error).__name__}: {error}; it goes on later."
            ) from error

    def _database_boundary(self) -> AbstractContextManager[None]:
        url = self._engine.url
        if url.get_backend_name() == "sqlite":
            assert url.database is not None, "the jobs are a file"
            return database_boundary(Path(url.database))
        return postgresql_boundary(self._engine)

    def _place(self) -> str:
        url = self._engine.url
        return (
            str(url.database)
            if url.get_backend_name() == "sqlite"
            else f"the schema dbos of the database {url.database}"
        )


def _step(name: str, function: Callable[[], Any]) -> Any:
    return DBOS.run_step({"name": name}, function)
