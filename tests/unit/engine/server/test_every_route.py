"""Every route under /v1, as the OpenAPI document lists them: keys, scopes, and what belongs to another tenant.

A route that is added is asked here too. Where one has a path parameter that RECORDS does not know, the tests fail and
say so: add the record's kind there.
"""

import re
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from engine.api.account import NewKey, Scope
from engine.app import Application
from engine.database import tables
from engine.database.clock import now
from engine.database.tenants import add_key, add_tenant, revoke_key
from tests.unit.engine.server.every_route import Insert, Operation, Studio, made, namings, own, sample, state

CID = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"

# By the name of the path parameter that holds its id, in an order in which each refers to those before it.
RECORDS: dict[str, Insert] = {
    "key_id": made(
        "api_keys",
        name="sample",
        digest=lambda tenant_id: tenant_id,
        prefix="lsk_",
        scopes=["read"],
        per_minute=1,
        per_day=1,
        concurrent=1,
    ),
    "collection_id": made("collections", name="sample", description=""),
    "creation_id": made(
        "creations",
        status="queued",
        request={"kind": "item", "prompt": "a red potion bottle", "seed": 1},
        recipes=[],
        count=1,
    ),
    "asset_id": made(
        "assets",
        creation_id=own("creation"),
        position=0,
        kind="item",
        name="sample",
        recipe={"kind": "item", "prompt": "a red potion bottle", "size": 32, "seed": 1, "model": "any/1"},
        recipe_hash="ab" * 32,
        media_cid=CID,
        image_cid=CID,
        metadata_cid=CID,
        parents=[],
    ),
    "mint_id": made(
        "mints",
        asset_id=own("asset"),
        recipient="0x" + "12" * 20,
        chain_id=31337,
        status="failed",
        error="no",
    ),
    "voucher_id": made(
        "vouchers",
        asset_id=own("asset"),
        recipient="0x" + "12" * 20,
        chain_id=31337,
        digest="ab" * 32,
        deadline_s=2_000_000_000,
        status="failed",
        error="no",
    ),
    "pin_id": made(
        "pins",
        asset_id=own("asset"),
        service="sample",
        metadata_cid=CID,
        status="failed",
        requested_at=lambda _: now(),
    ),
    "drop_id": made(
        "drops",
        collection_id=own("collection"),
        per_address=1,
        listed_only=False,
        closed=False,
        starts_at_s=0,
        ends_at_s=2_000_000_000,
    ),
    "webhook_id": made("webhooks", url="https://studio.example/", secret="whsec_sample", events=[]),
    "delivery_id": made(
        "deliveries",
        webhook_id=own("webhook"),
        event_id=own("event"),
        event="webhook.test",
        body='{"id":"event"}',
        status="failed",
    ),
}
# Path parameters that are no record's id, with a value that any record may have.
PLAIN = {
    "name": "clip.gif",
    "picture": "difference",
    "model_id": "any/1",
    "contract": "0x" + "12" * 20,
    "token_id": "256",
    "address": "0x" + "12" * 20,
}
# Fields of bodies and queries that name records.
NAMED = {
    "assets": "asset_id",
    "asset": "asset_id",
    "source": "asset_id",
    "mask": "asset_id",
    "like": "asset_id",
    "parent": "asset_id",
    "collection": "collection_id",
    "creation": "creation_id",
    "webhook": "webhook_id",
    "key": "key_id",
}
# Routes whose errors have another form, that of whose client they serve.
OTHER_FORM = {"/v1/images/generations"}
# Routes that players ask, who have no key; tests of wallets and vouchers ask them.
KEYLESS = "/v1/wallet/"
# The same of single routes, below paths that studios ask too.
KEYLESS_ROUTES = {
    ("GET", "/v1/drops/{drop_id}"),
    ("POST", "/v1/drops/{drop_id}/claim"),
    ("GET", "/v1/drops/{drop_id}/claims"),
}
# Routes that every key may ask though they change something: a key ends its own life.
NO_SCOPE = {("DELETE", "/v1/keys/{key_id}")}
# Routes that only read, though by POST: every key may ask them.
READS = {("POST", "/v1/graphql")}


@pytest.fixture
def document(client: TestClient) -> dict[str, Any]:
    found: dict[str, Any] = client.get("/openapi.json").json()
    return found


@pytest.fixture
def operations(document: dict[str, Any]) -> list[Operation]:
    found = [
        Operation(
            method.upper(),
            path,
            tuple(re.findall(r"{(\w+)(?::\w+)?}", path)),
            tuple(each["name"] for each in operation.get("parameters", ()) if each["in"] == "query"),
            tuple(scope for need in operation["security"] for each in need.values() for scope in each),
            operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema"),
        )
        for path, item in document["paths"].items()
        for method, operation in item.items()
        if path.startswith("/v1/")
        and not path.startswith(KEYLESS)
        and (method.upper(), path) not in KEYLESS_ROUTES
    ]
    assert len(found) >= 7
    return found


@pytest.fixture
def studio(application: Application) -> Callable[..., Studio]:
    """A tenant with one record of each kind, and a key with these scopes, or all."""

    def studio(name: str, *scopes: Scope) -> Studio:
        with application.records.database.writing() as connection:
            tenant_id = add_tenant(connection, name).id
            key = add_key(connection, tenant_id, NewKey(name=name, scopes=scopes or tuple(Scope)))
            ids = {}
            for parameter, insert_row in RECORDS.items():
                ids[parameter] = own(parameter.removesuffix("_id"))(tenant_id)
                insert_row(connection, tenant_id, ids[parameter])
        return Studio(tenant_id, {"Authorization": f"Bearer {key.secret}"}, ids)

    return studio


def url(operation: Operation, ids: dict[str, str]) -> str:
    for parameter in operation.parameters:
        if parameter not in RECORDS and parameter not in PLAIN:
            pytest.fail(f"{operation}: add what {{{parameter}}} stands for to RECORDS or PLAIN of {__file__}")
    return re.sub(r"{(\w+)(?::\w+)?}", lambda found: {**PLAIN, **ids}[found[1]], operation.path)


def ask(
    client: TestClient, operation: Operation, ids: dict[str, str], document: dict[str, Any], **more: Any
) -> Any:
    if "json" not in more and operation.body is not None:
        more["json"] = sample(operation.body, document)
    return client.request(operation.method, url(operation, ids), **more)


def assert_type(operation: Operation, answer: Any, name: str) -> None:
    if operation.path not in OTHER_FORM:
        assert answer.json()["type"] == f"urn:lorespark:problem:{name}", str(operation)


def test_without_a_living_key_every_route_refuses_and_changes_nothing(
    client: TestClient,
    application: Application,
    operations: list[Operation],
    document: dict[str, Any],
    studio: Callable[..., Studio],
) -> None:
    owner = studio("owner")
    with application.records.database.writing() as connection:
        dead = add_key(connection, owner.tenant_id, NewKey(name="dead", scopes=tuple(Scope)))
        revoke_key(connection, owner.tenant_id, dead.id)
    before = state(application)
    for operation in operations:
        for headers in ({}, {"Authorization": f"Bearer {dead.secret}"}, {"Authorization": "Bearer lsk_"}):
            answer = ask(client, operation, owner.ids, document, headers=headers)
            assert answer.status_code == 401, (str(operation), answer.text)
            assert_type(operation, answer, "key-refused")
    assert state(application) == before


def test_without_the_scope_every_route_refuses_and_changes_nothing(
    client: TestClient,
    application: Application,
    operations: list[Operation],
    document: dict[str, Any],
    studio: Callable[..., Studio],
) -> None:
    owner = studio("owner")
    asked = [
        each
        for each in operations
        if (each.method != "GET" and (each.method, each.path) not in READS) or each.scopes
    ]
    for operation in asked:
        assert operation.scopes or (operation.method, operation.path) in NO_SCOPE, f"{operation}: any key may"
    for operation in asked:
        lacking = [scope for scope in Scope if scope.value not in (operation.scopes or ("admin",))]
        with application.records.database.writing() as connection:
            key = add_key(connection, owner.tenant_id, NewKey(name="lacking", scopes=tuple(lacking)))
        before = state(application)
        headers = {"Authorization": f"Bearer {key.secret}"}
        answer = ask(client, operation, owner.ids, document, headers=headers)
        assert answer.status_code == 403, (str(operation), answer.text)
        assert_type(operation, answer, "scope-missing")
        assert state(application) == before, str(operation)


def test_the_id_of_another_tenants_record_is_as_one_that_does_not_exist(
    client: TestClient,
    application: Application,
    operations: list[Operation],
    document: dict[str, Any],
    studio: Callable[..., Studio],
) -> None:
    other, asking = studio("other"), studio("asking")
    before = state(application)
    for operation in operations:
        records = [parameter for parameter in operation.parameters if parameter in RECORDS]
        for parameter in records:
            # Also each alone, below a record of one's own.
            for foreign in ({**asking.ids, parameter: other.ids[parameter]}, other.ids):
                absent = {
                    name: f"{found}-none" if found == other.ids[name] else found
                    for name, found in foreign.items()
                }
                answers = [
                    ask(client, operation, ids, document, headers=asking.headers) for ids in (foreign, absent)
                ]
                told = [
                    re.sub("|".join(sorted(ids.values(), key=len, reverse=True)), "ID", answer.text)
                    for ids, answer in zip((foreign, absent), answers, strict=True)
                ]
                assert [answer.status_code for answer in answers] == [404, 404], (str(operation), told)
                assert told[0] == told[1], str(operation)
    assert state(application) == before


def test_bodies_and_queries_that_name_another_tenants_record_do_as_with_one_that_does_not_exist(
    client: TestClient,
    application: Application,
    operations: list[Operation],
    document: dict[str, Any],
    studio: Callable[..., Studio],
) -> None:
    other, asking = studio("other"), studio("asking")
    before = state(application)
    for operation in operations:
        for path, is_list in namings(operation.body or {}, document, NAMED):
            told = []
            for record_id in (other.ids[NAMED[path[-1]]], f"{other.ids[NAMED[path[-1]]]}-none"):
                body = place = sample(operation.body or {}, document)
                for name in path[:-1]:
                    place = place.setdefault(name, {})
                place[path[-1]] = [record_id] if is_list else record_id
                answer = ask(client, operation, asking.ids, document, json=body, headers=asking.headers)
                assert 400 <= answer.status_code < 500, (str(operation), path, answer.text)
                told.append(answer.text.replace(record_id, "ID"))
            assert told[0] == told[1], (str(operation), path)
        for name in set(operation.queries) & set(NAMED) if operation.method == "GET" else ():
            record_id = other.ids[NAMED[name]]
            answers = [
                ask(client, operation, asking.ids, document, params={name: each}, headers=asking.headers)
                for each in (record_id, f"{record_id}-none")
            ]
            assert answers[0].text.replace(record_id, "ID") == answers[1].text.replace(
                f"{record_id}-none", "ID"
            )
    assert state(application) == before


def test_no_list_shows_what_is_another_tenants(
    client: TestClient, operations: list[Operation], studio: Callable[..., Studio]
) -> None:
    other, asking = studio("other"), studio("asking")
    asked = 0
    for operation in operations:
        if operation.method == "GET" and not operation.parameters:
            answer = client.get(operation.path, headers=asking.headers)
            assert answer.status_code < 500, (str(operation), answer.text)
            assert not [found for found in other.ids.values() if found in answer.text], str(operation)
            assert other.tenant_id not in answer.text, str(operation)
            asked += 1
    assert asked >= 3
    assert asking.ids["key_id"] in client.get("/v1/keys", headers=asking.headers).text
    assert tables.LOCAL_TENANT not in {other.tenant_id, asking.tenant_id}
