"""A server over a data folder of the test's own, asked without a network."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from engine.api.account import Limits, NewKey, Scope
from engine.app import Application
from engine.database.tenants import add_key, add_tenant, known_key
from engine.server.app import server
from engine.settings import Settings
from generators.recipe import Recipe
from tests.painter import Painter
from tests.unit.engine.server.creating import Worker


@pytest.fixture
def application(settings: Settings) -> Iterator[Application]:
    with Application.open(settings) as application:
        yield application


@pytest.fixture
def client(application: Application) -> Iterator[TestClient]:
    with TestClient(server(application), follow_redirects=False) as client:
        yield client


@pytest.fixture
def headers(application: Application) -> Callable[..., dict[str, str]]:
    """The headers of a key of a new tenant, with these scopes (all if left out) and limits."""
    made = 0

    def headers(*scopes: Scope, **limits: int) -> dict[str, str]:
        nonlocal made
        made += 1
        wanted = NewKey(name="test", scopes=scopes or tuple(Scope), limits=Limits(**limits))
        with application.records.database.writing() as connection:
            key = add_key(connection, add_tenant(connection, f"studio {made}").id, wanted)
        return {"Authorization": f"Bearer {key.secret}"}

    return headers


@pytest.fixture
def painter(application: Application, pixels: Callable[..., Any], recipe: Callable[..., Recipe]) -> Painter:
    """What the application draws with in place of a network."""
    vars(application)["generator"] = made = Painter(pixels, recipe)
    return made


@pytest.fixture
def worker(application: Application, painter: Painter) -> Iterator[Worker]:
    made = Worker(application)
    yield made
    made.join()


@pytest.fixture
def tenant_of(application: Application) -> Callable[[dict[str, str]], str]:
    """The tenant whose key some headers carry."""

    def tenant_of(headers: dict[str, str]) -> str:
        with application.records.database.reading() as connection:
            key = known_key(connection, headers["Authorization"].removeprefix("Bearer "))
        assert key is not None
        return key.tenant_id

    return tenant_of
