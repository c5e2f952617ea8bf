"""API keys: shown once, checked on every request, revoked for good."""

from collections.abc import Callable

from starlette.testclient import TestClient

Authorised = Callable[..., dict[str, str]]


def test_a_request_without_a_key_is_told_how_to_send_one(client: TestClient) -> None:
    answer = client.get("/v1/keys")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == "Bearer"
    assert answer.json()["type"] == "urn:lorespark:problem:key-refused"
    assert "Authorization: Bearer lsk_" in answer.json()["detail"]


def test_a_key_made_over_http_works_until_it_is_revoked(client: TestClient, headers: Authorised) -> None:
    admin = headers()
    made = client.post("/v1/keys", json={"name": "build server", "scopes": ["admin"]}, headers=admin)
    assert made.status_code == 201
    own = {"Authorization": f"Bearer {made.json()['secret']}"}
    listed = client.get("/v1/keys", headers=own)
    assert listed.status_code == 200
    assert made.json()["secret"] not in listed.text
    assert client.delete(f"/v1/keys/{made.json()['id']}", headers=admin).json()["revoked_at"]
    assert client.get("/v1/keys", headers=own).status_code == 401


def test_the_same_idempotency_key_makes_one_key(client: TestClient, headers: Authorised) -> None:
    admin = headers() | {"Idempotency-Key": "once"}
    first = client.post("/v1/keys", json={"name": "a"}, headers=admin)
    again = client.post("/v1/keys", json={"name": "a"}, headers=admin)
    assert first.content == again.content
    assert again.headers["Idempotency-Replayed"] == "true"
    other = client.post("/v1/keys", json={"name": "b"}, headers=admin)
    assert (other.status_code, other.json()["type"]) == (422, "urn:lorespark:problem:idempotency-key-reused")
    assert len(client.get("/v1/keys", headers=admin).json()["data"]) == 2
