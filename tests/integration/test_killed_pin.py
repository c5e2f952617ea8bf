"""kill -9 at every point of a pin, on SQLite and PostgreSQL: the next process finishes it, nothing is asked twice."""

import multiprocessing
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from assets.asset import Asset
from assets.block import MemoryBlocks
from assets.pinning.kubo import KuboService
from assets.pinning.remote import RemotePinning
from engine.app import Application
from engine.database.jobs import state_of
from engine.jobs.pin import PinJob
from engine.settings import Settings
from tests import pinning_simulators as simulators
from tests.pinning_simulators import Simulator

END_S = 60
TOKEN = "token-of-the-far-service"
# The method at whose call the process ends, and whether before or after it.
POINTS: dict[str, tuple[tuple[type, ...], str, str]] = {
    "before anything": ((PinJob,), "_packed", "before"),
    "root recorded, service not asked": ((PinJob,), "_packed", "after"),
    "attempt counted, service not asked": ((PinJob,), "_write", "after"),
    "the service has it, not recorded": ((KuboService, RemotePinning), "pin", "after"),
    "recorded, job not ended": ((PinJob,), "_received", "after"),
}


@pytest.fixture(params=["kubo", "pinning-api"])
def service(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch
) -> Iterator[tuple[Simulator, str]]:
    """The simulator, and pinning.toml for it."""
    monkeypatch.setenv("FAR_TOKEN", TOKEN)
    if request.param == "kubo":
        with simulators.kubo() as node:
            yield node, f'[[services]]\nname = "one"\nkind = "kubo"\nurl = "{node.url}"\n'
        return
    with simulators.pinning_api() as far:
        text = (
            f'[[services]]\nname = "one"\nkind = "pinning-api"\nurl = "{far.url}"\ntoken_env = "FAR_TOKEN"\n'
        )
        yield far, text


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    environment = {"LORESPARK_DATA_DIR": str(tmp_path / "data")}
    if request.param == "postgresql":
        environment["LORESPARK_DATABASE_URL"] = request.getfixturevalue("postgresql_url")
    return Settings.from_environment(environment)


def _killed_at(settings: Settings, asset_id: str, point: str) -> None:
    """Pins in this process, and ends it at the point as if the power failed."""
    owners, name, when = POINTS[point]

    def ending(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            if when == "before":
                os.kill(os.getpid(), signal.SIGKILL)
            function(*args, **kwargs)
            os.kill(os.getpid(), signal.SIGKILL)

        return call

    for owner in owners:
        setattr(owner, name, ending(getattr(owner, name)))
    with Application.open(settings) as application:
        application.pins.go_on(asset_id)


def job_state(application: Application, asset: Asset) -> str | None:
    [pin] = application.pins.of(asset.asset_id)
    with application.records.database.reading() as connection:
        return state_of(connection, "pin", pin.id)


@pytest.mark.parametrize("point", POINTS)
def test_a_pin_that_was_killed_is_finished_once(
    settings: Settings, service: tuple[Simulator, str], point: str, add_asset: Callable[..., Asset]
) -> None:
    simulator, text = service
    settings.data_dir.mkdir()
    (settings.data_dir / "pinning.toml").write_text(text)
    with Application.open(settings) as application:
        asset, origin = add_asset(application), MemoryBlocks()
        vars(simulator)["origin"] = origin  # a Kubo node makes nothing of it
        for cid in application.blocks:  # as if a node had given it to the service
            origin.put(cid, application.blocks.get(cid))
        child = multiprocessing.get_context("fork").Process(
            target=_killed_at, args=(settings, asset.asset_id, point)
        )
        if not application.records.database.is_shared:
            application.close()  # its data folder belongs to one process
        child.start()
        child.join(END_S)
        assert child.exitcode == -signal.SIGKILL
    with Application.open(settings) as application:
        application.jobs.start(("pin",), 1)
        deadline = time.monotonic() + END_S
        while job_state(application, asset) is not None:
            assert time.monotonic() < deadline, application.pins.of(asset.asset_id)
            time.sleep(0.02)
        [pin] = application.pins.of(asset.asset_id)
        assert pin.status == "pinned"
        assert pin.error is None
        assert [str(root) for root in simulator.pinned] == [pin.root]
        assert len(getattr(simulator, "requests", {"one": 1})) == 1
        assert asset.media_cid in simulator.blocks
