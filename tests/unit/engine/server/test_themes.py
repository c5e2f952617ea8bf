"""Themed collections over the API: all creations at once, their traits in the tokens' metadata, and the rarity."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from engine.app import Application
from tests.unit.engine.server.creating import Worker

TRAITS = [
    {"name": "Hat", "values": [{"value": "crown"}, {"value": "none", "weight": 5}]},
    {"name": "Weapon", "values": [{"value": "sword", "weight": 3}, {"value": "axe"}]},
]
THEME = {"theme": "a brave knight", "count": 4, "kinds": ["character"], "traits": TRAITS, "seed": 7}


@pytest.fixture
def studio(headers: Callable[..., dict[str, str]]) -> dict[str, str]:
    return headers()


@pytest.fixture
def collection(client: TestClient, studio: dict[str, str]) -> str:
    made: str = client.post("/v1/collections", json={"name": "Knights"}, headers=studio).json()["id"]
    return made


def test_a_theme_is_drawn_into_the_collection_with_its_traits(
    client: TestClient, application: Application, worker: Worker, studio: dict[str, str], collection: str
) -> None:
    path = f"/v1/collections/{collection}"
    made = client.post(f"{path}/creations", json=THEME, headers=studio)
    assert made.status_code == 202, made.text
    prompts = [each["prompt"] for each in made.json()["data"]]
    assert len(set(prompts)) == 4
    assert all(prompt.startswith("brave knight, ") for prompt in prompts)
    worker.work()
    told = client.get(f"/v1/assets?collection={collection}", headers=studio).json()["data"]
    assert sorted(each["prompt"] for each in told) == sorted(prompts)
    metadata = client.get(told[0]["links"]["metadata"], headers=studio).json()
    named = {each["trait_type"]: each["value"] for each in metadata["attributes"]}
    assert named["Hat"] in ("crown", "none")
    rarity = client.get(f"{path}/rarity", headers=studio).json()
    hats = {each["value"]: each["count"] for each in rarity["traits"] if each["trait"] == "Hat"}
    assert hats == {"crown": 2, "none": 2}, "each of the four that there are, once"
    assert [each["rank"] for each in rarity["assets"]] == [1, 1, 1, 1]


@pytest.mark.parametrize(
    ("wanted", "pointer"),
    [
        ({"count": 5}, "#/traits"),
        ({"theme": "  ", "traits": []}, "#/theme"),
        ({"controls": {"palette": "nothing"}}, "#/controls/palette"),
        ({"kinds": ["clip"], "traits": []}, "#/theme"),
    ],
)
def test_a_theme_that_cannot_be_drawn_queues_nothing(
    client: TestClient, studio: dict[str, str], collection: str, wanted: dict[str, Any], pointer: str
) -> None:
    answer = client.post(f"/v1/collections/{collection}/creations", json=THEME | wanted, headers=studio)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, pointer), answer.text
    assert client.get("/v1/creations", headers=studio).json()["data"] == []


def test_what_the_quota_has_no_room_for_is_not_begun(
    client: TestClient, headers: Callable[..., dict[str, str]]
) -> None:
    small = headers(concurrent=3)
    collection = client.post("/v1/collections", json={"name": "Knights"}, headers=small).json()["id"]
    answer = client.post(f"/v1/collections/{collection}/creations", json=THEME, headers=small)
    assert answer.status_code == 429
    assert client.get("/v1/creations", headers=small).json()["data"] == []
