"""Errors as problem details."""

import logging
from collections.abc import Callable, Iterator

import pytest
from pydantic import BaseModel
from starlette.testclient import TestClient

from assets.errors import StorageFailed, StorageFull
from chain.errors import NodeUnreachable, SignerUnavailable
from engine.app import Application
from engine.errors import DatabaseUnusable, UnknownAsset
from engine.server.app import server
from engine.server.problem_kinds import KINDS, TYPE_PREFIX

SECRET = "key-3f9a"


class Wish(BaseModel):
    count: int
    tags: list[str]


@pytest.fixture
def client(application: Application) -> Iterator[TestClient]:
    """The server with endpoints that fail."""
    app = server(application)
    raised: dict[str, Exception] = {
        "asset": UnknownAsset("There is no such asset; list them."),
        "full": StorageFull("Could not store blocks: the disk is full. Free some space."),
        "database": DatabaseUnusable(f"The database /home/{SECRET}/records.db cannot be read; restore it."),
        "chain": NodeUnreachable(f"Asking {SECRET} failed; check it."),
        "signer": SignerUnavailable(f"Asking {SECRET} failed; check it."),
        "unforeseen": ZeroDivisionError(SECRET),
    }

    @app.get("/raise/{name}")
    def fail(name: str) -> None:
        raise raised[name]

    @app.post("/wishes/{place}")
    def wish(place: int, wish: Wish, limit: int = 1) -> None:
        return None

    with TestClient(app) as client:
        yield client


@pytest.mark.parametrize(
    ("name", "status", "kind"),
    [
        ("asset", 404, "unknown-asset"),
        ("full", 500, "storage-failed"),
        ("database", 503, "storage-unusable"),
        ("chain", 503, "chain-unreachable"),
        ("signer", 503, "signer-unreachable"),
        ("unforeseen", 500, "internal"),
    ],
)
def test_each_error_has_its_status_and_type_and_none_tells_what_is_the_operators(
    client: TestClient, name: str, status: int, kind: str
) -> None:
    answer = client.get(f"/raise/{name}")
    assert (answer.status_code, answer.json()["type"]) == (status, TYPE_PREFIX + kind)
    assert answer.headers["content-type"] == "application/problem+json"
    assert SECRET not in answer.text
    assert "Traceback" not in answer.text


def test_the_log_says_where_an_unforeseen_error_came_from_and_not_what_it_held(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        client.get("/raise/unforeseen")
    assert "ZeroDivisionError" in caplog.text
    assert "raise raised[name]" in caplog.text
    assert SECRET not in caplog.text


@pytest.mark.parametrize("path", ["/nope", "/healthz/", "/ipfs", "/ipfs/", "/docs/"])
def test_an_unknown_path_is_a_problem_too(client: TestClient, path: str) -> None:
    answer = client.get(path, follow_redirects=False)
    assert (answer.status_code, answer.json()["type"]) == (404, TYPE_PREFIX + "unknown-path")
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_wrong_method_is_told_the_right_one(client: TestClient) -> None:
    answer = client.delete("/healthz")
    assert (answer.status_code, answer.json()["type"]) == (405, TYPE_PREFIX + "method-not-allowed")
    assert answer.headers["allow"] == "GET"
    assert "use GET" in answer.json()["detail"]


def test_a_wrong_method_is_told_all_right_ones_of_its_path(client: TestClient) -> None:
    assert client.put("/v1/keys").headers["allow"] == "GET, POST"
    assert client.options("/v1/keys/key-1").headers["allow"] == "GET, DELETE"


def test_each_field_that_cannot_be_used_is_pointed_at(client: TestClient) -> None:
    answer = client.post("/wishes/here?limit=all", json={"count": "many", "tags": ["a", 1]})
    assert (answer.status_code, answer.json()["type"]) == (422, TYPE_PREFIX + "invalid-fields")
    found = {(field["in"], field["pointer"]) for field in answer.json()["errors"]}
    assert found == {("path", "#/place"), ("query", "#/limit"), ("body", "#/count"), ("body", "#/tags/1")}


def test_a_body_that_is_no_json_is_a_problem(client: TestClient) -> None:
    answer = client.post("/wishes/1", content=b"{", headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (400, TYPE_PREFIX + "invalid-body")


def test_an_error_that_has_no_kind_takes_that_of_what_it_is() -> None:
    assert StorageFull not in KINDS
    assert KINDS[StorageFailed].name == "storage-failed"


def test_no_two_kinds_of_one_name_differ() -> None:
    by_name: dict[str, set[object]] = {}
    for kind in KINDS.values():
        by_name.setdefault(kind.name, set()).add(kind)
    assert all(len(kinds) == 1 for kinds in by_name.values())


def test_what_does_not_match_is_told_in_words(
    client: TestClient, headers: Callable[..., dict[str, str]]
) -> None:
    mint = client.post("/v1/mints", json={"assets": ["a"], "to": "0x12"}, headers=headers())
    assert "0x and 40 hexadecimal digits" in mint.json()["errors"][0]["detail"]
    tag = client.get("/v1/assets", params={"tag": "Forest Level"}, headers=headers())
    assert "small letter or digit" in tag.json()["errors"][0]["detail"]
    assert "pattern" not in mint.text + tag.text
