"""Jobs over HTTP: work of every kind in one list, and what failed tried again, once."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import insert, select, update
from starlette.testclient import TestClient

from assets.asset import Asset
from engine.api.account import Scope
from engine.app import Application
from engine.database.clock import now
from engine.database.jobs import enqueue
from engine.database.mints import add_mint
from engine.database.pins import waive
from engine.database.tables import creations, jobs, mints, pin_waivers, pins, usage, vouchers

Authorised = Callable[..., dict[str, str]]
ALICE = "0x" + "11" * 20
WANTED = {"kind": "item", "prompt": "a red potion bottle", "count": 2}


@pytest.fixture
def studio(headers: Authorised) -> dict[str, str]:
    return headers()


@pytest.fixture
def tenant(studio: dict[str, str], tenant_of: Callable[[dict[str, str]], str]) -> str:
    return tenant_of(studio)


@pytest.fixture
def failed_mint(application: Application, add_asset: Callable[..., Asset], tenant: str) -> str:
    asset = add_asset(application, 1, tenant_id=tenant)
    with application.records.database.writing() as connection:
        mint, _ = add_mint(connection, asset, ALICE, application.settings.chain_id)
        waive(connection, mint.id)
        connection.execute(update(mints).values(status="failed", error="MintingIsPaused"))
    return mint.id


def listed(client: TestClient, own: dict[str, str], **query: Any) -> list[dict[str, Any]]:
    answer = client.get("/v1/jobs", params=query, headers=own)
    assert answer.status_code == 200, answer.text
    data: list[dict[str, Any]] = answer.json()["data"]
    return data


def test_a_creation_waits_is_cancelled_and_asked_for_again_as_another(
    client: TestClient, studio: dict[str, str], application: Application
) -> None:
    made = client.post("/v1/creations", json=WANTED, headers=studio).json()
    (job,) = listed(client, studio)
    assert (job["kind"], job["state"], job["queue_place"], job["about"]) == (
        "creation",
        "waiting",
        1,
        "a red potion bottle",
    )
    assert (job["can_cancel"], job["can_retry"]) == (True, False)
    client.delete(job["links"]["self"], headers=studio)
    (job,) = listed(client, studio, state="cancelled")
    again = client.post(job["links"]["retry"], headers=studio | {"Idempotency-Key": "once"})
    assert (again.status_code, again.json()["state"]) == (202, "waiting")
    assert again.json()["id"] != made["id"]
    repeated = client.post(job["links"]["retry"], headers=studio | {"Idempotency-Key": "once"})
    assert repeated.json() == again.json()
    with application.records.database.reading() as connection:
        rows = connection.execute(select(creations.c.request, creations.c.status)).all()
    assert len({str(row.request) for row in rows}) == 1, "the seed is the same"
    assert sorted(row.status for row in rows) == ["cancelled", "queued"]


def test_what_has_nothing_to_try_again_is_a_conflict(client: TestClient, studio: dict[str, str]) -> None:
    made = client.post("/v1/creations", json=WANTED, headers=studio).json()
    refused = client.post(f"{made['links']['self']}/retry", headers=studio)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:lorespark:problem:conflict")


def test_a_failed_mint_is_followed_by_one_to_the_same_account_once(
    client: TestClient, studio: dict[str, str], failed_mint: str, application: Application
) -> None:
    (job,) = listed(client, studio, state="failed")
    assert (job["id"], job["error"], job["can_retry"]) == (failed_mint, "MintingIsPaused", True)
    again = client.post(job["links"]["retry"], headers=studio)
    assert (again.status_code, again.json()["status"]) == (202, "prepared")
    with application.records.database.reading() as connection:
        mint = connection.execute(select(mints).where(mints.c.id == again.json()["id"])).one()
        assert (mint.recipient, mint.asset_id) == (ALICE, job["asset"])
        assert connection.scalar(select(usage.c.mints)) == 1
        assert mint.id in list(connection.scalars(select(pin_waivers.c.mint_id)))
        assert connection.scalar(select(jobs.c.state).where(jobs.c.record_id == mint.id)) == "queued"
    assert client.post(job["links"]["retry"], headers=studio).status_code == 409
    (job,) = listed(client, studio, state="failed")
    assert job["can_retry"] is False


def test_a_failed_voucher_is_followed_by_one_that_holds_as_long(
    client: TestClient,
    studio: dict[str, str],
    tenant: str,
    add_asset: Callable[..., Asset],
    application: Application,
) -> None:
    asset = add_asset(application, 1, tenant_id=tenant).asset_id
    made = client.post(
        f"/v1/assets/{asset}/claim", json={"to": ALICE, "valid_s": 7200}, headers=studio
    ).json()
    with application.records.database.writing() as connection:
        connection.execute(update(vouchers).values(status="failed", error="withdrawn"))
        connection.execute(jobs.delete())
    again = client.post(f"{made['links']['self']}/retry", headers=studio)
    assert again.status_code == 202, again.text
    with application.records.database.reading() as connection:
        found = connection.execute(select(vouchers).where(vouchers.c.id == again.json()["id"])).one()
        before = connection.execute(select(vouchers).where(vouchers.c.id == made["id"])).one()
    assert (found.status, found.recipient) == ("prepared", ALICE)
    assert 0 <= found.deadline_s - before.deadline_s < 60


def test_a_pin_that_waits_for_its_next_turn_is_taken_now(
    client: TestClient,
    studio: dict[str, str],
    tenant: str,
    add_asset: Callable[..., Asset],
    application: Application,
) -> None:
    asset = add_asset(application, 1, tenant_id=tenant)
    due = select(jobs.c.run_after_ms).where(jobs.c.record_id == "pin-1")
    row = {"asset_id": asset.asset_id, "service": "sample", "metadata_cid": str(asset.metadata_cid)}
    with application.records.database.writing() as connection:
        values = row | {"id": "pin-1", "tenant_id": tenant, "status": "failed", "error": "no answer"}
        connection.execute(insert(pins).values(requested_at=now(), **values))
        enqueue(connection, "pin", "pin-1", tenant, after_s=3600)
        later = connection.scalar(due)
    (job,) = listed(client, studio, kind="pin")
    assert (job["state"], job["error"], job["next_at"] is None) == ("failed", "no answer", False)
    assert client.post(job["links"]["retry"], headers=studio).status_code == 202
    with application.records.database.reading() as connection:
        assert (connection.scalar(due) or 0) < (later or 0)


def test_pages_lead_on_over_all_kinds(client: TestClient, studio: dict[str, str], failed_mint: str) -> None:
    for _ in range(3):
        client.post("/v1/creations", json=WANTED, headers=studio)
    everything = [job["id"] for job in listed(client, studio)]
    seen: list[str] = []
    cursor = None
    while True:
        query = {"limit": 1} | ({} if cursor is None else {"cursor": cursor})
        page = client.get("/v1/jobs", params=query, headers=studio).json()
        seen += [job["id"] for job in page["data"]]
        cursor = page["next"]
        if cursor is None:
            break
    assert len(seen) == 5  # one creation made the asset that is minted
    assert seen == everything


def test_deliveries_are_listed_for_who_manages_webhooks(client: TestClient, headers: Authorised) -> None:
    reader = headers(Scope.READ)
    assert listed(client, reader) == []
    refused = client.get("/v1/jobs", params={"kind": "delivery"}, headers=reader)
    assert refused.json()["type"] == "urn:lorespark:problem:scope-missing"
