"""Jobs on threads of one process over SQLite: steps that are kept, retries, giving back, and what a start finds."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import pytest
from sqlalchemy import select, update

from chain.errors import NodeUnreachable
from engine.app import Application
from engine.database import tables
from engine.database.jobs import BUNDLED, RECURRING, Job, claim, enqueue, resume_job
from engine.database.tables import LOCAL_TENANT
from engine.errors import DatabaseUnusable, HoldLost, InvalidSettings, JobFailed
from engine.jobs import outbox as outbox_module
from engine.jobs import runtime as runtime_module
from engine.jobs.hold import Hold
from engine.jobs.opening import start_worker
from engine.jobs.runtime import _after_failure_s, backoff_s
from engine.settings import Settings
from generators.errors import DrawingStopped
from generators.finishing import FinishedPicture, finish
from generators.order import Order
from generators.recipe import Recipe

WAIT_S = 30.0


class Painter:
    """Draws noise; ``stop`` lets it take steps until drawing ends, ``error`` is raised after ``fails_at`` batches."""

    def __init__(self, pixels: Callable[[int], Any]) -> None:
        self._pixels = pixels
        self.draws: list[list[int]] = []
        self.error: Exception | None = None
        self.fails_at = 0
        self.endless = False
        self.began = threading.Event()

    def batch_key(self, _: Order) -> int:
        return 0

    def draw_batch(self, orders: Sequence[Order], on_step: Callable[..., None]) -> list[Any]:
        self.began.set()
        self.draws.append([order.recipe.seed for order in orders])
        while self.endless:
            time.sleep(0.01)
            on_step(0, 10, lambda: self._pixels(1)[None])
        if self.error is not None and len(self.draws) > self.fails_at:
            raise self.error
        return [self._pixels(order.recipe.seed) for order in orders]

    def finish(self, pixels: Any, order: Order) -> FinishedPicture:
        return finish(pixels, order.recipe)


@pytest.fixture
def painter(pixels: Callable[[int], Any]) -> Painter:
    return Painter(pixels)


@pytest.fixture
def opened(settings: Settings, painter: Painter) -> Iterator[Callable[[], Application]]:
    """Opens the application over the test's data folder, one after the other."""
    applications: list[Application] = []

    def open_one() -> Application:
        for application in applications:
            application.close()
        applications.append(Application.open(settings))
        vars(applications[-1])["generator"] = painter
        return applications[-1]

    yield open_one
    applications[-1].close()


@pytest.fixture
def application(opened: Callable[[], Application]) -> Application:
    return opened()


def add(application: Application, creation_id: str, recipes: list[Recipe]) -> None:
    application.records.add_creation(creation_id, [recipe.to_dict() for recipe in recipes])


def jobs(application: Application) -> list[Any]:
    with application.records.database.reading() as connection:
        table = tables.jobs
        return list(connection.execute(select(table).where(table.c.queue.not_in(RECURRING))))


def wait_for(what: Callable[[], Any]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not what():
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.01)


def status(application: Application, creation_id: str) -> str:
    creation = application.records.creation(creation_id)
    assert creation is not None
    return creation.status


def test_a_worker_does_what_waits_and_what_comes(
    application: Application, recipe: Callable[..., Recipe], add_asset: Callable[..., Any]
) -> None:
    add(application, "creation-before", [recipe(1)])
    start_worker(application)
    add(application, "creation-after", [recipe(2)])
    asset = add_asset(application, 3)
    application.records.add_mint(asset, "0x" + "11" * 20, 31337)
    wait_for(lambda: not jobs(application))
    assert {status(application, f"creation-{when}") for when in ("before", "after")} == {"succeeded"}
    assert application.mint(asset.asset_id).already_minted


def test_steps_that_were_finished_are_not_done_again_after_an_interruption(
    application: Application, recipe: Callable[..., Recipe], painter: Painter
) -> None:
    painter.error, painter.fails_at = DrawingStopped("the process ends."), 1
    add(application, "creation-1", [recipe(seed) for seed in range(40)])
    with pytest.raises(DrawingStopped):
        application.jobs.create("creation-1")
    assert [job.state for job in jobs(application)] == ["queued"]
    painter.error = None
    interrupted = len(painter.draws)
    application.jobs.create("creation-1")
    assert painter.draws[0] == list(range(16))
    assert painter.draws[interrupted:] == [list(range(16, 32)), list(range(32, 40))]
    assert [asset.recipe["seed"] for asset in application.records.assets_of("creation-1")] == list(range(40))


def test_what_a_lost_hold_would_write_does_not_count(
    application: Application, recipe: Callable[..., Recipe], painter: Painter
) -> None:
    add(application, "creation-1", [recipe(1)])
    database, work = application.records.database, application.jobs._works["generate"]
    with database.writing() as connection:
        job = claim(connection, "generate", "worker-old", ())
    assert job is not None
    with database.writing() as connection:
        connection.execute(tables.jobs.update().values(worker_id="worker-new"))
    with pytest.raises(HoldLost):
        work.run(job, Hold(job.number, "worker-old"))
    assert (status(application, "creation-1"), painter.draws) == ("queued", [])
    work.run(job, Hold(job.number, "worker-new"))
    assert status(application, "creation-1") == "succeeded"


def test_a_mint_that_cannot_go_on_says_why_and_is_tried_again(
    application: Application,
    add_asset: Callable[..., Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asset = add_asset(application)
    asked = []

    def fail(*_: Any, **__: Any) -> None:
        asked.append(1)
        raise NodeUnreachable("The node did not answer; see that it runs.")

    monkeypatch.setattr(runtime_module, "backoff_s", lambda _: 0.05)
    with monkeypatch.context() as patch:
        patch.setattr(outbox_module, "settled_nonces", fail)
        mint, _ = application.records.add_mint(asset, "0x" + "11" * 20, 31337)
        start_worker(application, ["mint"])
        wait_for(lambda: len(asked) > 2)
        wait_for(lambda: application.records.mint(mint.id).error)
        told = application.records.mint(mint.id)
    assert told is not None
    assert (told.status, told.error) == ("prepared", "The node did not answer; see that it runs.")
    wait_for(lambda: not any(job.queue == "mint" for job in jobs(application)))
    done = application.records.mint(mint.id)
    assert done is not None
    assert (done.status, done.error) == ("confirmed", None)


def test_the_wait_between_tries_grows_to_five_minutes() -> None:
    waits = [backoff_s(run) for run in range(1, 40)]
    assert 1.5 <= waits[0] <= 2
    assert max(waits) <= 300
    assert min(waits[9:]) >= 225


def test_a_mint_that_looked_at_the_chain_often_waits_seconds_after_a_failure() -> None:
    """Each look counts as a run, so that one failure of a node after some looks made it wait for five minutes."""
    assert _after_failure_s(Job(1, "mint", "mint-1", "tenant-local", 1_000, 0)) <= 15
    assert _after_failure_s(Job(1, "generate", "creation-1", "tenant-local", 1_000, 0)) >= 225


def test_ending_stops_the_drawing_at_its_next_step_and_gives_the_job_back(
    opened: Callable[[], Application], recipe: Callable[..., Recipe], painter: Painter
) -> None:
    application = opened()
    painter.endless = True
    add(application, "creation-1", [recipe(1)])
    start_worker(application, ["generate"])
    assert painter.began.wait(WAIT_S)
    again = opened()  # which closes the first
    assert [(job.state, job.deaths, job.worker_id) for job in jobs(again)] == [("queued", 0, None)]
    assert status(again, "creation-1") == "running"
    painter.endless = False
    assert again.resume() == []
    assert status(again, "creation-1") == "succeeded"


def test_a_job_that_ends_its_process_three_times_is_set_aside_at_the_next_start(
    opened: Callable[[], Application], recipe: Callable[..., Recipe]
) -> None:
    application = opened()
    add(application, "creation-1", [recipe(1)])
    application.close()
    for _ in range(3):
        child = os.fork()
        if child == 0:
            try:
                dying = opened_again(application.settings)
                dying.jobs._works["generate"] = Deadly()  # type: ignore[index]
                dying.jobs.create("creation-1")
            finally:
                os._exit(1)
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1])
    again = opened()
    start_worker(again, ["generate"])
    wait_for(lambda: status(again, "creation-1") == "failed")
    assert [(job.state, job.deaths) for job in jobs(again)] == [("set_aside", 3)]
    with pytest.raises(JobFailed, match="set aside"):
        again.jobs.create("creation-1")
    with again.records.database.writing() as connection:
        assert resume_job(connection, "generate", "creation-1")
    wait_for(lambda: status(again, "creation-1") == "succeeded")


class Deadly:
    def run(self, job: Job, hold: Hold) -> None:
        os.kill(os.getpid(), signal.SIGKILL)


def opened_again(settings: Settings) -> Application:
    return Application.open(settings)


def test_a_result_that_cannot_be_written_is_written_later(
    application: Application, recipe: Callable[..., Recipe], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise DatabaseUnusable("The disk is full; free some space.")

    with monkeypatch.context() as patch:
        patch.setattr(runtime_module, "finish", fail)
        with pytest.raises(DatabaseUnusable):
            application.create([recipe(1)])
        assert [job.state for job in jobs(application)] == ["running"]
    (creation,) = (job.record_id for job in jobs(application))
    application.jobs.create(creation)
    assert jobs(application) == []
    assert len(application.records.newest_assets(9)) == 1


def test_finished_workflows_do_not_pile_up(
    opened: Callable[[], Application], recipe: Callable[..., Recipe]
) -> None:
    application = opened()
    for seed in range(3):
        application.create([recipe(seed)])
    engine = application.jobs._workflows._engine
    application.close()
    with engine.connect() as connection:
        for table in ("workflow_status", "workflow_input", "workflow_output", "operation_outputs"):
            assert connection.exec_driver_sql(f"SELECT count(*) FROM {table}").scalar() == 0, table
    engine.dispose()


def test_two_threads_that_want_one_job_get_one(
    application: Application, recipe: Callable[..., Recipe], painter: Painter
) -> None:
    add(application, "creation-1", [recipe(1)])
    threads = [threading.Thread(target=application.jobs.create, args=("creation-1",)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    assert painter.draws == [[1]]
    assert jobs(application) == []


def test_a_model_that_is_not_here_is_refused(application: Application) -> None:
    with pytest.raises(InvalidSettings, match="'nobody/has-it' is not installed here"):
        start_worker(application, ["generate"], models=["nobody/has-it"])


def test_only_what_the_worker_can_draw_with_is_drawn(
    application: Application, recipe: Callable[..., Recipe]
) -> None:
    start_worker(application, ["generate"], models=[])
    with application.records.database.writing() as connection:
        enqueue(connection, "generate", "creation-big", LOCAL_TENANT, model="sdxl")
        enqueue(connection, "generate", "creation-bundled", LOCAL_TENANT, model=BUNDLED)
    add(application, "creation-any", [recipe(1)])
    wait_for(lambda: status(application, "creation-any") == "succeeded")
    waiting = [job.record_id for job in jobs(application) if job.state == "queued"]
    assert waiting == ["creation-big", "creation-bundled"]


def test_what_names_no_model_goes_to_a_worker_with_a_bundled_one(
    application: Application, recipe: Callable[..., Recipe]
) -> None:
    application.records.add_creation("creation-bundled", [recipe(1).to_dict()])
    with application.records.database.writing() as connection:
        connection.execute(update(tables.jobs).values(model=BUNDLED))
    start_worker(application, ["generate"], models=["lorespark-sprite-32/2"])
    wait_for(lambda: status(application, "creation-bundled") == "succeeded")
