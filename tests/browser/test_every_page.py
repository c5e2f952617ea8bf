"""What holds of every page: anybody can use it, at any width, in both themes and by keyboard, and nobody else hears."""

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final, NoReturn

import pytest
from playwright.sync_api import Browser, BrowserContext, Page

from tests.browser.conftest import SHOTS, Served
from tests.browser.furnished import furnish
from tests.browser.pages import PAGES, PageCase

AXE: Final = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"
THEMES: Final = ("light", "dark")
WIDTHS: Final = {360: 740, 1280: 800, 2560: 1300}  # px, each with a height
GRAVE: Final = ("serious", "critical")
MOST_STOPS: Final = 80  # of the keyboard until the main action

every_page = pytest.mark.parametrize("case", PAGES, ids=lambda case: case.name)


@pytest.fixture(scope="module")
def served(serving: Callable[..., Served]) -> Served:
    """A server of this module's own, with something of each kind in it."""
    return serving(LORESPARK_ALLOW_PRIVATE_WEBHOOKS="1")


@pytest.fixture(scope="module")
def furnished(served: Served) -> Mapping[str, str]:
    return furnish(served)


@pytest.fixture(scope="module")
def cookies(browser: Browser, served: Served) -> list[Any]:
    """Of a browser that followed the server's link, for all others here."""
    with browser.new_context(base_url=served.address) as context:
        context.new_page().goto(served.link())
        return list(context.cookies())


@pytest.fixture
def asked(context: BrowserContext, served: Served) -> Iterator[list[str]]:
    """Every address that the browser asks; at the end all must be the server's own."""
    addresses: list[str] = []
    context.on("request", lambda request: addresses.append(request.url))
    yield addresses
    own = (f"{served.address}/", "data:", "blob:")
    assert [address for address in addresses if not address.startswith(own)] == []


@pytest.fixture
def opened(
    context: BrowserContext, cookies: list[Any], furnished: Mapping[str, str], asked: list[str]
) -> Callable[..., Page]:
    """Opens a page of the table, signed in where it needs that, and waits until it has all that it asks for."""
    page = context.new_page()

    def opened(case: PageCase, width: int = 1280, theme: str = "light") -> Page:
        page.set_viewport_size({"width": width, "height": WIDTHS[width]})
        page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
        if not case.is_open:
            context.add_cookies(cookies)
        page.goto(case.path.format(**furnished))
        page.wait_for_load_state("load")
        page.wait_for_function("() => !document.querySelector('.htmx-request') && window.htmx")
        return page

    return opened


@every_page
@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.needs_npm
def test_axe_finds_nothing_grave(
    opened: Callable[..., Page], skip_or_fail: Callable[[str], NoReturn], case: PageCase, theme: str
) -> None:
    if not AXE.is_file():
        skip_or_fail("axe-core is not installed; run `npm ci --ignore-scripts` in tests/browser")
    page = opened(case, theme=theme)
    page.evaluate(AXE.read_text(encoding="utf-8"))
    found: dict[str, Any] = page.evaluate("() => axe.run(document, {resultTypes: ['violations']})")
    assert [
        (each["id"], [node["html"][:200] for node in each["nodes"]])
        for each in found["violations"]
        if each["impact"] in GRAVE
    ] == []


@every_page
def test_it_fits_every_width_in_both_themes(opened: Callable[..., Page], case: PageCase) -> None:
    SHOTS.mkdir(exist_ok=True)
    too_wide = {}
    for width in WIDTHS:
        for theme in THEMES:
            page = opened(case, width, theme)
            page.screenshot(path=SHOTS / f"{case.name}-{width}-{theme}.png", full_page=True)
            beyond = page.evaluate("() => document.documentElement.scrollWidth - window.innerWidth")
            if beyond > 0:
                too_wide[f"{width} {theme}"] = beyond
    assert too_wide == {}


@every_page
def test_the_keyboard_reaches_the_main_action_and_shows_where_it_is(
    opened: Callable[..., Page], case: PageCase
) -> None:
    page = opened(case)
    role, name = case.action
    wanted = page.get_by_role(role, name=name, exact=True).first  # type: ignore[arg-type]
    for _ in range(MOST_STOPS):
        page.keyboard.press("Tab")
        if wanted.evaluate("(wanted) => wanted === document.activeElement"):
            break
    else:
        pytest.fail(f"{MOST_STOPS} presses of Tab do not reach the {role} {name!r}")
    outline = wanted.evaluate("(wanted) => getComputedStyle(wanted).outlineStyle")
    assert outline != "none"


@every_page
def test_it_has_a_heading_a_title_and_a_way_past_the_menu(
    opened: Callable[..., Page], case: PageCase
) -> None:
    page = opened(case)
    assert page.locator("h1").count() == 1
    assert page.title().endswith("Lorespark")
    assert page.title() != "Lorespark"
    # A page may begin in its first field; the way past the menu comes before all else that the keyboard reaches.
    assert (
        page.evaluate("() => document.querySelector('a, button, input, select, textarea').className")
        == "skip"
    )
    page.locator(".skip").focus()
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "main"
