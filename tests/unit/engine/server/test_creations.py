"""Creations over HTTP: asked for, drawn, told step by step, cancelled, tried again."""

import base64
import io
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import insert, select, update
from starlette.testclient import TestClient

from assets.asset import Asset
from engine.api.account import Scope
from engine.app import Application
from engine.database.creation_events import PREVIEW
from engine.database.creation_views import creation_views
from engine.database.tables import (
    asset_tags,
    assets,
    collection_assets,
    collections,
    creation_events,
    creations,
    deliveries,
    jobs,
    mints,
    tenants,
    usage,
    webhooks,
    workers,
)
from engine.errors import PromptRefused
from tests.painter import Painter
from tests.unit.engine.server.creating import Worker, sent_events

Headers = Callable[..., dict[str, str]]
WANTED = {"kind": "item", "prompt": "a red potion bottle"}


@pytest.fixture
def key(headers: Headers) -> dict[str, str]:
    return headers()


def asked(client: TestClient, key: dict[str, str], **wanted: Any) -> dict[str, Any]:
    answer = client.post("/v1/creations", json=WANTED | wanted, headers=key)
    assert answer.status_code == 202, answer.text
    made: dict[str, Any] = answer.json()
    return made


def read(client: TestClient, key: dict[str, str], creation_id: str) -> dict[str, Any]:
    answer = client.get(f"/v1/creations/{creation_id}", headers=key)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def rows(application: Application, query: Any) -> list[Any]:
    with application.records.database.reading() as connection:
        return list(connection.execute(query))


def own_collection(application: Application) -> str:
    """A collection of the newest tenant's."""
    with application.records.database.writing() as connection:
        tenant_id = connection.scalar(select(tenants.c.id).where(tenants.c.name == "studio 1"))
        connection.execute(
            insert(collections).values(
                id="collection-1", tenant_id=tenant_id, name="Shop", description="", created_at="2026-01-01"
            )
        )
    return "collection-1"


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


def test_events_tell_everything_from_the_queue_to_the_assets_and_go_on_after_any_of_them(
    client: TestClient, key: dict[str, str], worker: Worker, painter: Painter
) -> None:
    made = asked(client, key, count=2)
    worker.work()
    stream = client.get(f"/v1/creations/{made['id']}/events", headers=key)
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert stream.text.startswith("retry: 2000\n\n")
    events = sent_events(stream.text)
    assert [event.number for event in events] == list(range(1, len(events) + 1))
    assert [event.type for event in events] == ["queued", "started", "step", "asset", "asset", "succeeded"]
    assert events[2].data == {"step": 3, "steps": 3, "done": 2, "of": 2}
    finished = read(client, key, made["id"])["assets"]
    assert [event.data["asset"] for event in events[3:5]] == finished
    assert events[-1].data["assets"] == [asset["id"] for asset in finished]
    for more, how in (({"Last-Event-ID": "4"}, ""), ({}, "?after=4"), ({"Last-Event-ID": "x"}, "?after=4")):
        rest = client.get(f"/v1/creations/{made['id']}/events{how}", headers=key | more)
        assert sent_events(rest.text) == events[4:]
    assert sent_events(client.get(f"/v1/creations/{made['id']}/events?after=99", headers=key).text) == []


def test_steps_and_small_previews_are_told_while_it_is_drawn_and_previews_go_when_it_ends(
    client: TestClient, key: dict[str, str], worker: Worker, painter: Painter, application: Application
) -> None:
    painter.steps, painter.step_s, painter.go = 6, 0.3, threading.Semaphore(5)
    made = asked(client, key, count=12)
    worker.start()
    seen: list[Any] = []
    while not any(row.type == PREVIEW for row in seen):
        seen = rows(application, select(creation_events).where(creation_events.c.creation_id == made["id"]))
    running = read(client, key, made["id"])
    assert running["status"] == "running"
    assert running["progress"]["steps"] == 6
    assert 1 <= running["progress"]["step"] < 6
    pictures = next(row.data["pictures"] for row in seen if row.type == PREVIEW)
    assert [picture["position"] for picture in pictures] == list(range(8))
    with Image.open(io.BytesIO(base64.b64decode(pictures[0]["png"]))) as shown:
        assert shown.size == (32, 32)
    painter.go.release()
    worker.join()
    left = rows(application, select(creation_events.c.type).where(creation_events.c.type == PREVIEW))
    assert left == []


def test_a_running_drawing_stops_at_its_next_step_when_it_is_cancelled_and_its_quota_comes_back(
    client: TestClient, key: dict[str, str], worker: Worker, painter: Painter, application: Application
) -> None:
    painter.steps, painter.step_s, painter.go = 50, 0.25, threading.Semaphore(0)
    made = asked(client, key, count=4)
    worker.start()
    assert painter.began.wait(timeout=30)
    answer = client.delete(f"/v1/creations/{made['id']}", headers=key)
    assert (answer.status_code, answer.json()["status"]) == (200, "cancelled")
    painter.go.release(3)  # of 50 steps
    worker.join()
    assert painter.drawn == 0
    assert read(client, key, made["id"])["status"] == "cancelled"
    assert [row.assets for row in rows(application, select(usage))] == [0]
    assert rows(application, select(assets)) == []
    types = [
        event.type
        for event in sent_events(client.get(f"/v1/creations/{made['id']}/events", headers=key).text)
    ]
    assert types[-1] == "cancelled"
    assert types.count("cancelled") == 1
    again = client.delete(f"/v1/creations/{made['id']}", headers=key)
    assert (again.status_code, again.json()) == (200, read(client, key, made["id"]))


def test_a_waiting_creation_is_cancelled_at_once_and_leaves_the_queue(
    client: TestClient, key: dict[str, str], application: Application
) -> None:
    made = asked(client, key)
    assert client.delete(f"/v1/creations/{made['id']}", headers=key).json()["status"] == "cancelled"
    assert rows(application, select(jobs)) == []


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("undrawable", "The painter cannot draw that; ask for something else."),
        ("broken", "The brush broke; ask again."),
    ],
)
def test_what_only_the_worker_finds_out_fails_with_its_sentence_and_gives_the_quota_back(
    client: TestClient, key: dict[str, str], worker: Worker, application: Application, prompt: str, said: str
) -> None:
    made = asked(client, key, prompt=prompt, count=5)
    worker.work()
    failed = read(client, key, made["id"])
    assert (failed["status"], failed["error"], failed["resumable"]) == ("failed", said, False)
    assert [row.assets for row in rows(application, select(usage))] == [0]
    event = sent_events(client.get(f"/v1/creations/{made['id']}/events", headers=key).text)[-1]
    assert (event.type, event.data) == ("failed", {"error": said})


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
        ({"mint": {"to": "bob"}}, "#/mint/to", "should match pattern"),
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


def test_tags_collection_and_mints_are_done_with_the_recording(
    client: TestClient, key: dict[str, str], worker: Worker, application: Application
) -> None:
    to = "0x" + "11" * 20
    collection = own_collection(application)
    made = asked(client, key, count=2, tags=["shop", "red", "shop"], collection=collection, mint={"to": to})
    asked(client, key, collection=collection)
    worker.work()
    done = read(client, key, made["id"])
    ids = [asset["id"] for asset in done["assets"]]
    assert [asset["tags"] for asset in done["assets"]] == [["red", "shop"]] * 2
    assert [asset["collections"] for asset in done["assets"]] == [[collection]] * 2
    placed = rows(application, select(collection_assets).order_by(collection_assets.c.position))
    assert [row.position for row in placed] == [0, 1, 2]
    assert len(rows(application, select(asset_tags))) == 4
    asked_for = rows(application, select(mints).order_by(mints.c.id))
    assert {(row.asset_id, row.recipient, row.status) for row in asked_for} == {
        (i, to, "prepared") for i in ids
    }
    assert sorted(done["mints"]) == [row.id for row in asked_for]
    waiting = rows(application, select(jobs.c.record_id).where(jobs.c.queue == "mint"))
    assert sorted(row.record_id for row in waiting) == [row.id for row in asked_for]
    assert [(row.assets, row.steps, row.mints) for row in rows(application, select(usage))] == [(3, 9, 2)]


def test_an_asset_that_fails_the_gate_is_not_minted_and_the_event_says_so(
    client: TestClient, key: dict[str, str], worker: Worker, painter: Painter, application: Application
) -> None:
    good = painter._pixels
    painter._pixels = lambda seed: (
        good(seed) if seed == 1 else good(seed) * 0
    )  # a clear picture has no subject
    made = asked(client, key, count=2, seed=0, mint={})
    worker.work()
    event = sent_events(client.get(f"/v1/creations/{made['id']}/events", headers=key).text)[-1]
    bad, fine = event.data["assets"]
    (kept,) = event.data["not_minted"]
    assert kept["asset"] == bad
    assert "is not minted, because it fails" in kept["reason"]
    assert [row.asset_id for row in rows(application, select(mints))] == [fine]
    assert [row.recipient for row in rows(application, select(mints))] == [application.signer.address]


def test_recording_again_changes_nothing(
    client: TestClient, key: dict[str, str], worker: Worker, application: Application
) -> None:
    made = asked(client, key, tags=["a"], mint={})
    job, kept = application.creation_job, []
    plain = job.record
    vars(job)["record"] = lambda *given: (kept.append(given), plain(*given))
    worker.work()
    before = [rows(application, select(table)) for table in (assets, mints, usage, creation_events, jobs)]
    plain(*kept[0])
    job.fail(made["id"], "too late")
    assert job.batches(made["id"]) == 0
    assert [
        rows(application, select(table)) for table in (assets, mints, usage, creation_events, jobs)
    ] == before


def test_recipes_once_made_are_never_made_again(
    client: TestClient, key: dict[str, str], worker: Worker, painter: Painter, application: Application
) -> None:
    made = asked(client, key, count=2)
    assert application.creation_job.batches(made["id"]) == 1
    assert application.creation_job.batches(made["id"]) == 1
    worker.work()
    assert painter.planned == 2
    types = [
        event.type
        for event in sent_events(client.get(f"/v1/creations/{made['id']}/events", headers=key).text)
    ]
    assert types.count("started") == 1


def test_webhooks_are_told_of_every_end(
    client: TestClient, key: dict[str, str], worker: Worker, application: Application
) -> None:
    with application.records.database.writing() as connection:
        tenant_id = connection.scalar(select(tenants.c.id).where(tenants.c.name == "studio 1"))
        connection.execute(
            insert(webhooks).values(
                id="webhook-1",
                tenant_id=tenant_id,
                url="https://a.example",
                secret="s",
                events=[],
                created_at="",
            )
        )
    cancelled = asked(client, key)
    client.delete(f"/v1/creations/{cancelled['id']}", headers=key)
    asked(client, key, prompt="broken")
    asked(client, key)
    worker.work()
    told = rows(application, select(deliveries.c.event, deliveries.c.body).order_by(deliveries.c.created_at))
    assert sorted(row.event for row in told) == [
        "creation.cancelled",
        "creation.failed",
        "creation.succeeded",
    ]
    assert all("base64" not in row.body and '"png":' not in row.body for row in told)


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


def test_assets_that_a_full_collection_does_not_take_are_kept_and_the_event_says_so(
    client: TestClient,
    key: dict[str, str],
    worker: Worker,
    application: Application,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.database.collections.MAX_ASSETS", 1)
    made = asked(client, key, count=2, collection=own_collection(application))
    worker.work()
    assert len(read(client, key, made["id"])["assets"]) == 2
    event = sent_events(client.get(f"/v1/creations/{made['id']}/events", headers=key).text)[-1]
    assert "begin another" in event.data["not_collected"]


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


def test_a_full_queue_and_a_used_up_quota_are_refused(
    client: TestClient, headers: Headers, application: Application
) -> None:
    first, second = headers(), headers(per_day=3, concurrent=5)
    vars(application)["settings"] = type(application.settings)(
        **vars(application.settings) | {"max_queued": 4, "max_queued_per_tenant": 2}
    )
    for _ in range(2):
        asked(client, first)
    full = client.post("/v1/creations", json=WANTED, headers=first)
    assert (full.status_code, full.json()["type"]) == (429, "urn:lorespark:problem:queue-full")
    assert "2 of your creations wait" in full.json()["detail"]
    assert int(full.headers["retry-after"]) > 0
    over = client.post("/v1/creations", json=WANTED | {"count": 4}, headers=second)
    assert over.json()["type"] == "urn:lorespark:problem:quota-exceeded"
    assert client.post(
        "/v1/creations", json=WANTED | {"count": 4, "dry_run": True}, headers=second
    ).json() == {**{"assets": 4, "steps": 32, "seconds": None, "queue_length": 1, "allowed": False}}
    for _ in range(2):
        asked(client, second)
    assert (
        "4 creations wait already"
        in client.post("/v1/creations", json=WANTED, headers=headers()).json()["detail"]
    )


def test_places_in_the_queue_follow_turns_and_priority(client: TestClient, headers: Headers) -> None:
    first, second = headers(), headers()
    many = [asked(client, first)["id"] for _ in range(3)]
    assert asked(client, second)["queue_place"] == 2  # at most one of the other tenant's goes before
    assert asked(client, first, priority=5)["queue_place"] == 2
    listed = client.get("/v1/creations", headers=first).json()["data"]
    assert {creation["id"]: creation["queue_place"] for creation in listed if creation["id"] in many} == {
        many[0]: 3,
        many[1]: 4,
        many[2]: 5,
    }


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


def test_a_creation_that_was_set_aside_is_tried_again_and_its_quota_taken_again(
    client: TestClient, key: dict[str, str], worker: Worker, application: Application
) -> None:
    made = asked(client, key, count=2)
    refused = client.post(f"/v1/creations/{made['id']}/resume", headers=key)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:lorespark:problem:conflict")
    application.creation_job.batches(made["id"])
    application.creation_job.fail(made["id"], "It ended its worker three times.")
    with application.records.database.writing() as connection:
        connection.execute(update(jobs).values(state="set_aside", deaths=3))
    failed = read(client, key, made["id"])
    assert (failed["status"], failed["resumable"]) == ("failed", True)
    assert [row.assets for row in rows(application, select(usage))] == [0]
    again = client.post(failed["links"]["resume"], headers=key)
    assert (again.status_code, again.json()["status"], again.json()["error"]) == (202, "queued", None)
    worker.work()
    done = read(client, key, made["id"])
    assert (done["status"], len(done["assets"])) == ("succeeded", 2)
    assert [row.assets for row in rows(application, select(usage))] == [2]


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


def test_what_the_command_line_made_is_told_too(
    application: Application, add_asset: Callable[..., Asset]
) -> None:
    asset = add_asset(application)
    record = application.records.creation("creation-1")
    assert record is not None
    with application.records.database.reading() as connection:
        (view,) = creation_views(connection, [record], application.files)
    assert (view.kind, view.prompt, view.model) == ("item", "a red potion bottle", "any/1")
    assert [made.id for made in view.assets] == [asset.asset_id]


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
