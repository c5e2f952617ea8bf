"""The whole way of a creator, in one browser: a prompt, its preview, the gallery, a remix, a mint, a verification."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import TIMEOUT_MS, Served

DRAWN_MS = 120_000  # the first drawing loads its model, beside whatever else the machine does


@pytest.fixture(scope="module")
def served(serving: Callable[..., Served]) -> Served:
    """A server that has nothing yet."""
    return serving()


def test_a_prompt_becomes_a_verified_token_by_way_of_a_remix(page: Page) -> None:
    expect.set_options(timeout=TIMEOUT_MS)
    page.get_by_role("radio", name="Item").check(force=True)
    page.get_by_label("What to draw").fill("a red potion bottle")
    page.get_by_label("How many").fill("16")
    page.get_by_text("More", exact=True).first.click()
    page.get_by_label("Steps").fill("80")
    page.get_by_role("button", name="Create", exact=True).click()
    first = page.locator("#cards > .creation").first
    # The preview: pictures that are in no asset yet.
    expect(first.locator("img[src^='data:image/png']").first).to_be_visible(timeout=DRAWN_MS)
    expect(first).to_have_attribute("data-status", "succeeded", timeout=DRAWN_MS)

    page.get_by_role("link", name="Gallery", exact=True).click()
    expect(page.locator("#results .card")).to_have_count(16)
    page.locator("#results .card-link").first.click()
    page.get_by_role("link", name="Remix").click()
    expect(page).to_have_url(re.compile(r"/create\b"))
    expect(page.get_by_label("What to draw")).to_have_value("a red potion bottle")

    page.get_by_label("What to draw").fill("a blue potion bottle")
    page.get_by_label("How many").fill("1")
    page.get_by_role("button", name="Create", exact=True).click()
    remixed = page.locator("#cards > .creation").filter(has_text="a blue potion bottle").first
    expect(remixed).to_have_attribute("data-status", "succeeded", timeout=DRAWN_MS)
    remixed.locator("a[href^='/assets/']").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text("A blue potion bottle")

    page.get_by_role("button", name="Mint…").click()
    page.get_by_role("button", name="Mint 1 asset").click()
    expect(page.locator("#mint .mint-states .badge")).to_have_text("confirmed")
    page.locator("#mint").get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Verify").click()
    expect(page.locator("#verification")).to_contain_text("0 differing pixels")
    expect(page.locator("#verification")).to_contain_text("5 of 5 checks hold")
    expect(page.locator("#voucher-panel")).to_contain_text("nothing to promise")
