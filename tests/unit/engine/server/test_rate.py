"""Requests a minute: of keys, and of addresses without one."""

import logging
import re
from collections.abc import Callable, Iterator
from threading import Thread
from typing import Any

import pytest
from limits.storage import storage_from_string
from starlette.testclient import TestClient

from engine.app import Application
from engine.errors import InvalidSettings
from engine.server import rate
from engine.server.app import server
from engine.server.rate import RateLimits

Authorised = Callable[..., dict[str, str]]


def test_answers_tell_what_is_left_and_errors_do_too(client: TestClient, headers: Authorised) -> None:
    own = headers(per_minute=100)
    told = client.get("/v1/me", headers=own).headers
    assert told["RateLimit-Policy"] == '"minute";q=100;w=60'
    assert re.fullmatch(r'"minute";r=99;t=[0-9]+', told["RateLimit"])
    assert (told["X-RateLimit-Limit"], told["X-RateLimit-Remaining"]) == ("100", "99")
    assert told["X-RateLimit-Reset"].isdecimal()
    missing = client.get("/v1/keys/none", headers=own)
    assert (missing.status_code, missing.headers["X-RateLimit-Remaining"]) == (404, "98")
    made = client.post("/v1/keys", json={"name": "a"}, headers=own)
    assert made.headers["X-RateLimit-Remaining"] == "97"  # one request, though two dependencies want its key
    assert "RateLimit" not in client.get("/healthz").headers
    assert "RateLimit" not in client.get("/v1/me").headers


def test_a_key_that_asks_too_often_is_told_when_to_ask_again_and_no_other_suffers(
    client: TestClient, headers: Authorised
) -> None:
    own, other = headers(per_minute=5), headers(per_minute=5)
    # A window that ends meanwhile lets a few more through, never as many again and one.
    answers = [client.get("/v1/me", headers=own) for _ in range(11)]
    assert [answer.status_code for answer in answers[:5]] == [200] * 5
    refused = next(answer for answer in answers if answer.status_code != 200)
    assert (refused.status_code, refused.json()["type"]) == (429, "urn:lorespark:problem:rate-exceeded")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["X-RateLimit-Remaining"] == "0"
    assert client.get("/v1/me", headers=other).status_code == 200


def test_who_tries_keys_is_stopped_and_who_has_one_at_the_same_address_is_not(
    client: TestClient, headers: Authorised, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rate, "REFUSED_PER_MINUTE", 3)
    own = headers()
    tried = [client.get("/v1/me", headers={"Authorization": f"Bearer lsk_{n}"}) for n in range(7)]
    assert [answer.status_code for answer in tried[:3]] == [401] * 3
    assert 429 in {answer.status_code for answer in tried}
    assert client.get("/v1/me", headers=own).status_code == 200


def test_addresses_of_one_subscriber_count_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate, "REFUSED_PER_MINUTE", 2)
    rates = RateLimits.open(None)
    assert not all(rates.count_refused(f"2001:db8:0:1::{n:x}").allowed for n in range(5))
    assert rates.count_refused("2001:db8:0:2::1").allowed
    assert rates.count_refused("192.0.2.1").allowed
    assert rates.count_refused(None).allowed


@pytest.fixture
def redis_url() -> Iterator[str]:
    """A server that speaks Redis' protocol, with its scripts, on a loopback port."""
    # Half a second that the tests without Redis need not wait for.
    from fakeredis import TcpFakeServer  # noqa: PLC0415

    fake = TcpFakeServer(("127.0.0.1", 0), server_type="redis")
    thread = Thread(target=fake.serve_forever, daemon=True)
    thread.start()
    url = f"redis://127.0.0.1:{fake.server_address[1]}/0"
    # A client asks for a script before it sends it, and this server ends a connection after an error.
    storage: Any = storage_from_string(url)
    for script in (storage.lua_acquire_sliding_window, storage.lua_sliding_window):
        storage.get_connection().script_load(script.script)
    yield url
    fake.shutdown()
    fake.server_close()
    thread.join(10)


def test_two_servers_count_together_in_redis(redis_url: str) -> None:
    first, second = RateLimits.open(redis_url), RateLimits.open(redis_url)
    counted = [each.count("key-a", 6) for _ in range(7) for each in (first, second)]
    assert [each.allowed for each in counted[:6]] == [True] * 6
    assert not all(each.allowed for each in counted)
    assert second.count("key-b", 6).remaining == 5


def test_while_redis_is_away_requests_pass_and_the_log_says_so_once(
    application: Application, headers: Authorised, caplog: pytest.LogCaptureFixture
) -> None:
    app = server(application)
    app.state.rates = RateLimits.open("redis://:hidden@127.0.0.1:1/0")
    own = headers(per_minute=1)
    with TestClient(app) as client, caplog.at_level(logging.ERROR):
        assert [client.get("/v1/me", headers=own).status_code for _ in range(3)] == [200] * 3
    assert len([record for record in caplog.records if "Redis" in record.getMessage()]) == 1
    assert "hidden" not in caplog.text


@pytest.mark.parametrize("url", ["redis://:hidden@host:port/0", "redis://[hidden"])
def test_an_address_that_cannot_be_used_is_told_without_its_password(url: str) -> None:
    with pytest.raises(InvalidSettings, match="LORESPARK_RATE_LIMIT_URL") as caught:
        RateLimits.open(url)
    assert "hidden" not in str(caught.value)
