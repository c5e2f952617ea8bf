"""That a worker lives, told to the others; and taking over from those that no longer do."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Sequence
from typing import Any, Final
from uuid import uuid4

from sqlalchemy import Connection

from engine.database import workers
from engine.database.database import Database
from engine.database.jobs import Job
from engine.database.workers import BEAT_S, SILENT_S
from engine.errors import DatabaseUnusable
from engine.jobs.set_aside import tell_set_aside

log = logging.getLogger(__name__)

_ORPHANS_EVERY: Final = 5  # beats
# On SQLite nobody waits for a death: the beat only keeps the row among those that tell what can be drawn here.
LONE_BEAT_S: Final = 10.0


class Presence:
    """A worker's row in the records, from ``enter`` to ``leave``.

    A thread keeps it fresh, and on a shared database takes over what dead workers had. On SQLite nobody else lives, as
    the data folder's lock says: all that is left is taken over on entering.
    """

    def __init__(self, database: Database, on_lost: Callable[[], None]) -> None:
        """``on_lost`` hears that others gave this worker up; ``worker_id`` is another one by then."""
        self._database, self._on_lost = database, on_lost
        self.worker_id = ""
        self._queues: Sequence[str] = ()
        self._models: Sequence[dict[str, Any]] = ()
        self._ended = threading.Event()
        self._thread: threading.Thread | None = None

    def enter(self, queues: Sequence[str], models: Sequence[dict[str, Any]]) -> None:
        """Raises DatabaseUnusable."""
        self._queues, self._models = tuple(queues), tuple(models)
        with self._database.writing() as connection:
            if not self._database.is_shared:
                _tell(connection, workers.bury_all(connection))
            self.worker_id = self._register(connection)
        self._thread = threading.Thread(target=self._beat, name="lorespark-presence", daemon=True)
        self._thread.start()

    def announce(self, queues: Sequence[str], models: Sequence[dict[str, Any]]) -> None:
        """Changes what others are told this worker does. Raises DatabaseUnusable."""
        self._queues, self._models = tuple(queues), tuple(models)
        with self._database.writing() as connection:
            workers.announce(connection, self.worker_id, self._queues, self._models)

    def leave(self) -> None:
        """Gives back what this worker has, without a death. Raises DatabaseUnusable."""
        self._ended.set()
        if self._thread is not None:
            self._thread.join(timeout=BEAT_S)
        with self._database.writing() as connection:
            workers.unregister(connection, self.worker_id)

    def _register(self, connection: Connection) -> str:
        worker_id = f"worker-{uuid4().hex[:24]}"
        workers.register(
            connection,
            worker_id,
            host=socket.gethostname(),
            pid=os.getpid(),
            session=self._database.session,
            queues=self._queues,
            models=self._models,
        )
        return worker_id

    def _beat(self) -> None:
        steady_since = beat_at = time.monotonic()
        beats = 0
        while not self._ended.wait(BEAT_S if self._database.is_shared else LONE_BEAT_S):
            try:
                alive = self._stay()
                # After a pause of the database or of this process everybody looks silent, so nobody is judged.
                if not alive or time.monotonic() - beat_at > 2 * BEAT_S:
                    steady_since = time.monotonic()
                beat_at = time.monotonic()
                beats += 1
                if self._database.is_shared and beat_at - steady_since > SILENT_S:
                    self._take_over(look_for_orphans=beats % _ORPHANS_EVERY == 0)
            except DatabaseUnusable as error:
                log.info("%s", error)  # the next beat tries again
            except Exception:
                log.exception("A worker's sign of life failed unexpectedly; the next one tries again.")

    def _stay(self) -> bool:
        """Says that this worker lives; begins anew as another one where it was given up."""
        with self._database.writing() as connection:
            if workers.beat(connection, self.worker_id):
                return True
            fresh = self._register(connection)
        self.worker_id = fresh
        self._on_lost()
        return False

    def _take_over(self, look_for_orphans: bool) -> None:
        with self._database.writing() as connection:
            silent = workers.cut_off_silent(connection)
        with self._database.reading() as connection:
            needed = bool(silent) or (look_for_orphans and workers.has_orphans(connection))
        if needed:
            with self._database.writing() as connection:
                _tell(connection, workers.bury(connection, silent))


def _tell(connection: Connection, set_aside: Sequence[Job]) -> None:
    for job in set_aside:
        tell_set_aside(connection, job)
