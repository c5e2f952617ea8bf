"""A key is made, copied and ended in a browser; a webhook is tried out."""

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Served


@pytest.fixture(scope="module")
def served(serving: Callable[..., Served]) -> Served:
    """One whose webhooks may lead to this machine."""
    return serving(LORESPARK_ALLOW_PRIVATE_WEBHOOKS="1")


def test_a_key_is_made_copied_and_revoked_after_a_question(page: Page) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto("/account/keys")
    page.get_by_label("Name").fill("build <b>server</b>")
    page.get_by_role("button", name="Make the key").click()
    heading = page.get_by_role("heading", name="Your new key")
    expect(heading).to_be_focused()
    secret = page.locator(".secret-text").inner_text()
    page.get_by_role("button", name="Copy").click()
    expect(page.locator("#messages")).to_contain_text("Copied")
    assert page.evaluate("() => navigator.clipboard.readText()") == secret
    expect(page.get_by_label("Name")).to_have_value("")
    page.get_by_role("button", name="I have kept it").click()
    expect(heading).to_have_count(0)
    own = page.locator(".thing", has_text="build <b>server</b>")
    own.get_by_role("button", name="Revoke").click()
    page.get_by_role("button", name="Leave it").click()
    expect(own).to_be_visible()
    own.get_by_role("button", name="Revoke").click()
    page.get_by_role("button", name="Revoke it").click()
    expect(own).to_have_count(0)
    expect(page.get_by_text("1 revoked key")).to_be_visible()
    answer = page.request.get("/v1/me", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status == 401


def test_what_was_typed_for_a_key_outlives_a_reload_and_a_fault_marks_its_field(page: Page) -> None:
    page.goto("/account/keys")
    page.get_by_label("Name").fill("half typed")
    page.wait_for_function("() => (sessionStorage.getItem('form:new-key') ?? '').includes('half typed')")
    page.reload()
    expect(page.get_by_label("Name")).to_have_value("half typed")
    for scope in ("create", "mint", "read"):
        page.locator(f"#scope-{scope}").uncheck()
    page.get_by_role("button", name="Make the key").click()
    expect(page.locator("#messages")).to_contain_text("at least one of the boxes")


def test_a_webhook_is_added_and_its_test_event_shows_why_it_failed(page: Page) -> None:
    page.goto("/account/webhooks")
    page.get_by_label("Address").fill("http://127.0.0.1:9/lorespark")
    page.get_by_role("button", name="Add the webhook").click()
    expect(page.locator(".secret-text")).to_have_text(re.compile("^whsec_"))
    page.get_by_role("link", name="http://127.0.0.1:9/lorespark").click()
    page.get_by_role("button", name="Send a test event").click()
    expect(page.locator("#log")).to_contain_text("cannot be reached")


def test_health_is_asked_when_settings_are_opened(page: Page) -> None:
    page.goto("/account/settings")
    expect(page.locator("#health")).to_contain_text("answers")
