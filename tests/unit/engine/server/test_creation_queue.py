"""Where a creation stands in the queue, and how it is cancelled and tried again."""

import threading

from sqlalchemy import select, update
from starlette.testclient import TestClient

from engine.app import Application
from engine.database.tables import (
    assets,
    jobs,
    usage,
)
from tests.painter import Painter
from tests.unit.engine.server.creating import WANTED, Headers, Worker, asked, read, rows, sent_events


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
