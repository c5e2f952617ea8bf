"""A duel in a browser: drawn while the page waits, judged by a key, and only then named."""

from playwright.sync_api import Page, expect


def test_a_duel_is_drawn_judged_by_an_arrow_key_and_ranked(page: Page) -> None:
    page.goto("/arena")
    page.get_by_label("Prompt").fill("a green slime with one eye")
    page.get_by_role("button", name="Let two models draw it").click()
    page.wait_for_url("**/arena/duel-*")
    expect(page.get_by_role("button", name="Left is better")).to_be_visible(timeout=120_000)
    assert "lorespark-sprite" not in page.locator("#duel").inner_text()
    for picture in page.locator("#duel img").all():
        box = picture.bounding_box()
        assert box is not None
        assert abs(box["width"] - box["height"]) < 2
    page.keyboard.press("ArrowRight")
    expect(page.get_by_text("You preferred lorespark-sprite")).to_be_visible()
    page.goto("/arena")
    assert page.get_by_role("row").count() == 3
    assert page.get_by_label("Prompt").input_value() == "a green slime with one eye"
