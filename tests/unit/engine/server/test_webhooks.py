"""Webhooks over HTTP: made, listed, tried, their log read, and nobody else's ever seen."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from engine.api.account import NewKey, Scope
from engine.api.webhook import EventType
from engine.app import Application
from engine.database.tables import jobs, webhooks
from engine.database.tenants import add_key, add_tenant
from engine.database.webhooks import MAX_WEBHOOKS, announce
from engine.errors import PromptRefused
from engine.server.app import server
from engine.settings import Settings
from engine.webhook_target import Targets

Authorised = Callable[..., dict[str, str]]
URL = "https://studio.example/hooks"


@pytest.fixture(autouse=True)
def known_names(application: Application) -> None:
    """Every name is that of a public address: the tests ask no DNS."""
    application.targets = Targets(resolve=lambda *_: ["8.8.8.8"])


def made(client: TestClient, own: dict[str, str], **wanted: Any) -> dict[str, Any]:
    answer = client.post("/v1/webhooks", json={"url": URL, **wanted}, headers=own)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


def test_the_secret_is_shown_once(client: TestClient, headers: Authorised) -> None:
    own = headers()
    hook = made(client, own, events=["mint.confirmed", "mint.confirmed"])
    secret = hook.pop("secret")
    assert secret.startswith("whsec_")
    assert len(secret) > 40
    assert hook["events"] == ["mint.confirmed"]
    assert client.get(hook["links"]["self"], headers=own).json() == hook
    listed = client.get("/v1/webhooks", headers=own)
    assert listed.json()["data"] == [hook]
    assert secret not in listed.text


@pytest.mark.parametrize(
    ("wanted", "type_"),
    [
        ({"url": "http://studio.example/"}, "webhook-url-refused"),
        ({"url": "https://user:secret@studio.example/"}, "webhook-url-refused"),
        ({"url": "https://[::1]/"}, "webhook-url-refused"),
        ({"url": ""}, "invalid-fields"),
        ({"url": URL + "x" * 2000}, "invalid-fields"),
        ({"url": URL, "events": ["everything"]}, "invalid-fields"),
        ({"url": URL, "secret": "mine"}, "invalid-fields"),
    ],
)
def test_what_cannot_be_a_webhook_is_a_problem(
    client: TestClient, headers: Authorised, wanted: dict[str, Any], type_: str
) -> None:
    own = headers()
    answer = client.post("/v1/webhooks", json=wanted, headers=own)
    assert (answer.status_code, answer.json()["type"]) == (422, f"urn:lorespark:problem:{type_}")
    assert client.get("/v1/webhooks", headers=own).json()["data"] == []


def test_a_repeated_request_gets_its_answer_though_the_name_is_gone(
    client: TestClient, headers: Authorised, application: Application
) -> None:
    own = headers() | {"Idempotency-Key": "once"}
    first = made(client, own)
    application.targets = Targets(resolve=lambda *_: ["127.0.0.1"])
    assert made(client, own) == first
    assert client.post("/v1/webhooks", json={"url": URL}, headers=headers()).status_code == 422


def test_a_tenant_has_at_most_so_many(client: TestClient, headers: Authorised) -> None:
    own = headers()
    hooks = [made(client, own) for _ in range(MAX_WEBHOOKS)]
    answer = client.post("/v1/webhooks", json={"url": URL}, headers=own)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:lorespark:problem:conflict")
    assert client.delete(hooks[0]["links"]["self"], headers=own).json()["id"] == hooks[0]["id"]
    made(client, own)
    made(client, headers())  # another tenant's places are its own


def test_a_rotation_keeps_the_former_secret_beside_the_new(
    client: TestClient, headers: Authorised, application: Application
) -> None:
    own = headers()
    hook = made(client, own)
    new = client.post(f"{hook['links']['self']}/rotate", headers=own).json()
    assert new["secret"] != hook["secret"]
    assert {**new, "secret": ""} == {**hook, "secret": ""}
    with application.records.database.reading() as connection:
        row = connection.execute(select(webhooks)).one()
    assert (row.secret, row.former_secret) == (new["secret"], hook["secret"])


def test_a_test_goes_to_one_webhook_whatever_it_wants(client: TestClient, headers: Authorised) -> None:
    own = headers()
    hook, other = made(client, own, events=["mint.failed"]), made(client, own)
    answer = client.post(f"{hook['links']['self']}/test", headers=own)
    assert answer.status_code == 202
    told = answer.json()
    assert (told["event"], told["status"], told["attempts"]) == ("webhook.test", "pending", [])
    assert told["next_at"]
    assert told["body"]["data"] == {"webhook": hook["id"]}
    assert client.get(f"/v1/deliveries/{told['id']}", headers=own).json() == told
    assert client.get(hook["links"]["deliveries"], headers=own).json() == {"data": [told], "next": None}
    assert client.get(other["links"]["deliveries"], headers=own).json()["data"] == []


def test_events_go_to_those_that_want_them(
    client: TestClient, headers: Authorised, application: Application
) -> None:
    own = headers()
    every, mints = made(client, own), made(client, own, events=["mint.failed"])
    stranger = headers()
    others = made(client, stranger)
    with application.records.database.writing() as connection:
        tenant = connection.scalar(select(webhooks.c.tenant_id).where(webhooks.c.id == every["id"])) or ""
        announce(connection, tenant, EventType.CREATION_FAILED, {})
        announce(connection, tenant, EventType.MINT_FAILED, {})

    def events(hook: dict[str, Any], caller: dict[str, str]) -> list[str]:
        listed = client.get(hook["links"]["deliveries"], headers=caller).json()["data"]
        return sorted(delivery["event"] for delivery in listed)

    assert events(every, own) == ["creation.failed", "mint.failed"]
    assert events(mints, own) == ["mint.failed"]
    assert events(others, stranger) == []


def test_the_log_comes_in_pages_and_by_status(client: TestClient, headers: Authorised) -> None:
    own = headers()
    hook = made(client, own)
    sent = {client.post(f"{hook['links']['self']}/test", headers=own).json()["id"] for _ in range(5)}
    where, seen, cursor = hook["links"]["deliveries"], list[str](), ""
    for _ in range(3):
        page = client.get(
            where, params={"limit": 2, "status": "pending", **cursor_of(cursor)}, headers=own
        ).json()
        seen += [delivery["id"] for delivery in page["data"]]
        cursor = page["next"]
    assert cursor is None
    assert (set(seen), len(seen)) == (sent, 5)
    assert client.get(where, params={"status": "failed"}, headers=own).json()["data"] == []
    assert client.get(where, params={"status": "lost"}, headers=own).status_code == 422
    assert client.get(where, params={"cursor": "x"}, headers=own).status_code == 400


def cursor_of(cursor: str) -> dict[str, str]:
    return {"cursor": cursor} if cursor else {}


def test_redelivery_lets_it_wait_no_longer(
    client: TestClient, headers: Authorised, application: Application
) -> None:
    own = headers()
    hook = made(client, own)
    sent = client.post(f"{hook['links']['self']}/test", headers=own).json()
    database = application.records.database
    with database.writing() as connection:
        connection.execute(update(jobs).values(run_after_ms=jobs.c.run_after_ms + 7_200_000))
    assert client.get(f"/v1/deliveries/{sent['id']}", headers=own).json()["next_at"] > sent["next_at"]
    again = client.post(f"/v1/deliveries/{sent['id']}/redeliver", headers=own)
    assert (again.status_code, again.json()["event_id"]) == (202, sent["event_id"])
    with database.writing() as connection:
        assert (connection.scalar(select(jobs.c.run_after_ms)) or 0) <= time.time() * 1000
        connection.execute(update(jobs).values(state="running"))
    busy = client.post(f"/v1/deliveries/{sent['id']}/redeliver", headers=own)
    assert (busy.status_code, busy.json()["type"]) == (409, "urn:lorespark:problem:conflict")
    with database.writing() as connection:
        connection.execute(jobs.delete())
    assert client.post(f"/v1/deliveries/{sent['id']}/redeliver", headers=own).status_code == 202
    with database.reading() as connection:
        assert connection.execute(select(jobs.c.record_id)).scalars().all() == [sent["id"]]


def test_nobody_sees_or_moves_what_is_anothers(client: TestClient, headers: Authorised) -> None:
    own, stranger = headers(), headers()
    hook = made(client, own)
    sent = client.post(f"{hook['links']['self']}/test", headers=own).json()
    asked = [
        ("GET", hook["links"]["self"]),
        ("DELETE", hook["links"]["self"]),
        ("POST", hook["links"]["self"] + "/rotate"),
        ("POST", hook["links"]["self"] + "/test"),
        ("GET", hook["links"]["deliveries"]),
        ("GET", f"/v1/deliveries/{sent['id']}"),
        ("POST", f"/v1/deliveries/{sent['id']}/redeliver"),
    ]
    for method, path in asked:
        theirs = client.request(method, path, headers=stranger)
        unknown = client.request(method, path.replace(hook["id"], "x").replace(sent["id"], "x"), headers=own)
        assert theirs.status_code == unknown.status_code == 404, path
        assert theirs.json()["type"] == unknown.json()["type"] == "urn:lorespark:problem:unknown-record"
    assert client.get("/v1/webhooks", headers=stranger).json()["data"] == []
    assert client.get(hook["links"]["self"], headers=own).status_code == 200


def test_only_an_admin_key_manages_webhooks(client: TestClient, headers: Authorised) -> None:
    other = headers(Scope.CREATE, Scope.MINT, Scope.READ)
    for method, path in [("GET", "/v1/webhooks"), ("POST", "/v1/webhooks"), ("GET", "/v1/deliveries/x")]:
        answer = client.request(method, path, json={"url": URL} if method == "POST" else None, headers=other)
        assert (answer.status_code, answer.json()["type"]) == (403, "urn:lorespark:problem:scope-missing")


def test_the_same_holds_on_postgresql(tmp_path: Path, postgresql_url: str) -> None:
    settings = Settings.from_environment(
        {"LORESPARK_DATA_DIR": str(tmp_path / "shared"), "LORESPARK_DATABASE_URL": postgresql_url}
    )
    with Application.open(settings) as application, TestClient(server(application)) as client:
        application.targets = Targets(resolve=lambda *_: ["8.8.8.8"])
        with application.records.database.writing() as connection:
            tenant = add_tenant(connection, "studio").id
            key = add_key(connection, tenant, NewKey(name="test", scopes=(Scope.ADMIN,)))
        own = {"Authorization": f"Bearer {key.secret}"}
        hook = made(client, own)
        where = hook["links"]["self"]
        assert client.post(f"{where}/rotate", headers=own).json()["secret"] != hook["secret"]
        sent = [client.post(f"{where}/test", headers=own).json()["id"] for _ in range(3)]
        again = client.post(f"/v1/deliveries/{sent[0]}/redeliver", headers=own)
        assert (again.status_code, again.json()["status"]) == (202, "pending")
        first = client.get(f"{where}/deliveries", params={"limit": 2}, headers=own).json()
        rest = client.get(
            f"{where}/deliveries", params={"limit": 2, "cursor": first["next"]}, headers=own
        ).json()
        assert sorted(delivery["id"] for delivery in first["data"] + rest["data"]) == sorted(sent)
        assert client.delete(where, headers=own).status_code == 200
        assert client.get(f"/v1/deliveries/{sent[0]}", headers=own).status_code == 404
        with pytest.raises(PromptRefused):
            application.moderator.check(tenant, ["a nude child"])
