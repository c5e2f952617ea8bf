"""API keys: shown once, checked on every request, never giving more than the key that asks has, revoked for good."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from engine.api.account import Scope
from engine.app import Application
from engine.server.caller import Secret

Authorised = Callable[..., dict[str, str]]
PROBLEM = "urn:lorespark:problem:"


def bearer(key: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {key.json()['secret']}"}


def own_id(client: TestClient, headers: dict[str, str]) -> str:
    found: str = client.get("/v1/me", headers=headers).json()["key"]["id"]
    return found


def test_a_request_without_a_key_is_told_how_to_send_one(client: TestClient) -> None:
    answer = client.get("/v1/keys")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json()["type"] == PROBLEM + "key-refused"
    assert "Authorization: Bearer lsk_" in answer.json()["detail"]


def test_a_key_made_over_http_works_until_it_is_revoked(client: TestClient, headers: Authorised) -> None:
    admin = headers()
    made = client.post("/v1/keys", json={"name": "build server", "scopes": ["admin"]}, headers=admin)
    assert made.status_code == 201
    own = bearer(made)
    listed = client.get("/v1/keys", headers=own)
    assert listed.status_code == 200
    assert made.json()["secret"] not in listed.text
    key_id = made.json()["id"]
    one = client.get(f"/v1/keys/{key_id}", headers=admin)
    assert one.json() == {name: value for name, value in made.json().items() if name != "secret"}
    revoked = client.delete(f"/v1/keys/{key_id}", headers=admin).json()["revoked_at"]
    assert revoked
    assert client.get("/v1/keys", headers=own).status_code == 401
    assert client.delete(f"/v1/keys/{key_id}", headers=admin).json()["revoked_at"] == revoked


def test_the_same_idempotency_key_makes_one_key(client: TestClient, headers: Authorised) -> None:
    admin = headers() | {"Idempotency-Key": "once"}
    first = client.post("/v1/keys", json={"name": "a"}, headers=admin)
    again = client.post("/v1/keys", json={"name": "a"}, headers=admin)
    assert first.content == again.content
    assert again.headers["Idempotency-Replayed"] == "true"
    other = client.post("/v1/keys", json={"name": "b"}, headers=admin)
    assert (other.status_code, other.json()["type"]) == (422, PROBLEM + "idempotency-key-reused")
    assert len(client.get("/v1/keys", headers=admin).json()["data"]) == 2


@pytest.mark.parametrize(
    ("wanted", "word"),
    [
        ({"scopes": ["create"]}, "scope `create`"),
        ({"scopes": ["admin", "mint"]}, "scope `mint`"),
        ({}, "scope `create`"),  # the usual scopes are more than it has
        ({"scopes": ["read"], "limits": {"per_minute": 61}}, "`per_minute` is 60"),
        ({"scopes": ["admin"], "limits": {"per_day": 11}}, "`per_day` is 10"),
        ({"scopes": ["admin"], "limits": {"concurrent": 2}}, "`concurrent` is 1"),
    ],
)
def test_no_key_makes_one_that_may_do_more_than_it_may_itself(
    client: TestClient, headers: Authorised, wanted: dict[str, Any], word: str
) -> None:
    admin = headers(Scope.ADMIN, per_minute=60, per_day=10, concurrent=1)
    answer = client.post("/v1/keys", json={"name": "more", **wanted}, headers=admin)
    assert (answer.status_code, answer.json()["type"]) == (403, PROBLEM + "scope-missing")
    assert word in answer.json()["detail"]
    assert len(client.get("/v1/keys", headers=admin).json()["data"]) == 1


def test_every_key_may_give_reading_and_limits_left_out_are_no_more_than_its_own(
    client: TestClient, headers: Authorised
) -> None:
    admin = headers(Scope.ADMIN, per_minute=60, per_day=10, concurrent=1)
    wanted = {"name": "less", "scopes": ["read", "admin"], "limits": {"per_day": 4}}
    made = client.post("/v1/keys", json=wanted, headers=admin)
    assert made.status_code == 201, made.text
    assert made.json()["limits"] == {"per_minute": 60, "per_day": 4, "concurrent": 1}


def test_a_rotated_key_has_a_new_secret_and_the_old_one_ends_at_once(
    client: TestClient, headers: Authorised
) -> None:
    admin = headers()
    made = client.post("/v1/keys", json={"name": "a", "scopes": ["read"]}, headers=admin)
    path = f"/v1/keys/{made.json()['id']}/rotate"
    rotated = client.post(path, headers=admin)
    assert rotated.status_code == 200
    assert client.get("/v1/me", headers=bearer(made)).status_code == 401
    assert client.get("/v1/me", headers=bearer(rotated)).json()["key"]["id"] == made.json()["id"]
    assert rotated.json()["secret"].startswith(rotated.json()["prefix"])
    client.delete(f"/v1/keys/{made.json()['id']}", headers=admin)
    dead = client.post(path, headers=admin)
    assert (dead.status_code, dead.json()["type"]) == (409, PROBLEM + "conflict")


def test_who_may_only_manage_keys_cannot_rotate_into_more(client: TestClient, headers: Authorised) -> None:
    everything = headers()
    manager = client.post("/v1/keys", json={"name": "manager", "scopes": ["admin"]}, headers=everything)
    strong = own_id(client, everything)
    answer = client.post(f"/v1/keys/{strong}/rotate", headers=bearer(manager))
    assert (answer.status_code, answer.json()["type"]) == (403, PROBLEM + "scope-missing")
    assert client.get("/v1/me", headers=everything).status_code == 200


def test_a_key_without_admin_ends_its_own_life_and_no_other(client: TestClient, headers: Authorised) -> None:
    admin = headers()
    made = client.post("/v1/keys", json={"name": "a", "scopes": ["read"]}, headers=admin)
    refused = client.delete(f"/v1/keys/{own_id(client, admin)}", headers=bearer(made))
    assert refused.status_code == 403
    assert client.delete(f"/v1/keys/{made.json()['id']}", headers=bearer(made)).status_code == 200
    assert client.get("/v1/me", headers=bearer(made)).status_code == 401


def test_the_last_key_that_manages_keys_stays(client: TestClient, headers: Authorised) -> None:
    admin = headers()
    path = f"/v1/keys/{own_id(client, admin)}"
    client.post("/v1/keys", json={"name": "no admin"}, headers=admin)
    kept = client.delete(path, headers=admin)
    assert (kept.status_code, kept.json()["type"]) == (409, PROBLEM + "conflict")
    assert "last key" in kept.json()["detail"]
    other = client.post("/v1/keys", json={"name": "b", "scopes": ["admin"]}, headers=admin)
    assert client.delete(path, headers=bearer(other)).status_code == 200
    assert client.delete(f"/v1/keys/{other.json()['id']}", headers=bearer(other)).status_code == 409


def test_a_secret_shows_in_no_repr(application: Application) -> None:
    assert "lsk_" not in f"{[Secret('lsk_abc')]!r}"
