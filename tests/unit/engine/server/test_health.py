"""Whether the server runs, and whether what it needs answers."""

import asyncio
import threading

from starlette.testclient import TestClient

from engine.app import Application
from engine.errors import DatabaseUnusable
from engine.server.app import server
from engine.server.backends import Backend
from engine.settings import Settings


def test_a_server_over_a_new_data_folder_is_healthy_and_ready(client: TestClient) -> None:
    assert client.get("/healthz").json() == {"status": "ok"}
    answer = client.get("/readyz")
    assert answer.status_code == 200, answer.text
    assert answer.json() == {
        "status": "ready",
        "backends": {name: {"ok": True} for name in ("records", "blocks", "jobs", "chain")},
    }


def test_a_node_that_is_gone_is_named_with_the_reason_and_the_rest_answers(settings: Settings) -> None:
    away = Settings.from_environment(
        {
            "LORESPARK_DATA_DIR": str(settings.data_dir),
            "LORESPARK_RPC_URL": "http://127.0.0.1:9/secret-key",  # the discard port, where nothing listens
            "LORESPARK_CHAIN_ID": "1",
        }
    )
    with Application.open(away) as application, TestClient(server(application)) as client:
        answer = client.get("/readyz")
        assert client.get("/healthz").status_code == 200
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert body["type"] == "urn:lorespark:problem:not-ready"
    assert [name for name, state in body["backends"].items() if not state["ok"]] == ["chain"]
    assert "did not answer" in body["backends"]["chain"]["detail"]
    assert "secret-key" not in answer.text


def test_a_block_store_that_cannot_be_listed_is_named(client: TestClient, application: Application) -> None:
    application.folder.blocks.write_text("no folder")
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "list the blocks" in answer.json()["backends"]["blocks"]["detail"]


def test_a_back_end_that_hangs_is_asked_once_and_holds_nobody_up() -> None:
    asked, release = [], threading.Event()

    def hang() -> None:
        asked.append(1)
        release.wait(30)

    backend = Backend("chain", hang, timeout_s=0.05)

    async def ask() -> list[str | None]:
        first = [await backend.fault(), *await asyncio.gather(backend.fault(), backend.fault())]
        release.set()
        while (last := await backend.fault()) is not None:
            await asyncio.sleep(0.01)
        return [*first, last]

    *hung, last = asyncio.run(ask())
    assert hung == ["The chain did not answer within 0.05 s; see what holds them up."] * 3
    assert last is None
    assert len(asked) <= 2


def test_a_back_end_that_fails_says_why_and_may_recover() -> None:
    answers = iter([DatabaseUnusable("It is locked; close it."), ZeroDivisionError(), None])

    def ask() -> None:
        if (error := next(answers)) is not None:
            raise error

    backend = Backend("records", ask)
    told = [asyncio.run(backend.fault()) for _ in range(3)]
    assert told[0] == "It is locked; close it."
    assert "ZeroDivisionError" in (told[1] or "")
    assert told[2] is None
