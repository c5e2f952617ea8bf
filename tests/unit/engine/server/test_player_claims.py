"""Players claim what they hold, and take back what nobody read."""

from starlette.testclient import TestClient

from assets.asset import Asset
from chain.asset_contract import AssetContract
from engine.api.account import Scope
from engine.app import Application
from engine.server.app import server
from tests.unit.engine.server.promising import Headers, claim, hold, problem, promised, send, work
from tests.unit.engine.server.wallets import ORIGIN, Wallet, sign_in


def test_a_player_claims_what_they_hold_and_nothing_else(
    client: TestClient,
    browser: TestClient,
    application: Application,
    asset: Asset,
    studio: dict[str, str],
) -> None:
    wallet = Wallet()
    player = sign_in(browser, wallet)
    assert problem(claim(browser, asset.asset_id, to=wallet.address)) == (404, "unknown-asset")
    hold(client, asset.asset_id, studio, player=player)
    made = claim(browser, asset.asset_id, to=wallet.address)
    assert made.status_code == 202, made.text
    assert claim(browser, asset.asset_id, to=wallet.address).json() == made.json()
    work(application, made.json()["id"])
    voucher = browser.get(made.json()["links"]["self"]).json()
    send(application, voucher["promise"]["transaction"])
    tokens = AssetContract(application.connection.web3, voucher["collection"])
    assert tokens.owner_of(256) == wallet.address
    with TestClient(server(application), base_url=ORIGIN) as other:
        sign_in(other, Wallet())
        assert problem(other.get(made.json()["links"]["self"])) == (404, "unknown-record")
        assert problem(other.get("/v1/vouchers")) == (401, "key-refused"), "lists are the studios'"


def test_a_players_claim_comes_from_the_sites_own_page(
    client: TestClient, browser: TestClient, asset: Asset, studio: dict[str, str]
) -> None:
    hold(client, asset.asset_id, studio, player=sign_in(browser, Wallet()))
    refused = claim(browser, asset.asset_id, {"Origin": "http://evil.example"})
    assert problem(refused) == (403, "origin-refused")
    assert client.get("/v1/vouchers", headers=studio).json()["data"] == []


def test_only_a_studio_forces_the_quality_gate(
    client: TestClient, browser: TestClient, asset: Asset, studio: dict[str, str]
) -> None:
    hold(client, asset.asset_id, studio, player=sign_in(browser, Wallet()))
    assert problem(claim(browser, asset.asset_id, force=True)) == (422, "invalid-fields")


def test_a_player_takes_back_only_what_nobody_read(
    client: TestClient, browser: TestClient, application: Application, asset: Asset, studio: dict[str, str]
) -> None:
    hold(client, asset.asset_id, studio, player=sign_in(browser, Wallet()))
    first = claim(browser, asset.asset_id).json()
    assert browser.delete(first["links"]["self"]).json()["status"] == "cancelled"
    second = promised(browser, application, asset.asset_id, None)
    assert problem(browser.delete(second["links"]["self"])) == (409, "conflict")
    assert client.delete(second["links"]["self"], headers=studio).json()["status"] == "cancelling"


def test_a_dead_session_and_no_key_claim_nothing(
    client: TestClient, browser: TestClient, asset: Asset
) -> None:
    assert problem(claim(client, asset.asset_id)) == (401, "key-refused")
    sign_in(browser, Wallet())
    with TestClient(browser.app, base_url=ORIGIN, headers={"Origin": ORIGIN}) as copy:
        copy.cookies.update(browser.cookies)
        browser.post("/v1/wallet/logout")
        assert problem(claim(copy, asset.asset_id)) == (401, "not-signed-in")


def test_a_key_without_the_scope_claims_nothing_whatever_cookie_comes_with_it(
    client: TestClient, browser: TestClient, asset: Asset, studio: dict[str, str], headers: Headers
) -> None:
    hold(client, asset.asset_id, studio, player=sign_in(browser, Wallet()))
    lacking = headers(Scope.READ, Scope.CREATE, Scope.ADMIN)
    assert problem(claim(browser, asset.asset_id, lacking)) == (403, "scope-missing")
