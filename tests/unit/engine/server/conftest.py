"""A server over a data folder of the test's own, asked without a network."""

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from engine.app import Application
from engine.server.app import server
from engine.settings import Settings


@pytest.fixture
def application(settings: Settings) -> Iterator[Application]:
    with Application.open(settings) as application:
        yield application


@pytest.fixture
def client(application: Application) -> Iterator[TestClient]:
    with TestClient(server(application), follow_redirects=False) as client:
        yield client
