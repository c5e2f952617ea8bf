"""A mint waits until a pinning service holds what its token will name."""

from typing import Final

from sqlalchemy import Connection

from engine.database.jobs import Job
from engine.database.mints import MintRecord
from engine.database.pins import is_pinned, is_waived, pins_of, want_pins
from engine.database.records import Records
from engine.jobs.hold import Hold
from engine.jobs.work import Work
from engine.pinning import Pinning

FIRST_WAIT_S: Final = 5.0  # a pin that succeeds wakes the mint; this is for what nobody wakes
LONGEST_WAIT_S: Final = 300.0
_WAITS: Final = "The mint waits until a pinning service holds the asset"


class PinnedFirst:
    """The work of the queue ``mint`` behind that condition; nothing is signed before it holds."""

    def __init__(self, mint: Work, records: Records, pinning: Pinning) -> None:
        self._mint, self._records, self._pinning = mint, records, pinning

    def run(self, job: Job, hold: Hold) -> float | None:
        if self._pinning.delays_mints and self._waits(job, hold):
            return min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(job.run - 1, 10))
        return self._mint.run(job, hold)

    def _waits(self, job: Job, hold: Hold) -> bool:
        mint = self._records.mint(job.record_id)
        if mint is None or mint.status != "prepared":  # what was begun goes on
            return False
        with self._records.database.writing() as connection:
            waits = not is_waived(connection, mint.id) and not is_pinned(connection, mint.asset_id)
            if waits:
                want_pins(connection, [mint.asset_id], self._pinning.names)
            told = _reason(connection, mint) if waits else None
        if waits or (mint.error or "").startswith(_WAITS):
            self._records.update_mint(mint.id, hold=hold, error=told)
        return waits


def _reason(connection: Connection, mint: MintRecord) -> str:
    faults = [f"{each.service}: {each.error}" for each in pins_of(connection, mint.asset_id) if each.error]
    why = f" {' '.join(faults)}" if faults else ""
    return f"{_WAITS} {mint.asset_id}; asked for again with force, it goes on without.{why}"
