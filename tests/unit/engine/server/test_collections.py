"""Collections over HTTP: made, changed, filled and emptied."""

from collections.abc import Callable

import pytest
from starlette.testclient import TestClient

from assets.asset import Asset
from engine.app import Application

Authorised = Callable[..., dict[str, str]]


@pytest.fixture
def studio(headers: Authorised) -> dict[str, str]:
    return headers()


@pytest.fixture
def own(
    application: Application,
    add_asset: Callable[..., Asset],
    studio: dict[str, str],
    tenant_of: Callable[[dict[str, str]], str],
) -> list[str]:
    tenant = tenant_of(studio)
    return [add_asset(application, seed, tenant_id=tenant).asset_id for seed in (1, 2, 3)]


@pytest.fixture
def made(client: TestClient, studio: dict[str, str], own: list[str]) -> str:
    wanted = {"name": "Forest", "description": "What grows there.", "assets": [own[2], own[0], own[2]]}
    answer = client.post("/v1/collections", json=wanted, headers=studio)
    assert (answer.status_code, answer.json()["asset_count"]) == (201, 2)
    assert answer.headers["Location"] == answer.json()["links"]["self"]
    return str(answer.headers["Location"])


def test_a_collection_is_told_and_lists_its_assets(
    client: TestClient, studio: dict[str, str], made: str, own: list[str]
) -> None:
    told = client.get(made, headers=studio).json()
    assert (told["name"], told["description"]) == ("Forest", "What grows there.")
    listed = client.get(told["links"]["assets"], headers=studio).json()["data"]
    assert {asset["id"] for asset in listed} == {own[0], own[2]}
    assert all(asset["collections"] == [told["id"]] for asset in listed)
    assert client.get("/v1/collections", headers=studio).json()["data"] == [told]


def test_putting_and_taking_twice_is_the_same_as_once(
    client: TestClient, studio: dict[str, str], made: str, own: list[str]
) -> None:
    for count in (3, 3):
        assert client.put(f"{made}/assets/{own[1]}", headers=studio).status_code == 204
        assert client.get(made, headers=studio).json()["asset_count"] == count
    for count in (2, 2):
        assert client.delete(f"{made}/assets/{own[0]}", headers=studio).status_code == 204
        assert client.get(made, headers=studio).json()["asset_count"] == count


def test_a_change_leaves_what_it_does_not_name(client: TestClient, studio: dict[str, str], made: str) -> None:
    told = client.patch(made, json={"name": "Wood"}, headers=studio).json()
    assert (told["name"], told["description"]) == ("Wood", "What grows there.")
    assert client.patch(made, json={"description": ""}, headers=studio).json()["description"] == ""
    assert client.patch(made, json={"name": ""}, headers=studio).status_code == 422
    assert client.patch(made, json={"nmae": "x"}, headers=studio).status_code == 422


def test_the_end_of_a_collection_leaves_its_assets(
    client: TestClient, studio: dict[str, str], made: str, own: list[str]
) -> None:
    assert client.delete(made, headers=studio).status_code == 204
    assert client.get(made, headers=studio).status_code == 404
    assert client.delete(made, headers=studio).status_code == 404
    assert client.get(f"/v1/assets/{own[0]}", headers=studio).json()["collections"] == []


def test_a_collection_with_a_strangers_asset_is_not_made(
    client: TestClient, studio: dict[str, str], headers: Authorised, own: list[str]
) -> None:
    stranger = headers()
    refused = client.post("/v1/collections", json={"name": "Loot", "assets": own[:1]}, headers=stranger)
    assert (refused.status_code, refused.json()["type"]) == (404, "urn:lorespark:problem:unknown-asset")
    assert client.get("/v1/collections", headers=stranger).json()["data"] == []


def test_another_tenants_collection_is_like_one_that_does_not_exist(
    client: TestClient, headers: Authorised, made: str, own: list[str]
) -> None:
    stranger = headers()
    nobodys = "/v1/collections/collection-0"
    for method, path, body in (
        ("GET", "", None),
        ("PATCH", "", {"name": "x"}),
        ("DELETE", "", None),
        ("PUT", f"/assets/{own[0]}", None),
        ("DELETE", f"/assets/{own[0]}", None),
        ("GET", "/sheet", None),
        ("GET", "/car", None),
    ):
        answers = [
            client.request(method, f"{base}{path}", json=body, headers=stranger) for base in (made, nobodys)
        ]
        assert [answer.status_code for answer in answers] == [404, 404], (method, path)
        assert (
            answers[0].json()["type"] == answers[1].json()["type"] == "urn:lorespark:problem:unknown-record"
        )
    assert (
        client.get(f"/v1/assets?collection={made.rpartition('/')[2]}", headers=stranger).json()["data"] == []
    )


def test_names_with_control_characters_are_refused(client: TestClient, studio: dict[str, str]) -> None:
    for wanted in (
        {"name": "a\u0000b"},
        {"name": "x", "description": "\u0000"},
        {"name": "x", "assets": ["\u0000"]},
    ):
        assert client.post("/v1/collections", json=wanted, headers=studio).status_code == 400
    assert client.get("/v1/collections/%00", headers=studio).status_code == 400
