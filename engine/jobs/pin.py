"""Pins: an asset's way to one service, looked after from then on; and the job that sees to all of them."""

import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, Final

from assets.asset import Asset
from assets.block import Blocks
from assets.car import encode_car, export_dag
from assets.cid import Cid
from assets.errors import AssetsError, PinLost, ServiceUnavailable, WrongContent
from assets.pinning.service import PinningService, PinState, Receipt
from engine.asset_files import AssetFiles
from engine.database.clock import now
from engine.database.jobs import RECURRING, Job, enqueue
from engine.database.pins import (
    NO_RECEIPT,
    PinRecord,
    due_pins,
    pin,
    unwanted_assets,
    update_pin,
    want_pins,
)
from engine.database.records import Records
from engine.jobs.hold import Hold
from engine.pinning import Pinning

SCHEDULE_EVERY_S: Final = 300.0
SCHEDULE_ROWS: Final = 500  # pins that one transaction lets wait
FIRST_POLL_S: Final = 2.0  # how soon a service that is still fetching is asked again, then ever later
LONGEST_POLL_S: Final = 300.0
FIRST_WAIT_S: Final = 5.0  # after what went wrong, then ever longer
LONGEST_WAIT_S: Final = 3_600.0
_SPARE_BYTES: Final = 1 << 20  # what a service may give back beside the bytes that we know of


class PinJob:
    """The work of one pin. ``jitter`` gives a number between two, so that what failed together comes back apart."""

    def __init__(
        self,
        records: Records,
        blocks: Blocks,
        pinning: Pinning,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._records, self._blocks, self._files = records, blocks, AssetFiles(blocks)
        self._pinning, self._jitter = pinning, jitter

    def attempt(self, record_id: str, run: int, hold: Hold | None = None) -> float | None:
        """Goes on with the pin, its ``run``-th time; in how many seconds again, None where it is held or gone.

        What goes wrong is written into it and tried again for ever. Safe to repeat after a crash anywhere: services
        are asked what they have before anything is counted as theirs. Raises DatabaseUnusable, HoldLost.
        """
        with self._records.database.reading() as connection:
            record = pin(connection, record_id)
        if record is None:
            return None
        service = self._pinning.services.get(record.service)
        if service is None:
            told = f"No service {record.service} is listed in pinning.toml any more; list it, or ignore this pin."
            self._write(record, hold, error=told)
            return None
        try:
            return self._gone_on(record, service, run, hold)
        except AssetsError as error:
            self._fail(record_id, error, hold)
            longest = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(run - 1, 12))
            return self._jitter(0.75 * longest, longest)

    def _gone_on(
        self, record: PinRecord, service: PinningService, run: int, hold: Hold | None
    ) -> float | None:
        if record.status == "pinning":
            return self._followed(record, service, run, hold)
        if record.status == "pinned":
            try:
                return self._looked_at(record, service, hold)
            except (PinLost, WrongContent) as error:
                lost = {"status": "lost", "repairs": record.repairs + 1, "error": str(error)}
                record = self._write(record, hold, **lost)
        return self._asked(record, service, run, hold)

    def _asked(self, record: PinRecord, service: PinningService, run: int, hold: Hold | None) -> float | None:
        """Gives the content to the service."""
        record = self._packed(record, hold)
        assert record.root is not None, "a packed pin has a root"
        root = Cid.parse(record.root)
        record = self._write(record, hold, attempts=record.attempts + 1)

        def car() -> Iterator[bytes]:
            return encode_car([root], export_dag([root], self._blocks))

        if record.status == "lost":  # else a service that only says that it has it would say so again
            receipt = service.renew(root, car, record.asset_id, record.request_id)
        else:
            receipt = service.pin(root, car, record.asset_id)
        return self._received(record, service, receipt, run, hold)

    def _followed(
        self, record: PinRecord, service: PinningService, run: int, hold: Hold | None
    ) -> float | None:
        """Asks how far the service is with what it was given."""
        assert record.root is not None, "what is under way was packed"
        receipt = service.state(Cid.parse(record.root), record.request_id)
        if receipt is None:
            raise PinLost(f"The service {service.name} no longer knows the pin; it is asked for anew.")
        return self._received(record, service, receipt, run, hold)

    def _looked_at(self, record: PinRecord, service: PinningService, hold: Hold | None) -> float | None:
        """Reads all of it back. Raises PinLost, WrongContent where the service does not hold it."""
        assert record.root is not None, "what is pinned was packed"
        root = Cid.parse(record.root)
        receipt = service.state(root, record.request_id)
        if receipt is None or receipt.state is PinState.FAILED:
            raise PinLost(f"The service {service.name} no longer lists its pin of {root}; it is pinned anew.")
        size = service.read_back(root, (record.bytes or 0) + _SPARE_BYTES)
        read = {} if size is None else {"read_at": now(), "bytes": size}
        self._write(record, hold, checked_at=now(), error=None, **read)
        return None

    def _received(
        self, record: PinRecord, service: PinningService, receipt: Receipt, run: int, hold: Hold | None
    ) -> float | None:
        if receipt.state is PinState.FAILED:
            why = f": {receipt.detail}" if receipt.detail else ""
            raise PinLost(f"The service {service.name} could not pin it{why}; it is asked for anew.")
        if receipt.state is PinState.PINNED:
            at = now()
            held = {"status": "pinned", "pinned_at": at, "checked_at": at, "error": None}
            self._write(record, hold, request_id=receipt.request_id, **held)
            return None
        self._write(record, hold, status="pinning", request_id=receipt.request_id, error=None)
        longest = min(LONGEST_POLL_S, FIRST_POLL_S * 2.0 ** min(run - 1, 10))
        return self._jitter(0.75 * longest, longest)

    def _packed(self, record: PinRecord, hold: Hold | None) -> PinRecord:
        """The pin with the root of the asset as it is now; every block is read and hashed on the way."""
        asset = self._records.asset(record.asset_id)
        assert asset is not None, f"pin {record.id} of an unknown asset"
        metadata, root = str(asset.metadata_cid), self._root(asset)
        size = sum(len(data) for _, data in export_dag([root], self._blocks))
        packed: dict[str, Any] = {"metadata_cid": metadata, "root": str(root), "bytes": size}
        if record.root not in (None, str(root)):
            packed |= NO_RECEIPT
        with self._records.database.writing() as connection:
            if hold is not None:
                hold.confirm(connection)
            # The asset may have been changed, and the pin with it, since the pin was read.
            update_pin(connection, record, **packed)
            update_pin(connection, replace(record, metadata_cid=metadata), **packed)
        return replace(record, **packed)

    def _root(self, asset: Asset) -> Cid:
        return self._files.package(asset).root

    def _fail(self, record_id: str, error: AssetsError, hold: Hold | None) -> None:
        """Writes down what went wrong. What is held or under way stays so where the service did not answer."""
        with self._records.database.writing() as connection:
            if hold is not None:
                hold.confirm(connection)
            record = pin(connection, record_id)
            if record is None:
                return
            stays = (
                ("pinned", "lost", "pinning") if isinstance(error, ServiceUnavailable) else ("pinned", "lost")
            )
            status = {} if record.status in stays else {"status": "failed"}
            update_pin(connection, record, error=str(error), **status)

    def _write(self, record: PinRecord, hold: Hold | None, **values: Any) -> PinRecord:
        with self._records.database.writing() as connection:
            if hold is not None:
                hold.confirm(connection)
            update_pin(connection, record, **values)
        return replace(record, **values)


class PinWork:
    """The queue ``pin``: single pins, and the recurring job that lets those wait that are due."""

    def __init__(self, records: Records, job: PinJob, pinning: Pinning) -> None:
        self._records, self._job, self._pinning = records, job, pinning

    def run(self, job: Job, hold: Hold) -> float | None:
        if job.record_id != RECURRING["pin"]:
            return self._job.attempt(job.record_id, job.run, hold)
        return 0.0 if self.schedule(hold) >= SCHEDULE_ROWS else SCHEDULE_EVERY_S

    def schedule(self, hold: Hold | None = None) -> int:
        """Lets wait what was never pinned and what was not looked at for long; how many, at most SCHEDULE_ROWS of
        either. Raises DatabaseUnusable, HoldLost."""
        names = self._pinning.names
        with self._records.database.writing() as connection:
            if hold is not None:
                hold.confirm(connection)
            wanted = 0
            for name in names:
                lacking = unwanted_assets(connection, name, SCHEDULE_ROWS)
                want_pins(connection, lacking, [name])
                wanted = max(wanted, len(lacking))
            due = due_pins(connection, names, self._pinning.due_before(), SCHEDULE_ROWS)
            for record in due:
                enqueue(connection, "pin", record.id, record.tenant_id)
        return max(wanted, len(due))
