"""POSTs that happen once, within one process."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update
from starlette.testclient import TestClient

from engine.app import Application
from engine.database.answers import forget_answers
from engine.database.tables import api_keys, idempotency

Authorised = Callable[..., dict[str, str]]
PROBLEM = "urn:lorespark:problem:"
AGAIN = {"Idempotency-Key": "again"}


def made(client: TestClient, headers: dict[str, str], **wanted: Any) -> Any:
    return client.post("/v1/keys", json={"name": "a", **wanted}, headers=headers)


def grow_old(application: Application, hours: float) -> None:
    then = (datetime.now(UTC) - timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")
    with application.records.database.writing() as connection:
        connection.execute(update(idempotency).values(created_at=then))


def keys(application: Application) -> int:
    with application.records.database.reading() as connection:
        return connection.scalar(select(func.count()).select_from(api_keys)) or 0


def test_an_answer_is_given_again_for_a_day_and_then_done_anew(
    client: TestClient, application: Application, headers: Authorised
) -> None:
    own = headers() | AGAIN
    first = made(client, own)
    grow_old(application, 23.9)
    assert made(client, own).content == first.content
    grow_old(application, 24.1)
    second = made(client, own, name="b")  # another request, which the old one does not hinder
    assert (second.status_code, second.json()["name"]) == (201, "b")
    assert made(client, own, name="b").content == second.content
    assert keys(application) == 3


def test_old_answers_are_forgotten_and_new_ones_stay(
    client: TestClient, application: Application, headers: Authorised
) -> None:
    own = headers()
    made(client, own | {"Idempotency-Key": "old"})
    grow_old(application, 25)
    new = made(client, own | AGAIN)
    with application.records.database.writing() as connection:
        assert forget_answers(connection) == 1
    assert made(client, own | AGAIN).content == new.content


def test_the_database_reveals_no_secret(
    client: TestClient, application: Application, headers: Authorised
) -> None:
    own = headers() | AGAIN
    first = made(client, own)
    with application.records.database.reading() as connection:
        row = connection.execute(select(idempotency)).one()
        everything = repr(list(connection.execute(select(api_keys)))) + repr(row)
    assert row.sealed
    assert first.json()["secret"] not in everything
    assert b'"secret"' not in row.body
    assert made(client, own).content == first.content


def test_another_key_of_the_tenant_does_not_get_the_secret_nor_makes_a_second(
    client: TestClient, application: Application, headers: Authorised
) -> None:
    own = headers()
    other = {
        "Authorization": f"Bearer {made(client, own, scopes=['admin', 'create', 'mint']).json()['secret']}"
    }
    first = made(client, own | AGAIN)
    refused = made(client, other | AGAIN)
    assert (refused.status_code, refused.json()["type"]) == (409, PROBLEM + "conflict")
    assert first.json()["secret"] not in refused.text
    assert keys(application) == 3
    assert made(client, own | AGAIN).content == first.content


def test_two_tenants_may_use_the_same_idempotency_key(client: TestClient, headers: Authorised) -> None:
    first, second = made(client, headers() | AGAIN), made(client, headers() | AGAIN)
    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] != second.json()["id"]


def test_an_error_is_not_remembered(
    client: TestClient, application: Application, headers: Authorised
) -> None:
    own = headers()
    dying = made(client, own, scopes=["read"]).json()["id"]
    missing = client.post("/v1/keys/key-none/rotate", headers=own | AGAIN)
    assert missing.status_code == 404
    there = client.post(f"/v1/keys/{dying}/rotate", headers=own | AGAIN)
    assert there.status_code == 200
    other_path = client.post("/v1/keys/key-none/rotate", headers=own | AGAIN)
    assert (other_path.status_code, other_path.json()["type"]) == (422, PROBLEM + "idempotency-key-reused")


@pytest.mark.parametrize("key", ["", "x" * 256])
def test_a_key_that_is_too_short_or_long_is_pointed_at(
    client: TestClient, headers: Authorised, key: str
) -> None:
    answer = made(client, headers() | {"Idempotency-Key": key})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "#/idempotency-key"
