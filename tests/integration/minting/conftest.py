"""Applications that mint by a real anvil of the test's own, at moments that chance chooses."""

import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NoReturn

import pytest

from assets.asset import Asset
from engine.app import Application
from engine.database.mints import MintRecord
from engine.jobs import runtime
from engine.settings import EMBEDDED_CHAIN_ID, Settings
from tests.conftest import ANVIL
from tests.integration.minting.recorded_chain import RECIPIENTS, Open
from tests.integration.node import KEYS, Anvil, quick_connection


@pytest.fixture
def chance() -> random.Random:
    """Another one in each run; pytest shows its seed with a test that failed."""
    seed = int(os.environ.get("LORESPARK_TEST_SEED") or random.SystemRandom().randrange(2**32))
    sys.stdout.write(f"LORESPARK_TEST_SEED={seed} repeats what chance did\n")
    return random.Random(seed)


@pytest.fixture
def anvil(tmp_path: Path, skip_or_fail: Callable[[str], NoReturn]) -> Iterator[Anvil]:
    if not ANVIL.exists():
        skip_or_fail("anvil is not installed; run `npm ci --ignore-scripts` in chain/contracts")
    with Anvil(tmp_path) as node:
        yield node


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """An application that mints by the node at a URL, looks often, and takes up quickly what failed."""
    monkeypatch.setattr(runtime, "backoff_s", lambda _: 0.05)
    applications: list[Application] = []

    def open_one(url: str, **more: str) -> Application:
        environment = {
            "LORESPARK_DATA_DIR": str(tmp_path / "data"),
            "LORESPARK_RPC_URL": url,
            "LORESPARK_CHAIN_ID": str(EMBEDDED_CHAIN_ID),
            "LORESPARK_PRIVATE_KEY": KEYS[0],
            "LORESPARK_MINT_WINDOW_MS": "20",
            "LORESPARK_CONFIRMATIONS": "1",
            **more,
        }
        settings = Settings.from_environment(environment)
        application = Application.open(settings)
        applications.append(application)
        vars(application)["connection"] = quick_connection(url, settings.confirmations)
        return application

    yield open_one
    for application in applications:
        application.close()


@pytest.fixture
def minted(add_asset: Callable[..., Asset]) -> Callable[..., list[MintRecord]]:
    """Asks for so many mints at random moments, to one of two recipients."""
    seeds = iter(range(1, 10_000))

    def ask(application: Application, count: int, chance: random.Random) -> list[MintRecord]:
        mints = []
        for _ in range(count):
            asset = add_asset(application, next(seeds))
            mint, _ = application.records.add_mint(asset, chance.choice(RECIPIENTS), EMBEDDED_CHAIN_ID)
            mints.append(mint)
            time.sleep(chance.uniform(0, 0.05))
        return mints

    return ask
