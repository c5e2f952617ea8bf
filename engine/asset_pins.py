"""The pins of assets, for whoever asks about them or waits for them here and now."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.database.jobs import resume_job
from engine.database.mints import MintRecord
from engine.database.pins import PinRecord, is_pinned, pins_of, waive, want_pins
from engine.database.records import Records
from engine.errors import JobFailed
from engine.pinning import Pinning

if TYPE_CHECKING:  # it imports DBOS, half a second that only who makes something needs
    from engine.jobs.runtime import JobRuntime


class AssetPins:
    def __init__(self, records: Records, pinning: Pinning, jobs: "Callable[[], JobRuntime]") -> None:
        self._records, self._pinning, self._jobs = records, pinning, jobs

    def of(self, asset_id: str) -> list[PinRecord]:
        """The asset's pins as they are, by service."""
        with self._records.database.reading() as connection:
            return pins_of(connection, asset_id)

    def go_on(self, asset_id: str) -> list[PinRecord]:
        """Goes on with the asset's pins on this thread, once each; how they are then.

        One that was set aside or never asked for is begun, one that is held is read back. What went wrong stands in
        each. Raises DatabaseUnusable.
        """
        with self._records.database.writing() as connection:
            want_pins(connection, [asset_id], self._pinning.names)
            found = [each for each in pins_of(connection, asset_id) if each.service in self._pinning.services]
            for record in found:
                resume_job(connection, "pin", record.id)
        for record in found:
            self._jobs().finish("pin", record.id, record.tenant_id, once=True)
        return self.of(asset_id)

    def before_mint(self, mint: MintRecord, force: bool) -> None:
        """Pins the mint's asset where a mint waits for that; with ``force`` this one goes on without.

        Raises JobFailed where no service holds it yet.
        """
        if not self._pinning.delays_mints:
            return
        with self._records.database.writing() as connection:
            if force:
                waive(connection, mint.id)
            waits = not force and not is_pinned(connection, mint.asset_id)
        if not waits:
            return
        self.go_on(mint.asset_id)
        with self._records.database.reading() as connection:
            waits = not is_pinned(connection, mint.asset_id)
        if waits:
            self._jobs().finish(
                "mint", mint.id, mint.tenant_id, once=True
            )  # which writes down what it waits for
            told = self._records.mint(mint.id)
            raise JobFailed((told and told.error) or f"The mint {mint.id} waits for a pin of its asset.")
