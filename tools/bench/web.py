"""What the creators' pages weigh, and how soon a browser shows something."""

import gzip
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import httpx2
from playwright.sync_api import Browser, sync_playwright

from tests.browser.conftest import Served
from tests.browser.furnished import furnish
from tests.browser.pages import PAGES
from tools.bench.figure import Figure

PAINTS: Final = 7
TIMEOUT_S: Final = 120.0
_PAINTED: Final = """() => new Promise((resolve) => {
  new PerformanceObserver((list, observer) => {
    const entry = list.getEntriesByName("first-contentful-paint")[0];
    if (entry) { observer.disconnect(); resolve(entry.startTime); }
  }).observe({ type: "paint", buffered: true });
})"""


def figures() -> Iterator[Figure]:
    chromium = shutil.which("chromium")
    if chromium is None:
        raise SystemExit("chromium is not installed; run `apt-get install chromium`.")
    with tempfile.TemporaryDirectory() as folder:
        settings = {"LORESPARK_DATA_DIR": folder, "LORESPARK_ALLOW_PRIVATE_WEBHOOKS": "1"}
        environment = {**os.environ, **settings}
        command = [sys.executable, "-m", "engine.cli", "serve", "--port", "0", "--json"]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            served = Served(_address(process), Path(folder), environment, process)
            address, cookie = served.address, _signed_in(served)
            name, weight = _heaviest(address, cookie, furnish(served))
            yield Figure(
                "page_weight_kb", weight / 1000, "kB", 150, note=f"scripts and styles of {name}, gzip"
            )
            with sync_playwright() as playwright:
                browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
                took = [_first_paint_ms(browser, address, cookie) for _ in range(PAINTS)]
                browser.close()
            note = f"/create with nothing cached, median of {PAINTS}"
            yield Figure("first_paint_ms", statistics.median(took), "ms", 1000, note=note)
        finally:
            process.terminate()
            process.wait(TIMEOUT_S)
            if process.stdout is not None:
                process.stdout.close()


def _address(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        try:
            return str(json.loads(text)["address"])
        except ValueError:
            continue
    raise SystemExit("The server ended before it listened.")


def _signed_in(served: Served) -> tuple[str, str]:
    """The cookie of a browser that followed the server's link."""
    answer = httpx2.get(served.link(), timeout=TIMEOUT_S)
    (cookie,) = answer.cookies.items()
    return cookie


def _heaviest(address: str, cookie: tuple[str, str], made: Mapping[str, str]) -> tuple[str, int]:
    """The page whose scripts and styles weigh most, in bytes as they are sent, with the modules that those name."""
    weights: dict[str, int] = {}
    with httpx2.Client(base_url=address, cookies=dict([cookie]), timeout=TIMEOUT_S) as client:
        for page in PAGES:
            answer = client.get(page.path.format(**made), headers={"Accept": "text/html"})
            wanted = re.findall(r'(?:src|href)="(/static/[^"]+\.(?:js|css))"', answer.text)
            found: dict[str, int] = {}
            while wanted:
                path = wanted.pop()
                if path in found:
                    continue
                text = client.get(path)
                text.raise_for_status()
                found[path] = len(gzip.compress(text.content, 9))
                folder = path.rpartition("/")[0]
                wanted += [f"{folder}/{name}" for name in re.findall(r'from\s*"\./([^"]+)"', text.text)]
            weights[page.path] = sum(found.values())
    return max(weights.items(), key=lambda item: item[1])


def _first_paint_ms(browser: Browser, address: str, cookie: tuple[str, str]) -> float:
    """From the start of the navigation to the first contentful paint, with nothing cached."""
    context = browser.new_context()
    context.add_cookies([{"name": cookie[0], "value": cookie[1], "url": address}])
    page = context.new_page()
    page.goto(f"{address}/create")
    took = float(page.evaluate(_PAINTED))
    context.close()
    return took
