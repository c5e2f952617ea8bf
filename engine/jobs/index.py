"""The recurring job of the queue ``index``: what the chain's logs say comes into the records."""

import time
from collections.abc import Callable
from typing import Final

from engine.database.jobs import Job
from engine.indexer.follower import Follower
from engine.jobs.hold import Hold

# How soon a new block is seen. A look at the chain is two requests to the node and two small transactions.
EVERY_S: Final = 2.0
# How long one run goes on with what there is to read, so that a process that ends need not wait for it for long.
RUN_S: Final = 3.0


class IndexWork:
    """Follows the chain a while, as one worker of all does at a time."""

    def __init__(self, follower: Callable[[], Follower | None]) -> None:
        """``follower`` is None where this process has no way to the chain, or there is nothing to follow."""
        self._follower = follower

    def run(self, job: Job, hold: Hold) -> float:
        follower = self._follower()
        if follower is None:
            return EVERY_S
        until_s = time.monotonic() + RUN_S
        while time.monotonic() < until_s:
            if follower.step(hold).is_current:
                return EVERY_S
        return 0.0
