"""What is sent for each method, and that both clients have the same ones."""

import json
import subprocess
import sys
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest

import tests.api_samples as samples
from engine.api.asset import MintRequest
from engine.api.creation import Controls, CreationRequest
from engine.sdk import AsyncClient, Client, Invalid, LoresparkError
from tests.scripted_server import Answer, Scripted

NOT_THE_CLIENTS = [
    "fastapi",
    "starlette",
    "sqlalchemy",
    "web3",
    "eth_account",
    "torch",
    "PIL",
    "dbos",
    "typer",
]


def test_the_sdk_imports_nothing_of_the_server_the_models_or_the_chain() -> None:
    asking = f"import sys, engine.sdk; print([m for m in {NOT_THE_CLIENTS} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", asking], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"


def test_a_creation_sends_what_was_said_and_nothing_more(client: Any, scripted: Scripted) -> None:
    scripted.answers = [Answer(202, samples.creation())]
    told = client.creations.create("a red potion bottle", kind="item", controls={"size": 32}, tags=["forest"])
    assert (told.id, told.status, told.queue_place) == ("creation-1", "queued", 1)
    [asked] = scripted.asked
    assert (asked.method, asked.path) == ("POST", "/v1/creations")
    assert asked.headers["authorization"] == "Bearer lsk_test_secret"
    assert CreationRequest.model_validate_json(asked.body) == CreationRequest(
        prompt="a red potion bottle", kind="item", controls=Controls(size=32), tags=("forest",)
    )
    assert b"priority" not in asked.body
    assert b"quality" not in asked.body


def test_a_whole_request_is_sent_as_it_is_and_takes_no_more_fields(client: Any, scripted: Scripted) -> None:
    request = CreationRequest(prompt="a knight", seed=7, mint={})
    scripted.answers = [Answer(202, samples.creation())]
    client.creations.create(request)
    assert CreationRequest.model_validate_json(scripted.asked[0].body) == request
    with pytest.raises(TypeError, match="count"):
        client.creations.create(request, count=2)


def test_an_estimate_is_a_dry_run(client: Any, scripted: Scripted) -> None:
    told = {"assets": 1, "steps": 20, "seconds": None, "queue_length": 0, "allowed": True}
    scripted.answers = [Answer(200, told)]
    assert client.creations.estimate("a knight").steps == 20
    assert CreationRequest.model_validate_json(scripted.asked[0].body).dry_run


def test_fields_that_cannot_be_are_told_before_anything_is_sent(client: Any, scripted: Scripted) -> None:
    with pytest.raises(Invalid) as raised:
        client.creations.create("a knight", controls={"size": 1}, count=0)
    assert {error.pointer for error in raised.value.errors} == {"#/controls/size", "#/count"}
    assert str(raised.value).startswith("The CreationRequest cannot be sent (#/")
    assert scripted.asked == []


def test_every_post_has_a_key_of_its_own_unless_one_is_given(client: Any, scripted: Scripted) -> None:
    scripted.answers = [Answer(202, samples.mint())]
    client.mints.mint("asset-1")
    client.mints.mint("asset-1", idempotency_key="mine")
    client.mints.mint("asset-1", force=True)
    first, given, other = (asked.headers["idempotency-key"] for asked in scripted.asked)
    assert len({first, given, other}) == 3
    assert given == "mine"
    assert MintRequest.model_validate_json(scripted.asked[2].body).force


def test_the_health_of_an_asset_says_who_holds_it(client: Any, scripted: Scripted) -> None:
    scripted.answers = [Answer(200, samples.health())]
    told = client.assets.health("asset-1")
    assert scripted.paths == ["GET /v1/assets/asset-1/health"]
    assert (told.whole, told.holders[0].service, told.holders[0].status) == (True, "home", "pinned")


def test_ids_are_escaped_and_such_as_lead_elsewhere_are_refused(client: Any, scripted: Scripted) -> None:
    scripted.answers = [Answer(200, samples.asset())]
    client.assets.get("a/b?c#d")
    assert scripted.paths == ["GET /v1/assets/a%2Fb%3Fc%23d"]
    for none in ("", ".", ".."):
        with pytest.raises(Invalid):
            client.assets.get(none)
    assert len(scripted.asked) == 1


def test_uploads_send_the_picture_itself(client: Any, scripted: Scripted, tmp_path: Any) -> None:
    scripted.answers = [Answer(201, samples.asset(uploaded=True, prompt=None, model=None))]
    path = tmp_path / "knight.png"
    path.write_bytes(b"png")
    assert client.assets.upload(path, kind="character", tags=["a", "b"]).uploaded
    [asked] = scripted.asked
    assert (asked.path, asked.body) == ("/v1/assets?name=knight&kind=character&tags=a&tags=b", b"png")
    assert asked.headers["content-type"] == "image/png"
    with pytest.raises(LoresparkError, match="cannot be read"):
        client.assets.upload(tmp_path / "none.png")


def _calls() -> list[tuple[str, Callable[[Any], Any], Answer]]:
    token = Answer(200, samples.token(transfers=[]))
    index = Answer(200, {"chain_id": 1, "block": 2, "head_block": 3, "contracts": {}})
    asset, mint, done = Answer(200, samples.asset()), Answer(200, samples.mint()), Answer(200, {})
    collection = Answer(
        200,
        {"id": "c", "name": "n", "description": "", "asset_count": 0, "created_at": "now", "links": {}},
    )
    key, secret = Answer(200, samples.key()), Answer(201, samples.key(secret="lsk_new"))
    hook = {"id": "w", "url": "https://a.example", "events": [], "created_at": "now", "links": {}}
    delivery = Answer(
        202,
        {"id": "d", "webhook": "w", "event_id": "e", "event": "webhook.test", "status": "pending"}
        | {"attempts": [], "next_at": None, "created_at": "now", "body": {}},
    )
    page = Answer(200, {"data": [], "next": None})
    return [
        ("GET /v1/creations/c", lambda c: c.creations.get("c"), Answer(200, samples.creation())),
        ("DELETE /v1/creations/c", lambda c: c.creations.cancel("c"), Answer(200, samples.creation())),
        ("POST /v1/creations/c/resume", lambda c: c.creations.resume("c"), Answer(200, samples.creation())),
        (
            "GET /v1/creations?status=failed&limit=5",
            lambda c: list(c.creations.list(status="failed", page_size=5)),
            page,
        ),
        ("PATCH /v1/assets/a", lambda c: c.assets.tag("a", ["x"]), asset),
        ("GET /v1/assets/a/media", lambda c: c.assets.media("a"), Answer(200, b"png")),
        ("GET /v1/assets/a/files/clip.gif", lambda c: c.assets.file("a", "clip.gif"), Answer(200, b"gif")),
        ("GET /v1/assets/a/recipe", lambda c: c.assets.recipe("a"), done),
        ("GET /v1/assets/a/metadata", lambda c: c.assets.metadata("a"), done),
        ("GET /v1/assets/a/sheet", lambda c: c.assets.sheet("a"), Answer(200, b"png")),
        (
            "GET /v1/assets/a/sheet?format=godot",
            lambda c: c.assets.sheet_file("a", "godot"),
            Answer(200, b"{}"),
        ),
        (
            "GET /v1/assets?kind=clip&minted=true",
            lambda c: list(c.assets.list(kind="clip", minted=True)),
            page,
        ),
        (
            "GET /v1/assets?kind=tile&q=deep+water",
            lambda c: list(c.assets.search("deep water", kind="tile")),
            page,
        ),
        ("POST /v1/assets/a/mint", lambda c: c.mints.mint("a"), mint),
        ("POST /v1/mints", lambda c: c.mints.mint_many(["a"]), Answer(202, {"data": [samples.mint()]})),
        ("GET /v1/mints/m", lambda c: c.mints.get("m"), mint),
        ("GET /v1/mints?asset=a", lambda c: list(c.mints.list(asset="a")), page),
        ("GET /v1/tokens/0x12/256", lambda c: c.tokens.get("0x12", "256"), token),
        (
            "GET /v1/tokens?owner=0x34&minted_since=2026-11-25T00%3A00%3A00%2B00%3A00",
            lambda c: list(c.tokens.list(owner="0x34", minted_since=datetime(2026, 11, 25, tzinfo=UTC))),
            page,
        ),
        (
            "GET /v1/owners/0x34/tokens?contract=0x12",
            lambda c: list(c.tokens.owned("0x34", contract="0x12")),
            page,
        ),
        ("GET /v1/activity?token_id=1", lambda c: list(c.tokens.activity(token_id="1")), page),
        ("GET /v1/index", lambda c: c.tokens.index(), index),
        ("POST /v1/graphql", lambda c: c.tokens.query("{ index { block } }", n=1), Answer(200, {"data": {}})),
        ("POST /v1/collections", lambda c: c.collections.create("n", assets=["a"]), collection),
        ("GET /v1/collections", lambda c: list(c.collections.list()), page),
        ("GET /v1/collections/c", lambda c: c.collections.get("c"), collection),
        ("PATCH /v1/collections/c", lambda c: c.collections.change("c", name="m"), collection),
        ("DELETE /v1/collections/c", lambda c: c.collections.delete("c"), Answer(204, b"")),
        ("PUT /v1/collections/c/assets/a", lambda c: c.collections.add("c", "a"), done),
        ("DELETE /v1/collections/c/assets/a", lambda c: c.collections.remove("c", "a"), done),
        ("GET /v1/collections/c/sheet", lambda c: c.collections.sheet("c"), Answer(200, b"png")),
        ("GET /v1/models", lambda c: c.models(), page),
        (
            "GET /v1/usage?from=2026-11-01&to=2026-11-24",
            lambda c: c.usage(since=date(2026, 11, 1), until="2026-11-24"),
            page,
        ),
        ("POST /v1/keys", lambda c: c.keys.create("ci", scopes=["read"], limits={"per_day": 5}), secret),
        ("GET /v1/keys", lambda c: list(c.keys.list()), page),
        ("GET /v1/keys/k", lambda c: c.keys.get("k"), key),
        ("DELETE /v1/keys/k", lambda c: c.keys.revoke("k"), key),
        ("POST /v1/keys/k/rotate", lambda c: c.keys.rotate("k"), secret),
        (
            "POST /v1/webhooks",
            lambda c: c.webhooks.create("https://a.example", events=["mint.failed"]),
            Answer(201, hook | {"secret": "whsec_x"}),
        ),
        ("GET /v1/webhooks", lambda c: list(c.webhooks.list()), page),
        ("GET /v1/webhooks/w", lambda c: c.webhooks.get("w"), Answer(200, hook)),
        ("DELETE /v1/webhooks/w", lambda c: c.webhooks.delete("w"), Answer(200, hook)),
        (
            "POST /v1/webhooks/w/rotate",
            lambda c: c.webhooks.rotate("w"),
            Answer(200, hook | {"secret": "whsec_y"}),
        ),
        ("POST /v1/webhooks/w/test", lambda c: c.webhooks.test("w"), delivery),
        (
            "GET /v1/webhooks/w/deliveries?status=failed",
            lambda c: list(c.webhooks.deliveries("w", status="failed")),
            page,
        ),
        ("GET /v1/deliveries/d", lambda c: c.webhooks.delivery("d"), delivery),
        ("POST /v1/deliveries/d/redeliver", lambda c: c.webhooks.redeliver("d"), delivery),
    ]


@pytest.mark.parametrize(
    ("asked", "call", "answer"), _calls(), ids=lambda value: value if isinstance(value, str) else ""
)
def test_each_method_asks_its_route(
    client: Any, scripted: Scripted, asked: str, call: Callable[[Any], Any], answer: Answer
) -> None:
    scripted.answers = [answer]
    call(client)
    assert scripted.paths == [asked]


def test_both_clients_have_the_same_methods() -> None:
    blocking, awaited = Client("http://a.example", "k"), AsyncClient("http://a.example", "k")
    for name, resource in vars(blocking).items():
        if not name.startswith("_"):
            assert {m for m in dir(resource) if m[0] != "_"} == {
                m for m in dir(getattr(awaited, name)) if m[0] != "_"
            }
    assert {m for m in dir(blocking) if m[0] != "_"} == {m for m in dir(awaited) if m[0] != "_"}
    blocking.close()


@pytest.mark.parametrize(
    "address",
    [
        "",
        "ftp://a",
        "a.example",
        "http://",
        "http://u:secret@a.example",
        "http://a/?q=1",
        "http://a:99999",
        "http://a\nb",
    ],
)
def test_an_address_that_is_none_is_told_and_not_repeated(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LORESPARK_SERVER", raising=False)
    with pytest.raises(LoresparkError) as raised:
        Client(address, "k")
    assert "secret" not in str(raised.value)
    assert "http" in str(raised.value) or "LORESPARK_SERVER" in str(raised.value)


def test_address_and_key_come_from_the_environment(
    scripted: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    scripted.answers = [Answer(200, {"data": []})]
    monkeypatch.setenv("LORESPARK_SERVER", f"{scripted.url}/v1/")
    monkeypatch.setenv("LORESPARK_API_KEY", "lsk_of_environment")
    with Client() as client:
        client.models()
    assert scripted.paths == ["GET /v1/models"]
    assert scripted.asked[0].headers["authorization"] == "Bearer lsk_of_environment"


def test_a_server_below_a_path_is_asked_there(
    client: Any, connect: Callable[..., Any], scripted: Scripted
) -> None:
    scripted.answers = [Answer(200, {"data": []})]
    connect(f"{scripted.url}/lore").models()
    assert scripted.paths == ["GET /lore/v1/models"]


def test_the_key_is_in_no_text(connect: Callable[..., Any], scripted: Scripted) -> None:
    client = connect(scripted.url, "lsk_secret")
    scripted.answers = [Answer(401, samples.problem(401))]
    with pytest.raises(LoresparkError) as raised:
        client.models()
    told = raised.value
    assert (
        "lsk_secret" not in f"{client!r} {told!r} {told} {vars(told)} {told.__cause__!r} {told.__context__!r}"
    )
    scripted.answers = [Answer(201, samples.key(secret="lsk_secret"))]
    assert "lsk_secret" not in repr(client.keys.create("ci"))
    for none in ("with space", "line\nbreak", "é"):
        with pytest.raises(LoresparkError) as raised:
            connect(scripted.url, none)
        assert none not in str(raised.value)


def test_who_holds_an_asset_and_who_may_claim_it_is_said_in_the_body(client: Any, scripted: Scripted) -> None:
    voucher = samples.voucher()
    scripted.by_path = {
        "PUT /v1/assets/a/holder": Answer(200, {"player": None, "reference": "account 42"}),
        "POST /v1/assets/a/claim": Answer(202, voucher),
        "GET /v1/vouchers/voucher-1": Answer(200, voucher),
        f"GET /v1/vouchers/voucher-1?to=0x{'34' * 20}": Answer(200, voucher),
        "DELETE /v1/vouchers/voucher-1": Answer(200, voucher | {"status": "cancelled"}),
        "GET /v1/vouchers?status=signed": Answer(200, {"data": [voucher], "next": None}),
    }
    assert client.vouchers.hold("a", reference="account 42").reference == "account 42"
    assert client.vouchers.claim("a", to="0x" + "12" * 20, valid_s=600).id == "voucher-1"
    assert client.vouchers.get("voucher-1").promise is None
    assert client.vouchers.cancel("voucher-1").status == "cancelled"
    assert [each.id for each in client.vouchers.list(status="signed")] == ["voucher-1"]
    held, claimed, *_ = scripted.asked
    assert json.loads(held.body) == {"reference": "account 42"}
    assert json.loads(claimed.body) == {"to": "0x" + "12" * 20, "valid_s": 600}
    assert "idempotency-key" in claimed.headers
    assert client.vouchers.claim("a", bearer=True, price_wei=25 * 10**15).price_wei == "0"
    assert json.loads(scripted.asked[-1].body) == {"bearer": True, "price_wei": str(25 * 10**15)}
    assert client.vouchers.get("voucher-1", to="0x" + "34" * 20).id == "voucher-1"
    with pytest.raises(Invalid):
        client.vouchers.claim("a")
    with pytest.raises(Invalid):
        client.vouchers.hold("a", player="p", reference="r")
