"""A collection is drawn by a theme; a drop of it is claimed by a wallet on a real chain."""

import re
import secrets
from collections.abc import Callable
from typing import Any

import pytest
from eth_account import Account
from playwright.sync_api import Browser, BrowserContext, Page, expect
from web3 import Web3

from chain.asset_contract import AssetContract
from engine.settings import EMBEDDED_CHAIN_ID
from tests.browser.conftest import TIMEOUT_MS, Served
from tests.browser.injected_wallet import InjectedWallet

DRAWN_MS = 240_000  # some drawings on a busy machine
ETHER_WEI = hex(10**19)


def draw_theme(page: Page, count: int) -> str:
    """Draws a themed collection through the form, to its end; returns its path."""
    page.goto("/collections/new")
    page.get_by_label("Theme", exact=True).fill("a frozen knight")
    page.get_by_label("How many").fill(str(count))
    page.get_by_label("Quality").select_option("draft")
    for place, (name, values) in enumerate((("Weapon", "sword = 3\naxe"), ("Hat", "crown\nnone"))):
        page.get_by_role("button", name="Add a trait").click()
        page.get_by_label(f"Trait {place + 1}").fill(name)
        page.locator(f"#trait-{place}-values").fill(values)
    page.get_by_role("button", name="Draw the collection").click()
    page.wait_for_url(re.compile("/collections/collection-"))
    path = re.sub(r"^https?://[^/]+", "", page.url)
    page.reload()  # in the middle of it
    expect(page.get_by_role("list", name="Assets of the collection").locator("li.card")).to_have_count(
        count, timeout=DRAWN_MS
    )
    return path


def test_a_theme_is_drawn_with_traits_and_ranked_by_rarity(page: Page) -> None:
    path = draw_theme(page, 4)
    expect(page.get_by_role("img", name=re.compile("^Hat: "))).to_have_attribute(
        "aria-label", re.compile("50 %, .*50 %"), timeout=DRAWN_MS
    )
    expect(page.locator("#rarity tbody tr").first).to_contain_text("Weapon: ")
    page.get_by_role("button", name=re.compile("^Take .* out of the collection")).first.click()
    expect(page.locator("#grid li.card")).to_have_count(3)
    expect(page.locator("#grid .take-out").first).to_be_focused()
    page.get_by_role("button", name="Add assets").click()
    page.get_by_role("dialog").get_by_role("checkbox").first.check()
    page.get_by_role("button", name="Add the chosen").click()
    expect(page.locator("#grid li.card")).to_have_count(4)
    expect(page.get_by_role("dialog")).to_be_hidden()
    page.goto("/collections")
    expect(page.locator(f"a[href='{path}'] img")).to_have_count(4)


def test_traits_that_are_too_few_are_told_and_marked_and_nothing_typed_is_lost(page: Page) -> None:
    page.goto("/collections/new")
    page.get_by_label("Theme", exact=True).fill("a knight")
    page.get_by_role("button", name="Add a trait").click()
    page.get_by_label("Trait 1").fill("Hat")
    page.locator("#trait-0-values").fill("crown\ncap")
    expect(page.locator("[data-combinations]")).to_contain_text("fewer than the 12")
    page.get_by_role("button", name="Preview the prompts").click()
    expect(page.get_by_role("status").filter(has_text="are needed")).to_be_visible()
    expect(page.locator("#trait-0-values")).to_be_focused()
    page.wait_for_function("() => (sessionStorage.getItem('form:theme') ?? '').includes('crown')")
    page.reload()
    expect(page.get_by_label("Trait 1")).to_have_value("Hat")
    expect(page.get_by_label("Trait 2")).to_be_hidden()


@pytest.fixture
def chained(serving: Callable[..., Served], anvil_url: str) -> Served:
    """A server whose chain is anvil."""
    key = "0x" + secrets.token_hex(32)
    web3 = Web3(Web3.HTTPProvider(anvil_url))
    web3.provider.make_request("anvil_setBalance", [Account.from_key(key).address, ETHER_WEI])  # type: ignore[arg-type]
    return serving(
        LORESPARK_RPC_URL=anvil_url,
        LORESPARK_CHAIN_ID=str(EMBEDDED_CHAIN_ID),
        LORESPARK_CONFIRMATIONS="1",
        LORESPARK_PRIVATE_KEY=key,
    )


def opened(browser: Browser, served: Served) -> BrowserContext:
    made = browser.new_context(base_url=served.address)
    made.set_default_timeout(TIMEOUT_MS)
    return made


def open_drop(context: BrowserContext, served: Served) -> str:
    """Draws a collection and opens it to one account after another, by the page; returns the drop's path."""
    page = context.new_page()
    page.goto(served.link())
    draw_theme(page, 2)
    page.get_by_text("Open a drop").click()
    page.get_by_role("button", name="Open the drop").click()
    path = page.locator("#drop a").first.get_attribute("href")
    assert path is not None
    assert path.startswith("/drops/")
    return path


def test_a_wallet_claims_from_a_drop(browser: Browser, chained: Served, anvil_url: str) -> None:
    studio = opened(browser, chained)
    path = open_drop(studio, chained)
    studio.close()
    wallet = InjectedWallet(anvil_url, chain_id=1)
    wallet.node("anvil_setBalance", wallet.account.address, ETHER_WEI)
    visitor = opened(browser, chained)
    faults: list[str] = []
    visitor.on("weberror", lambda error: faults.append(str(error.error)))
    wallet.inject(visitor)
    page = visitor.new_page()
    page.goto(path)
    expect(page.get_by_text("2 of 2")).to_be_visible()
    said, claim = page.locator("#said"), page.locator("#claim")

    claim.click()
    expect(said).to_contain_text("does not know the network with the id 31337")
    wallet.knows = (EMBEDDED_CHAIN_ID,)
    wallet.refuses = {"personal_sign"}
    claim.click()
    expect(said).to_contain_text("You refused in the wallet")
    wallet.refuses = {"eth_sendTransaction"}
    claim.click()
    expect(said).to_contain_text("You refused in the wallet", timeout=DRAWN_MS)
    expect(page.get_by_text("Reserved for you")).to_be_visible()
    expect(page.get_by_text("1 of 2")).to_be_visible()

    page.reload()  # it goes on where it was
    wallet.refuses = set()
    expect(claim).to_have_text("Go on with your claim")
    claim.click()
    expect(page.get_by_text(re.compile("Yours: token [0-9]+"))).to_be_visible(timeout=DRAWN_MS)
    assert wallet.asked.count("personal_sign") == 2, "signed in once, and refused once before"
    told: Any = page.evaluate("async (path) => (await fetch(`/v1${path}/claims`)).json()", path)
    (mine,) = told["data"]
    contract = AssetContract(Web3(Web3.HTTPProvider(anvil_url)), mine["collection"])
    assert contract.owner_of(int(mine["token_id"])) == wallet.account.address
    page.reload()
    expect(page.get_by_text("You have claimed yours")).to_be_visible()
    expect(claim).to_be_hidden()
    visitor.close()
    assert faults == []


def test_without_a_wallet_the_page_says_what_to_do(
    page: Page, context: BrowserContext, served: Served
) -> None:
    made = page.evaluate(
        """async () => {
          const headers = JSON.parse(document.body.getAttribute("hx-headers"));
          headers["Content-Type"] = "application/json";
          const post = async (path, body) =>
            (await fetch(path, { method: "POST", headers, body: JSON.stringify(body) })).json();
          const { id } = await post("/v1/collections", { name: "Empty" });
          return post("/v1/drops", { collection: id, ends_at: "2990-01-01T00:00:00Z" });
        }"""
    )
    page.goto(made["links"]["page"])
    expect(page.get_by_role("heading", name="Nothing is left")).to_be_visible()
    page.get_by_role("button", name="I have claimed before").click()
    expect(page.locator("#said")).to_contain_text("There is no wallet in this browser")
