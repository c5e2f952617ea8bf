"""kill -9 on a real anvil: between every two states of a mint, of one process and of one of two."""

import os
import random
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

import pytest

from assets.asset import Asset
from engine.app import Application
from engine.database.mints import MintRecord
from engine.settings import EMBEDDED_CHAIN_ID, Settings
from tests.integration.minting.recorded_chain import (
    Minted,
    assert_agrees,
    meanwhile,
    wait_until_all_ended,
)
from tests.integration.node import KEYS, Anvil, quick_connection
from tests.integration.test_kill import killed

pytestmark = pytest.mark.needs_anvil

SCRIPT = Path(__file__).with_name("killed_worker.py")
ROOTS = os.pathsep.join(filter(None, (str(Path(__file__).parents[3]), os.environ.get("PYTHONPATH"))))
# Before and after each state; "mint sent" and on are points at which the records say so.
POINTS = (
    "batch written, not signed",
    "transaction stored, not sent",
    "transaction sent, not recorded",
    "transaction sent, mint not",
    "mint sent",
    "mint mined, not confirmed",
    "mint updated, not committed",
    "mint mined",
    "mint confirmed",
)


def test_killed_anywhere_in_a_mint_on_a_real_chain_one_token_is_minted(
    anvil: Anvil,
    tmp_path: Path,
    add_asset: Callable[..., Asset],
    chance: random.Random,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Enough that a mint is seen in a block before it is final, however fast blocks come.
    monkeypatch.setenv("LORESPARK_CONFIRMATIONS", "6")
    environment = {
        "LORESPARK_DATA_DIR": str(tmp_path / "template"),
        "LORESPARK_RPC_URL": anvil.url,
        "LORESPARK_CHAIN_ID": str(EMBEDDED_CHAIN_ID),
        "LORESPARK_PRIVATE_KEY": KEYS[0],
        "LORESPARK_CONFIRMATIONS": "1",
    }
    monkeypatch.setenv("LORESPARK_PRIVATE_KEY", KEYS[0])
    with Application.open(Settings.from_environment(environment)) as application:
        vars(application)["connection"] = quick_connection(anvil.url, 1)
        assert application.mint_job.ensure_collection()
        add_asset(application)
    anvil.ask("evm_setAutomine", False)
    with meanwhile(lambda: anvil.ask("anvil_mine", hex(1)), chance, 0.2, longest_s=500):
        found = killed("mint", tmp_path, anvil.url)
    points = [state["point"] for state in found]
    assert set(points) >= {
        "mint recorded, job not started",
        "batch written, not signed",
        "transaction stored, not sent",
        "transaction sent, not recorded",
        "transaction sent, mint not",
        "mint sent, not mined",
        "mint updated, not committed",
        "mint mined, not confirmed",
        "mint confirmed, job not removed",
    }
    assert points[-1] == "the end"
    for state in found:
        assert (state["left"], state["told"]) == (0, []), state
        assert (state["mints"], state["tokens"], state["true_mints"], state["gaps"]) == (1, 1, 1, 0), state
        assert state["history"] == ["prepared", "signed", "sent", "mined", "confirmed"], state


@contextmanager
def processes(environment: dict[str, str], *commands: list[str]) -> Iterator[list[subprocess.Popen[str]]]:
    started = []
    try:
        for command in commands:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
            settings = os.environ | environment | {"PYTHONPATH": ROOTS}
            started.append(
                subprocess.Popen([sys.executable, "-W", "ignore", *command], env=settings, **pipes)
            )
        yield started
    finally:
        for process in started:
            process.kill()
            process.communicate()


@pytest.fixture
def shared(anvil: Anvil, tmp_path: Path, postgresql_url: str) -> dict[str, str]:
    """The environment of processes that mint from one PostgreSQL."""
    return {
        "LORESPARK_DATA_DIR": str(tmp_path / "data"),
        "LORESPARK_DATABASE_URL": postgresql_url,
        "LORESPARK_RPC_URL": anvil.url,
        "LORESPARK_CHAIN_ID": str(EMBEDDED_CHAIN_ID),
        "LORESPARK_CONFIRMATIONS": "6",
        "LORESPARK_PRIVATE_KEY": ",".join(KEYS[:2]),
        "LORESPARK_MINT_WINDOW_MS": "50",
    }


WORKER = ["-m", "engine.cli", "worker", "--queues", "mint"]


def test_one_of_two_workers_killed_between_any_two_states_each_mint_has_one_token(
    anvil: Anvil, shared: dict[str, str], minted: Minted, chance: random.Random
) -> None:
    with (
        Application.open(Settings.from_environment(shared)) as application,
        processes(shared, WORKER, [str(SCRIPT)]) as (lasting, dying),
        meanwhile(lambda: anvil.ask("anvil_mine", hex(1)), chance, 0.2, longest_s=500),
    ):
        assert lasting.stdout
        assert dying.stdin
        assert dying.stdout
        assert lasting.stdout.readline().startswith("Working on mint")
        anvil.ask("evm_setAutomine", False)
        mints: list[MintRecord] = []
        for point in POINTS:
            dying.stdin.write(f"{point}\n")
            dying.stdin.flush()
            with meanwhile(lambda: mints.extend(minted(application, 1, chance)), chance, 0.3):
                assert dying.stdout.readline() == "SIGKILL\n", f"nobody got to: {point}"
            wait_until_all_ended(application)
        assert lasting.poll() is None
        assert_agrees(application, anvil, mints)


@pytest.mark.parametrize("turn", range(2))
def test_two_processes_on_one_database_that_are_killed_at_random_mint_each_once(
    anvil: Anvil, shared: dict[str, str], minted: Minted, chance: random.Random, turn: int
) -> None:
    with ExitStack() as stack:
        application = stack.enter_context(Application.open(Settings.from_environment(shared)))
        mine = partial(anvil.ask, "anvil_mine", hex(1))
        stack.enter_context(meanwhile(mine, chance, 0.2, longest_s=500))

        def started() -> subprocess.Popen[str]:
            (worker,) = stack.enter_context(processes(shared, WORKER))
            assert worker.stdout
            assert worker.stdout.readline().startswith("Working on mint")
            return worker

        workers = [started(), started()]
        mints: list[MintRecord] = []
        for _ in range(3):
            mints += minted(application, 8, chance)
            workers.pop(0).kill()
            workers.append(started())
        wait_until_all_ended(application)
        assert all(worker.poll() is None for worker in workers)
        assert_agrees(application, anvil, mints)
