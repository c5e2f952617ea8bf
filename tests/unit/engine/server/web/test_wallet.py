"""The wallet's page: what it shows to whom, and what it says where nothing can be done."""

import re
from collections.abc import Callable
from dataclasses import replace

import pytest
from sqlalchemy import update
from starlette.testclient import TestClient

from assets.asset import Asset
from chain.address import ZERO_ADDRESS
from engine.app import Application
from engine.database import tables
from engine.database.tables import LOCAL_TENANT
from engine.server.app import server
from engine.server.web.wording import coins
from tests.unit.engine.server.chain_rows import CONTRACT, mint, minted, moved, write
from tests.unit.engine.server.promising import claim, hold, work
from tests.unit.engine.server.wallets import Wallet, sign_in
from tests.unit.engine.server.web.conftest import Visitor, text_of

NASTY = """<script>alert(1)</script>"'"""


@pytest.fixture
def wallet() -> Wallet:
    return Wallet()


@pytest.fixture
def player(browser: TestClient, wallet: Wallet) -> str:
    return sign_in(browser, wallet)


def on_node(application: Application) -> None:
    """As if the chain were a node that wallets reach; nothing here asks it."""
    application.settings = replace(application.settings, rpc_url="http://127.0.0.1:1")


def name(application: Application, asset: Asset, text: str) -> None:
    with application.records.database.writing() as connection:
        connection.execute(
            update(tables.assets).where(tables.assets.c.id == asset.asset_id).values(name=text)
        )


def part(page: str, of: str) -> str:
    found = re.search(rf'<section id="part-{of}".*?</section>', page, re.S)
    assert found, page
    return found[0]


def test_a_player_without_an_api_key_reads_how_to_sign_in(visitor: Visitor) -> None:
    page = visitor.get("/wallet")
    assert page.status_code == 200
    assert "Sign in with your wallet" in page.text
    assert 'aria-label="Pages"' not in page.text, "the navigation is the creators'"
    assert "Who signs for the server" not in page.text


def test_where_nobody_can_sign_in_the_page_says_why_and_offers_nothing(application: Application) -> None:
    with TestClient(server(application), base_url="http://elsewhere.example") as client:
        client.app.state.listens_at = ("0.0.0.0", 8000)  # type: ignore[attr-defined]
        page = client.get("/wallet").text
    assert "LORESPARK_PUBLIC_URL" in text_of(page)
    assert 'id="wallets"' not in page


def test_what_the_player_holds_is_shown_and_escaped(
    client: TestClient,
    browser: TestClient,
    application: Application,
    studio: dict[str, str],
    asset: Asset,
    player: str,
    wallet: Wallet,
) -> None:
    on_node(application)
    name(application, asset, NASTY)
    hold(client, asset.asset_id, studio, player=player)
    page = browser.get("/wallet").text
    assert wallet.address in page
    assert f'data-claim-asset="{asset.asset_id}"' in page
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;&#34;&#39;" in part(page, "assets")
    claim(browser, asset.asset_id, to=wallet.address)
    assert "<script>alert" not in browser.get("/wallet").text


def test_a_voucher_is_claimed_or_cancelled_as_the_api_would_let_it(
    client: TestClient,
    browser: TestClient,
    application: Application,
    studio: dict[str, str],
    asset: Asset,
    player: str,
    wallet: Wallet,
) -> None:
    hold(client, asset.asset_id, studio, player=player)
    made = claim(browser, asset.asset_id, to=wallet.address).json()["id"]
    on_node(application)
    shown = part(browser.get("/wallet/mine").text, "vouchers")
    assert "being signed" in shown
    assert f'data-cancel="{made}"' in shown
    assert "data-take" not in shown
    application.settings = replace(application.settings, rpc_url=None)
    work(application, made)
    on_node(application)
    shown = part(browser.get("/wallet/mine").text, "vouchers")
    assert f'data-take="{made}"' in shown
    assert f'data-cancel="{made}"' in shown, "to look at the page hands nothing out"
    assert browser.get(f"/v1/vouchers/{made}").json()["promise"] is not None
    shown = part(browser.get("/wallet/mine").text, "vouchers")
    assert f'data-take="{made}"' in shown
    assert "data-cancel" not in shown
    assert "data-claim-asset" not in part(browser.get("/wallet").text, "assets")


@pytest.mark.parametrize(
    ("wei", "told"),
    [
        (0, "0"),
        (1, "less than 0.000001"),
        (25 * 10**15, "0.025"),
        (10**18, "1"),
        ("1234500000000000000000", "1,234.5"),
    ],
)
def test_wei_are_told_as_people_count_them(wei: int | str, told: str) -> None:
    assert coins(wei) == told


def test_a_studios_price_is_told_in_coins(
    client: TestClient,
    browser: TestClient,
    application: Application,
    studio: dict[str, str],
    asset: Asset,
    player: str,
    wallet: Wallet,
) -> None:
    made = claim(client, asset.asset_id, studio, to=wallet.address, price_wei=str(25 * 10**15)).json()["id"]
    work(application, made)
    on_node(application)
    shown = part(browser.get("/wallet").text, "vouchers")
    assert "Claim for 0.025 ETH" in shown
    assert "data-cancel" not in shown, "it is the studio's"


def test_no_wallet_reaches_the_embedded_chain_so_no_button_claims(
    client: TestClient, browser: TestClient, studio: dict[str, str], asset: Asset, player: str, wallet: Wallet
) -> None:
    hold(client, asset.asset_id, studio, player=player)
    claim(browser, asset.asset_id, to=wallet.address)
    page = browser.get("/wallet").text
    assert "inside the server, where no wallet reaches it" in text_of(page)
    assert "data-claim-asset" not in page
    assert "data-take" not in page


def test_tokens_of_the_account_have_their_pictures_and_links(
    browser: TestClient,
    application: Application,
    studio: dict[str, str],
    asset: Asset,
    player: str,
    wallet: Wallet,
    tenant_of: Callable[[dict[str, str]], str],
) -> None:
    write(
        application,
        0,
        9,
        tokens=[minted(1, each, wallet.address) for each in (7, 8)],
        transfers=[moved(1, each, ZERO_ADDRESS, wallet.address) for each in (7, 8)],
    )
    mint(application, asset, tenant_of(studio), "7")
    shown = part(browser.get("/wallet").text, "tokens")
    assert asset.name in shown
    assert str(asset.image_cid) in shown
    assert "Token 8" in shown
    assert shown.count("/health/") == 2
    assert CONTRACT in shown
    assert f"/assets/{asset.asset_id}" not in shown, "its page is its creator's"


def test_long_lists_go_on_where_they_ended(
    client: TestClient,
    browser: TestClient,
    application: Application,
    studio: dict[str, str],
    player: str,
    add_asset: Callable[..., Asset],
    tenant_of: Callable[[dict[str, str]], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.server.web.wallet_holdings._MOST", 2)
    for seed in range(1, 4):
        asset = add_asset(application, seed, tenant_id=tenant_of(studio))
        hold(client, asset.asset_id, studio, player=player)
    first = part(browser.get("/wallet").text, "assets")
    assert first.count('id="held-') == 2
    rest = re.search(r'hx-get="([^"]+)"', first)
    assert rest
    following = browser.get(rest[1].replace("&amp;", "&"))
    assert following.status_code == 200, following.text
    assert following.text.count('id="held-') == 1
    assert "hx-get" not in following.text


def test_who_is_signed_out_gets_no_list(visitor: Visitor) -> None:
    assert visitor.get("/wallet/mine", headers={"HX-Request": "true"}).status_code == 401
    assert visitor.get("/wallet/more/tokens", headers={"HX-Request": "true"}).status_code == 401


def test_a_link_shows_the_voucher_to_its_account_and_to_nobody_else(
    client: TestClient,
    browser: TestClient,
    visitor: Visitor,
    application: Application,
    studio: dict[str, str],
    asset: Asset,
    player: str,
    wallet: Wallet,
) -> None:
    made = claim(client, asset.asset_id, studio, to=wallet.address).json()["id"]
    own = browser.get("/wallet", params={"voucher": made}).text
    assert made in part(own, "linked")
    assert made not in part(own, "vouchers"), "it is shown once"
    stranger = visitor.get("/wallet", params={"voucher": made}).text
    assert "Sign in with the wallet that the voucher is for" in stranger
    assert asset.name not in stranger
    sign_in(visitor, Wallet())
    other = visitor.get("/wallet", params={"voucher": made}).text
    assert "not for this account" in other
    assert asset.name not in other
    assert visitor.get("/wallet", params={"voucher": NASTY}).text.count("<script>alert") == 0


@pytest.fixture
def bearer(creator: Visitor, application: Application, add_asset: Callable[..., Asset]) -> str:
    asset = add_asset(application, tenant_id=LOCAL_TENANT)
    made = creator.post(f"/v1/assets/{asset.asset_id}/claim", json={"bearer": True})
    assert made.status_code == 202, made.text
    work(application, made.json()["id"])
    on_node(application)
    return str(made.json()["id"])


def test_a_voucher_for_whoever_has_it_is_its_studios_to_claim(
    creator: Visitor, browser: TestClient, player: str, bearer: str
) -> None:
    shown = creator.get("/wallet", params={"voucher": bearer}).text
    assert f'data-take="{bearer}"' in shown
    assert "Connect a wallet" in shown
    told = browser.get("/wallet", params={"voucher": bearer}).text
    assert "not for this account" in told
    assert "data-take" not in told
    sign_in(creator, Wallet())
    assert "sign the wallet out" in creator.get("/wallet", params={"voucher": bearer}).text


def test_a_creator_reads_who_signs_and_no_key_is_made_by_looking(
    creator: Visitor, application: Application
) -> None:
    assert "Who signs for the server" in creator.get("/wallet").text
    assert "with the first mint" in creator.get("/wallet/signer").text
    assert not list(application.folder.keys.glob("*.json"))
    address = application.signer.address
    told = text_of(creator.get("/wallet/signer").text)
    assert address in told
    assert "Balance" in told


def test_who_is_no_creator_reads_nothing_of_the_signer(visitor: Visitor) -> None:
    assert visitor.get("/wallet/signer").status_code == 303


def test_wallets_hear_of_a_public_node_alone(visitor: Visitor, application: Application) -> None:
    on_node(application)
    assert 'data-rpc=""' in visitor.get("/wallet").text, "the server's own may carry a key"
    application.settings = replace(application.settings, public_rpc_url="https://rpc.example")
    assert 'data-rpc="https://rpc.example"' in visitor.get("/wallet").text
