"""The jobs of an application: which work each queue does, and where DBOS keeps its steps."""

from collections.abc import Sequence
from typing import Protocol
from uuid import uuid4

from assets.block import Blocks
from engine.asset_removal import AssetRemoval
from engine.data_folder import DataFolder
from engine.database.jobs import QUEUES
from engine.database.postgresql import postgresql_engine
from engine.database.records import Records
from engine.database.sqlite import sqlite_engine
from engine.errors import InvalidSettings
from engine.indexer.follower import Follower
from engine.jobs.creation import CreationJob
from engine.jobs.delivery import DeliveryJob
from engine.jobs.expiry import ExpiryWork
from engine.jobs.index import IndexWork
from engine.jobs.mint import MintJob
from engine.jobs.pin import PinJob, PinWork
from engine.jobs.pinned_first import PinnedFirst
from engine.jobs.runtime import JobRuntime
from engine.jobs.verify import VerifyJob
from engine.jobs.voucher import VoucherJob
from engine.jobs.work import DeliverWork, GenerateWork, MintWork, Work
from engine.jobs.workflows import Workflows
from engine.model_catalogue import ModelCatalogue
from engine.pinning import Pinning
from engine.settings import Settings


class Parts(Protocol):
    """What jobs need of an application."""

    settings: Settings
    folder: DataFolder
    records: Records
    blocks: Blocks
    catalogue: ModelCatalogue
    creation_job: CreationJob
    mint_job: MintJob
    voucher_job: VoucherJob
    verify_job: VerifyJob
    removal: AssetRemoval
    delivery_job: DeliveryJob
    pinning: Pinning
    pin_job: PinJob

    @property
    def jobs(self) -> JobRuntime: ...

    @property
    def follower(self) -> Follower | None: ...

    def stop_drawing(self) -> None: ...

    def read_to(self, head_block: int) -> None: ...


def open_jobs(parts: Parts) -> JobRuntime:
    """Opens the jobs' database; nothing runs before it is asked for. Raises DatabaseUnusable."""
    database, url = parts.records.database, parts.settings.database_url
    engine = sqlite_engine(parts.folder.jobs) if url is None else postgresql_engine(url, database.session)
    # Never that of an earlier process: DBOS would begin its runs by itself, which the records hand out.
    executor_id = database.session or f"local-{uuid4().hex[:12]}"
    workflows = Workflows(engine, executor_id, parts.creation_job)
    try:
        works: dict[str, Work] = {
            "generate": GenerateWork(parts.records, workflows),
            "mint": PinnedFirst(MintWork(parts.records, parts.mint_job.look), parts.records, parts.pinning),
            "verify": parts.verify_job,
            "voucher": parts.voucher_job,
            "deliver": DeliverWork(parts.delivery_job.attempt),
            "expire": ExpiryWork(database, workflows),
            "index": IndexWork(lambda: parts.follower, parts.read_to),
        }
        if parts.pinning.services:
            works["pin"] = PinWork(parts.records, parts.pin_job, parts.pinning)
        return JobRuntime(database, workflows, works, parts.stop_drawing)
    except BaseException:
        workflows.close()
        raise


def start_worker(
    parts: Parts, queues: Sequence[str] = QUEUES, slots: int = 4, models: Sequence[str] | None = None
) -> None:
    """Does jobs of ``queues`` on threads of this process until it ends, at most ``slots`` of each at once.

    ``models`` are the ids of those to draw with; left out, all that are installed here.
    Raises DatabaseUnusable, and InvalidSettings where a model is not installed.
    """
    here = parts.catalogue.installed() if "generate" in queues else ()
    if unknown := set(models or ()) - {model.id for model in here}:
        raise InvalidSettings(
            f"The model {min(unknown)[:80]!r} is not installed here; `lorespark models` lists those that are."
        )
    chosen = [model.model_dump() for model in here if models is None or model.id in models]
    if not parts.records.database.is_shared:
        # The folder's lock says that nobody else is writing.
        parts.blocks.remove_stale(older_than_s=0)
        parts.removal.sweep()
    parts.jobs.start(queues, slots, chosen)
