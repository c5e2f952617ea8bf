"""Drops: who may claim what and when, and that no two claims get one asset."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from assets.asset import Asset
from chain.asset_contract import AssetContract
from engine.app import Application
from engine.database import tables
from engine.database.players import player_at
from engine.database.vouchers import QUEUE
from engine.errors import Conflict
from engine.server.app import server
from engine.server.drop_desk import ClaimDesk
from tests.unit.engine.server.test_vouchers import send
from tests.unit.engine.server.wallets import ORIGIN, Wallet, sign_in

LATER = (datetime.now(UTC) + timedelta(days=1)).isoformat()
Make = Callable[..., dict[str, Any]]


@pytest.fixture
def browser(application: Application) -> Iterator[TestClient]:
    with TestClient(server(application), base_url=ORIGIN, headers={"Origin": ORIGIN}) as browser:
        yield browser


@pytest.fixture
def studio(headers: Callable[..., dict[str, str]]) -> dict[str, str]:
    return headers()


@pytest.fixture
def make(
    client: TestClient,
    application: Application,
    studio: dict[str, str],
    tenant_of: Callable[[dict[str, str]], str],
    add_asset: Callable[..., Asset],
) -> Make:
    """Opens a drop of so many assets."""

    def make(count: int = 2, drawn: Any = None, **wanted: Any) -> dict[str, Any]:
        ids = [
            add_asset(application, seed, drawn, tenant_id=tenant_of(studio)).asset_id
            for seed in range(1, count + 1)
        ]
        collection = client.post(
            "/v1/collections", json={"name": "Sea", "assets": ids}, headers=studio
        ).json()
        body = {"collection": collection["id"], "ends_at": LATER, **wanted}
        made = client.post("/v1/drops", json=body, headers=studio)
        assert made.status_code == 201, made.text
        found: dict[str, Any] = made.json()
        return found

    return make


def claim(browser: TestClient, drop: dict[str, Any]) -> Any:
    return browser.post(f"{drop['links']['self']}/claim")


def test_a_player_claims_takes_it_onto_the_chain_and_sees_the_token(
    browser: TestClient, application: Application, make: Make
) -> None:
    drop, wallet = make(), Wallet()
    seen = browser.get(drop["links"]["self"]).json()
    assert (seen["state"], seen["total"], seen["left"], len(seen["assets"])) == ("open", 2, 2, 2)
    sign_in(browser, wallet)
    first = claim(browser, drop)
    assert first.status_code == 202, first.text
    assert claim(browser, drop).json() == first.json(), "asked again it goes on with the same"
    application.jobs.finish(QUEUE, first.json()["voucher"])
    voucher = browser.get(first.headers["Location"]).json()
    send(application, voucher["promise"]["transaction"])
    follower = application.follower
    assert follower is not None
    assert application.claims.settle(follower.follow().head_block) == 1
    mine = browser.get(f"{drop['links']['self']}/claims").json()
    assert [(each["status"], each["token_id"]) for each in mine["data"]] == [("claimed", "256")]
    assert "one to each account" in mine["refusal"]
    assert AssetContract(application.connection.web3, voucher["collection"]).owner_of(256) == wallet.address
    assert claim(browser, drop).status_code == 409
    assert browser.get(drop["links"]["self"]).json()["left"] == 1


def test_claims_at_once_get_different_assets_and_no_more_than_there_are(
    application: Application, make: Make
) -> None:
    drop = make(3)
    with application.records.database.writing() as connection:
        players = [player_at(connection, Wallet().address) for _ in range(8)]

    def ask(number: int) -> str | None:
        try:
            return ClaimDesk(application, players[number]).claim(drop["id"]).asset
        except Conflict:
            return None

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(ask, range(8)))
    given = [each for each in found if each is not None]
    assert len(given) == len(set(given)) == 3


def test_claims_of_one_account_at_once_give_one(application: Application, make: Make) -> None:
    drop = make(4)
    with application.records.database.writing() as connection:
        player = player_at(connection, Wallet().address)
    with ThreadPoolExecutor(4) as pool:
        asked = [pool.submit(ClaimDesk(application, player).claim, drop["id"]) for _ in range(4)]
        assert len({each.result().voucher for each in asked}) == 1


def test_only_who_is_listed_claims(client: TestClient, browser: TestClient, make: Make, studio: Any) -> None:
    wallet = Wallet()
    drop = make(listed_only=True, addresses=[wallet.address.lower(), wallet.address])
    assert drop["addresses"] == 1
    sign_in(browser, Wallet())
    assert "not on this drop's list" in claim(browser, drop).json()["detail"]
    sign_in(browser, wallet)
    assert claim(browser, drop).status_code == 202
    path = drop["links"]["self"]
    assert client.patch(path, json={"addresses": []}, headers=studio).status_code == 422
    assert client.patch(path, json={"addresses": [], "listed_only": False}, headers=studio).status_code == 200


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"closed": True}, "closed"),
        ({"starts_at": "2001-01-01T00:00:00Z", "ends_at": "2001-01-02T00:00:00Z"}, "ended"),
        ({"starts_at": "2990-01-01T00:00:00Z", "ends_at": "2990-01-02T00:00:00Z"}, "begins"),
    ],
)
def test_nothing_is_claimed_from_a_drop_that_is_not_open(
    client: TestClient, browser: TestClient, make: Make, studio: Any, changed: dict[str, Any], told: str
) -> None:
    drop = make()
    assert client.patch(drop["links"]["self"], json=changed, headers=studio).status_code == 200
    sign_in(browser, Wallet())
    refused = claim(browser, drop)
    assert (refused.status_code, told in refused.json()["detail"]) == (409, True)


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        ({"ends_at": "2001-01-01T00:00:00Z"}, "#/ends_at"),
        ({"listed_only": True}, "#/addresses"),
        ({"addresses": ["0x" + "aB" * 20]}, "#/addresses"),
        ({"addresses": ["0x" + "00" * 20]}, "#/addresses"),
        ({"collection": "collection-none"}, "#/collection"),
    ],
)
def test_a_drop_that_cannot_be_is_refused_at_its_field(
    client: TestClient, studio: dict[str, str], wanted: dict[str, Any], pointer: str
) -> None:
    collection = client.post("/v1/collections", json={"name": "Sea"}, headers=studio).json()["id"]
    answer = client.post(
        "/v1/drops", json={"collection": collection, "ends_at": LATER, **wanted}, headers=studio
    )
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer)


def test_a_collection_is_one_drop(client: TestClient, make: Make, studio: dict[str, str]) -> None:
    drop = make()
    again = {"collection": drop["collection"], "ends_at": LATER}
    assert client.post("/v1/drops", json=again, headers=studio).status_code == 409
    assert [each["id"] for each in client.get("/v1/drops", headers=studio).json()["data"]] == [drop["id"]]


def test_what_expired_is_free_again_and_counts_no_more(
    browser: TestClient, application: Application, make: Make
) -> None:
    drop = make(1)
    sign_in(browser, Wallet())
    first = claim(browser, drop).json()
    with application.records.database.writing() as connection:
        connection.execute(update(tables.vouchers).values(status="expired", deadline_s=int(time.time()) - 1))
    second = claim(browser, drop).json()
    assert (second["asset"], second["voucher"] != first["voucher"]) == (first["asset"], True)


def test_what_fails_the_quality_gate_is_not_given(
    browser: TestClient, make: Make, pixels: Callable[..., Any]
) -> None:
    drop = make(2, pixels() * 0)
    sign_in(browser, Wallet())
    assert "Nothing is left" in claim(browser, drop).json()["detail"]


def test_nobody_who_is_not_signed_in_and_no_other_site_claims(browser: TestClient, make: Make) -> None:
    drop = make()
    assert claim(browser, drop).status_code == 401
    sign_in(browser, Wallet())
    evil = browser.post(f"{drop['links']['self']}/claim", headers={"Origin": "http://evil.example"})
    assert evil.status_code == 403
    assert browser.get("/v1/drops/drop-none").status_code == 404
