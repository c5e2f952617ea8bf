"""What waits, runs or ended lately, as the API tells it: one shape for work of every kind."""

from enum import StrEnum

from engine.api.creation import Progress
from engine.api.model import Told


class JobKind(StrEnum):
    CREATION = "creation"
    MINT = "mint"
    VOUCHER = "voucher"
    PIN = "pin"
    DELIVERY = "delivery"


class JobState(StrEnum):
    """``failed`` is also what was set aside: its record stays unfinished, but nothing happens before it is retried."""

    WAITING = "waiting"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED = (JobState.WAITING, JobState.RUNNING)


class Job(Told):
    """One record's work. ``status`` is the record's own, ``about`` its prompt, its asset's name or its event.

    ``error`` is why it failed, or why it waits; ``next_at`` when it is tried again by itself.
    """

    id: str
    kind: JobKind
    state: JobState
    status: str
    about: str
    asset: str | None
    webhook: str | None
    error: str | None
    next_at: str | None
    queue_place: int | None
    progress: Progress | None
    can_retry: bool
    can_cancel: bool
    created_at: str
    ended_at: str | None
    links: dict[str, str]


class JobCounts(Told):
    """How many of the tenant's jobs wait, run, and were set aside."""

    waiting: int
    running: int
    set_aside: int
