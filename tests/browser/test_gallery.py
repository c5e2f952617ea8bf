"""The gallery and an asset's page in a browser, over assets that the bundled models drew."""

import json
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import TIMEOUT_MS, Served

EVIL = "a green potion <script>document.title='run'</script> \"bottle\""
_DRAWN_S = 120

Draw = Callable[..., list[dict[str, Any]]]


def asked(page: Page, method: str, path: str, body: object = None) -> Any:
    """What the API answers to the page's own session."""
    headers = json.loads(page.locator("body").get_attribute("hx-headers") or "{}")
    origin = re.match(r"https?://[^/]+", page.url)
    assert origin is not None
    answer = page.request.fetch(
        path, method=method, data=body, headers={**headers, "Origin": origin[0]}, timeout=TIMEOUT_MS
    )
    assert answer.ok, answer.text()
    return answer.json() if answer.status != 204 else None


@pytest.fixture
def draw(page: Page) -> Draw:
    """Makes assets through the API; returns them as it tells them."""

    def draw(prompt: str, count: int = 1, **wanted: Any) -> list[dict[str, Any]]:
        body = {"kind": "item", "prompt": prompt, "count": count, **wanted}
        path = asked(page, "POST", "/v1/creations", body)["links"]["self"]
        until = time.monotonic() + _DRAWN_S
        while (made := asked(page, "GET", path))["status"] in ("queued", "running"):
            assert time.monotonic() < until, "nothing was drawn"
            page.wait_for_timeout(200)
        assert made["status"] == "succeeded", made
        return list(made["assets"])

    return draw


def cards(page: Page) -> Any:
    return page.locator("#results .card")


def test_from_the_gallery_to_a_token_whose_picture_is_drawn_again(page: Page, draw: Draw) -> None:
    (made,) = draw("a red potion bottle", tags=["way"])
    page.goto("/gallery?tag=way")
    page.locator(f"#card-{made['id']} .card-link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(made["name"])
    page.get_by_role("button", name="Mint…").click()
    expect(page.locator("#mint .estimate")).to_contain_text("at most")
    page.get_by_role("button", name="Mint 1 asset").click()
    expect(page.locator("#mint .mint-states .badge")).to_have_text("confirmed")
    page.locator("#mint").get_by_role("button", name="Close").click()
    expect(page.locator("#mint-panel")).to_contain_text("on chain")
    page.get_by_role("button", name="Verify").click()
    expect(page.locator("#verification")).to_contain_text("0 differing pixels")
    expect(page.locator("#verification")).to_contain_text("5 of 5 checks hold")
    page.get_by_role("button", name="Delete…").click()
    page.locator("#deleting").get_by_role("button", name="Delete").click()
    expect(page.locator("#messages")).to_contain_text("it is on the chain")


def test_words_and_likeness_find_what_they_mean(page: Page, draw: Draw) -> None:
    (potion,) = draw("a green potion bottle", tags=["search"])
    (shield,) = draw("an iron shield", tags=["search"])
    page.goto("/gallery?tag=search")
    page.get_by_label("Search by words").fill("something to protect a warrior")
    expect(page).to_have_url(re.compile(r"q=something"))
    expect(cards(page).first).to_have_attribute("data-asset", shield["id"])
    page.locator(f"#card-{potion['id']} .likes").click()
    expect(cards(page).first).to_have_attribute("data-asset", potion["id"])
    page.get_by_label("Search by words").fill("armour")
    expect(page).to_have_url(re.compile(r"/gallery\?q=armour$"))
    page.go_back()
    expect(page.get_by_role("heading", name="Gallery")).to_be_visible()
    expect(page.locator("#results")).to_contain_text("by what their prompts mean")


def test_the_gallery_is_used_by_keys_alone(page: Page, draw: Draw) -> None:
    made = draw("a blue crystal", 3, tags=["keys"])
    page.goto("/gallery?tag=keys")
    expect(cards(page)).to_have_count(3)
    press = page.keyboard.press
    press("ArrowRight")
    expect(cards(page).nth(0).locator(".card-link")).to_be_focused()
    press("Shift+ArrowRight")
    expect(page.locator("#bar")).to_contain_text("2 chosen")
    press("Space")
    expect(page.locator("#bar")).to_contain_text("1 chosen")
    press("Escape")
    expect(page.locator("#bar")).to_be_hidden()
    expect(cards(page).nth(1).locator(".card-link")).to_be_focused()
    press("f")
    expect(cards(page).nth(1).locator(".star")).to_have_attribute("aria-pressed", "true")
    press("?")
    expect(page.locator("#keys")).to_be_visible()
    press("Escape")
    press("End")
    press("m")
    expect(page.locator("#mint")).to_be_visible()
    expect(page.locator("#mint .estimate")).to_be_visible()
    press("Escape")
    press("Escape")
    press("/")
    expect(page.get_by_label("Search by words")).to_be_focused()
    press("f")
    expect(page.get_by_label("Search by words")).to_have_value("f")
    marked = [each["id"] for each in asked(page, "GET", "/v1/assets?favourite=true&tag=keys")["data"]]
    assert len(marked) == 1
    assert marked[0] in [each["id"] for each in made]


def test_many_are_chosen_tagged_exported_and_deleted(page: Page, draw: Draw) -> None:
    made = draw("a wooden barrel", 4, tags=["many"])
    page.goto("/gallery?tag=many")
    boxes = page.locator("#results input[name=asset]")
    boxes.nth(0).click()
    boxes.nth(2).click(modifiers=["Shift"])
    expect(page.locator("#bar")).to_contain_text("3 chosen")
    page.get_by_role("button", name="Tag…").click()
    page.get_by_label("Tags, with commas between").fill("Old Cellar")
    page.locator("#tagging").get_by_role("button", name="Keep").click()
    expect(page.locator("#tagging")).to_be_hidden()
    expect(cards(page).nth(0)).to_contain_text("old-cellar")
    expect(page.locator("#bar")).to_contain_text("3 chosen")
    page.get_by_role("button", name="Export…").click()
    with page.expect_download() as saved:
        page.locator("#exporting").get_by_role("button", name=re.compile("Pictures")).click()
    assert saved.value.suggested_filename == "lorespark-png.zip"
    page.locator("#exporting").get_by_role("button", name="Close").click()
    page.get_by_role("button", name="Delete…").click()
    expect(page.locator("#deleting")).to_contain_text("Delete 3 assets?")
    page.locator("#deleting").get_by_role("button", name="Delete").click()
    expect(cards(page)).to_have_count(1)
    expect(page.locator("#bar")).to_be_hidden()
    left = [each["id"] for each in asked(page, "GET", "/v1/assets?tag=many")["data"]]
    assert len(left) == 1
    assert left[0] in [each["id"] for each in made]


def test_tags_are_edited_in_a_card_without_a_mouse(page: Page, draw: Draw) -> None:
    (made,) = draw("a torch", tags=["card"])
    page.goto("/gallery?tag=card")
    page.get_by_role("button", name="the tags of").focus()
    page.keyboard.press("Enter")
    field = page.locator(".tags-editing input")
    expect(field).to_be_focused()
    field.fill("card, Wall Light")
    field.press("Enter")
    expect(page.locator(f"#tags-{made['id']}")).to_contain_text("wall-light")
    expect(page.get_by_role("button", name="the tags of")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator(".tags-editing input")).to_be_focused()
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="the tags of")).to_be_visible()
    assert "/gallery?tag=card" in page.url


def test_what_was_typed_is_shown_and_not_run(page: Page, draw: Draw) -> None:
    (made,) = draw(EVIL, tags=["typed"])
    for path in ("/gallery?tag=typed", f"/assets/{made['id']}"):
        page.goto(path)
        expect(page.get_by_text("<script>").first).to_be_visible()
        assert page.title().endswith("Lorespark")


def test_more_cards_come_while_scrolling(page: Page, draw: Draw) -> None:
    for _ in range(7):
        draw("a pebble", 8, tags=["long"], controls={"steps": 1})
    page.goto("/gallery?tag=long")
    expect(cards(page)).to_have_count(48)
    page.locator("#results .more").scroll_into_view_if_needed()
    expect(cards(page)).to_have_count(56)
    expect(page.locator("#results .more")).to_have_count(0)


def test_a_clip_is_played_frame_by_frame(page: Page, served: Served, draw: Draw) -> None:
    (knight,) = draw("a knight", kind="character")
    (clip,) = draw(
        "a knight", kind="clip", controls={"source": knight["id"], "action": "walk", "strength": 1}
    )
    page.emulate_media(reduced_motion="reduce")
    page.goto(f"/assets/{clip['id']}")
    told = page.locator("[data-frame-told]")
    expect(told).to_have_text(re.compile(r"^1 of \d+$"))
    page.get_by_role("button", name="One frame on").click()
    expect(told).to_have_text(re.compile(r"^2 of"))
    page.get_by_role("button", name="One frame back").click()
    page.get_by_role("button", name="One frame back").click()
    expect(told).to_have_text(re.compile(r"^(\d+) of \1$"))
    page.get_by_label("Speed").select_option("4")
    page.get_by_label("Direction").select_option("backward")
    page.get_by_role("button", name="Play").click()
    expect(told).not_to_have_text(re.compile(r"^(\d+) of \1$"))
    page.get_by_role("button", name="Pause").click()
    zoom = page.locator(".zoom-told")
    before = zoom.inner_text()
    page.locator(".stage").focus()
    page.keyboard.press("+")
    expect(zoom).not_to_have_text(before)
    page.keyboard.press("0")
    expect(zoom).to_have_text(before)
