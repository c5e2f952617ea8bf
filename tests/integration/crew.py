"""Worker processes of one database, and how their jobs stand."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from assets.unixfs import read_file
from engine.database import tables
from engine.database.blocks import DatabaseBlocks
from engine.database.records import CreationRecord, Records

SCRIPT = Path(__file__).with_name("worker_process.py")
START_TIMEOUT_S = 60


class Crew:
    """Workers of one database, and the process that forks them."""

    def __init__(self, environment: dict[str, str]) -> None:
        self._nursery = subprocess.Popen(
            [sys.executable, "-W", "ignore", str(SCRIPT)],
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.workers: dict[str, int] = {}  # process id by the id that it began with

    def start(self) -> str:
        assert self._nursery.stdin is not None
        assert self._nursery.stdout is not None
        self._nursery.stdin.write("start\n")
        self._nursery.stdin.flush()
        line = self._nursery.stdout.readline().split()
        assert line, self._nursery.communicate(timeout=START_TIMEOUT_S)[1]
        self.workers[line[1]] = int(line[0])
        return line[1]

    def signal(self, worker_id: str, number: int) -> None:
        os.kill(self.workers[worker_id], number)
        if number == signal.SIGKILL:
            del self.workers[worker_id]

    def end(self) -> str:
        """What they wrote to stderr, after they were told to end."""
        for process_id in self.workers.values():
            os.kill(process_id, signal.SIGCONT)
            os.kill(process_id, signal.SIGTERM)
        self.workers.clear()
        return self._nursery.communicate("end\n", timeout=START_TIMEOUT_S)[1]

    def kill(self) -> None:
        for process_id in self.workers.values():
            with suppress(ProcessLookupError):
                os.kill(process_id, signal.SIGKILL)
        self._nursery.kill()
        self._nursery.communicate()


def wait_for(what: Callable[[], Any], timeout_s: float = 60.0) -> Any:
    """What ``what`` gives as soon as it is something."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.02)
    pytest.fail(f"nothing came of {what} in {timeout_s:g} s")


def jobs(records: Records, queue: str = "generate") -> list[Any]:
    with records.database.reading() as connection:
        return list(connection.execute(select(tables.jobs).where(tables.jobs.c.queue == queue)))


def holder(records: Records, creation_id: str) -> str | None:
    return next((job.worker_id for job in jobs(records) if job.record_id == creation_id), None)


def found(records: Records, creation_id: str) -> CreationRecord:
    creation = records.creation(creation_id)
    assert creation is not None
    return creation


def ended(records: Records, creation_id: str) -> bool:
    return found(records, creation_id).status in ("succeeded", "failed")


def assert_whole(records: Records, creations: list[str], assets: int) -> None:
    blocks = DatabaseBlocks(records.database)
    for creation_id in creations:
        creation = found(records, creation_id)
        assert (creation.status, creation.error) == ("succeeded", None), creation
        made = records.assets_of(creation_id)
        assert len(made) == len(creation.recipes)
        for asset in made:
            for cid in (asset.media_cid, asset.image_cid, asset.metadata_cid):
                b"".join(read_file(cid, blocks))
    assert len(records.newest_assets(10_000)) == assets
    wait_for(lambda: not jobs(records))
