"""What is refused of a request before anything reads it."""

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any

import pytest
from starlette.responses import PlainTextResponse
from starlette.testclient import TestClient
from starlette.types import Message, Receive, Scope, Send

from engine.server.bounded import MAX_BODY_BYTES, MAX_IMAGE_BYTES, BoundedRequests

Authorised = Callable[..., dict[str, str]]
PROBLEM = "urn:lorespark:problem:"
JSON = {"Content-Type": "application/json"}


def key_named(client: TestClient, headers: dict[str, str], content: bytes) -> Any:
    return client.post("/v1/keys", content=content, headers=headers | JSON)


@pytest.mark.parametrize(
    "content",
    [
        b"[" * 1_000_000,  # ended the process: eth raises the limit of recursion to 100,000
        b'{"a":' * 150_000,
        b'{"name":"a"',
        b'{"name":"a",}',
        b'{"name":"\\ud800"}',
        b'{"name":"\\u0000"}',
        b'{"na\\u0000me":"a"}',
        b'{"name":"a","x":[{"y":"\\u0000"}]}',
        b'{"name":"\x00"}',
        b'{"name":"\xed\xa0\x80"}',
        b'{"name":"\xff"}',
        b'{"name":NaN}',
        b'{"name":1' + b"0" * 5000 + b"}",
        '{"name":"a"}'.encode("utf-16"),
        b"nothing",
    ],
)
def test_a_body_that_is_no_json_or_holds_what_cannot_be_kept_is_one_problem(
    client: TestClient, headers: Authorised, content: bytes
) -> None:
    answer = key_named(client, headers(), content)
    assert (answer.status_code, answer.json()["type"]) == (400, PROBLEM + "invalid-body")
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_text_that_only_looks_like_a_null_character_is_kept(
    client: TestClient, headers: Authorised
) -> None:
    answer = key_named(client, headers(), json.dumps({"name": r"\u0000", "scopes": ["read"]}).encode())
    assert (answer.status_code, answer.json()["name"]) == (201, r"\u0000")


@pytest.mark.parametrize("content_type", ["application/problem+json", "APPLICATION/JSON; charset=utf-8"])
def test_json_is_json_under_each_of_its_names(
    client: TestClient, headers: Authorised, content_type: str
) -> None:
    own = headers() | {"Content-Type": content_type}
    assert client.post("/v1/keys", content=b"[" * 100_000, headers=own).status_code == 400
    assert client.post("/v1/keys", content=b'{"name":"a"}', headers=own).status_code == 201


@pytest.mark.parametrize("path", ["/v1/keys/a%00b", "/v1/usage?from=%00", "/v1/usage?%00=a"])
def test_an_address_with_a_null_character_is_refused(
    client: TestClient, headers: Authorised, path: str
) -> None:
    answer = client.get(path, headers=headers())
    assert (answer.status_code, answer.json()["type"]) == (400, PROBLEM + "invalid-request")


@pytest.mark.parametrize("path", ["/v1/keys/%ED%A0%80", "/v1/keys/%FF", "/v1/keys/" + "x" * 5000])
def test_an_id_that_is_no_text_is_one_that_does_not_exist(
    client: TestClient, headers: Authorised, path: str
) -> None:
    answer = client.get(path, headers=headers())
    assert (answer.status_code, answer.json()["type"]) == (404, PROBLEM + "unknown-record")


def chunks(size: int) -> Iterable[bytes]:
    for _ in range(size // 65_536 + 1):
        yield bytes(65_536)


@pytest.mark.parametrize("counted", [False, True])
def test_a_body_is_read_up_to_its_bound_whether_it_says_its_size_or_not(
    client: TestClient, headers: Authorised, counted: bool
) -> None:
    own = headers()
    for path, most in (("/v1/keys", MAX_BODY_BYTES), ("/v1/assets", MAX_IMAGE_BYTES)):
        content = chunks(most) if counted else bytes(most + 1)
        answer = client.post(path, content=content, headers=own | {"Content-Type": "image/png"})
        assert (answer.status_code, answer.json()["type"]) == (413, PROBLEM + "body-too-large")
        assert f"{most:,d} bytes" in answer.json()["detail"]
        assert answer.headers["Connection"] == "close"
        fits = client.post(path, content=bytes(most), headers=own | {"Content-Type": "image/png"})
        assert fits.status_code != 413
    large_json = b'"' + b"a" * MAX_BODY_BYTES + b'"'
    assert client.post("/v1/assets", content=large_json, headers=own | JSON).status_code == 413


def ask(receive: Receive, headers: dict[bytes, bytes], timeout_s: float) -> list[Message]:
    """What the middleware sends over an application that reads the body and answers with it."""
    sent: list[Message] = []

    async def echo(scope: Scope, receive: Receive, send: Send) -> None:
        message = await receive()
        await PlainTextResponse(message["body"])(scope, receive, send)

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {"type": "http", "method": "POST", "path": "/v1/keys", "query_string": b""}
    app = BoundedRequests(echo, timeout_s)
    asyncio.run(app({**scope, "headers": list(headers.items())}, receive, send))
    return sent


def test_a_body_that_trickles_without_end_is_given_up() -> None:
    async def trickling() -> Message:
        await asyncio.sleep(0.01)
        return {"type": "http.request", "body": b"a", "more_body": True}

    sent = ask(trickling, {b"transfer-encoding": b"chunked"}, timeout_s=0.1)
    assert sent[0]["status"] == 408
    assert PROBLEM + "body-too-slow" in sent[1]["body"].decode()
    assert (b"connection", b"close") in sent[0]["headers"]


def test_who_leaves_before_the_body_has_ended_gets_no_answer() -> None:
    messages: list[Message] = [
        {"type": "http.disconnect"},
        {"type": "http.request", "body": b"a", "more_body": True},
    ]

    async def leaving() -> Message:
        return messages.pop()

    assert ask(leaving, {b"content-length": b"2"}, timeout_s=10) == []


def test_a_body_in_parts_arrives_whole() -> None:
    messages: list[Message] = [
        {"type": "http.request", "body": b"b"},
        {"type": "http.request", "body": b"a", "more_body": True},
    ]

    async def receive() -> Message:
        return messages.pop()

    assert ask(receive, {b"content-length": b"2"}, timeout_s=10)[1]["body"] == b"ab"
