"""A real server with the bundled models, and Debian's Chromium over its pages."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

SHOTS: Final = Path(__file__).parent / "shots"
TIMEOUT_MS: Final = 30_000  # of each thing that a test waits for; a busy machine is slow
_START_S: Final = 90
_END_S: Final = 30


@dataclass
class Served:
    """A ``lorespark serve`` over a data folder of its own."""

    address: str
    data_dir: Path
    environment: dict[str, str]
    process: subprocess.Popen[str]

    def link(self) -> str:
        """A fresh link that signs a browser in."""
        port = str(urlsplit(self.address).port)
        command = [sys.executable, "-m", "engine.cli", "link", "--json", "--port", port]
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, timeout=_START_S, check=True
        )
        return str(json.loads(done.stdout)["link"])


@pytest.fixture(scope="session")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Served]]:
    """Starts servers with settings of their own; they end with the session."""
    begun: list[subprocess.Popen[str]] = []

    def serve(**settings: str) -> Served:
        data_dir = tmp_path_factory.mktemp("served")
        environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("LORESPARK_")},
            "LORESPARK_DATA_DIR": str(data_dir),
            **settings,
        }
        command = [sys.executable, "-m", "engine.cli", "serve", "--port", "0", "--json"]
        process = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        begun.append(process)
        assert process.stdout is not None
        told = json.loads(_told(process))
        return Served(told["address"], data_dir, environment, process)

    yield serve
    for process in begun:
        process.send_signal(signal.SIGINT)
    for process in begun:
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        assert process.stdout is not None
        process.stdout.close()


def _told(process: subprocess.Popen[str]) -> str:
    """The one JSON object that the server prints once it listens; it may have several lines."""
    assert process.stdout is not None
    text = ""
    for line in process.stdout:
        text += line
        try:
            json.loads(text)
        except ValueError:
            continue
        return text
    raise AssertionError(f"the server ended before it listened: {text}")


@pytest.fixture(scope="session")
def served(serving: Callable[..., Served]) -> Served:
    """The server that most tests share."""
    return serving()


# Of one module: while Playwright is open its event loop counts as running in this thread, which no other test expects.
@pytest.fixture(scope="module")
def browser(skip_or_fail: Callable[[str], NoReturn]) -> Iterator[Browser]:
    path = shutil.which("chromium")
    if path is None:
        skip_or_fail("chromium is not installed; run `apt-get install chromium`")
    with sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()


@pytest.fixture
def context(browser: Browser, served: Served) -> Iterator[BrowserContext]:
    """A browser that nobody has signed in yet. A script's error or a broken policy fails the test."""
    made = browser.new_context(base_url=served.address, viewport={"width": 1280, "height": 900})
    made.set_default_timeout(TIMEOUT_MS)
    faults: list[str] = []
    made.on("weberror", lambda error: faults.append(str(error.error)))
    made.on("console", lambda said: faults.append(said.text) if _is_fault(said) else None)
    yield made
    made.close()
    assert faults == []


def _is_fault(said: Any) -> bool:
    return "Content Security Policy" in said.text or "Content-Security-Policy" in said.text


@pytest.fixture
def page(context: BrowserContext, served: Served) -> Page:
    """A page of a browser that followed the server's link."""
    opened = context.new_page()
    opened.goto(served.link())
    return opened
