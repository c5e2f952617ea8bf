"""Pins as tests list, look at and age them."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import select, update

from engine.app import Application
from engine.database import tables
from engine.database.pins import PinRecord
from engine.jobs.pin import PinWork
from tests import pinning_simulators as simulators
from tests.pinning_simulators import ApiSimulator, Simulator

LONG_AGO = "2026-01-01T00:00:00Z"
TOKEN = "token-of-the-far-service"
Opened = Callable[..., Application]


def listed(node: Simulator, far: ApiSimulator | None = None) -> str:
    text = f'[[services]]\nname = "home"\nkind = "kubo"\nurl = "{node.url}"\ntimeout_s = 2\n'
    if far is not None:
        text += (
            f'[[services]]\nname = "far"\nkind = "pinning-api"\nurl = "{far.url}"\ntoken_env = "FAR_TOKEN"\n'
        )
        text += f'gateway = "{simulators.gateway_of(far)}"\ntimeout_s = 2\n'
    return text


def only(records: list[PinRecord]) -> PinRecord:
    assert len(records) == 1
    return records[0]


def job_of(application: Application, record_id: str) -> Any:
    table = tables.jobs
    with application.records.database.reading() as connection:
        query = select(table).where(table.c.queue == "pin", table.c.record_id == record_id)
        return connection.execute(query).one_or_none()


def long_ago(application: Application) -> None:
    with application.records.database.writing() as connection:
        connection.execute(update(tables.pins).values(checked_at=LONG_AGO, read_at=LONG_AGO))


def schedule(application: Application) -> int:
    return PinWork(application.records, application.pin_job, application.pinning).schedule()
