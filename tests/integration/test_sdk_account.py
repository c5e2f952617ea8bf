"""Both clients of the SDK over the real application: keys and what a key may do."""

from collections.abc import Iterator
from threading import Thread

import anyio
import pytest
from uvicorn import Config, Server

from engine.api.account import NewKey, Scope
from engine.app import Application
from engine.database.tenants import add_key, add_tenant
from engine.sdk import AsyncClient, Client, Forbidden, Invalid, NotFound, Unauthorised
from engine.serve_command import address, listening
from engine.server.app import server
from engine.settings import Settings


@pytest.fixture
def served(settings: Settings) -> Iterator[tuple[str, str]]:
    """The address of a server on a thread, and a key of a tenant with every scope."""
    with Application.open(settings) as application, listening("127.0.0.1", 0) as listener:
        with application.records.database.writing() as connection:
            tenant = add_tenant(connection, "studio")
            key = add_key(connection, tenant.id, NewKey(name="test", scopes=tuple(Scope)))
        running = Server(Config(server(application), lifespan="off", ws="none", log_config=None))
        thread = Thread(target=running.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield address(listener), key.secret
        finally:
            running.should_exit = True
            thread.join(30)


def test_keys_are_made_listed_rotated_and_revoked(served: tuple[str, str]) -> None:
    with Client(*served) as client:
        assert client.me().tenant == "studio"
        made = client.keys.create("build server", scopes=["read"], limits={"per_minute": 60})
        assert made.limits.per_minute == 60
        assert {key.name for key in client.keys.list()} == {"test", "build server"}
        with Client(served[0], made.secret) as own:
            assert own.me().key.id == made.id
            with pytest.raises(Forbidden) as raised:
                own.keys.create("another")
            assert raised.value.type == "urn:lorespark:problem:scope-missing"
        renewed = client.keys.rotate(made.id)
        with Client(served[0], made.secret) as old, pytest.raises(Unauthorised):
            old.me()
        assert renewed.id == client.keys.get(made.id).id == made.id
        assert client.keys.revoke(made.id).revoked_at is not None
        assert client.usage() == ()


def test_the_same_idempotency_key_makes_one_key(served: tuple[str, str]) -> None:
    with Client(*served) as client:
        first = client.keys.create("once", idempotency_key="mine")
        assert client.keys.create("once", idempotency_key="mine") == first
        with pytest.raises(Invalid) as raised:
            client.keys.create("twice", idempotency_key="mine")
        assert raised.value.type == "urn:lorespark:problem:idempotency-key-reused"


def test_the_servers_problems_become_exceptions(served: tuple[str, str]) -> None:
    with Client(*served) as client, pytest.raises(NotFound) as raised:
        client.keys.get("nope")
    assert raised.value.status == 404
    assert str(raised.value) == raised.value.detail
    with Client(served[0], "lsk_wrong") as stranger, pytest.raises(Unauthorised):
        stranger.me()


def test_the_awaited_client_does_the_same(served: tuple[str, str]) -> None:
    async def ask() -> tuple[str, list[str]]:
        async with AsyncClient(*served) as client:
            made = await client.keys.create("awaited")
            return made.name, [key.name async for key in client.keys.list()]

    name, names = anyio.run(ask)
    assert name == "awaited"
    assert set(names) == {"test", "awaited"}
