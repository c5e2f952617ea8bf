"""The OpenAPI document, and the page of it."""

from html.parser import HTMLParser
from typing import Any

import pytest
from pydantic import TypeAdapter
from starlette.testclient import TestClient

from engine.api.problem import Problem
from engine.app import Application
from engine.server.app import server

PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}


@pytest.fixture
def document(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


def keyed(document: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        operation
        for path, item in document["paths"].items()
        for operation in item.values()
        if path.startswith("/v1/")
    ]


def test_every_operation_under_v1_says_which_problems_there_are(document: dict[str, Any]) -> None:
    assert keyed(document)
    for operation in keyed(document):
        for status in ("400", "401", "403", "404", "409", "413", "422", "429", "5XX"):
            assert operation["responses"][status]["content"] == PROBLEM
        assert "Retry-After" in operation["responses"]["429"]["headers"]
        assert all("RateLimit" in answer["headers"] for answer in operation["responses"].values())


def test_every_operation_under_v1_names_the_key_and_the_scope_it_needs(document: dict[str, Any]) -> None:
    assert document["components"]["securitySchemes"]["key"]["scheme"] == "bearer"
    players = {"nonce": [], "login": [], "session": [{"session": []}], "logout": [{"session": []}]}
    public = [
        document["paths"]["/v1/drops/{drop_id}"]["get"],
        document["paths"]["/v1/drops/{drop_id}/claim"]["post"],
        document["paths"]["/v1/drops/{drop_id}/claims"]["get"],
    ]
    assert [operation.get("security", []) for operation in public] == [
        [],
        [{"session": []}],
        [{"session": []}],
    ]
    for operation in keyed(document):
        own = "wallet" in operation["tags"] or operation in public
        assert own or list(operation["security"][0]) == ["key"]
    for name, security in players.items():
        (operation,) = document["paths"][f"/v1/wallet/{name}"].values()
        assert operation.get("security", []) == security
    assert document["paths"]["/v1/keys"]["post"]["security"] == [{"key": ["admin"]}]
    assert document["paths"]["/v1/me"]["get"]["security"] == [{"key": []}]
    claims = document["paths"]["/v1/assets/{asset_id}/claim"]["post"]["security"]
    assert claims == [{"key": ["mint"]}, {"session": []}], "a studio's key or a player's session"


def test_what_a_route_says_of_its_own_errors_stays(application: Application) -> None:
    app = server(application)
    own = {"application/json": {"example": {"error": {}}}}
    app.get(
        "/v1/other", responses={403: {"description": "Other", "content": own}, 418: {"description": "Tea"}}
    )(lambda: None)
    answers = app.openapi()["paths"]["/v1/other"]["get"]["responses"]
    assert (answers["403"]["description"], answers["403"]["content"]) == ("Other", own)
    assert (answers["418"]["description"], answers["418"]["content"]) == ("Tea", PROBLEM)
    assert answers["401"]["content"] == PROBLEM


def test_the_document_has_no_error_of_a_form_that_no_answer_has(client: TestClient) -> None:
    text = client.get("/openapi.json").text
    assert "HTTPValidationError" not in text
    assert '"ValidationError"' not in text
    assert client.get("/openapi.json").text == text


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [found for item in value.values() for found in references(item)]
        return [found for item in value for found in references(item)] if isinstance(value, list) else []

    schemas = document["components"]["schemas"]
    assert {found.removeprefix("#/components/schemas/") for found in references(document)} <= set(schemas)
    assert document["servers"] == [{"url": "/"}]
    assert document["info"]["description"]


def test_what_an_error_answers_with_is_a_problem(client: TestClient) -> None:
    for answer in (
        client.get("/nope"),
        client.get("/v1/me"),
        client.get("/readyz?x", headers={"Range": "x"}),
    ):
        if answer.status_code >= 400:
            told = TypeAdapter(Problem).validate_json(answer.content)
            assert (told.status, told.type[:22]) == (answer.status_code, "urn:lorespark:problem:")


class Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: set[str] = set()
        self.ids: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        found = dict(attrs)
        self.links |= {value for name in ("href", "src") if (value := found.get(name)) is not None}
        self.ids |= {value for name in ("id",) if (value := found.get(name)) is not None}


def test_the_page_shows_every_operation_and_fetches_nothing(
    client: TestClient, document: dict[str, Any]
) -> None:
    answer = client.get("/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    page = Page()
    page.feed(answer.text)
    assert page.tags.isdisjoint({"script", "link", "img", "iframe"})
    assert {link for link in page.links if not link.startswith("#")} == {"openapi.json"}
    assert {link[1:] for link in page.links if link.startswith("#")} <= page.ids
    assert set(document["components"]["schemas"]) == page.ids
    for path in document["paths"]:
        assert path in answer.text
