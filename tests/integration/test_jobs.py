"""Creations and mints as durable jobs: real SQLite, real embedded chain, and a stand-in that draws at once."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from assets.errors import AssetsError, StorageFull
from assets.unixfs import read_file
from chain.errors import ChainError
from engine.app import Application
from engine.data_folder import DataFolder
from engine.database.creations import begin_creation
from engine.errors import DataFolderUnusable, EngineError, InvalidRequest, JobFailed
from engine.settings import Settings
from generators.batching import StepListener
from generators.errors import DrawingStopped, GeneratorError
from generators.finishing import FinishedPicture, finish
from generators.order import Order
from generators.recipe import Recipe

Open = Callable[..., Application]


class Painter:
    """Draws noise, and fails where it is told to."""

    def __init__(self, pixels: Callable[[int], Any]) -> None:
        self._pixels = pixels
        self.draws = 0
        self.error: Exception | None = None
        self.fails_at = 0
        self.hold: threading.Event | None = None
        self.began = threading.Event()

    def batch_key(self, _: Order) -> int:
        return 0

    def draw_batch(self, orders: Sequence[Order], _: StepListener) -> list[Any]:
        self.began.set()
        if self.hold is not None:
            self.hold.wait()
        self.draws += 1
        if self.error is not None and self.draws > self.fails_at:
            raise self.error
        return [self._pixels(order.recipe.seed) for order in orders]

    def finish(self, pixels: Any, order: Order) -> FinishedPicture:
        return finish(pixels, order.recipe)


@pytest.fixture
def painter(pixels: Callable[[int], Any]) -> Painter:
    return Painter(pixels)


@pytest.fixture
def opened(settings: Settings, painter: Painter) -> Iterator[Open]:
    """Opens the application over the test's data folder, one after the other."""
    applications: list[Application] = []

    def open_one(at: Settings = settings) -> Application:
        for application in applications:
            application.close()
        applications.append(Application.open(at))
        vars(applications[-1])["generator"] = painter
        return applications[-1]

    yield open_one
    if applications:
        applications[-1].close()


@pytest.fixture
def application(opened: Open) -> Application:
    return opened()


def assert_whole(application: Application) -> None:
    assert application.unfinished() == 0
    assert list(application.blocks.verify()) == []
    for asset in application.records.newest_assets(1000):
        for cid in (asset.media_cid, asset.image_cid, asset.metadata_cid):
            b"".join(read_file(cid, application.blocks))


def test_more_than_one_batch_keeps_its_order(
    application: Application, recipe: Callable[..., Recipe], painter: Painter
) -> None:
    creation_id = application.create([recipe(seed) for seed in range(20)])
    assets = application.records.assets_of(creation_id)
    assert [asset.recipe["seed"] for asset in assets] == list(range(20))
    assert len({asset.asset_id for asset in assets}) == 20
    assert painter.draws == 2
    assert_whole(application)


@pytest.mark.parametrize("count", [0, 257])
def test_none_and_too_many_are_refused(
    application: Application, recipe: Callable[..., Recipe], count: int
) -> None:
    with pytest.raises(InvalidRequest, match=f"{count} assets cannot be made at once"):
        application.create([recipe()] * count)
    assert application.unfinished() == 0


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (GeneratorError("The weights are gone; reinstall them."), "The weights are gone; reinstall them."),
        (StorageFull("The disk is full. Free some space."), "The disk is full."),
        (RuntimeError("out of memory"), "An unexpected RuntimeError ended it: out of memory"),
    ],
)
def test_a_creation_that_fails_has_no_asset_and_is_not_tried_again(
    opened: Open, recipe: Callable[..., Recipe], painter: Painter, error: Exception, said: str
) -> None:
    application = opened()
    painter.error, painter.fails_at = error, 1
    with pytest.raises(JobFailed, match=said):
        application.create([recipe(seed) for seed in range(20)])
    assert application.records.newest_assets(10) == []
    assert not application.folder.media.exists()
    assert_whole(application)
    painter.error = None
    again = opened()
    assert again.unfinished() == 0
    assert len(again.records.assets_of(again.create([recipe(1)]))) == 1


def test_a_picture_file_that_is_gone_is_written_again(
    application: Application, recipe: Callable[..., Recipe]
) -> None:
    asset = application.records.assets_of(application.create([recipe()]))[0]
    first = application.media_path(asset).read_bytes()
    application.media_path(asset).unlink()
    assert application.media_path(asset).read_bytes() == first


def test_jobs_begin_anew_where_their_database_is_gone(
    opened: Open, recipe: Callable[..., Recipe], add_asset: Callable[..., Any]
) -> None:
    application = opened()
    asset = add_asset(application, 5)
    application.records.add_creation("creation-lost", [recipe().to_dict()])
    with application.records.database.writing() as connection:
        begin_creation(connection, "creation-lost", [])
    application.records.add_mint(asset, "0x" + "11" * 20, 31337)
    application.close()
    for path in application.folder.root.glob("jobs.db*"):
        path.unlink()
    again = opened()
    assert again.unfinished() == 2
    assert again.resume() == []
    assert_whole(again)
    assert len(again.records.assets_of("creation-lost")) == 1
    assert again.mint(asset.asset_id).already_minted


def test_a_job_that_ended_without_its_record_is_done_again(
    opened: Open, recipe: Callable[..., Recipe]
) -> None:
    """As when records.db was restored from a backup that is older than jobs.db."""
    application = opened()
    creation_id = application.create([recipe()])
    with application.records.engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM assets")
        connection.exec_driver_sql("UPDATE creations SET status = 'queued'")
    again = opened()
    assert again.resume() == []
    assert len(again.records.assets_of(creation_id)) == 1
    assert_whole(again)


def test_a_batch_that_was_drawn_before_an_interruption_is_not_drawn_again(
    opened: Open, recipe: Callable[..., Recipe], painter: Painter
) -> None:
    application = opened()
    painter.error, painter.fails_at = DrawingStopped("Drawing stopped; ask again."), 1
    with pytest.raises(DrawingStopped):
        application.create([recipe(seed) for seed in range(20)])
    painter.error, drawn = None, painter.draws
    again = opened()
    _ = again.jobs
    time.sleep(2.5)  # what DBOS would begin by itself it begins within a second or two
    assert again.resume() == []
    assert painter.draws == drawn + 1  # the second batch alone
    assert_whole(again)


def test_temporary_files_of_a_killed_writer_are_removed(opened: Open, recipe: Callable[..., Recipe]) -> None:
    application = opened()
    application.records.add_creation("creation-1", [recipe().to_dict()])
    stale = application.folder.blocks / "ab" / ".bafk.0123.tmp"
    stale.parent.mkdir(parents=True)
    stale.touch()
    assert opened().resume() == []
    assert not stale.exists()


def test_a_folder_is_held_until_the_process_ends_where_a_job_still_runs(
    settings: Settings, painter: Painter, recipe: Callable[..., Recipe]
) -> None:
    application = Application.open(settings)
    vars(application)["generator"] = painter
    painter.hold = threading.Event()
    worker = threading.Thread(target=lambda: drop_errors(lambda: application.create([recipe()])))
    worker.start()
    assert painter.began.wait(timeout=30)
    application.close()
    with pytest.raises(DataFolderUnusable, match="in use"):
        DataFolder.open(settings.data_dir)
    painter.hold.set()
    worker.join(timeout=30)
    assert not worker.is_alive()
    application.records.close()
    application.folder.close()
    with Application.open(settings) as later:
        vars(later)["generator"] = painter
        assert later.resume() == []
        assert_whole(later)
        assert len(later.records.newest_assets(10)) == 1


def drop_errors(work: Callable[[], object]) -> None:
    try:
        work()
    except Exception:  # what the closed jobs say to their caller is not what is tested
        return


def test_a_disk_that_fills_up_anywhere_leaves_whole_assets_and_jobs_that_go_on(
    disk: Callable[[str], Path], opened: Open, recipe: Callable[..., Recipe]
) -> None:
    said: list[str] = []
    for size_kib in range(60, 1400, 84):
        root = disk("size=64m")
        used_kib = sum(path.stat().st_blocks // 2 for path in root.rglob("*"))
        disk(f"size={used_kib + size_kib}k")
        settings = Settings.from_environment({"LORESPARK_DATA_DIR": str(root / str(size_kib))})
        try:
            application = opened(settings)
            application.mint(application.records.assets_of(application.create([recipe()]))[0].asset_id)
        except (EngineError, AssetsError, ChainError) as error:
            said.append(str(error))
        disk("size=64m")
        again = opened(settings)
        assert again.resume() == []
        assert_whole(again)
        asset = again.records.assets_of(again.create([recipe()]))[0]
        again.mint(asset.asset_id)
        tokens = again.mint_job.contract().total_minted()
        assert tokens == sum(
            again.records.mint_of(a.asset_id) is not None for a in again.records.newest_assets(9)
        )
    assert len(said) > 5
    assert all("full" in sentence or "No space left" in sentence for sentence in said), said
