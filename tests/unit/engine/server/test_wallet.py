"""Players sign in by their wallets: what is accepted once, what never, and what a session's cookie can do."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update
from starlette.testclient import TestClient

from chain.siwe import SignInMessage
from engine.app import Application
from engine.database.clock import clock_ms
from engine.database.players import SESSION_LIFE_S, SLIDES_AFTER_S
from engine.database.tables import players, sessions, wallet_nonces
from engine.server.app import server
from engine.server.rate import SIGN_INS_PER_MINUTE
from engine.settings import Settings
from tests.unit.engine.server.wallets import ORIGIN, Wallet, asked_to_sign, sign_in

DAY_MS = 24 * 3600 * 1000


@pytest.fixture
def browser(application: Application) -> Iterator[TestClient]:
    with TestClient(server(application), base_url=ORIGIN, follow_redirects=False) as client:
        yield client


def log_in(browser: TestClient, message: str, signature: str, **headers: str) -> Any:
    body = {"message": message, "signature": signature}
    return browser.post("/v1/wallet/login", json=body, headers=headers)


def problem(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["type"].removeprefix("urn:lorespark:problem:")


def rows(application: Application, table: Any) -> list[Any]:
    with application.records.database.reading() as connection:
        return list(connection.execute(select(table)))


def test_a_wallet_signs_in_and_is_known_until_it_signs_out(browser: TestClient) -> None:
    wallet = Wallet()
    player = sign_in(browser, wallet)
    told = browser.get("/v1/wallet/session").json()
    assert (told["player"], told["address"]) == (player, wallet.address)
    ended = browser.post("/v1/wallet/logout", headers={"Origin": ORIGIN})
    assert ended.status_code == 200
    assert "lorespark_session" not in browser.cookies
    assert problem(browser.get("/v1/wallet/session")) == (401, "not-signed-in")


def test_the_same_wallet_is_the_same_player(browser: TestClient) -> None:
    wallet = Wallet()
    assert sign_in(browser, wallet) == sign_in(browser, wallet)
    assert sign_in(browser, wallet) != sign_in(browser, Wallet())


def test_a_message_that_a_page_wrote_itself_is_accepted(browser: TestClient) -> None:
    wallet = Wallet()
    terms = browser.post("/v1/wallet/nonce", json={}).json()
    assert terms["message"] is None
    message = SignInMessage(
        domain=terms["domain"],
        scheme=terms["scheme"],
        address=wallet.account.address,
        uri=terms["uri"] + "play?level=1",
        chain_id=terms["chain_id"],
        nonce=terms["nonce"],
        issued_at=terms["issued_at"],
        statement="My own words.",
        request_id="a",
        resources=("https://example.com/",),
    ).text()
    assert log_in(browser, message, wallet.sign(message)).status_code == 200


def test_a_signed_message_signs_in_once(browser: TestClient) -> None:
    wallet = Wallet()
    message = asked_to_sign(browser, wallet.address)
    assert log_in(browser, message, wallet.sign(message)).status_code == 200
    assert problem(log_in(browser, message, wallet.sign(message))) == (403, "sign-in-refused")


def test_a_nonce_that_expired_or_was_never_given_signs_nobody_in(
    browser: TestClient, application: Application
) -> None:
    wallet = Wallet()
    message = asked_to_sign(browser, wallet.address)
    made_up = replace(SignInMessage.parse(message), nonce="0123456789").text()
    assert problem(log_in(browser, made_up, wallet.sign(made_up))) == (403, "sign-in-refused")
    with application.records.database.writing() as connection:
        connection.execute(update(wallet_nonces).values(expires_at_ms=clock_ms(connection)))
    assert problem(log_in(browser, message, wallet.sign(message))) == (403, "sign-in-refused")
    asked_to_sign(browser, wallet.address)
    assert len(rows(application, wallet_nonces)) == 1, "what expired is removed"


@pytest.mark.parametrize(
    "changes",
    [
        {"domain": "evil.example"},
        {"scheme": "https"},
        {"uri": "http://evil.example/"},
        {"chain_id": 1},
        {"issued_at": "2021-09-30T16:25:24Z"},
        {"expiration_time": "2021-09-30T16:25:24Z"},
        {"not_before": "2121-09-30T16:25:24Z"},
    ],
)
def test_a_message_for_elsewhere_or_another_time_signs_nobody_in(
    browser: TestClient, application: Application, changes: dict[str, Any]
) -> None:
    wallet = Wallet()
    message = replace(SignInMessage.parse(asked_to_sign(browser, wallet.address)), **changes).text()
    assert problem(log_in(browser, message, wallet.sign(message))) == (403, "sign-in-refused")
    assert rows(application, sessions) == rows(application, players) == []


def test_a_signature_of_another_wallet_or_text_signs_nobody_in_and_uses_the_nonce_up(
    browser: TestClient, application: Application
) -> None:
    wallet, other = Wallet(), Wallet()
    for signature in (
        lambda message: other.sign(message),
        lambda message: wallet.sign(message + " "),
        lambda message: "0x",
        lambda message: "0x" + "00" * 65,
    ):
        message = asked_to_sign(browser, wallet.address)
        assert problem(log_in(browser, message, signature(message))) == (403, "sign-in-refused")
        assert problem(log_in(browser, message, wallet.sign(message))) == (403, "sign-in-refused")
    assert rows(application, sessions) == rows(application, players) == []


@pytest.mark.parametrize(
    ("message", "signature"),
    [
        ("no message", "0x00"),
        ("", "0x00"),
        ("x", "00"),
        ("x", "0x0"),
        ("x", "0xzz"),
        ("x", "0x" + "00" * 5000),
    ],
)
def test_what_is_no_message_or_no_signature_is_told(
    browser: TestClient, message: str, signature: str
) -> None:
    assert log_in(browser, message, signature).status_code == 422


def test_a_contract_wallet_signs_in_by_its_owners_signature(
    browser: TestClient, application: Application, contract_wallet: Callable[[Application, str], str]
) -> None:
    owner = Wallet()
    address = contract_wallet(application, owner.address)
    message = asked_to_sign(browser, address)
    answer = log_in(browser, message, owner.sign(message))
    assert answer.status_code == 200, answer.text
    assert answer.json()["address"] == address
    message = asked_to_sign(browser, address)
    assert problem(log_in(browser, message, Wallet().sign(message))) == (403, "sign-in-refused")


def test_a_chain_that_does_not_answer_keeps_nobody_with_a_key_out(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {
            "LORESPARK_DATA_DIR": str(tmp_path / "data"),
            "LORESPARK_RPC_URL": "http://127.0.0.1:1",
            "LORESPARK_CHAIN_ID": "31337",
        }
    )
    with (
        Application.open(settings) as application,
        TestClient(server(application), base_url=ORIGIN) as browser,
    ):
        wallet = Wallet()
        sign_in(browser, wallet)
        message = asked_to_sign(browser, wallet.address)
        assert problem(log_in(browser, message, "0x00")) == (503, "chain-unreachable")


def test_a_signature_that_is_none_does_not_open_the_chain_of_another_process(
    postgresql_url: str, tmp_path: Path
) -> None:
    """A server beside the worker that mints took the embedded chain from it, for a message by anybody."""
    settings = Settings.from_environment(
        {"LORESPARK_DATA_DIR": str(tmp_path / "data"), "LORESPARK_DATABASE_URL": postgresql_url}
    )
    with (
        Application.open(settings) as application,
        TestClient(server(application), base_url=ORIGIN) as browser,
    ):
        wallet = Wallet()
        message = asked_to_sign(browser, wallet.address)
        assert problem(log_in(browser, message, "0x00")) == (403, "sign-in-refused")
        assert not (tmp_path / "data" / "chain.db").exists()
        sign_in(browser, wallet)


# ------------------------------------------------------------------ the cookie


def cookie_of(answer: Any) -> str:
    cookie: str = answer.headers["Set-Cookie"]
    return cookie


def test_no_script_and_no_other_sites_page_gets_the_cookie(browser: TestClient) -> None:
    wallet = Wallet()
    message = asked_to_sign(browser, wallet.address)
    cookie = cookie_of(log_in(browser, message, wallet.sign(message)))
    assert cookie.startswith("lorespark_session=")
    assert {"HttpOnly", "Path=/", "SameSite=lax", f"Max-Age={SESSION_LIFE_S}"} <= set(cookie.split("; "))
    assert "Secure" not in cookie
    assert "Domain" not in cookie


def test_over_https_the_cookie_is_secure_and_the_hosts_own(tmp_path: Path) -> None:
    settings = Settings.from_environment(
        {"LORESPARK_DATA_DIR": str(tmp_path / "data"), "LORESPARK_PUBLIC_URL": "https://Play.Example:443/"}
    )
    with (
        Application.open(settings) as application,
        TestClient(server(application), base_url="https://10.0.0.7") as browser,
    ):
        wallet = Wallet()
        message = asked_to_sign(browser, wallet.address)
        assert message.startswith("play.example wants you")
        cookie = cookie_of(log_in(browser, message, wallet.sign(message)))
        assert cookie.startswith("__Host-lorespark_session=")
        assert "Secure" in cookie.split("; ")
        assert browser.get("/v1/wallet/session").status_code == 200
        refused = browser.post("/v1/wallet/logout", headers={"Origin": "https://10.0.0.7"})
        assert problem(refused) == (403, "origin-refused")
        ended = browser.post("/v1/wallet/logout", headers={"Origin": "https://play.example"})
        assert ended.status_code == 200


def test_the_records_hold_no_sessions_secret(browser: TestClient, application: Application) -> None:
    sign_in(browser, Wallet())
    secret = browser.cookies["lorespark_session"]
    assert len(secret) >= 43  # 256 bits in base64
    assert secret not in repr(rows(application, sessions))


@pytest.mark.parametrize(
    "origin", [None, "null", "http://localhost:8001", "https://localhost:8000", "http://evil.example"]
)
def test_what_changes_something_by_cookie_has_to_come_from_the_sites_own_page(
    browser: TestClient, origin: str | None
) -> None:
    sign_in(browser, Wallet())
    headers = {} if origin is None else {"Origin": origin}
    assert problem(browser.post("/v1/wallet/logout", headers=headers)) == (403, "origin-refused")
    assert browser.get("/v1/wallet/session").status_code == 200


def test_another_sites_page_cannot_sign_a_browser_in(browser: TestClient) -> None:
    wallet = Wallet()
    message = asked_to_sign(browser, wallet.address)
    refused = log_in(browser, message, wallet.sign(message), Origin="http://evil.example")
    assert problem(refused) == (403, "origin-refused")
    assert log_in(browser, message, wallet.sign(message), Origin=ORIGIN).status_code == 200


def move_ends(application: Application, by_ms: int) -> None:
    with application.records.database.writing() as connection:
        connection.execute(update(sessions).values(expires_at_ms=sessions.c.expires_at_ms + by_ms))


def test_a_sessions_end_moves_with_its_use_and_the_cookie_with_it(
    browser: TestClient, application: Application
) -> None:
    sign_in(browser, Wallet())
    before = rows(application, sessions)
    assert "Set-Cookie" not in browser.get("/v1/wallet/session").headers
    assert rows(application, sessions) == before, "not every request writes"
    move_ends(application, -SLIDES_AFTER_S * 1000 - 10_000)
    answer = browser.get("/v1/wallet/session")
    assert f"Max-Age={SESSION_LIFE_S}" in cookie_of(answer)
    assert rows(application, sessions)[0].expires_at_ms >= before[0].expires_at_ms


def test_a_session_that_is_not_used_for_30_days_ends(browser: TestClient, application: Application) -> None:
    sign_in(browser, Wallet())
    move_ends(application, -SESSION_LIFE_S * 1000)
    assert problem(browser.get("/v1/wallet/session")) == (401, "not-signed-in")
    with TestClient(server(application), base_url=ORIGIN) as other:
        sign_in(other, Wallet())
    assert len(rows(application, sessions)) == 1, "what expired is removed"


def test_logging_out_ends_one_session_or_all_of_the_player(
    browser: TestClient, application: Application
) -> None:
    wallet = Wallet()
    with (
        TestClient(server(application), base_url=ORIGIN) as second,
        TestClient(server(application), base_url=ORIGIN) as third,
        TestClient(server(application), base_url=ORIGIN) as stranger,
    ):
        for each in (browser, second, third):
            sign_in(each, wallet)
        sign_in(stranger, Wallet())
        browser.post("/v1/wallet/logout", headers={"Origin": ORIGIN})
        assert second.get("/v1/wallet/session").status_code == 200
        second.post("/v1/wallet/logout", json={"everywhere": True}, headers={"Origin": ORIGIN})
        assert third.get("/v1/wallet/session").status_code == 401
        assert stranger.get("/v1/wallet/session").status_code == 200


@pytest.mark.parametrize("secret", ["", "x", "x" * 5000, "é"])
def test_a_cookie_of_no_session_is_nobodys(browser: TestClient, secret: str) -> None:
    cookie = f"lorespark_session={secret}".encode()
    answer = browser.get("/v1/wallet/session", headers={b"Cookie": cookie})
    assert problem(answer) == (401, "not-signed-in")


def test_an_address_asks_only_so_often(browser: TestClient) -> None:
    for _ in range(SIGN_INS_PER_MINUTE):
        assert browser.get("/v1/wallet/session").status_code == 401
    answer = browser.post("/v1/wallet/nonce", json={})
    assert problem(answer) == (429, "rate-exceeded")
    assert int(answer.headers["Retry-After"]) >= 1
