"""An application whose assets are pinned, over either database and simulators of services."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from assets.asset import Asset
from engine.app import Application
from engine.settings import Settings
from tests import pinning_simulators as simulators
from tests.pinned import TOKEN, Opened, listed
from tests.pinning_simulators import ApiSimulator, Simulator


@pytest.fixture
def node() -> Iterator[Simulator]:
    with simulators.kubo() as node:
        yield node


@pytest.fixture
def far() -> Iterator[ApiSimulator]:
    with simulators.pinning_api(token=TOKEN) as far:
        yield far


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Opened]:
    """Opens an application over the test's database, with this pinning.toml and more of the environment."""
    environment = {"LORESPARK_DATA_DIR": str(tmp_path / "data")}
    if request.param == "postgresql":
        environment["LORESPARK_DATABASE_URL"] = request.getfixturevalue("postgresql_url")
    monkeypatch.setenv("FAR_TOKEN", TOKEN)
    (tmp_path / "data").mkdir()
    with ExitStack() as stack:

        def opened(text: str, **more: str) -> Application:
            (tmp_path / "data" / "pinning.toml").write_text(text)
            return stack.enter_context(Application.open(Settings.from_environment(environment | more)))

        yield opened


@pytest.fixture
def application(opened: Opened, node: Simulator) -> Application:
    return opened(listed(node))


@pytest.fixture
def asset(application: Application, add_asset: Callable[..., Asset]) -> Asset:
    return add_asset(application)
