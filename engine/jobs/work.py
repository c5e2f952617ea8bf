"""What the work of a queue is to a worker, and the work of the queues whose steps are kept."""

from collections.abc import Callable
from typing import Final, Protocol

from assets.errors import AssetsError
from chain.errors import ChainError
from engine.database.jobs import Job
from engine.database.records import UNFINISHED_CREATION, Records
from engine.errors import EngineError, HoldLost, JobFailed
from engine.jobs.hold import Hold
from generators.errors import GeneratorError

ROOM_ERRORS: Final = (EngineError, GeneratorError, AssetsError, ChainError)


class Work(Protocol):
    """The work of one queue."""

    def run(self, job: Job, hold: Hold) -> float | None:
        """Does the work of the job's record; safe to repeat after a crash anywhere inside.

        Returns the seconds after which it wants to run again, None where it has ended, well or not, and the record
        says so. What it raises lets the job wait and run again. Writes count only after ``hold.confirm``.
        """


class Steps(Protocol):
    """Whoever carries out a job step by step and keeps the finished ones."""

    def run(self, job: Job, hold: Hold) -> None:
        """Goes on after the last finished step. Raises what a step raises, and DatabaseUnusable."""


class Look(Protocol):
    """Whoever takes a mint a step on."""

    def __call__(self, mint_id: str, hold: Hold, *, is_first: bool) -> float | None:
        """Returns the seconds until the mint wants to be looked at again, None where it has ended."""


class GenerateWork:
    """Draws creations."""

    def __init__(self, records: Records, steps: Steps) -> None:
        self._records, self._steps = records, steps

    def run(self, job: Job, hold: Hold) -> None:
        creation = self._records.creation(job.record_id)
        if creation is not None and creation.status in UNFINISHED_CREATION:
            self._steps.run(job, hold)


class MintWork:
    """Brings assets onto the chain: ``look`` takes a mint a step on (see MintJob.look).

    One that the chain keeps from going on is tried for ever; its record says why.
    """

    def __init__(self, records: Records, look: Look) -> None:
        self._records, self._look = records, look

    def run(self, job: Job, hold: Hold) -> float | None:
        try:
            return self._look(job.record_id, hold, is_first=job.run == 1)
        except HoldLost:
            raise
        except ROOM_ERRORS as error:
            self._records.update_mint(job.record_id, hold=hold, error=str(error))
            raise
        except Exception as error:
            raise JobFailed(
                f"The job ended by an unexpected {type(error).__name__}: {error}; it goes on later."
            ) from error


class DeliverWork:
    """Sends webhooks: ``attempt`` makes one, and returns the seconds until the next or None where it ended."""

    def __init__(self, attempt: Callable[[str], float | None]) -> None:
        self._attempt = attempt

    def run(self, job: Job, hold: Hold) -> float | None:
        return self._attempt(job.record_id)
