"""A browser is signed in by the link, or by an API key, and signed out."""

import json
import subprocess
import sys

from playwright.sync_api import BrowserContext, Page, expect

from tests.browser.conftest import Served


def test_the_link_signs_in_once_and_leads_to_the_form(context: BrowserContext, served: Served) -> None:
    link, page = served.link(), context.new_page()
    page.goto(link)
    assert page.url == f"{served.address}/create"
    context.clear_cookies()
    page.goto(link)
    expect(page.get_by_role("alert")).to_contain_text("used before")
    expect(page.get_by_label("Or sign in with an API key")).to_be_visible()


def test_an_api_key_signs_in_and_a_wrong_one_says_what_to_do(context: BrowserContext, served: Served) -> None:
    command = [sys.executable, "-m", "engine.cli", "api-key", "create", "--name", "mine", "--json"]
    made = subprocess.run(
        command, env=served.environment, capture_output=True, text=True, timeout=60, check=True
    )
    page = context.new_page()
    page.goto("/gallery")
    assert "/sign-in?next=" in page.url
    field = page.get_by_label("Or sign in with an API key")
    field.fill("lsk_wrong")
    field.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("no living API key")
    page.get_by_label("Or sign in with an API key").fill(json.loads(made.stdout)["secret"])
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url("**/gallery")


def test_signing_out_ends_the_session(page: Page) -> None:
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.goto("/create")
    assert "/sign-in" in page.url
