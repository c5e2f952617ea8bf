"""Tokens, owners and activity: rows as the index writes them, asked over HTTP."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from assets.asset import Asset
from assets.cid import Cid
from chain.address import ZERO_ADDRESS
from engine.api.account import Scope
from engine.app import Application
from tests.unit.engine.server.chain_rows import (
    ANN,
    BOB,
    CHAIN_ID,
    CONTRACT,
    DIGEST,
    OTHER,
    Headers,
    ids,
    mint,
    moved,
    write,
)


@pytest.mark.usefixtures("indexed")
def test_tokens_are_listed_newest_first_and_filtered(client: TestClient, headers: Headers) -> None:
    key = headers(Scope.READ)
    answer = client.get("/v1/tokens", headers=key)
    assert answer.status_code == 200
    assert ids(answer) == ["256", "260", "259", "257", "256"]
    assert ids(client.get(f"/v1/tokens?contract={OTHER}", headers=key)) == ["256"]
    assert ids(client.get(f"/v1/tokens?owner={BOB}", headers=key)) == ["256", "257"]
    assert ids(client.get(f"/v1/tokens?owner={BOB.lower()}&contract={CONTRACT}", headers=key)) == ["257"]
    since = {"minted_since": "2026-11-25T01:02:00+01:00"}
    assert ids(client.get("/v1/tokens", params=since, headers=key)) == ["256"]
    assert ids(client.get(f"/v1/owners/{ANN}/tokens", headers=key)) == ["260", "259", "256"]
    assert ids(client.get(f"/v1/owners/{CONTRACT}/tokens", headers=key)) == []


@pytest.mark.usefixtures("indexed")
def test_pages_follow_each_other_without_gap(client: TestClient, headers: Headers) -> None:
    key = headers(Scope.READ)
    for path, most in (("/v1/tokens", 5), ("/v1/activity", 8)):
        found, cursor = [], {}
        for _ in range(most):
            page = client.get(path, params={"limit": 2, **cursor}, headers=key).json()
            found += [(each["contract"], each["token_id"], each.get("block_number")) for each in page["data"]]
            if page["next"] is None:
                break
            cursor = {"cursor": page["next"]}
        assert len(found) == len(set(found)) == most


@pytest.mark.usefixtures("indexed")
def test_a_token_tells_its_owner_its_metadata_and_its_transfers(client: TestClient, headers: Headers) -> None:
    key = headers(Scope.READ)
    token = client.get(f"/v1/tokens/{CONTRACT.lower()}/0257", headers=key).json()
    assert (token["owner"], token["token_id"], token["frozen"]) == (BOB, "257", False)
    assert token["metadata_cid"] == str(Cid.raw(bytes.fromhex(DIGEST)))
    told = [(each["sender"], each["receiver"], each["block_number"]) for each in token["transfers"]]
    assert told == [(ANN, BOB, 2), (None, ANN, 1)]
    assert len(client.get(token["links"]["activity"], headers=key).json()["data"]) == 2
    burned = client.get(f"/v1/tokens/{CONTRACT}/258", headers=key).json()
    assert (burned["owner"], burned["transfers"][0]["receiver"]) == (None, None)
    answer = client.get(f"/v1/tokens/{CONTRACT}/999", headers=key)
    assert (answer.status_code, answer.json()["type"]) == (404, "urn:lorespark:problem:unknown-record")
    assert client.get("/v1/index", headers=key).json() == {
        **{"chain_id": CHAIN_ID, "block": 9, "head_block": 50, "contracts": {CONTRACT: "assets"}}
    }


@pytest.mark.parametrize(
    "path",
    [
        "/v1/tokens/none/1",
        f"/v1/tokens/{CONTRACT}/-1",
        f"/v1/tokens/{CONTRACT}/{'9' * 79}",
        "/v1/owners/0x12/tokens",
        f"/v1/owners/{ANN.swapcase().replace('0X', '0x')}/tokens",
        "/v1/tokens?minted_since=yesterday",
        "/v1/tokens?minted_since=2026-11-25T00:00:00",
        "/v1/activity?token_id=1.5",
    ],
)
def test_what_is_no_address_number_or_time_is_refused(
    client: TestClient, headers: Headers, path: str
) -> None:
    assert client.get(path, headers=headers(Scope.READ)).status_code == 422


def test_times_outside_the_calendar_are_refused(client: TestClient, headers: Headers) -> None:
    for time in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"):
        answer = client.get("/v1/tokens", params={"minted_since": time}, headers=headers(Scope.READ))
        assert answer.status_code == 400, answer.text


@pytest.mark.usefixtures("indexed")
def test_the_asset_behind_a_token_is_told_to_its_own_tenant_alone(
    application: Application,
    client: TestClient,
    headers: Headers,
    tenant_of: Callable[..., str],
    add_asset: Callable[..., Asset],
) -> None:
    own, other = headers(), headers()
    asset = add_asset(application, tenant_id=tenant_of(own))
    mint(application, asset, tenant_of(own), "257")
    path, query = (
        f"/v1/tokens/{CONTRACT}/257",
        "{ tokens { data { tokenId mint { asset } } } mints { data { id } } }",
    )
    assert client.get(path, headers=own).json()["asset"] == asset.asset_id
    assert client.get(path, headers=own).json()["links"]["asset"] == f"/v1/assets/{asset.asset_id}"
    assert client.get(path, headers=other).json()["asset"] is None
    assert asset.asset_id not in client.get("/v1/tokens", headers=other).text
    assert asset.asset_id in client.post("/v1/graphql", json={"query": query}, headers=own).text
    foreign = client.post("/v1/graphql", json={"query": query}, headers=other)
    assert foreign.json()["data"]["mints"] == {"data": []}
    assert asset.asset_id not in foreign.text


@pytest.mark.usefixtures("indexed")
def test_an_assets_owner_is_who_the_chain_says(
    application: Application,
    client: TestClient,
    headers: Headers,
    tenant_of: Callable[..., str],
    add_asset: Callable[..., Asset],
) -> None:
    key = headers()
    asset = add_asset(application, tenant_id=tenant_of(key))
    mint(application, asset, tenant_of(key), "256")
    path = f"/v1/assets/{asset.asset_id}"
    row = {"contract": CONTRACT, "token_id": "256", "changed_block": 10}
    write(application, 1, 10, transfers=[moved(10, 256, ANN, BOB)], owners=[{**row, "owner": BOB}])
    assert client.get(path, headers=key).json()["owner"] == BOB
    row["changed_block"] = 11
    write(application, 2, 11, transfers=[moved(11, 256, BOB, ZERO_ADDRESS)], owners=[{**row, "owner": None}])
    assert client.get(path, headers=key).json()["owner"] is None
