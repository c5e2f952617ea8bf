"""Which site the server is to players who sign in: the one of the settings, or the address it listens at."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from engine.app import Application
from engine.server.app import server
from tests.unit.engine.server.wallets import ORIGIN, Wallet, sign_in


@pytest.fixture
def listening(application: Application) -> Iterator[Callable[[str, int], TestClient]]:
    """A browser of a server that listens there; its requests say another connection's end, as behind a proxy."""
    opened = []

    def listening(host: str, port: int) -> TestClient:
        app = server(application)
        app.state.listens_at = (host, port)
        opened.append(TestClient(app, base_url="http://10.0.0.7"))
        return opened[-1]

    yield listening
    for browser in opened:
        browser.close()


def problem(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:lorespark:problem:")


def terms(browser: TestClient, host: str) -> Any:
    return browser.post("/v1/wallet/nonce", json={}, headers={"Host": host})


@pytest.mark.parametrize(
    ("bound", "port", "host", "domain"),
    [
        ("127.0.0.1", 8000, "127.0.0.1:8000", "127.0.0.1:8000"),
        ("127.0.0.1", 8000, "LocalHost:8000", "localhost:8000"),
        ("127.0.0.1", 80, "localhost", "localhost"),
        ("127.0.0.1", 80, "127.0.0.1:80", "127.0.0.1"),
        ("127.0.0.2", 9000, "127.0.0.2:9000", "127.0.0.2:9000"),
        ("::1", 8000, "[::1]:8000", "[::1]:8000"),
        ("::1", 8000, "localhost:8000", "localhost:8000"),
    ],
)
def test_a_server_of_this_machine_alone_is_the_address_that_it_listens_at(
    listening: Callable[[str, int], TestClient], bound: str, port: int, host: str, domain: str
) -> None:
    told = terms(listening(bound, port), host).json()
    assert (told["domain"], told["scheme"], told["uri"]) == (domain, "http", f"http://{domain}/")


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "localhost.evil.example", "10.0.0.7:8000", "127.0.0.1.evil:8000", ""),
        *("localhost", "localhost:8001", "127.0.0.1:80", "[::1]:8000", "user@localhost:8000"),
    ],
)
def test_by_another_name_or_port_nobody_signs_in_and_the_right_address_is_told(
    listening: Callable[[str, int], TestClient], host: str
) -> None:
    answer = terms(listening("127.0.0.1", 8000), host)
    assert problem(answer) == (403, "origin-refused")
    assert "http://127.0.0.1:8000" in answer.json()["detail"]


@pytest.mark.parametrize("bound", ["0.0.0.0", "::", "10.0.0.7", "192.168.1.2", "play.example"])
@pytest.mark.parametrize("host", ["localhost:8000", "127.0.0.1:8000", "10.0.0.7:8000", "play.example"])
def test_a_server_that_others_reach_needs_to_be_told_its_address(
    listening: Callable[[str, int], TestClient], bound: str, host: str
) -> None:
    answer = terms(listening(bound, 8000), host)
    assert problem(answer) == (503, "sign-in-unavailable")
    assert "LORESPARK_PUBLIC_URL" in answer.json()["detail"]


def test_where_nobody_says_where_it_listens_the_connections_end_does(application: Application) -> None:
    with TestClient(server(application), base_url=ORIGIN) as browser:
        sign_in(browser, Wallet())
    with TestClient(server(application), base_url="http://10.0.0.7:8000") as browser:
        assert problem(terms(browser, "localhost:8000")) == (503, "sign-in-unavailable")
