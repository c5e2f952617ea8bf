"""The graph over tokens, transfers, mints and vouchers, asked over HTTP."""

from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLObjectType, build_schema
from sqlalchemy import event
from starlette.testclient import TestClient

from engine.api.account import Scope
from engine.app import Application
from engine.server.graph.limits import LISTS
from tests.unit.engine.server.chain_rows import ANN, Headers, ask


@pytest.mark.usefixtures("indexed")
def test_the_graph_answers_what_is_asked_in_a_few_statements(
    application: Application, client: TestClient, headers: Headers
) -> None:
    statements: list[str] = []

    def count(_: Any, __: Any, statement: str, *___: Any) -> None:
        statements.append(statement)

    query = """
      query ($owner: String!, $first: Int = 10) {
        index { block headBlock }
        owner(address: $owner) { tokenCount tokens(first: 1) { tokenId } }
        tokens(first: $first) {
          data { contract tokenId owner { address tokenCount } transfers(first: 1) { sender { address } at } }
          next
        }
      }"""
    key = headers(Scope.READ)
    ask(client, key, "{ index { block } }")
    event.listen(application.records.database.engine, "before_cursor_execute", count)
    answer = ask(client, key, query, owner=ANN).json()
    assert "errors" not in answer
    assert answer["data"]["index"] == {"block": 9, "headBlock": 50}
    assert answer["data"]["owner"] == {"tokenCount": 3, "tokens": [{"tokenId": "260"}]}
    rows = answer["data"]["tokens"]["data"]
    assert [row["owner"]["tokenCount"] for row in rows] == [2, 3, 3, 2, 3]
    assert [row["transfers"][0]["sender"] for row in rows] == [None, None, None, {"address": ANN}, None]
    assert len([each for each in statements if each.startswith("SELECT")]) <= 9, statements


@pytest.mark.usefixtures("indexed")
def test_the_query_that_the_documentation_shows_takes_eight_statements(
    application: Application, client: TestClient, headers: Headers
) -> None:
    text = (Path(__file__).parents[4] / "docs" / "indexer.md").read_text(encoding="utf-8")
    query, key = text.split("```graphql\n")[1].split("```")[0], headers(Scope.READ)
    found: list[int] = []
    for _ in range(2):  # the first makes the schema and opens connections
        statements: list[str] = []

        def count(_: Any, __: Any, statement: str, *___: Any, into: list[str] = statements) -> None:
            into.append(statement)

        event.listen(application.records.database.engine, "before_cursor_execute", count)
        answer = ask(client, key, query, owner=ANN).json()
        assert "errors" not in answer
        assert len(answer["data"]["owner"]["tokens"]) == 3
        found.append(len([each for each in statements if "api_keys" not in each]))
    assert found[1] <= 8, statements


@pytest.mark.usefixtures("indexed")
def test_the_graph_gives_pages_and_tells_what_a_part_of_it_refuses(
    client: TestClient, headers: Headers
) -> None:
    key = headers(Scope.READ)
    query = "query ($after: String) { transfers(first: 6, after: $after) { data { tokenId token { frozen } } next } }"
    first = ask(client, key, query).json()["data"]["transfers"]
    second = ask(client, key, query, after=first["next"]).json()["data"]["transfers"]
    assert (len(first["data"]), len(second["data"]), second["next"]) == (6, 2, None)
    answer = ask(client, key, '{ index { block } token(contract: "none", tokenId: "1") { frozen } }').json()
    assert answer["data"] == {"index": {"block": 9}, "token": None}
    assert answer["errors"][0]["path"] == ["token"]
    assert "begins with 0x" in answer["errors"][0]["message"]
    answer = ask(client, key, "{ tokens(first: 101) { next } }")
    assert "may be 1 to 100" in answer.json()["errors"][0]["message"]
    answer = ask(client, key, '{ tokens(after: "x") { next } }')
    assert "cursor" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("{ index { ", "cannot be read"),
        ("{ nothing }", "nothing"),
        ("mutation { index { block } }", "send a query"),
        ("{ __schema { types { name } } }", "GET /v1/graphql"),
        ('{ __type(name: "Token") { name } }', "GET /v1/graphql"),
        (
            "{ index { __typename ...A } } fragment A on Index { ...B } fragment B on Index { ...A }",
            "spreads itself",
        ),
        ("{ index { ...A } }", "no fragment 'A'"),
        ("{ tokens(first: 100) { data { transfers(first: 100) { at } } } }", "may for 5,000"),
        ("{ tokens(first: 51) { data { owner { tokens(first: 100) { frozen } } } } }", "may for 5,000"),
        ("{ a: index { block } " * 300, "cannot be read"),
        (
            "{ tokens(first: 1) { data { "
            + "owner { tokens(first: 1) { " * 4
            + "frozen"
            + "} }" * 4
            + "} } }",
            "levels",
        ),
        ("{ " + " ".join(f"a{n}: index {{ block }}" for n in range(400)) + " }", "cannot be read"),
    ],
)
def test_queries_that_ask_for_too_much_or_cannot_be_read_are_refused(
    client: TestClient, headers: Headers, query: str, told: str
) -> None:
    answer = ask(client, headers(Scope.READ), query)
    assert answer.status_code == 400, answer.text
    assert answer.json()["type"] == "urn:lorespark:problem:invalid-request"
    assert told in answer.json()["detail"]


def test_a_number_in_a_variable_counts_as_one_in_the_query(client: TestClient, headers: Headers) -> None:
    query = "query ($n: Int!) { tokens(first: $n) { data { transfers(first: $n) { at } } } }"
    key = headers(Scope.READ)
    assert ask(client, key, query, n=50).status_code == 200
    assert ask(client, key, query, n=100).status_code == 400
    doubled = query.replace("($n: Int!)", "($n: Int = 100)")
    assert ask(client, key, doubled).status_code == 400


def test_each_operation_costs_what_its_own_variables_make_of_it(client: TestClient, headers: Headers) -> None:
    """The defaults of the last operation counted for all, so that a first one could ask for any number of things."""
    nested = (
        "tokens(first: $n) { data { transfers(first: $n) { sender { tokens(first: $n) { tokenId } } } } }"
    )
    query = f"query Many($n: Int! = 100) {{ {nested} }} query Few($n: Int! = 1) {{ {nested} }}"
    for operations in (query, " query ".join(["", *reversed(query.split("query ")[1:])])):
        answer = client.post(
            "/v1/graphql", json={"query": operations, "operationName": "Many"}, headers=headers(Scope.READ)
        )
        assert answer.status_code == 400, answer.text
        assert "fields" in answer.json()["detail"]


def test_fragments_that_spread_each_other_twice_cost_what_they_make(
    client: TestClient, headers: Headers
) -> None:
    chain = " ".join(f"fragment F{n} on Index {{ ...F{n + 1} ...F{n + 1} }}" for n in range(30))
    query = "{ index { ...F0 } } " + chain + " fragment F30 on Index { block }"
    answer = ask(client, headers(Scope.READ), query)
    assert (answer.status_code, "may for 5,000" in answer.text) == (400, True)


def test_the_schema_is_told_as_a_text_and_its_lists_cost_what_they_give(
    client: TestClient, headers: Headers
) -> None:
    answer = client.get("/v1/graphql", headers=headers(Scope.READ))
    assert answer.headers["content-type"].startswith("text/plain")
    types = [
        each for each in build_schema(answer.text).type_map.values() if isinstance(each, GraphQLObjectType)
    ]
    lists = {name for each in types for name, field in each.fields.items() if "first" in field.args}
    assert lists == LISTS
    assert "mutation" not in answer.text.lower()


def test_what_fails_inside_is_not_told(
    client: TestClient, headers: Headers, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr("engine.server.graph.schema.index_state", broken)
    answer = ask(client, headers(Scope.READ), "{ index { block } }")
    assert answer.status_code == 200
    assert "a secret" not in answer.text + caplog.text
    assert "RuntimeError" in caplog.text
