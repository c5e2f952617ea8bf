"""What tests of the index of a real anvil share: a studio on it, and databases of both kinds."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from chain.connection import ChainSettings, Connection, connect
from engine.database.database import Database
from tests.integration.indexing import SEED
from tests.studio import CHAIN_ID, Studio


@pytest.fixture
def connection(anvil_url: str) -> Iterator[Connection]:
    with connect(ChainSettings("anvil", CHAIN_ID, rpc_url=anvil_url)) as connection:
        yield connection


@pytest.fixture
def studio(connection: Connection) -> Studio:
    return Studio(connection.web3, SEED)


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], Database]:
    """Opens the test's database again and again; the one at hand at the end is closed."""
    if request.param == "sqlite":
        return lambda: Database.open(tmp_path / "records.db")
    url = request.getfixturevalue("postgresql_url")
    return lambda: Database.connect(url)


@pytest.fixture
def database(opened: Callable[[], Database]) -> Iterator[Database]:
    database = opened()
    yield database
    database.close()
