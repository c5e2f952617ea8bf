"""Takes the README's pictures of the web form: a server of its own, real assets, Debian's Chromium.

python -m tools.page_shots [--out docs]
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final

from PIL import Image
from playwright.sync_api import Page, sync_playwright

SIZE: Final = {"width": 1280, "height": 820}
DRAWN_MS: Final = 180_000
PROMPTS: Final = (
    ("Item", "a red potion bottle", 4, 7),
    ("Character", "a knight with a red cape", 4, 3),
    ("Item", "a golden ring with a ruby", 4, 2),
    ("Tile", "mossy stone floor", 2, 5),
    ("Character", "a green slime with one eye", 4, 11),
    ("Character", "a wizard in a blue robe holding a glowing staff", 4, 4),
)
COLOURS: Final = 256


def take(folder: Path) -> None:
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("chromium is not installed; run `apt-get install chromium`.")
    with tempfile.TemporaryDirectory() as data:
        serve = [sys.executable, "-m", "engine.cli", "serve", "--port", "0", "--json"]
        process = subprocess.Popen(
            serve, env={**_environment(), "LORESPARK_DATA_DIR": data}, stdout=subprocess.PIPE
        )
        try:
            assert process.stdout is not None
            link = _told(process.stdout)["link"]
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                page = browser.new_page(viewport=SIZE, color_scheme="light")  # type: ignore[arg-type]
                page.goto(link)
                _draw_all(page)
                _shot(page, folder / "web-create.png")
                page.emulate_media(color_scheme="dark")
                page.goto("/".join((*link.split("/")[:3], "gallery")))
                page.wait_for_load_state("networkidle")
                _shot(page, folder / "web-gallery.png")
                page.locator(".card a").first.click()
                page.wait_for_load_state("networkidle")
                page.get_by_role("button", name="Verify").click()
                page.get_by_text("differ").first.wait_for(timeout=DRAWN_MS)
                _shot(page, folder / "web-asset.png")
                browser.close()
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def _draw_all(page: Page) -> None:
    for kind, prompt, count, seed in PROMPTS:
        page.get_by_role("radio", name=kind).check(force=True)
        page.locator("[name=prompt]").fill(prompt)
        page.locator("[name=count]").fill(str(count))
        page.get_by_text("More", exact=True).first.click()
        page.get_by_label("Locked", exact=True).check()
        page.locator("[name=seed]").fill(str(seed))
        page.get_by_text("More", exact=True).first.click()
        page.get_by_role("button", name="Create").click()
    page.wait_for_function(
        f"() => document.querySelectorAll('.badge.done').length >= {len(PROMPTS)}", timeout=DRAWN_MS
    )
    page.evaluate("() => { window.scrollTo(0, 0); document.activeElement.blur(); }")


def _shot(page: Page, path: Path) -> None:
    shown = "[...document.images].every((each) => each.complete || each.getBoundingClientRect().top > innerHeight)"
    page.wait_for_function(f"() => {shown}", timeout=DRAWN_MS)
    page.screenshot(path=path)
    with Image.open(path) as picture:
        picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(path, optimize=True)


def _told(out: IO[bytes]) -> Any:
    """The one JSON object that the server prints once it listens."""
    text = b""
    for line in out:
        text += line
        with suppress(ValueError):
            return json.loads(text)
    raise SystemExit("The server ended before it listened; run `lorespark serve` to see why.")


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("LORESPARK_")}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("docs"))
    take(parser.parse_args().out)


if __name__ == "__main__":
    main()
