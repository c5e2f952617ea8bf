"""Worker processes that draw at once, as forks of one process that imported everything.

Reads commands from stdin, a line each: ``start`` forks a worker over the configured database and prints its process
id once it works; ``end`` ends this process. What a recipe's prompt says decides how it is drawn: ``slow`` takes steps
until the file ``free`` is in the data folder, ``poison`` kills the process.
"""

import os
import signal
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
import torch

from engine.app import Application
from engine.jobs.opening import start_worker
from engine.settings import Settings
from generators.batching import StepListener
from generators.finishing import FinishedPicture, finish
from generators.order import Order
from tests.conftest import sample_pixels

DRAWING_S = 0.1
SLOTS = 2


class Painter:
    """Draws noise in ten steps."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def batch_key(self, order: Order) -> str:
        return order.recipe.prompt.split()[0]

    def draw_batch(self, orders: Sequence[Order], on_step: StepListener) -> list[Any]:
        drawn = [sample_pixels(order.recipe.seed) for order in orders]
        prompt = orders[0].recipe.prompt
        if "poison" in prompt:
            os.kill(os.getpid(), signal.SIGKILL)
        step = 0
        while step < 10 or ("slow" in prompt and not (self._folder / "free").exists()):
            time.sleep(DRAWING_S / 10)
            on_step(min(step, 9), 10, lambda: np.stack([sample_pixels(1)] * len(orders)))
            step += 1
        return drawn

    def finish(self, pixels: Any, order: Order) -> FinishedPicture:
        return finish(pixels, order.recipe)


def work() -> None:
    settings = Settings.from_environment()
    with Application.open(settings) as application:
        vars(application)["generator"] = Painter(settings.data_dir)
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
        start_worker(application, slots=SLOTS)
        sys.stdout.write(f"{os.getpid()} {application.jobs.presence.worker_id}\n")
        sys.stdout.flush()
        signal.sigwait({signal.SIGTERM})


def fork() -> None:
    if os.fork() == 0:
        end_with_work()


def end_with_work() -> NoReturn:
    code = 1
    try:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        work()
        code = 0
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    finally:
        sys.stderr.flush()
        os._exit(code)


def main() -> None:
    torch.set_num_threads(1)  # a fork inherits no thread pool
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in sys.stdin:
        if line.strip() == "end":
            return
        fork()


if __name__ == "__main__":
    main()
