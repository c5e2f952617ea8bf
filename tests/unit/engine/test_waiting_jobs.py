"""Who is next: turns among tenants, priority within one, models, times, and whose a job is."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, insert, select, update

from engine.database import tables
from engine.database.database import Database
from engine.database.jobs import (
    MAX_DEATHS,
    RECURRING,
    Job,
    any_due,
    claim,
    claim_record,
    enqueue,
    finish,
    put_back,
    resume_job,
    state_of,
    take_over,
    waiting,
)
from engine.database.tables import LOCAL_TENANT
from engine.errors import HoldLost
from engine.jobs.hold import Hold
from engine.jobs.set_aside import tell_set_aside
from generators.recipe import Recipe

MANY = 10_000


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        database = Database.open(tmp_path / "records.db")
    else:
        database = Database.connect(request.getfixturevalue("postgresql_url"))
    yield database
    database.close()


@pytest.fixture
def connection(database: Database) -> Iterator[Connection]:
    with database.writing() as connection:
        yield connection


def add(connection: Connection, record_id: str, tenant_id: str = "a", **more: Any) -> None:
    enqueue(connection, "generate", record_id, tenant_id, **more)


def taken(connection: Connection, count: int, models: tuple[str, ...] = ()) -> list[str]:
    """The records of the next jobs, one after another."""
    jobs = [claim(connection, "generate", "worker-1", models) for _ in range(count)]
    return [job.record_id if job else "none" for job in jobs]


def number_of(connection: Connection, record_id: str) -> int:
    number = connection.scalar(select(tables.jobs.c.number).where(tables.jobs.c.record_id == record_id))
    assert number is not None
    return number


def test_one_tenants_jobs_come_by_priority_then_in_the_order_of_arrival(connection: Connection) -> None:
    for record_id, priority in (("a1", 0), ("a2", 5), ("a3", 0), ("a4", 5), ("a5", -1)):
        add(connection, record_id, priority=priority)
    assert taken(connection, 6) == ["a2", "a4", "a1", "a3", "a5", "none"]


def test_tenants_take_turns_and_priority_counts_only_within_one(connection: Connection) -> None:
    for place in range(3):
        add(connection, f"a{place}", "a", priority=9)
        add(connection, f"b{place}", "b")
    add(connection, "c0", "c", priority=5)
    assert taken(connection, 7) == ["a0", "b0", "c0", "a1", "b1", "a2", "b2"]


def test_ten_thousand_jobs_of_one_tenant_delay_anothers_first_by_no_job(connection: Connection) -> None:
    add(connection, "a0", "a")
    rows = [
        {"queue": "generate", "record_id": f"a{n}", "tenant_id": "a", "state": "queued"}
        | {"run_after_ms": 0, "created_at": "2026-01-01T00:00:00Z"}
        for n in range(1, MANY)
    ]
    connection.execute(insert(tables.jobs), rows)
    assert taken(connection, 50) == [f"a{n}" for n in range(50)]
    add(connection, "b0", "b")
    add(connection, "b1", "b")
    assert taken(connection, 4) == ["b0", "a50", "b1", "a51"]
    assert waiting(connection, "generate", "a") == MANY - 52


def test_who_comes_back_after_a_while_is_next_once_and_then_waits_like_all(connection: Connection) -> None:
    add(connection, "c0", "c")
    assert taken(connection, 1) == ["c0"]
    for place in range(20):
        add(connection, f"a{place}", "a")
        add(connection, f"b{place}", "b")
    assert taken(connection, 20) == [f"{'ab'[n % 2]}{n // 2}" for n in range(20)]
    for place in range(1, 4):
        add(connection, f"c{place}", "c")
    assert taken(connection, 7) == ["c1", "a10", "b10", "c2", "a11", "b11", "c3"]


def test_a_tenant_that_asks_again_as_soon_as_it_is_served_gets_one_turn_in_three(
    connection: Connection,
) -> None:
    for place in range(6):
        add(connection, f"a{place}", "a")
        add(connection, f"b{place}", "b")
    served = []
    for place in range(9):
        add(connection, f"c{place}", "c")
        served += taken(connection, 1)
    assert sorted(name[0] for name in served) == list("aaabbbccc")


def test_a_worker_takes_what_it_has_the_model_for_and_leaves_the_rest(connection: Connection) -> None:
    add(connection, "large", "a", model="sdxl")
    add(connection, "any", "a")
    add(connection, "other", "b", model="flux")
    assert taken(connection, 2) == ["any", "none"]
    assert taken(connection, 2, ("flux", "sdxl")) == ["other", "large"]


def test_what_is_to_run_later_waits_and_holds_up_nothing(connection: Connection) -> None:
    add(connection, "later", "a", after_s=60, priority=9)
    assert not any_due(connection, ["generate"])
    assert taken(connection, 1) == ["none"]
    add(connection, "now", "a")
    assert any_due(connection, ["mint", "generate"])
    assert taken(connection, 2) == ["now", "none"]
    assert claim_record(connection, "generate", "later", "worker-1") is not None


def test_queues_do_not_share_turns_or_jobs(connection: Connection) -> None:
    enqueue(connection, "mint", "same", "a")
    enqueue(connection, "generate", "same", "a")
    enqueue(connection, "generate", "same", "a")
    job = claim(connection, "mint", "worker-1", ())
    assert job is not None
    assert (job.queue, job.record_id, job.run, job.deaths) == ("mint", "same", 1, 0)
    assert claim(connection, "mint", "worker-1", ()) is None
    assert taken(connection, 2) == ["same", "none"]


def test_what_is_put_back_runs_again_and_what_ended_is_gone(connection: Connection) -> None:
    add(connection, "a1")
    job = claim(connection, "generate", "worker-1", ())
    assert job is not None
    assert not put_back(connection, job.number, "worker-2")
    assert put_back(connection, job.number, "worker-1")
    again = claim(connection, "generate", "worker-2", ())
    assert again is not None
    assert (again.number, again.run) == (job.number, 2)
    assert not finish(connection, job.number, "worker-1")
    assert finish(connection, job.number, "worker-2")
    assert state_of(connection, "generate", "a1") is None


def test_a_hold_is_lost_when_the_job_is_anothers_or_gone(connection: Connection) -> None:
    add(connection, "a1")
    job = claim(connection, "generate", "worker-1", ())
    assert job is not None
    Hold(job.number, "worker-1").confirm(connection)
    put_back(connection, job.number, "worker-1")
    with pytest.raises(HoldLost, match="Another worker"):
        Hold(job.number, "worker-1").confirm(connection)
    claim(connection, "generate", "worker-2", ())
    with pytest.raises(HoldLost):
        Hold(job.number, "worker-1").confirm(connection)
    finish(connection, job.number, "worker-2")
    with pytest.raises(HoldLost):
        Hold(job.number, "worker-2").confirm(connection)


@pytest.mark.parametrize("queue", ["generate", "mint", *RECURRING])
def test_a_job_of_dead_workers_waits_again_and_is_set_aside_at_the_third(
    connection: Connection, queue: str
) -> None:
    record_id = RECURRING.get(queue, "record")
    enqueue(connection, queue, record_id, LOCAL_TENANT)
    for death in range(1, MAX_DEATHS + 1):
        job = claim(connection, queue, f"worker-{death}", ())
        assert job is not None
        set_aside = take_over(connection)
        is_last = death == MAX_DEATHS and queue not in RECURRING
        assert [(job.queue, job.record_id, job.deaths) for job in set_aside] == (
            [(queue, "record", MAX_DEATHS)] if is_last else []
        )
    assert state_of(connection, queue, record_id) == ("queued" if queue in RECURRING else "set_aside")
    assert resume_job(connection, queue, record_id) == (queue not in RECURRING)
    again = claim(connection, queue, "worker-9", ())
    assert again is not None
    assert again.deaths == (MAX_DEATHS if queue in RECURRING else 0)


def test_a_creation_that_is_set_aside_says_so_until_it_is_resumed(
    connection: Connection, recipe: Callable[..., Recipe]
) -> None:
    creations = tables.creations
    connection.execute(
        insert(creations).values(
            id="c1",
            tenant_id=LOCAL_TENANT,
            status="running",
            recipes=[recipe().to_dict()],
            count=1,
            created_at="2026-01-01T00:00:00Z",
        )
    )
    enqueue(connection, "generate", "c1", LOCAL_TENANT)
    connection.execute(update(tables.jobs).values(state="set_aside", deaths=3))
    tell_set_aside(connection, Job(1, "generate", "c1", LOCAL_TENANT, 3, 3))
    told = connection.execute(select(creations.c.status, creations.c.error)).one()
    assert told.status == "failed"
    assert "POST /v1/creations/c1/resume" in told.error
    assert resume_job(connection, "generate", "c1")
    assert connection.execute(select(creations.c.status, creations.c.error)).one() == ("queued", None)


def test_two_workers_at_once_take_different_jobs_of_different_tenants(postgresql_url: str) -> None:
    database = Database.connect(postgresql_url)
    with database.writing() as connection:
        for tenant in "ab":
            for place in range(2):
                add(connection, f"{tenant}{place}", tenant)
    with database.writing() as first, database.writing() as second:
        assert taken(first, 1) == ["a0"]
        assert taken(second, 1) == ["b0"]
    database.close()


def test_a_transaction_that_lets_work_wait_wakes_the_workers_of_its_process(database: Database) -> None:
    with database.writing() as connection:
        add(connection, "a1")
        assert not database.enqueued.is_set()
    assert database.enqueued.is_set()
    database.enqueued.clear()
    with database.writing() as connection:
        add(connection, "a1")  # it waits already
    assert not database.enqueued.is_set()


def test_asking_again_for_what_was_set_aside_tries_it_again(connection: Connection) -> None:
    enqueue(connection, "deliver", "delivery-1", LOCAL_TENANT)
    connection.execute(update(tables.jobs).values(state="set_aside", deaths=3))
    enqueue(connection, "deliver", "delivery-1", LOCAL_TENANT)
    job = claim(connection, "deliver", "worker-1", ())
    assert job is not None
    assert job.deaths == 0
