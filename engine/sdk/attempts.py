"""How often a call is tried, and how long it waits between: the same for both clients, which only sleep."""

import random
from dataclasses import dataclass, field
from typing import Final

from engine.sdk.errors import LoresparkError, RateLimited, ServerFailed, Unreachable

MAX_RETRIES: Final = 3
FIRST_RETRY_S: Final = 0.5
_LONGEST_S: Final = 8.0
# A server that wants a longer pause (a day's quota, say) is not waited for: its error is raised at once.
MAX_RETRY_AFTER_S: Final = 60.0
_PASSING: Final = frozenset({502, 503, 504})


@dataclass
class Attempts:
    """The attempts of one call, of which ``most`` may fail before the last failure is raised."""

    most: int = MAX_RETRIES
    first_s: float = FIRST_RETRY_S
    failed: int = field(default=0, init=False)

    def after(self, failure: LoresparkError) -> float:
        """The seconds to wait before the next attempt; raises ``failure`` where there is none."""
        wanted = failure.retry_after_s
        if (
            not _passes(failure)
            or self.failed >= self.most
            or (wanted is not None and wanted > MAX_RETRY_AFTER_S)
        ):
            raise failure
        pause_s = min(_LONGEST_S, self.first_s * 2.0**self.failed)
        self.failed += 1
        # Jitter, so that clients that failed at the same moment do not return at the same moment.
        jitter = random.random()
        return pause_s * (0.5 + jitter / 2) if wanted is None else wanted + self.first_s * jitter


def _passes(failure: LoresparkError) -> bool:
    """Whether the same call may succeed a little later."""
    if isinstance(failure, ServerFailed):
        return failure.status in _PASSING
    return isinstance(failure, RateLimited | Unreachable)
