"""Tokens, owners, activity and the graph over them: rows as the index writes them, asked over HTTP."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLObjectType, build_schema
from sqlalchemy import event, insert
from starlette.testclient import TestClient

from assets.asset import Asset
from assets.cid import Cid
from chain.address import ZERO_ADDRESS
from engine.api.account import Scope
from engine.app import Application
from engine.database.chain_index import Batch, advance, watch, write_batch
from engine.database.clock import now
from engine.database.tables import mints
from engine.server.graph.limits import LISTS

Headers = Callable[..., dict[str, str]]
CHAIN_ID = 31_337
CONTRACT = "0xAE519FC2Ba8e6fFE6473195c092bF1BAe986ff90"
OTHER = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
ANN = "0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A"
BOB = "0x1C5A77d9FA7eF466951B2F01F724BCa3A5820b63"
DIGEST = "5feceb66ffc86f38d952786c6d696c79c2dbc239dd4e91b46729d73a27fb57e9"


def moved(block: int, token_id: int, sender: str, receiver: str, contract: str = CONTRACT) -> dict[str, Any]:
    return {
        **{"block_number": block, "log_index": token_id % 256, "contract": contract},
        **{"token_id": str(token_id), "sender": sender, "receiver": receiver},
        **{"tx_hash": f"0x{block:064x}", "at": f"2026-11-25T00:{block:02d}:00Z"},
    }


def minted(block: int, token_id: int, owner: str, contract: str = CONTRACT) -> dict[str, Any]:
    return {
        **{"contract": contract, "token_id": str(token_id), "owner": owner, "frozen": False},
        **{"digest": DIGEST, "minted_digest": DIGEST, "minted_block": block, "minted_index": token_id % 256},
        **{
            "minted_tx": f"0x{block:064x}",
            "minted_at": f"2026-11-25T00:{block:02d}:00Z",
            "changed_block": block,
        },
    }


def write(application: Application, version: int, last_block: int, **rows: Sequence[dict[str, Any]]) -> None:
    with application.records.database.writing() as connection:
        watch(connection, CHAIN_ID, CONTRACT, "assets", 0)
        assert advance(connection, CHAIN_ID, version, 50)
        first = min(
            row.get("block_number", row.get("changed_block", 0)) for each in rows.values() for row in each
        )
        batch = Batch((CONTRACT,), first, last_block, {last_block: f"0x{last_block:064x}"}, **rows)
        write_batch(connection, CHAIN_ID, batch)


@pytest.fixture
def indexed(application: Application) -> None:
    """Ann minted 256 to 260 in block 1, of which she gave 257 to Bob and burned 258; Bob minted one elsewhere."""
    ours = range(256, 261)
    write(
        application,
        0,
        9,
        tokens=[*(minted(1, each, ANN) for each in ours), minted(4, 256, BOB, OTHER)],
        transfers=[
            *(moved(1, each, ZERO_ADDRESS, ANN) for each in ours),
            moved(2, 257, ANN, BOB),
            moved(3, 258, ANN, ZERO_ADDRESS),
            moved(4, 256, ZERO_ADDRESS, BOB, OTHER),
        ],
        owners=[
            {"contract": CONTRACT, "token_id": "257", "owner": BOB, "changed_block": 2},
            {"contract": CONTRACT, "token_id": "258", "owner": None, "changed_block": 3},
        ],
    )


def mint(application: Application, asset: Asset, tenant_id: str, token_id: str) -> None:
    with application.records.database.writing() as connection:
        values = {"id": f"mint-{token_id}", "tenant_id": tenant_id, "asset_id": asset.asset_id}
        values |= {"recipient": ANN, "chain_id": CHAIN_ID, "contract": CONTRACT, "status": "confirmed"}
        connection.execute(insert(mints).values(**values, token_id=token_id, created_at=now()))


def ids(answer: Any) -> list[str]:
    return [each["token_id"] for each in answer.json()["data"]]


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


def ask(client: TestClient, key: dict[str, str], query: str, **variables: Any) -> Any:
    return client.post("/v1/graphql", json={"query": query, "variables": variables}, headers=key)


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
