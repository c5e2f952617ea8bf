"""What a key is told of itself, and what the tenant's keys used."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from engine.api.account import Limits
from engine.app import Application
from engine.database.usage import add_use, reserve_creation, today

Authorised = Callable[..., dict[str, str]]


def test_a_key_reads_what_it_is_and_what_is_left_today(
    client: TestClient, application: Application, headers: Authorised
) -> None:
    own = headers(per_day=10)
    before = client.get("/v1/me", headers=own).json()
    assert (before["tenant"], before["assets_left"], before["unfinished"]) == ("studio 1", 10, 0)
    assert "secret" not in before["key"]
    with application.records.database.writing() as connection:
        reserve_creation(connection, before["key"]["id"], Limits(per_day=10), 3)
    assert client.get("/v1/me", headers=own).json()["assets_left"] == 7


def test_use_is_told_by_key_and_day_within_the_days_that_are_asked_for(
    client: TestClient, application: Application, headers: Authorised
) -> None:
    own, other = headers(), headers()
    ids = [client.get("/v1/me", headers=each).json()["key"]["id"] for each in (own, other)]
    with application.records.database.writing() as connection:
        for key_id in ids:
            add_use(connection, key_id, assets=2, steps=40)
            add_use(connection, key_id, day="2026-01-31", mints=1)
            add_use(connection, key_id, day="2026-02-01", mints=5)
    now = client.get("/v1/usage", headers=own).json()["data"]
    assert [(row["key"], row["day"], row["assets"], row["steps"]) for row in now] == [
        (ids[0], today(), 2, 40)
    ]
    past = client.get("/v1/usage?from=2026-01-01&to=2026-01-31", headers=own).json()["data"]
    assert [(row["key"], row["day"], row["mints"]) for row in past] == [(ids[0], "2026-01-31", 1)]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("from=2026-02-01&to=2026-01-01", 400),
        ("from=2020-01-01&to=2026-01-01", 400),
        ("from=yesterday", 422),
        ("from=1700000000", 422),
        ("to=2026-02-30", 422),
        ("to=0001-01-01", 200),
        ("from=%00", 400),
    ],
)
def test_days_that_cannot_be_asked_for_are_refused(
    client: TestClient, headers: Authorised, query: str, status: int
) -> None:
    assert client.get(f"/v1/usage?{query}", headers=headers()).status_code == status
