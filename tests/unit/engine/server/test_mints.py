"""Mints over HTTP: accepted once, all or nothing, announced at their end, and without a chain to answer a read."""

import json
from collections.abc import Callable

import numpy as np
import pytest
from sqlalchemy import insert, select
from starlette.testclient import TestClient

from assets.asset import Asset
from engine.api.account import Scope
from engine.app import Application
from engine.database.tables import deliveries, jobs, usage, webhooks

Authorised = Callable[..., dict[str, str]]
ALICE = "0x" + "11" * 20


@pytest.fixture
def studio(headers: Authorised) -> dict[str, str]:
    return headers()


@pytest.fixture
def tenant(studio: dict[str, str], tenant_of: Callable[[dict[str, str]], str]) -> str:
    return tenant_of(studio)


@pytest.fixture
def own(application: Application, add_asset: Callable[..., Asset], tenant: str) -> list[str]:
    return [add_asset(application, seed, tenant_id=tenant).asset_id for seed in (1, 2, 3)]


@pytest.fixture
def poor(application: Application, add_asset: Callable[..., Asset], tenant: str) -> str:
    """An asset that fails the quality gate: nothing is drawn."""
    return add_asset(application, 9, np.zeros((32, 32, 4), np.uint8), tenant).asset_id


def waiting(application: Application) -> list[str]:
    with application.records.database.reading() as connection:
        return list(connection.scalars(select(jobs.c.record_id).where(jobs.c.queue == "mint")))


def test_a_mint_is_accepted_once_and_waits_for_a_worker(
    client: TestClient, studio: dict[str, str], own: list[str], application: Application
) -> None:
    first = client.post(f"/v1/assets/{own[0]}/mint", json={"to": ALICE}, headers=studio)
    again = client.post(f"/v1/assets/{own[0]}/mint", json={}, headers=studio)
    assert (first.status_code, first.json()["status"], first.json()["to"]) == (202, "prepared", ALICE)
    assert again.json() == first.json()
    assert first.headers["Location"] == first.json()["links"]["self"]
    assert waiting(application) == [first.json()["id"]]
    found = client.get(first.json()["links"]["self"], headers=studio).json()
    (change,) = found.pop("history")
    assert (change["status"], change["reason"]) == ("prepared", None)
    assert found | {"history": None} == first.json()
    with application.records.database.reading() as connection:
        assert connection.scalar(select(usage.c.mints)) == 1
    assert "connection" not in vars(application), "the chain is the worker's"


def test_without_a_recipient_it_goes_to_the_servers_own_account(
    client: TestClient, studio: dict[str, str], own: list[str], application: Application
) -> None:
    made = client.post(f"/v1/assets/{own[0]}/mint", json={}, headers=studio).json()
    assert made["to"] == application.signer.address
    assert "connection" not in vars(application)


def test_what_fails_the_quality_gate_is_minted_only_by_force(
    client: TestClient, studio: dict[str, str], poor: str, application: Application
) -> None:
    refused = client.post(f"/v1/assets/{poor}/mint", json={"to": ALICE}, headers=studio)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:lorespark:problem:quality-refused")
    assert waiting(application) == []
    forced = client.post(f"/v1/assets/{poor}/mint", json={"to": ALICE, "force": True}, headers=studio)
    assert forced.status_code == 202
    told = client.get(f"/v1/assets/{poor}", headers=studio).json()
    assert told["quality"]["forced"] is True
    metadata = client.get(told["links"]["metadata"], headers=studio).json()
    assert metadata["properties"]["quality"] == told["quality"]


def test_a_batch_is_accepted_whole_or_not_at_all(
    client: TestClient,
    studio: dict[str, str],
    own: list[str],
    poor: str,
    application: Application,
) -> None:
    for wrong, status in (([*own, "asset-0"], 404), ([*own, poor], 409)):
        refused = client.post("/v1/mints", json={"assets": wrong, "to": ALICE}, headers=studio)
        assert refused.status_code == status
        assert client.get("/v1/mints", headers=studio).json()["data"] == []
    made = client.post("/v1/mints", json={"assets": [*own, own[0]], "to": ALICE}, headers=studio)
    assert made.status_code == 202
    assert [mint["asset"] for mint in made.json()["data"]] == own
    assert sorted(waiting(application)) == sorted(mint["id"] for mint in made.json()["data"])


def test_mints_are_listed_by_status_and_asset(
    client: TestClient, studio: dict[str, str], own: list[str], application: Application
) -> None:
    made = client.post("/v1/mints", json={"assets": own, "to": ALICE}, headers=studio).json()["data"]
    application.records.update_mint(made[0]["id"], status="failed", error="refused by the chain")

    def found(query: str) -> set[str]:
        return {mint["id"] for mint in client.get(f"/v1/mints?{query}", headers=studio).json()["data"]}

    assert found("") == {mint["id"] for mint in made}
    assert found("status=failed") == {made[0]["id"]}
    assert found(f"asset={own[1]}") == {made[1]["id"]}
    assert found(f"asset={own[1]}&status=failed") == set()
    first = client.get("/v1/mints?limit=2", headers=studio).json()
    rest = client.get(f"/v1/mints?limit=2&cursor={first['next']}", headers=studio).json()
    assert len({mint["id"] for mint in first["data"] + rest["data"]}) == 3
    assert client.get("/v1/mints?status=lost", headers=studio).status_code == 422


def test_the_end_of_a_mint_is_announced_with_it(
    client: TestClient, studio: dict[str, str], own: list[str], application: Application, tenant: str
) -> None:
    with application.records.database.writing() as connection:
        connection.execute(
            insert(webhooks).values(
                id="webhook-1", tenant_id=tenant, url="https://a", secret="s", events=[], created_at="2026"
            )
        )
    made = client.post(f"/v1/assets/{own[0]}/mint", json={"to": ALICE}, headers=studio).json()
    application.records.update_mint(made["id"], status="sent", tx_hash="0x1")
    for token in ("7", "8"):  # the second comes after the end, and changes and announces nothing
        application.records.update_mint(made["id"], status="confirmed", token_id=token, contract=ALICE)
    with application.records.database.reading() as connection:
        rows = connection.execute(select(deliveries)).all()
    assert [row.event for row in rows] == ["mint.confirmed"]
    told = client.get(made["links"]["self"], headers=studio).json()
    assert [change["status"] for change in told["history"]] == ["prepared", "sent", "confirmed"]
    assert json.loads(rows[0].body)["data"] == told | {"history": None}
    assert told["token_id"] == "7"
    asset = client.get(f"/v1/assets/{own[0]}", headers=studio).json()
    assert asset["token"] == {"chain_id": 31337, "contract": ALICE, "token_id": "7"}
    found = client.get("/v1/assets?minted=true", headers=studio).json()["data"]
    assert [one["id"] for one in found] == [own[0]]


def test_a_failed_mint_may_be_followed_by_another(
    client: TestClient, studio: dict[str, str], own: list[str], application: Application
) -> None:
    first = client.post(f"/v1/assets/{own[0]}/mint", json={"to": ALICE}, headers=studio).json()
    application.records.update_mint(first["id"], status="failed", error="refused")
    second = client.post(f"/v1/assets/{own[0]}/mint", json={"to": ALICE}, headers=studio).json()
    assert second["id"] != first["id"]
    assert waiting(application) == [first["id"], second["id"]]


def test_another_tenants_assets_and_mints_are_like_none(
    client: TestClient, studio: dict[str, str], headers: Authorised, own: list[str]
) -> None:
    made = client.post(f"/v1/assets/{own[0]}/mint", json={"to": ALICE}, headers=studio).json()
    stranger = headers()
    assert client.post(f"/v1/assets/{own[1]}/mint", json={}, headers=stranger).status_code == 404
    assert client.post("/v1/mints", json={"assets": own[1:]}, headers=stranger).status_code == 404
    assert client.get(made["links"]["self"], headers=stranger).status_code == 404
    assert client.get("/v1/mints", headers=stranger).json()["data"] == []


def test_minting_needs_its_scope_and_an_address(
    client: TestClient, studio: dict[str, str], headers: Authorised, own: list[str]
) -> None:
    assert client.post(f"/v1/assets/{own[0]}/mint", json={}, headers=headers(Scope.CREATE)).status_code == 403
    for to, status in (("0x12", 422), ("0x" + "00" * 20, 422)):
        assert client.post(f"/v1/assets/{own[0]}/mint", json={"to": to}, headers=studio).status_code == status


def test_an_upload_is_minted_like_any_asset(
    client: TestClient, studio: dict[str, str], own: list[str]
) -> None:
    media = client.get(f"/v1/assets/{own[0]}/media", headers=studio).content
    png = studio | {"Content-Type": "image/png"}
    made = client.post("/v1/assets?name=bottle&kind=item", content=media, headers=png).json()
    assert client.post(f"/v1/assets/{made['id']}/mint", json={"to": ALICE}, headers=studio).status_code == 202


def test_an_upload_that_shows_nothing_is_refused_with_what_to_do(
    client: TestClient, studio: dict[str, str], poor: str
) -> None:
    media = client.get(f"/v1/assets/{poor}/media", headers=studio).content
    png = studio | {"Content-Type": "image/png"}
    made = client.post("/v1/assets?name=nothing&kind=item", content=media, headers=png).json()
    refused = client.post(f"/v1/assets/{made['id']}/mint", json={"to": ALICE}, headers=studio)
    assert refused.status_code == 409
    assert "upload another picture" in refused.json()["detail"]
