"""Jobs are watched in a browser: they change by themselves, are cancelled after a question, and asked for again."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Served

LONG = {
    "kind": "item",
    "prompt": "a red potion bottle",
    "count": 64,
    "controls": {"quality": "high", "size": 64},
}


@pytest.fixture(scope="module")
def served(serving: Callable[..., Served]) -> Served:
    """One that nobody else asks for anything."""
    return serving()


def ask(page: Page) -> str:
    token = page.evaluate("() => JSON.parse(document.body.getAttribute('hx-headers'))['X-CSRF-Token']")
    headers = {"X-CSRF-Token": token, "Origin": page.evaluate("() => location.origin")}
    answer = page.request.post("/v1/creations", data=LONG, headers=headers)
    assert answer.status == 202, answer.text()
    return str(answer.json()["id"])


def test_a_job_appears_is_cancelled_and_is_asked_for_again(page: Page) -> None:
    page.goto("/jobs")
    expect(page.locator("#jobs")).to_contain_text("No jobs here yet")
    creation = ask(page)
    row = page.locator(f"#job-{creation}")
    expect(row).to_be_visible()  # without a reload
    cancel = row.get_by_role("button", name="Cancel")
    cancel.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_contain_text("Cancel this creation?")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    cancel.click()
    page.get_by_role("button", name="Cancel it").click()
    expect(row.locator(".badge")).to_have_text("cancelled")
    row.get_by_role("button", name="Ask again").click()
    expect(page.locator("#messages")).to_contain_text("asked for once more")
    expect(page.locator(".job")).to_have_count(2)
    page.locator(".job").first.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Cancel it").click()
    expect(page.locator(".job .badge", has_text="cancelled")).to_have_count(2)
