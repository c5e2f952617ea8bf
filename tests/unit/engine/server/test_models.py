"""The models that a server lists."""

from sqlalchemy import insert, select
from starlette.testclient import TestClient

from engine.app import Application
from engine.database.tables import (
    jobs,
    workers,
)
from tests.unit.engine.server.creating import WANTED, asked, rows


def test_models_are_those_bundled_and_those_that_living_workers_announce(
    client: TestClient, key: dict[str, str], application: Application
) -> None:
    told = client.get("/v1/models", headers=key).json()
    assert told["object"] == "list"
    assert {model["id"] for model in told["data"]} == {
        *("lorespark-clip-64/1", "lorespark-sprite-32/2", "lorespark-sprite-64/2")
    }
    assert not any(model["online"] for model in told["data"])
    sprite = next(model for model in told["data"] if model["id"] == "lorespark-sprite-32/2")
    assert (sprite["object"], sprite["sizes"], sprite["bundled"]) == ("model", [32], True)
    assert client.get("/v1/models/lorespark-sprite-32/2", headers=key).json() == sprite
    assert client.get("/v1/models/nobody/1", headers=key).status_code == 404
    announced = {"id": "sd-turbo", "kinds": ["illustration"], "sizes": [], "bundled": False}
    with application.records.database.writing() as connection:
        for number, beat_ms in (("1", 2**50), ("2", 0)):
            models = [announced | {"id": f"{announced['id']}-{number}"}, sprite, {"id": "of another version"}]
            connection.execute(
                insert(workers).values(
                    id=number,
                    host="h",
                    session="s",
                    pid=1,
                    queues=["generate"],
                    models=models,
                    started_at="",
                    beat_at_ms=beat_ms,
                )
            )
    online = {
        model["id"] for model in client.get("/v1/models", headers=key).json()["data"] if model["online"]
    }
    assert online == {"sd-turbo-1", "lorespark-sprite-32/2"}
    assert asked(client, key, kind="illustration", model="sd-turbo-1")["model"] == "sd-turbo-1"
    assert [row.model for row in rows(application, select(jobs.c.model))] == ["sd-turbo-1"]
    gone = client.post("/v1/creations", json=WANTED | {"model": "sd-turbo-2"}, headers=key)
    assert gone.json()["errors"][0]["pointer"] == "#/model"
    dry = WANTED | {"kind": "illustration", "model": "sd-turbo-1", "dry_run": True}
    assert client.post("/v1/creations", json=dry, headers=key).json()["steps"] is None
