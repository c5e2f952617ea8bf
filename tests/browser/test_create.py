"""The create page in a browser: a picture from prompt to card, its preview, mask, faults, reload and keys."""

import io
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs

import pytest
from PIL import Image
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.browser.conftest import TIMEOUT_MS, Served

expect.set_options(timeout=TIMEOUT_MS)

DRAWN_MS = 120_000  # the first drawing loads its model, beside whatever else the machine does
LIVING = ".creation[data-status=queued], .creation[data-status=running]"


@pytest.fixture(autouse=True)
def nothing_left(page: Page) -> Iterator[None]:
    """Each test begins and ends with nothing to draw, so that what it waits for is its own."""
    yield
    for each in page.request.get("/v1/creations").json()["data"]:
        if each["status"] in ("queued", "running"):
            page.request.delete(f"/v1/creations/{each['id']}", headers=forms_headers(page))


def forms_headers(page: Page) -> dict[str, str]:
    """What a script of the page sends with a change."""
    page.goto("/create")
    sent: dict[str, str] = page.evaluate("() => JSON.parse(document.body.getAttribute('hx-headers'))")
    return sent | {"Origin": page.evaluate("() => location.origin")}


def newest(page: Page) -> Locator:
    return page.locator("#cards > .creation").first


def fill(page: Page, prompt: str, kind: str = "Item", **fields: str) -> None:
    page.get_by_role("radio", name=kind).check(force=True)
    page.get_by_label("What to draw").fill(prompt)
    for label, value in fields.items():
        page.get_by_label(label.replace("_", " ")).fill(value)


def long_work(page: Page) -> None:
    """What takes long enough to be seen, cancelled and come back to."""
    fill(page, "ice golem", "Character", How_many="64")
    page.get_by_text("More", exact=True).first.click()
    page.get_by_label("Steps").fill("60")


def until_kept(page: Page, *texts: str) -> None:
    """Until the form, which is kept a moment after the last key, is kept with these."""
    for _ in range(TIMEOUT_MS // 50):
        kept = page.evaluate("() => sessionStorage.getItem('form:create') ?? ''")
        if all(text in kept for text in texts):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"the form was not kept with {texts}")


def create(page: Page) -> Locator:
    """Clicks, and gives the card that comes."""
    before = page.locator("#cards > .creation").count()
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.locator("#cards > .creation")).to_have_count(before + 1)
    return page.locator(f"[id='{newest(page).get_attribute('id')}']")


def done(card: Locator) -> None:
    expect(card).to_have_attribute("data-status", "succeeded", timeout=DRAWN_MS)


def loaded(picture: Locator) -> bool:
    return bool(picture.evaluate("(e) => e.complete && e.naturalWidth > 0"))


def pixels(page: Page, path: str) -> Image.Image:
    answer = page.request.get(path)
    assert answer.ok, answer.text()
    return Image.open(io.BytesIO(answer.body())).convert("RGBA")


def test_a_prompt_becomes_pictures_with_live_previews(page: Page) -> None:
    page.locator("[data-example='knight with a red cape']").click()
    expect(page.locator("#tokens")).to_contain_text("7 of 32 tokens")
    page.get_by_label("How many").fill("16")
    page.get_by_text("More", exact=True).first.click()
    page.get_by_label("Steps").fill("80")
    card = create(page)
    expect(card.locator("img[src^='data:image/png']").first).to_be_visible(timeout=DRAWN_MS)
    expect(card.locator(".said")).to_contain_text("Step")
    done(card)
    pictures = card.locator(".made img")
    expect(pictures).to_have_count(16)
    expect(card.get_by_role("link", name="Remix").first).to_have_attribute(
        "href", "/create?from=" + asset_of(card)
    )
    assert loaded(pictures.first)
    expect(page.locator("#estimate")).to_contain_text("About")


def asset_of(card: Locator) -> str:
    path = card.locator(".made a").first.get_attribute("href")
    assert path is not None
    return path.removeprefix("/assets/")


def test_a_double_click_makes_one_creation(page: Page) -> None:
    fill(page, "a wooden shield", How_many="1")
    before = page.locator("#cards > .creation").count()
    page.get_by_role("button", name="Create", exact=True).dblclick()
    done(newest(page))
    expect(page.locator("#cards > .creation")).to_have_count(before + 1)


def test_a_drawing_is_cancelled(page: Page) -> None:
    long_work(page)
    card = create(page)
    expect(card).to_have_attribute("data-status", "running", timeout=DRAWN_MS)
    card.get_by_role("button", name="Cancel").press("Enter")
    expect(card).to_have_attribute("data-status", "cancelled")
    expect(card).to_be_focused()  # what had the focus is gone
    card.get_by_role("link", name="Change it and try again").click()
    expect(page.get_by_label("What to draw")).to_have_value("ice golem")
    expect(page.get_by_label("How many")).to_have_value("64")


def test_a_reload_in_the_middle_loses_nothing(page: Page) -> None:
    long_work(page)
    card = create(page)
    expect(card).to_have_attribute("data-status", "running", timeout=DRAWN_MS)
    page.get_by_label("What to draw").fill("a half written thou")
    page.get_by_role("radio", name="Clip").check(force=True)
    page.get_by_label("Action").select_option("walk")
    until_kept(page, "a half written thou", "walk")
    page.reload()
    expect(page.get_by_label("What to draw")).to_have_value("a half written thou")
    expect(page.get_by_label("Action")).to_have_value("walk")
    expect(card).to_have_attribute("data-status", "running")
    expect(card.locator(".said")).to_contain_text("Step", timeout=DRAWN_MS)


def test_what_failed_says_why_and_fills_the_form_again(page: Page) -> None:
    wanted = {"kind": "clip", "prompt": "a knight", "controls": {"seamless": True, "action": "walk"}}
    asked = page.request.post("/v1/creations", data=wanted, headers=forms_headers(page))
    assert asked.ok, asked.text()
    card = page.locator(f"[id='{asked.json()['id']}']")
    expect(card).to_have_attribute("data-status", "failed", timeout=DRAWN_MS)
    expect(card.locator(".note.failed")).to_contain_text("only tiles repeat")
    card.get_by_role("link", name="Change it and try again").click()
    expect(page.get_by_role("radio", name="Clip")).to_be_checked()
    expect(page.get_by_label("Action")).to_have_value("walk")
    expect(page.get_by_label("Seamless")).to_be_hidden()  # so that it goes well now


def test_two_tabs_show_the_same(page: Page, context: BrowserContext) -> None:
    other = context.new_page()
    other.goto("/create")
    page.bring_to_front()
    fill(page, "a golden ring", How_many="1")
    card = create(page)
    done(card)
    long_work(page)
    mine = create(page)
    other.bring_to_front()
    theirs = other.locator(f"[id='{mine.get_attribute('id')}']")
    expect(theirs).to_be_visible()
    theirs.get_by_role("button", name="Cancel").click()
    expect(theirs).to_have_attribute("data-status", "cancelled")
    page.bring_to_front()
    expect(mine).to_have_attribute("data-status", "cancelled")


def test_wrong_input_marks_its_field_and_says_why(page: Page) -> None:
    page.get_by_role("button", name="Create", exact=True).click()
    prompt = page.get_by_label("What to draw")
    expect(prompt).to_have_attribute("aria-invalid", "true")
    expect(prompt).to_be_focused()
    expect(page.locator(".field-fault")).to_contain_text("The prompt is empty")
    prompt.fill("a potion")
    expect(page.locator(".field-fault")).to_have_count(0)
    page.get_by_text("More", exact=True).first.click()
    page.get_by_label("Steps").fill("900")
    page.get_by_text("More", exact=True).first.click()
    page.get_by_role("button", name="Create", exact=True).click()
    expect(page.get_by_label("Steps")).to_be_focused()  # its fold was opened
    expect(page.locator(".field-fault")).to_contain_text("from 1 to 200")


def test_fields_that_do_not_apply_are_hidden_and_not_sent(page: Page) -> None:
    sent: list[dict[str, list[str]]] = []
    page.on(
        "request",
        lambda asked: (
            sent.append(fields(asked)) if asked.url.endswith("/create") and asked.post_data else None
        ),
    )
    fill(page, "grass floor tile", "Tile", How_many="1")
    page.get_by_label("Seamless").check()
    expect(page.get_by_label("Action")).to_be_hidden()
    card = create(page)
    done(card)
    expect(card.locator(".tiled img")).to_have_count(9)
    fill(page, "a potion", "Item", How_many="1")
    expect(page.get_by_label("Seamless")).to_be_hidden()
    create(page)
    assert "seamless" in sent[0]
    assert "seamless" not in sent[1]
    assert not {"action", "frames", "source", "mask", "strength"} & (sent[0].keys() | sent[1].keys())


def fields(asked: Any) -> dict[str, list[str]]:
    return parse_qs(asked.post_data, keep_blank_values=True)


def test_by_keys_alone_a_picture_is_made(page: Page) -> None:
    expect(page.get_by_label("What to draw")).to_be_focused()
    page.keyboard.type("a red potion bottle")
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("radio", name="Character")).to_be_focused()
    page.keyboard.press("ArrowRight")
    expect(page.get_by_role("radio", name="Item")).to_be_checked()
    page.keyboard.press("Control+Enter")
    expect(newest(page)).to_contain_text("a red potion bottle")
    done(newest(page))
    expect(page.locator("#told")).to_contain_text("a red potion bottle is done.")


def test_only_what_was_painted_is_drawn_anew(page: Page) -> None:
    fill(page, "a red potion bottle", How_many="1")
    card = create(page)
    done(card)
    source = asset_of(card)
    card.get_by_role("link", name="Start from").click()
    page.get_by_role("button", name="Paint where it may change").click()
    canvas = page.locator("#easel-canvas")
    expect(canvas).to_be_focused()
    box = canvas.bounding_box()
    assert box is not None
    for across in (0.3, 0.5, 0.7):  # a band over the upper half
        page.mouse.move(box["x"] + box["width"] * 0.1, box["y"] + box["height"] * across / 2)
        page.mouse.down()
        page.mouse.move(box["x"] + box["width"] * 0.9, box["y"] + box["height"] * across / 2, steps=6)
        page.mouse.up()
    page.get_by_role("button", name="Use this mask").click()
    expect(page.locator("#easel")).to_be_hidden()
    expect(page.get_by_role("button", name="Change the mask")).to_be_focused()
    mask_id = page.locator("[name=mask]").input_value()
    page.get_by_label("Strength").fill("1")
    page.get_by_label("What to draw").fill("a blue potion bottle")
    card = create(page)
    done(card)
    before, after = (pixels(page, f"/v1/assets/{name}/media") for name in (source, asset_of(card)))
    mask = pixels(page, f"/v1/assets/{mask_id}/media")
    assert before.size == after.size == mask.size
    places = [(x, y) for x in range(mask.width) for y in range(mask.height)]
    painted = [place for place in places if mask.getpixel(place)[0] > 127]  # type: ignore[index]
    changed = [place for place in places if before.getpixel(place) != after.getpixel(place)]
    assert 0 < len(painted) < len(places)
    assert changed, "nothing was drawn anew"
    assert not set(changed) - set(painted), "something changed beside the mask"


def test_a_mask_is_painted_taken_back_and_kept_by_keys(page: Page) -> None:
    page.locator("#upload").set_input_files({"name": "red.png", "mimeType": "image/png", "buffer": red()})
    expect(page.locator("#start-name")).to_have_text("red")
    page.get_by_role("button", name="Paint where it may change").press("Enter")
    canvas = page.locator("#easel-canvas")
    expect(canvas).to_be_focused()
    page.keyboard.press("Space")
    page.keyboard.press("z")
    page.get_by_role("button", name="Use this mask").press("Enter")
    expect(page.get_by_text("Nothing is painted yet; paint what may change.")).to_be_visible()
    expect(canvas).to_be_focused()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.get_by_role("button", name="Use this mask").press("Enter")
    expect(page.get_by_role("button", name="Without the mask")).to_be_visible()
    until_kept(page, page.locator("[name=mask]").input_value())
    page.reload()
    expect(page.get_by_role("button", name="Without the mask")).to_be_visible()
    page.get_by_role("button", name="Start from no picture").click()
    expect(page.get_by_role("button", name="One of yours")).to_be_focused()


def red() -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (32, 32), (200, 30, 30)).save(buffer, "PNG")
    return buffer.getvalue()


def test_one_of_the_own_pictures_is_chosen(page: Page, served: Served) -> None:
    fill(page, "a golden ring", How_many="1")
    card = create(page)
    done(card)
    page.get_by_role("button", name="One of yours").click()
    page.locator(f"[data-pick='{asset_of(card)}']").click()
    expect(page.locator("#chooser")).to_be_hidden()
    expect(page.locator("#start-name")).to_have_text("A golden ring")
    expect(page.get_by_label("Strength")).to_be_visible()
    page.get_by_role("radio", name="Clip").check(force=True)
    for name in ("strength", "size"):  # it is set in motion as it is
        expect(page.locator(f"#{name}")).to_be_hidden()
    page.goto(f"/create?from={asset_of(card)}")
    assert page.url == f"{served.address}/create"  # what is typed now survives a reload
    expect(page.get_by_label("What to draw")).to_have_value("a golden ring")


@pytest.mark.parametrize("width", [360, 2560])
def test_nothing_is_wider_than_the_window(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    for fold in ("Palette", "More"):
        page.locator("summary", has_text=fold).click()
    assert page.evaluate("() => document.documentElement.scrollWidth") <= width
