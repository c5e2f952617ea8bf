"""Creations over HTTP: asked for, drawn, told step by step, cancelled, tried again."""

import subprocess
import sys
from typing import Any

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from engine.api.account import Scope
from engine.app import Application
from engine.database.tables import (
    creation_events,
    creations,
    jobs,
    usage,
)
from engine.errors import PromptRefused
from tests.painter import Painter
from tests.unit.engine.server.creating import (
    WANTED,
    Headers,
    Worker,
    asked,
    own_collection,
    read,
    rows,
)


def test_a_creation_is_accepted_drawn_and_answered_with_its_assets(
    client: TestClient, key: dict[str, str], worker: Worker
) -> None:
    answer = client.post("/v1/creations", json=WANTED | {"count": 3, "seed": 7}, headers=key)
    made = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (202, f"/v1/creations/{made['id']}")
    assert (made["status"], made["queue_place"], made["assets"], made["seed"]) == ("queued", 1, [], 7)
    worker.work()
    done = read(client, key, made["id"])
    assert (done["status"], done["queue_place"], done["error"]) == ("succeeded", None, None)
    assert [asset["seed"] for asset in done["assets"]] == [7, 8, 9]
    assert done["started_at"] is not None
    assert done["finished_at"] is not None
    assert client.get(f"/ipfs/{done['assets'][0]['media']['cid']}").headers["content-type"] == "image/png"


@pytest.mark.parametrize(
    ("wanted", "pointer", "said"),
    [
        ({"prompt": ""}, "#/prompt", "at least 1 character"),
        ({"prompt": "\t "}, "#/prompt", "empty"),
        ({"prompt": "a\x07bell"}, "#/prompt", "control characters"),
        ({"prompt": "a (red:9) hat"}, "#/prompt", "must be from 0"),
        ({"kind": "song"}, "#/kind", "'character', 'item'"),
        ({"count": 257}, "#/count", "less than or equal to 256"),
        ({"colour": "red"}, "#/colour", "not permitted"),
        ({"controls": {"size": 48}}, "#/controls/size", "32 or 64 px, not at 48"),
        ({"controls": {"palette": "pico-9"}}, "#/controls/palette", "There is no palette 'pico-9'"),
        ({"controls": {"palette": "/etc/passwd"}}, "#/controls/palette", "There is no palette"),
        ({"controls": {"palette": ["#12"]}}, "#/controls/palette", "'#12' is not a colour"),
        ({"controls": {"palette": 1}}, "#/controls/palette", "2 to 256"),
        ({"controls": {"outline": "black"}}, "#/controls/outline", "'black' is not a colour"),
        ({"controls": {"background": "none"}}, "#/controls/background", "is not a colour"),
        ({"controls": {"style": "frost"}}, "#/controls/style", "There is no style frost"),
        ({"controls": {"action": "walk"}}, "#/controls/action", "Only a clip has an action"),
        (
            {"kind": "clip", "controls": {"action": "dance"}},
            "#/controls/action",
            "There is no action 'dance'",
        ),
        ({"controls": {"mask": "asset-1"}}, "#/controls/source", "A mask needs the picture"),
        ({"controls": {"source": "asset-1"}}, "#/controls/source", "There is no asset 'asset-1'"),
        ({"collection": "collection-9"}, "#/collection", "There is no collection 'collection-9'"),
        ({"model": "nobody/1"}, "#/model", "There is no model 'nobody/1'; use one of lorespark-"),
        ({"kind": "illustration"}, "#/model", "draw no illustrations"),
        (
            {"model": "lorespark-sprite-32/2", "controls": {"size": 64}},
            "#/controls/size",
            "at 32 px, not at 64",
        ),
        ({"mint": {"to": "bob"}}, "#/mint/to", "0x and 40 hexadecimal digits"),
        ({"mint": {"to": "0x5AAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"}}, "#/mint/to", "checksum"),
    ],
)
def test_a_field_that_cannot_be_used_is_pointed_at_and_nothing_is_kept(
    client: TestClient,
    key: dict[str, str],
    application: Application,
    wanted: dict[str, Any],
    pointer: str,
    said: str,
) -> None:
    for dry_run in (False, True):
        answer = client.post("/v1/creations", json=WANTED | wanted | {"dry_run": dry_run}, headers=key)
        assert answer.status_code == 422, answer.text
        problem = answer.json()
        assert problem["type"] == "urn:lorespark:problem:invalid-fields"
        (error,) = problem["errors"]
        assert (error["pointer"], error["in"]) == (pointer, "body")
        assert said in error["detail"], error["detail"]
    for table in (creations, jobs, usage, creation_events):
        assert rows(application, select(table)) == []


def test_a_request_that_no_single_field_spoils_is_a_problem_too(
    client: TestClient, key: dict[str, str]
) -> None:
    answer = client.post("/v1/creations", json=WANTED | {"controls": {"seamless": True}}, headers=key)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:lorespark:problem:not-drawable")
    assert "only tiles repeat" in answer.json()["detail"]


def test_a_repeated_request_with_its_key_is_one_creation(
    client: TestClient, key: dict[str, str], application: Application
) -> None:
    once = key | {"Idempotency-Key": "one"}
    first, second = (client.post("/v1/creations", json=WANTED, headers=once) for _ in range(2))
    assert first.json() == second.json()
    assert second.headers["location"] == first.headers["location"]
    assert len(rows(application, select(creations))) == 1
    assert [(row.creations, row.assets) for row in rows(application, select(usage))] == [(1, 1)]


def test_a_creation_starts_from_an_asset_of_the_same_tenant_alone(
    client: TestClient, key: dict[str, str], headers: Headers, worker: Worker
) -> None:
    first = asked(client, key)
    worker.work()
    source = read(client, key, first["id"])["assets"][0]["id"]
    varied = asked(client, key, controls={"source": source, "strength": 0.5})
    worker.work()
    assert read(client, key, varied["id"])["assets"][0]["parents"] == [source]
    other = client.post("/v1/creations", json=WANTED | {"controls": {"source": source}}, headers=headers())
    assert (other.status_code, other.json()["errors"][0]["pointer"]) == (422, "#/controls/source")


def test_no_other_tenant_sees_cancels_or_watches_it(
    client: TestClient, key: dict[str, str], headers: Headers
) -> None:
    made, stranger = asked(client, key), headers()
    here = f"/v1/creations/{made['id']}"
    calls = (("GET", here), ("DELETE", here), ("GET", f"{here}/events"), ("POST", f"{here}/resume"))
    for method, path in calls:
        answer = client.request(method, path, headers=stranger)
        missing = client.request(method, path.replace(made["id"], "creation-none"), headers=stranger)
        assert (answer.status_code, missing.status_code) == (404, 404)
        assert answer.json()["detail"].replace(made["id"], "creation-none") == missing.json()["detail"]
    assert client.get("/v1/creations", headers=stranger).json()["data"] == []
    assert read(client, key, made["id"])["status"] == "queued"


def test_a_key_that_may_only_read_makes_and_cancels_nothing(client: TestClient, headers: Headers) -> None:
    key = headers(Scope.READ)
    for method, path in (("POST", ""), ("DELETE", "/creation-1"), ("POST", "/creation-1/resume")):
        answer = client.request(method, f"/v1/creations{path}", json=WANTED, headers=key)
        assert answer.status_code == 403, (method, path)


def test_a_key_that_may_not_mint_makes_no_creation_that_mints(client: TestClient, headers: Headers) -> None:
    answer = client.post("/v1/creations", json=WANTED | {"mint": {}}, headers=headers(Scope.CREATE))
    assert (answer.status_code, answer.json()["type"]) == (403, "urn:lorespark:problem:scope-missing")


def test_the_list_is_filtered_and_paged(
    client: TestClient, key: dict[str, str], application: Application
) -> None:
    collection = own_collection(application)
    made = [asked(client, key, collection=collection if index % 2 else None)["id"] for index in range(5)]
    client.delete(f"/v1/creations/{made[0]}", headers=key)
    found, cursor = [], ""
    for _ in range(3):
        page = client.get(f"/v1/creations?limit=2{cursor}", headers=key).json()
        found += [creation["id"] for creation in page["data"]]
        cursor = f"&cursor={page['next']}"
    assert sorted(found) == sorted(made)
    assert page["next"] is None
    by = {
        "status=cancelled": {made[0]},
        "status=queued": set(made[1:]),
        f"collection={collection}": {made[1], made[3]},
        "status=succeeded": set(),
    }
    for query, ids in by.items():
        page = client.get(f"/v1/creations?{query}", headers=key).json()
        assert {creation["id"] for creation in page["data"]} == ids


def test_a_dry_run_estimates_from_what_was_measured_and_writes_nothing(
    client: TestClient, key: dict[str, str], worker: Worker, painter: Painter, application: Application
) -> None:
    dry = WANTED | {"count": 2, "dry_run": True}
    unknown = client.post("/v1/creations", json=dry, headers=key)
    assert (unknown.status_code, unknown.json()["seconds"]) == (200, None)
    painter.step_s = 0.1
    made = asked(client, key, model=None)
    worker.work()
    assert read(client, key, made["id"])["model"] == "any/1"
    with application.records.database.writing() as connection:  # as if the bundled model had drawn it
        connection.exec_driver_sql("UPDATE drawing_times SET model = 'lorespark-sprite-32/2'")
    asked(client, key, count=3)
    before = rows(application, select(creations.c.id)), rows(application, select(usage))
    known = client.post("/v1/creations", json=dry, headers=key).json()
    assert (known["assets"], known["steps"], known["queue_length"], known["allowed"]) == (2, 16, 1, True)
    assert 16 * 0.1 + 3 * 0.3 <= known["seconds"] < 16 * 1 + 3 * 3
    assert (rows(application, select(creations.c.id)), rows(application, select(usage))) == before


def test_a_refused_prompt_is_a_problem_and_nothing_is_kept(
    client: TestClient, key: dict[str, str], application: Application
) -> None:
    heard: list[tuple[str, list[str]]] = []

    class Strict:
        def check(self, tenant_id: str, texts: Any) -> None:
            heard.append((tenant_id, list(texts)))
            raise PromptRefused("The prompt is refused; ask for something else.")

    vars(application)["moderator"] = Strict()
    answer = client.post(
        "/v1/creations", json=WANTED | {"controls": {"negative_prompt": "text"}}, headers=key
    )
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:lorespark:problem:prompt-refused")
    assert heard[0][1] == [WANTED["prompt"]]  # a negative prompt is about what must not be drawn
    assert rows(application, select(creations)) == []


def test_a_server_takes_creations_in_without_loading_what_draws(
    application: Application, headers: Headers
) -> None:
    key, folder = headers(), application.folder.root
    application.close()
    script = f"""
import sys
from pathlib import Path
from starlette.testclient import TestClient
from engine.app import Application
from engine.server.app import server
from engine.settings import Settings
with Application.open(Settings(Path({str(folder)!r}))) as application:
    client = TestClient(server(application))
    for more in ({{}}, {{"dry_run": True}}, {{"controls": {{"palette": "pico-8"}}}}):
        print(client.post("/v1/creations", json={WANTED!r} | more, headers={key!r}).status_code)
print(sorted({{"torch", "diffusers", "transformers", "dbos"}} & set(sys.modules)))
"""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", script], capture_output=True, text=True, check=False
    )
    assert done.stdout.split("\n")[:4] == ["202", "200", "202", "[]"], done.stderr
