"""kill -9 at every point of create and mint: the next start finishes the job, with one token and no lost asset."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from engine.app import Application
from engine.settings import Settings

SCRIPT = Path(__file__).with_name("killed_process.py")
ROUNDS = 5
SEED = 20_261_122  # lets chance be repeated


def killed(mode: str, folder: Path, *more: str) -> list[dict[str, Any]]:
    """What a later process found after each kill."""
    command = [sys.executable, "-W", "ignore", str(SCRIPT), mode, str(folder), *more]
    roots = os.pathsep.join(filter(None, (str(SCRIPT.parents[2]), os.environ.get("PYTHONPATH"))))
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
        env=os.environ | {"PYTHONPATH": roots},
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert "Traceback" not in done.stderr, done.stderr[-3000:]
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.fixture
def template(tmp_path: Path) -> Settings:
    """A data folder whose databases are there already, so that what is killed is the job."""
    settings = Settings.from_environment({"LORESPARK_DATA_DIR": str(tmp_path / "template")})
    with Application.open(settings) as application:
        assert application.jobs
    return settings


def test_killed_anywhere_in_a_mint_one_token_is_minted(
    template: Settings, tmp_path: Path, add_asset: Callable[..., Any]
) -> None:
    with Application.open(template) as application:
        add_asset(application)
    found = killed("mint", tmp_path)
    points = [state["point"] for state in found]
    assert set(points) >= {
        "mint recorded, job not started",
        "contract recorded",
        "batch written, not signed",
        "transaction stored, not sent",
        "transaction sent, not recorded",
        "transaction sent, mint not",
        "mint sent, not mined",
        "mint updated, not committed",
        "mint mined, not confirmed",
        "mint confirmed, job not removed",
    }
    assert points.count("transaction stored, not sent") == 2  # the contract's, and the mint's
    assert points[-1] == "the end"
    for state in found:
        assert (state["left"], state["told"]) == (0, []), state
        assert (state["mints"], state["tokens"], state["true_mints"]) == (1, 1, 1), state
        assert (state["assets"], state["damaged"], state["temporary"]) == (1, 0, 0), state


def test_killed_anywhere_in_a_forced_mint_the_token_says_what_was_overruled(
    template: Settings, tmp_path: Path, add_asset: Callable[..., Any], pixels: Callable[[int], Any]
) -> None:
    square = pixels(1)
    square[..., 3] = 255  # cut off on all sides
    with Application.open(template) as application:
        add_asset(application, drawn=square)
    found = killed("mint", tmp_path)
    points = [state["point"] for state in found]
    assert "between blocks" in points, "the metadata is stored before the mint is recorded"
    assert points.index("between blocks") < points.index("mint recorded, job not started")
    assert points[-1] == "the end"
    for state in found:
        begun = points.index(state["point"]) >= points.index("mint recorded, job not started")
        assert (state["left"], state["told"], state["damaged"]) == (0, [], 0), state
        assert (state["mints"], state["tokens"], state["true_mints"]) == (begun,) * 3, state
        assert state["overruled"] == ([["not_cut_off"]] if begun else []), state


@pytest.mark.usefixtures("template")
def test_killed_anywhere_in_a_creation_its_asset_is_there_and_whole(tmp_path: Path) -> None:
    found = killed("create", tmp_path)
    points = [state["point"] for state in found]
    assert set(points) >= {
        "creation recorded, job not started",
        "before begin",
        "after begin",
        "before draw",
        "between blocks",
        "between syncs",
        "after draw",
        "before record",
        "assets recorded, not committed",
        "after record",
    }
    assert points[-1] == "the end"
    for state in found:
        assert (state["left"], state["told"]) == (0, []), state
        assert (state["assets"], state["damaged"], state["temporary"]) == (1, 0, 0), state


@pytest.mark.usefixtures("template")
def test_killed_at_random_moments_records_and_chain_agree(tmp_path: Path) -> None:
    found = killed("chance", tmp_path, str(ROUNDS), str(SEED))
    assert len(found) == ROUNDS
    for state in found:
        assert (state["left"], state["told"], state["damaged"], state["temporary"]) == (0, [], 0, 0), state
        assert state["mints"] == state["tokens"] == state["true_mints"], state
    assert found[-1]["assets"] > 0
