"""The wallet page with a wallet that signs for real, over a real chain: sign in, networks, claims and refusals."""

import io
import secrets
from collections.abc import Callable
from typing import Any, Final

import numpy as np
import pytest
from eth_account import Account
from PIL import Image
from playwright.sync_api import BrowserContext, Page, Route, expect

from engine.settings import EMBEDDED_CHAIN_ID
from tests.browser.conftest import TIMEOUT_MS, Served
from tests.browser.injected_wallet import InjectedWallet, Refused

expect.set_options(timeout=TIMEOUT_MS)
COIN: Final = 10**18
TOKEN_MS: Final = 120_000  # the first claim deploys two contracts before it is signed
# What the wallet would tell the page of itself, by a function of the page's own.
_HEARING: Final = """window.addEventListener("eip6963:announceProvider", ({ detail }) => {
  detail.provider.on = (name, hear) => { (window.heard ??= {})[name] = hear; };
});"""


@pytest.fixture(scope="module")
def signer() -> Any:
    return Account.create()


@pytest.fixture(scope="module")
def served(serving: Callable[..., Served], anvil_url: str, signer: Any) -> Served:
    give(InjectedWallet(anvil_url, EMBEDDED_CHAIN_ID), signer.address, 100 * COIN)
    return serving(
        LORESPARK_RPC_URL=anvil_url,
        LORESPARK_CHAIN_ID=str(EMBEDDED_CHAIN_ID),
        LORESPARK_CONFIRMATIONS="1",
        LORESPARK_PRIVATE_KEY=bytes(signer.key).hex(),
    )


def give(wallet: InjectedWallet, address: str, wei: int) -> None:
    wallet.node("anvil_setBalance", address, hex(wei))


@pytest.fixture
def wallet(anvil_url: str, context: BrowserContext) -> InjectedWallet:
    made = InjectedWallet(anvil_url, EMBEDDED_CHAIN_ID)
    give(made, made.account.address, COIN)
    context.add_init_script(_HEARING)
    made.inject(context)
    return made


@pytest.fixture
def visited(wallet: InjectedWallet, context: BrowserContext) -> Page:
    """The page of a player, who has no API key."""
    opened = context.new_page()
    opened.goto("/wallet")
    return opened


def sign_in(page: Page) -> None:
    page.get_by_role("button", name="Test wallet").click()
    expect(page.get_by_role("heading", name="Signed in")).to_be_visible()
    expect(page.locator("#on-network")).to_be_visible()


def held(page: Page, served: Served) -> tuple[str, str]:
    """An asset that the studio made and gave to who is signed in; its id and name."""
    player = page.request.get("/v1/wallet/session").json()["player"]
    studio = page.context.browser.new_context(base_url=served.address)  # type: ignore[union-attr]
    form = studio.new_page()
    form.goto(served.link())
    headers = form.evaluate("() => JSON.parse(document.body.getAttribute('hx-headers'))")
    headers |= {"Origin": served.address}
    name = f"Gem {secrets.token_hex(4)}"
    made = form.request.post(
        f"/v1/assets?name={name}", data=gem(), headers=headers | {"Content-Type": "image/png"}
    )
    assert made.ok, made.text()
    asset = made.json()["id"]
    given = form.request.put(f"/v1/assets/{asset}/holder", data={"player": player}, headers=headers)
    assert given.ok, given.text()
    studio.close()
    return asset, name


def gem() -> bytes:
    random = np.random.default_rng(secrets.randbits(32))
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[4:28, 4:28] = [*random.integers(40, 220, 3), 255]
    for _ in range(12):
        x, y = random.integers(5, 22, 2)
        pixels[y : y + 5, x : x + 5, :3] = random.integers(0, 255, 3)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def owner(wallet: InjectedWallet, page: Page) -> tuple[str, str]:
    """Of the newest token that the page shows: its id, and who owns it by the chain."""
    token = page.request.get("/v1/wallet/tokens").json()["data"][0]
    data = "0x6352211e" + f"{int(token['token_id']):064x}"  # ownerOf(uint256)
    answer = wallet.node("eth_call", {"to": token["contract"], "data": data}, "latest")
    return token["token_id"], "0x" + answer[-40:]


def begin(page: Page, name: str) -> None:
    page.reload()
    expect(page.locator("#on-network")).to_be_visible()
    page.get_by_role("button", name=f"Claim {name}").click()
    page.get_by_role("dialog").get_by_role("button", name="Claim").click()


def test_a_player_signs_in_and_out(visited: Page, wallet: InjectedWallet) -> None:
    wallet.refuses.add("personal_sign")
    visited.get_by_role("button", name="Test wallet").click()
    expect(visited.get_by_role("alert").first).to_contain_text("You refused in the wallet")
    wallet.refuses.clear()
    sign_in(visited)
    expect(visited.locator(".account")).to_have_text(wallet.account.address)
    visited.reload()
    expect(visited.locator("#connected")).to_contain_text("Test wallet")  # without being asked again
    assert wallet.asked.count("eth_requestAccounts") == 2
    visited.get_by_role("button", name="Sign out here").click()
    expect(visited.get_by_role("heading", name="Sign in with your wallet")).to_be_visible()
    assert visited.request.get("/v1/wallet/session").status == 401
    sign_in(visited)
    visited.get_by_role("button", name="Sign out everywhere").click()
    expect(visited.get_by_text("Signed out on all devices.")).to_be_visible()


def test_what_is_held_becomes_a_token_of_the_wallet(
    visited: Page, wallet: InjectedWallet, served: Served
) -> None:
    wallet.chain_id, wallet.knows = 5, (5, EMBEDDED_CHAIN_ID)
    sign_in(visited)
    expect(visited.locator("#on-network")).to_have_text("on another network")
    _, name = held(visited, served)
    wallet.refuses |= {"wallet_switchEthereumChain"}
    begin(visited, name)
    row = visited.locator(f".voucher[data-name='{name}']")
    expect(row.locator(".said")).to_contain_text("You did not switch", timeout=TOKEN_MS)
    wallet.refuses = {"eth_sendTransaction"}
    row.get_by_role("button", name="Claim").click()
    expect(row.locator(".said")).to_contain_text("You refused in the wallet")
    expect(visited.locator("#on-network")).to_have_text("on Local development chain")
    wallet.refuses = set()
    row.get_by_role("button", name="Claim").click()
    token = visited.locator("#part-tokens .card", has_text=name)
    expect(token).to_be_visible(timeout=TOKEN_MS)
    token_id, whose = owner(wallet, visited)
    expect(token).to_contain_text(f"token {token_id}")
    assert whose == wallet.account.address.lower()
    expect(visited.locator("#part-assets")).to_contain_text(f"token {token_id}")


def test_a_reload_in_the_middle_and_a_second_tab_lose_nothing(
    visited: Page, wallet: InjectedWallet, served: Served
) -> None:
    sign_in(visited)
    _, name = held(visited, served)
    wallet.refuses = {"eth_sendTransaction"}
    begin(visited, name)
    row = visited.locator(f".voucher[data-name='{name}']")
    expect(row.locator(".said")).to_contain_text("You refused", timeout=TOKEN_MS)
    visited.reload()  # the voucher is the server's
    wallet.refuses = set()
    other = visited.context.new_page()
    other.goto("/wallet")
    wallet.node("evm_setAutomine", False)
    try:
        row.get_by_role("button", name="Claim").click()
        there = other.locator(f".voucher[data-name='{name}']")
        expect(there.locator(".said")).to_contain_text("It waits to be taken into a block")
        expect(there.get_by_role("button", name="Claim")).to_be_hidden()
        other.close()
        expect(row.locator(".said")).to_contain_text("It waits to be taken into a block")
        visited.reload()  # what was sent is known still
        expect(row.locator(".said")).to_contain_text("It waits to be taken into a block")
        expect(row.get_by_role("button", name="Claim")).to_be_hidden()
    finally:
        wallet.node("evm_setAutomine", True)
        wallet.node("evm_mine")
    expect(visited.locator("#part-tokens .card", has_text=name)).to_be_visible(timeout=TOKEN_MS)
    assert wallet.asked.count("eth_sendTransaction") == 2


def test_too_little_money_and_an_open_request_are_told(
    visited: Page, wallet: InjectedWallet, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    give(wallet, wallet.account.address, 0)
    sign_in(visited)
    _, name = held(visited, served)
    begin(visited, name)
    row = visited.locator(f".voucher[data-name='{name}']")
    expect(row.locator(".said")).to_contain_text("too little ETH", timeout=TOKEN_MS)
    give(wallet, wallet.account.address, COIN)
    monkeypatch.setattr(wallet, "_send", open_already)
    row.get_by_role("button", name="Claim").click()
    expect(row.locator(".said")).to_contain_text("waits for an answer already")


def open_already(_: dict[str, str]) -> str:
    raise Refused(-32002, "Request already pending.")


def test_a_claim_that_the_network_refuses_is_told(
    visited: Page, wallet: InjectedWallet, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(visited)
    _, name = held(visited, served)
    # Sent with too little gas, as where somebody was faster; the estimate cannot foresee it.
    monkeypatch.setattr(wallet, "_send", lambda wanted: send_raw(wallet, wanted, gas=60_000))
    begin(visited, name)
    row = visited.locator(f".voucher[data-name='{name}']")
    expect(row.locator(".said")).to_contain_text("The network refused the claim", timeout=TOKEN_MS)
    monkeypatch.undo()
    row.get_by_role("button", name="Claim").click()
    expect(visited.locator("#part-tokens .card", has_text=name)).to_be_visible(timeout=TOKEN_MS)


def test_a_claim_that_was_replaced_in_the_wallet_is_told(
    visited: Page, wallet: InjectedWallet, served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(visited)
    _, name = held(visited, served)
    row = visited.locator(f".voucher[data-name='{name}']")
    wallet.node("evm_setAutomine", False)
    try:
        # The server's own transactions are mined still.
        wallet.node("evm_setIntervalMining", 1)
        monkeypatch.setattr(wallet, "_send", lambda wanted: slow(wallet, wanted))
        begin(visited, name)
        expect(row.locator(".said")).to_contain_text("replaced or dropped", timeout=TOKEN_MS)
    finally:
        wallet.node("evm_setIntervalMining", 0)
        wallet.node("evm_setAutomine", True)
    expect(row.get_by_role("button", name="Claim")).to_be_visible()


def slow(wallet: InjectedWallet, wanted: dict[str, str]) -> str:
    """A transaction that the network hears of and that another one replaces once the page has seen it."""
    wallet.node("evm_setIntervalMining", 0)
    sent = send_raw(wallet, wanted, gas=500_000)
    seen = wallet._do

    def replaced(method: str, params: list[Any]) -> Any:
        answer = seen(method, params)
        if method == "eth_getTransactionByHash" and answer:
            wallet._do = seen  # type: ignore[method-assign]
            send_raw(wallet, {"to": wallet.account.address, "data": "0x", "value": "0x0"}, 21_000, fee=60)
            wallet.node("evm_mine")
        return answer

    wallet._do = replaced  # type: ignore[method-assign]
    return sent


def send_raw(wallet: InjectedWallet, wanted: dict[str, str], gas: int, fee: int = 20) -> str:
    signed = wallet.account.sign_transaction(
        {
            "type": 2,
            "chainId": EMBEDDED_CHAIN_ID,
            "nonce": int(wallet.node("eth_getTransactionCount", wallet.account.address, "latest"), 16),
            "to": wanted["to"],
            "data": wanted["data"],
            "value": int(wanted["value"], 16),
            "gas": gas,
            "maxFeePerGas": fee * 10**9,
            "maxPriorityFeePerGas": fee * 10**9 // 2,
        }
    )
    return str(wallet.node("eth_sendRawTransaction", "0x" + bytes(signed.raw_transaction).hex()))


def test_a_network_that_the_wallet_does_not_know_is_added_by_hand(
    visited: Page, wallet: InjectedWallet
) -> None:
    wallet.chain_id = 5
    sign_in(visited)
    visited.get_by_role("button", name="Switch to").click()
    expect(visited.locator("#fault")).to_contain_text(f"Add a network there by hand: id {EMBEDDED_CHAIN_ID}")
    assert "wallet_addEthereumChain" not in wallet.asked


def test_a_public_node_lets_the_wallet_add_the_network(
    context: BrowserContext, wallet: InjectedWallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    def with_node(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(
            response=answer, body=answer.text().replace('data-rpc=""', 'data-rpc="https://rpc.example"')
        )

    seen, added = wallet._do, []

    def adding(method: str, params: list[Any]) -> Any:
        if method != "wallet_addEthereumChain":
            return seen(method, params)
        added.append(params[0])
        wallet.chain_id = int(params[0]["chainId"], 16)
        return None

    monkeypatch.setattr(wallet, "_do", adding)
    wallet.chain_id = 5
    context.route("**/wallet", with_node)
    page = context.new_page()
    page.goto("/wallet")
    sign_in(page)
    page.get_by_role("button", name="Switch to").click()
    expect(page.locator("#on-network")).to_have_text("on Local development chain")
    assert added == [
        {
            "chainId": hex(EMBEDDED_CHAIN_ID),
            "chainName": "Local development chain",
            "nativeCurrency": {"name": "ETH", "symbol": "ETH", "decimals": 18},
            "rpcUrls": ["https://rpc.example"],
        }
    ]


def test_the_page_notices_another_account_and_network(visited: Page, wallet: InjectedWallet) -> None:
    sign_in(visited)
    wallet.account = Account.create()
    visited.evaluate("(account) => window.heard.accountsChanged([account])", wallet.account.address)
    expect(visited.locator("#other-account")).to_contain_text("Your wallet is on")
    visited.evaluate("() => window.heard.chainChanged('0x5')")
    expect(visited.locator("#on-network")).to_have_text("on another network")
    visited.evaluate("(id) => window.heard.chainChanged(id)", hex(EMBEDDED_CHAIN_ID))
    expect(visited.locator("#on-network")).to_have_text("on Local development chain")
    visited.get_by_role("button", name="Sign in as this account").click()
    expect(visited.locator(".account")).to_have_text(wallet.account.address)


def test_a_wrong_address_is_said_at_its_field(visited: Page, served: Served) -> None:
    sign_in(visited)
    _, name = held(visited, served)
    visited.reload()
    visited.get_by_role("button", name=f"Claim {name}").click()
    field = visited.get_by_label("Who gets the token")
    field.fill("0x12")
    field.press("Enter")
    expect(field).to_have_attribute("aria-invalid", "true")
    expect(field).to_be_focused()
    visited.get_by_role("button", name="Not now").click()
    expect(visited.get_by_role("button", name=f"Claim {name}")).to_be_focused()


def test_a_browser_without_a_wallet_says_what_to_do(context: BrowserContext) -> None:
    opened = context.new_page()
    opened.goto("/wallet")
    expect(opened.locator("#no-wallet")).to_contain_text("This browser has no wallet")


@pytest.mark.parametrize("width", [360, 2560])
def test_nothing_is_wider_than_the_window(visited: Page, served: Served, width: int) -> None:
    visited.set_viewport_size({"width": width, "height": 800})
    sign_in(visited)
    held(visited, served)
    visited.reload()
    expect(visited.locator("#on-network")).to_be_visible()
    assert visited.evaluate("() => document.documentElement.scrollWidth") <= width
