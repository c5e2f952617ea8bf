"""The durable workflows, run by DBOS on SQLite: a killed process's jobs go on at the next start."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any
from uuid import uuid4

from dbos import DBOS, DBOSConfig, SetWorkflowID, WorkflowHandle
from dbos import error as dbos_errors

from assets.errors import AssetsError
from chain.errors import ChainError, TransactionRejected, TransactionReverted
from engine.database.sqlite import database_boundary, sqlite_engine
from engine.errors import DatabaseUnusable, EngineError, JobFailed
from engine.jobs.creation import CreationJob, StoredPicture
from engine.jobs.mint import MintJob
from generators.errors import GeneratorError

# Pinned, so that a new release goes on with queued work. Change it when the order of a workflow's steps changes.
JOBS_VERSION = "lorespark-jobs-1"
# The data folder's lock lets one process run at a time, so the next one may take over what the last one left.
EXECUTOR_ID = "local"
# A chain's answer that no repetition will change; anything else leaves the mint to be gone on with later.
FINAL_CHAIN_ERRORS = (TransactionReverted, TransactionRejected)
ROOM_ERRORS = (EngineError, GeneratorError, AssetsError, ChainError)
POLL_S = 0.02
TAKE_OVER_TIMEOUT_S = 15.0  # DBOS looks for jobs to take over once a second
CLOSE_TIMEOUT_S = 1.0  # what a step's last write may take; drawing takes longer and is not waited for


class JobRuntime:
    """Starts, joins and waits for the jobs of one data folder."""

    def __init__(self, path: Path, creation: CreationJob, mint: MintJob) -> None:
        """Opens the jobs' database; jobs that an earlier process left running go on in the background.

        Raises DatabaseUnusable.
        """
        self._path = path
        self._begun: dict[str, float | None] = {}  # workflow id: when it ended here, None while it runs
        log = logging.getLogger("dbos")
        log.setLevel(logging.CRITICAL)  # its errors reach people through the records
        if not log.handlers:
            log.addHandler(logging.NullHandler())  # else it adds one that writes to stderr
        self._engine = sqlite_engine(path)
        config: DBOSConfig = {
            "name": "lorespark",
            "system_database_url": f"sqlite:///{path}",
            "system_database_engine": self._engine,
            "application_version": JOBS_VERSION,
            "executor_id": EXECUTOR_ID,
            "log_level": "CRITICAL",
            "enable_otlp": False,
        }
        try:
            with self._boundary():
                DBOS(config=config)
                self._create = DBOS.workflow(name="create")(self._watched(_create_workflow(creation)))
                self._mint = DBOS.workflow(name="mint")(self._watched(_mint_workflow(mint)))
                DBOS.launch()
        except BaseException:
            self.close()
            raise

    def close(self) -> bool:
        """Stops taking jobs; False where one still runs, which nothing but the end of the process can stop."""
        DBOS.destroy(destroy_registry=True, workflow_completion_timeout_sec=0)
        deadline = time.monotonic() + CLOSE_TIMEOUT_S
        while (busy := None in self._begun.values()) and time.monotonic() < deadline:
            time.sleep(POLL_S)
        if not busy:
            self._engine.dispose()
        return not busy

    def check(self) -> None:
        """Asks the jobs' database for one job. Raises DatabaseUnusable where it does not answer."""
        with self._boundary():
            DBOS.list_workflows(limit=1)

    def create(self, creation_id: str) -> None:
        """Runs the creation's job, or joins it where it runs already; returns when it has ended.

        Raises DatabaseUnusable where the job cannot be written down; then the creation goes on later.
        """
        self._run(self._create, creation_id)

    def mint(self, mint_id: str) -> None:
        """Runs the mint's job once more, or joins the one that runs; returns when it has ended.

        Raises ChainError where the chain could not be asked or took too long, and DatabaseUnusable; then the
        mint goes on later.
        """
        self._run(self._mint, mint_id)

    def _run(self, workflow: Callable[[str], None], record_id: str) -> None:
        with self._boundary():
            running = self._running(record_id)
            if running is not None:
                self._join(running)
                return
            # Of a fresh id: a job that ended without finishing its record is done again, not read again.
            with SetWorkflowID(f"{record_id}:{uuid4().hex[:8]}"):
                handle: WorkflowHandle[None] = DBOS.start_workflow(workflow, record_id)
            handle.get_result(polling_interval_sec=POLL_S)

    def _running(self, record_id: str) -> str | None:
        for status in DBOS.list_workflows(
            workflow_id_prefix=f"{record_id}:", status=["PENDING", "ENQUEUED"], app_version=JOBS_VERSION
        ):
            return status.workflow_id
        return None

    def _join(self, workflow_id: str) -> None:
        """Waits for a job that DBOS took over from an earlier process."""
        handle: WorkflowHandle[None] = DBOS.retrieve_workflow(workflow_id)
        since = time.monotonic()
        while handle.get_status().status in ("PENDING", "ENQUEUED"):
            # It never ends by itself where its beginning or its end cannot be written, on a full disk.
            ended = self._begun.get(workflow_id, since)
            if ended is not None and time.monotonic() - ended > TAKE_OVER_TIMEOUT_S:
                raise DatabaseUnusable(
                    f"The job {workflow_id} did not go on; check the disk that holds {self._path}, and try again."
                )
            time.sleep(POLL_S)
        handle.get_result(polling_interval_sec=POLL_S)

    def _watched(self, job: Callable[[str], None]) -> Callable[[str], None]:
        def watched(record_id: str) -> None:
            workflow_id = DBOS.workflow_id
            assert workflow_id is not None, "a workflow runs under its id"
            self._begun[workflow_id] = None
            try:
                job(record_id)
            finally:
                self._begun[workflow_id] = time.monotonic()

        return watched

    @contextmanager
    def _boundary(self) -> Iterator[None]:
        """Translates what DBOS and its database raise."""
        try:
            with database_boundary(self._path):
                yield
        except ROOM_ERRORS:
            raise
        except dbos_errors.DBOSException as error:
            raise DatabaseUnusable(
                f"The jobs in {self._path} cannot go on ({error}); move the file away to begin them anew."
            ) from error
        except Exception as error:
            raise JobFailed(
                f"The job ended by an unexpected {type(error).__name__}: {error}; it goes on at the next start."
            ) from error


def _step(name: str, function: Callable[..., Any], *arguments: Any) -> Any:
    return DBOS.run_step({"name": name}, function, *arguments)


def _create_workflow(job: CreationJob) -> Callable[[str], None]:
    def draw(creation_id: str, batch: int) -> list[dict[str, str]]:
        return [asdict(picture) for picture in job.draw(creation_id, batch)]

    def record(creation_id: str, stored: list[dict[str, str]]) -> None:
        job.record(creation_id, [StoredPicture(**picture) for picture in stored])

    def create(creation_id: str) -> None:
        try:
            stored: list[dict[str, str]] = []
            for batch in range(_step("begin", job.batches, creation_id)):
                stored += _step("draw", draw, creation_id, batch)
            _step("record", record, creation_id, stored)
        except DatabaseUnusable:
            raise  # nothing can be written down now; the creation goes on at the next start
        except (GeneratorError, AssetsError, EngineError) as error:
            _step("fail", job.fail, creation_id, str(error))
        except Exception as error:
            _step("fail", job.fail, creation_id, f"An unexpected {type(error).__name__} ended it: {error}")

    return create


def _mint_workflow(job: MintJob) -> Callable[[str], None]:
    def mint(mint_id: str) -> None:
        try:
            _step("contract", job.ensure_contract, mint_id)
            tx_hash = _step("deliver", job.deliver, mint_id)
            _step("confirm", job.confirm, mint_id, tx_hash)
        except FINAL_CHAIN_ERRORS as error:
            _step("fail", job.fail, mint_id, str(error))

    return mint
