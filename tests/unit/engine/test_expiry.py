"""What is too old goes, what is not stays, in transactions of a thousand rows."""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, insert, select

from engine.app import Application
from engine.database import tables
from engine.database.database import Database
from engine.database.tables import LOCAL_TENANT
from engine.jobs.expiry import CHUNK_ROWS, ExpiryWork
from engine.settings import Settings
from generators.batching import StepListener
from generators.errors import DrawingStopped
from generators.finishing import FinishedPicture, finish
from generators.order import Order
from generators.recipe import Recipe

NOW_S = 1_800_000_000.0
HOUR_S = 3_600.0
DAY_S = 24 * HOUR_S


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        database = Database.open(tmp_path / "records.db")
    else:
        database = Database.connect(request.getfixturevalue("postgresql_url"))
    yield database
    database.close()


class NoSteps:
    def __init__(self) -> None:
        self.left = ["one", "two"]
        self.asked: list[float] = []

    def ended_before(self, unix_time_s: float, limit: int) -> list[str]:
        self.asked.append(unix_time_s)
        return self.left[:limit]

    def interrupted_before(self, unix_time_s: float) -> list[tuple[str, str, str]]:
        return [(step, "generate", "creation-gone") for step in self.left if step == "two"]

    def delete(self, workflow_ids: list[str]) -> None:
        self.left = [one for one in self.left if one not in workflow_ids]


def before(seconds: float) -> str:
    return datetime.fromtimestamp(NOW_S - seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def left(database: Database, column: Any) -> list[Any]:
    with database.reading() as connection:
        return sorted(connection.scalars(select(column)))


def test_answers_deliveries_events_and_checks_go_when_they_are_old(database: Database) -> None:
    answer = {
        "tenant_id": LOCAL_TENANT,
        "fingerprint": "f",
        "status": 201,
        "headers": {},
        "body": b"",
        "sealed": False,
    }
    check = {"tenant_id": LOCAL_TENANT, "allowed": True}
    hook = {
        "tenant_id": LOCAL_TENANT,
        "url": "https://x",
        "secret": "s",
        "events": [],
        "created_at": before(0),
    }
    delivery = {"tenant_id": LOCAL_TENANT, "webhook_id": "w", "event_id": "e", "event": "x", "body": "{}"}
    creation = {"tenant_id": LOCAL_TENANT, "recipes": [], "count": 1, "created_at": before(99 * DAY_S)}
    with database.writing() as connection:
        for name, age_s in (("old", DAY_S + 60), ("new", DAY_S - 60)):
            connection.execute(
                insert(tables.idempotency).values(**answer, key=name, created_at=before(age_s))
            )
        for name, age_s in (("old", 90 * DAY_S + 60), ("new", 90 * DAY_S - 60)):
            connection.execute(
                insert(tables.moderations).values(**check, digest=name, created_at=before(age_s))
            )
        connection.execute(insert(tables.webhooks).values(**hook, id="w"))
        for name, ended in (("old", before(31 * DAY_S)), ("new", before(29 * DAY_S)), ("open", None)):
            status = "pending" if ended is None else "failed"
            connection.execute(
                insert(tables.deliveries).values(
                    **delivery,
                    id=name,
                    status=status,
                    created_at=before(99 * DAY_S),
                    begun_at=before(99 * DAY_S),
                    ended_at=ended,
                )
            )
            connection.execute(
                insert(tables.delivery_attempts).values(delivery_id=name, number=1, at=before(0), took_ms=1)
            )
        for name, status, ended in (
            ("old", "succeeded", before(DAY_S + 60)),
            ("new", "failed", before(60)),
            ("open", "running", None),
        ):
            connection.execute(
                insert(tables.creations).values(**creation, id=name, status=status, finished_at=ended)
            )
            for number, kind in enumerate(("queued", "step", "preview", status)):
                connection.execute(
                    insert(tables.creation_events).values(
                        creation_id=name, number=number, type=kind, data={}, created_at=before(0)
                    )
                )
    steps = NoSteps()
    assert ExpiryWork(database, steps).expire(NOW_S) == 1 + 1 + 1 + 2 + 2
    assert left(database, tables.idempotency.c.key) == ["new"]
    assert left(database, tables.moderations.c.digest) == ["new"]
    assert left(database, tables.deliveries.c.id) == ["new", "open"]
    assert left(database, tables.delivery_attempts.c.delivery_id) == ["new", "open"]
    events = tables.creation_events
    with database.reading() as connection:
        found = connection.execute(
            select(events.c.creation_id, func.count())
            .group_by(events.c.creation_id)
            .order_by(events.c.creation_id)
        ).all()
    assert [tuple(row) for row in found] == [("new", 4), ("old", 2), ("open", 4)]
    assert steps.left == []
    assert set(steps.asked) == {NOW_S - DAY_S}
    assert ExpiryWork(database, NoSteps()).expire(NOW_S) == 2


def test_more_than_a_thousand_rows_go_in_several_transactions(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {"tenant_id": LOCAL_TENANT, "digest": "d", "allowed": True, "created_at": before(100 * DAY_S)}
        for _ in range(2 * CHUNK_ROWS + 1)
    ]
    with database.writing() as connection:
        connection.execute(insert(tables.moderations), rows)
    begun = []
    writing = database.writing
    monkeypatch.setattr(database, "writing", lambda: begun.append(1) or writing())
    assert ExpiryWork(database, NoSteps()).expire(NOW_S) == 2 * CHUNK_ROWS + 1 + 2
    assert left(database, tables.moderations.c.digest) == []
    assert len(begun) == 3 + 3  # three for these rows, one for each other table


class Painter:
    """Draws noise, or stops as where the process ends."""

    def __init__(self, pixels: Callable[[int], Any], stops: bool = False) -> None:
        self._pixels, self._stops = pixels, stops

    def batch_key(self, _: Order) -> int:
        return 0

    def draw_batch(self, orders: Sequence[Order], _: StepListener) -> list[Any]:
        if self._stops:
            raise DrawingStopped("the process ends.")
        return [self._pixels(order.recipe.seed) for order in orders]

    def finish(self, pixels: Any, order: Order) -> FinishedPicture:
        return finish(pixels, order.recipe)


def test_workflows_that_a_crash_left_behind_go_after_a_day(
    settings: Settings, recipe: Callable[..., Recipe], pixels: Callable[[int], Any]
) -> None:
    with Application.open(settings) as application:
        vars(application)["generator"] = Painter(pixels)
        application.create([recipe()])
        workflows = application.jobs._workflows
        workflows._done.clear()  # as a crash does
        soon_s = datetime.now(UTC).timestamp() + 60
        assert len(workflows.ended_before(soon_s, 10)) == 1
        work = ExpiryWork(application.records.database, workflows)
        work.expire(soon_s)
        assert len(workflows.ended_before(soon_s, 10)) == 1
        work.expire(soon_s + DAY_S)
        assert workflows.ended_before(soon_s, 10) == []


def test_what_an_interrupted_run_finished_goes_when_its_job_has_gone(
    settings: Settings, recipe: Callable[..., Recipe], pixels: Callable[[int], Any]
) -> None:
    with Application.open(settings) as application:
        vars(application)["generator"] = Painter(pixels, stops=True)
        workflows = application.jobs._workflows
        with pytest.raises(DrawingStopped):
            application.create([recipe()])
        soon_s = datetime.now(UTC).timestamp() + 60
        ((_, queue, record_id),) = workflows.interrupted_before(soon_s)
        assert (queue, [record_id]) == ("generate", application.records.unfinished_creations())
        work = ExpiryWork(application.records.database, workflows)
        work.expire(soon_s + DAY_S)
        assert len(workflows.interrupted_before(soon_s)) == 1
        with application.records.database.writing() as connection:
            connection.execute(tables.jobs.delete())
        work.expire(soon_s + DAY_S)
        assert workflows.interrupted_before(soon_s) == []
