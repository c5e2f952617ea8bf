"""The recurring job of the queue ``index``: what the chain's logs say comes into the records."""

import logging
import time
from collections.abc import Callable
from typing import Final

from chain.errors import ChainError
from engine.database.jobs import Job
from engine.indexer.follower import Follower
from engine.jobs.hold import Hold

log = logging.getLogger(__name__)

# How soon a new block is seen. A look at the chain is two requests to the node and two small transactions.
EVERY_S: Final = 2.0
# How long one run goes on with what there is to read, so that a process that ends need not wait for it for long.
RUN_S: Final = 3.0
# How soon a node that failed is asked again.
RETRY_S: Final = 5.0


class IndexWork:
    """Follows the chain a while, as one worker of all does at a time."""

    def __init__(
        self, follower: Callable[[], Follower | None], read_to: Callable[[int], object] = lambda _: None
    ) -> None:
        """``follower`` gives None where this process has no way to the chain, or there is nothing to follow.
        ``read_to`` is told the newest block each time that all up to it was read."""
        self._follower, self._read_to = follower, read_to

    def run(self, job: Job, hold: Hold) -> float:
        try:
            return self._follow(hold)
        except ChainError as error:
            # Not by raising it: a job that recurs has run so often that it would wait for minutes.
            log.info("The chain is read again in %g s: %s", RETRY_S, error)
            return RETRY_S

    def _follow(self, hold: Hold) -> float:
        follower = self._follower()
        if follower is None:
            return EVERY_S
        until_s = time.monotonic() + RUN_S
        while time.monotonic() < until_s:
            progress = follower.step(hold)
            if progress.is_current:
                self._read_to(progress.head_block)
                return EVERY_S
        return 0.0
