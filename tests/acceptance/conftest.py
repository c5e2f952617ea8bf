"""A shell of the test's own, and an asset to use in it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from assets.asset import Asset
from engine.app import Application
from tests.acceptance.shell import Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path / "data")


@pytest.fixture
def asset(shell: Shell, add_asset: Callable[..., Asset]) -> Asset:
    """An asset that is there without waiting for a model."""
    with Application.open(shell.settings) as application:
        return add_asset(application)
