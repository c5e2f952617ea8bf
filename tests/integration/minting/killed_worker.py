"""Workers over the configured database and chain that kill themselves with SIGKILL at a point of a mint's way.

Reads the names of points from stdin, a line each: forks a worker that ends itself the first time that it gets to the
point, waits for that and prints the signal that ended it. A worker that never gets there is ended by SIGALRM.
"""

import os
import signal
import sys
from pathlib import Path
from typing import Any

import torch

from engine.app import Application
from engine.jobs.opening import start_worker
from engine.jobs.outbox import Outbox
from engine.settings import Settings
from tests.integration.killed_process import KillPoints, end_with
from tests.integration.node import quick_connection

LONGEST_S = 45


class NamedPoint(KillPoints):
    """Ends the process at the point of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(0, Path(os.devnull))
        self._name = name

    def here(self, name: str) -> None:
        if name == self._name:
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        super().install()
        follow = Outbox.follow

        def followed(*arguments: Any, **named: Any) -> Any:
            standing = follow(*arguments, **named)
            self.here(f"mint {standing.status}")
            return standing

        Outbox.follow = followed  # type: ignore[method-assign]


def work(point: str) -> None:
    signal.alarm(LONGEST_S)
    NamedPoint(point).install()
    settings = Settings.from_environment()
    with Application.open(settings) as application:
        assert settings.rpc_url is not None
        vars(application)["connection"] = quick_connection(settings.rpc_url, settings.confirmations)
        start_worker(application, ["mint"])
        signal.pause()


def main() -> None:
    torch.set_num_threads(1)  # a fork inherits no thread pool
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            end_with(lambda: work(line.strip()))  # noqa: B023
        ended = os.waitpid(child, 0)[1]
        how = signal.Signals(os.WTERMSIG(ended)).name if os.WIFSIGNALED(ended) else f"exit {ended}"
        sys.stdout.write(f"{how}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
