"""``lorespark pin``, the doctor's look at services, and the settings that lead to them."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from assets.asset import Asset
from engine import cli, doctor
from engine.app import Application
from engine.doctor import examine
from engine.errors import InvalidSettings
from engine.settings import Settings
from tests import pinning_simulators as simulators
from tests.pinning_simulators import Simulator


@pytest.fixture
def node() -> Iterator[Simulator]:
    with simulators.kubo() as node:
        yield node


@pytest.fixture
def listed(settings: Settings, node: Simulator, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("LORESPARK_DATA_DIR", str(settings.data_dir))
    settings.data_dir.mkdir()
    text = f'[[services]]\nname = "home"\nkind = "kubo"\nurl = "{node.url}"\ntimeout_s = 2\n'
    settings.pinning_list.write_text(text)
    return settings


@pytest.fixture
def asset(listed: Settings, add_asset: Callable[..., Asset]) -> Asset:
    with Application.open(listed) as application:
        return add_asset(application)


def run(*arguments: str) -> Result:
    return CliRunner().invoke(cli.app, ["pin", *arguments])


def test_it_tells_what_is_and_pins_when_it_is_told_to(asset: Asset, node: Simulator) -> None:
    told = run()
    assert told.exit_code == 1
    assert "never pinned" in told.stdout
    assert node.asked == []
    told = run("--now", asset.asset_id)
    assert told.exit_code == 0, told.output
    assert "pinned" in told.stdout
    assert asset.metadata_cid in node.blocks
    told = run("--json")
    assert told.exit_code == 0
    answer: dict[str, Any] = json.loads(told.stdout)
    [row] = answer["assets"]
    assert answer["ok"] is True
    assert (row["asset"], row["pins"][0]["status"], row["pins"][0]["service"]) == (
        asset.asset_id,
        "pinned",
        "home",
    )


def test_what_goes_wrong_is_told_below_the_pin(asset: Asset, node: Simulator) -> None:
    node.fault = "full"
    told = run("--now")
    assert told.exit_code == 1
    assert "failed" in told.stdout
    assert "no space left on device" in told.stdout


def test_without_a_list_it_says_where_one_goes(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LORESPARK_DATA_DIR", str(settings.data_dir))
    told = run()
    assert told.exit_code == 1
    assert "pinning.toml" in told.stderr


def test_an_asset_that_is_not_there_is_told(listed: Settings) -> None:
    told = run("asset-none")
    assert told.exit_code == 1
    assert "There is no asset" in told.stderr


@pytest.mark.parametrize("fault", [None, "500"])
def test_the_doctor_names_each_service_and_whether_it_answers(
    listed: Settings, node: Simulator, fault: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("_device", "_models"):  # torch is looked at elsewhere
        monkeypatch.setattr(doctor, name, lambda _: "looked at elsewhere")
    node.fault = fault
    finding = {each.name: each for each in examine(listed)}["pinning home"]
    assert finding.ok is (fault is None)
    assert ("Kubo RPC 0.40.0" in finding.detail) is (fault is None)
    assert node.url not in finding.detail + finding.remedy


def test_the_settings_name_another_list_and_whether_mints_wait(tmp_path: Path) -> None:
    path = tmp_path / "services.toml"
    path.write_text("")
    environment = {
        "LORESPARK_DATA_DIR": str(tmp_path),
        "LORESPARK_PINNING": str(path),
        "LORESPARK_MINT_BEFORE_PIN": "1",
    }
    settings = Settings.from_environment(environment)
    assert (settings.pinning_list, settings.mint_before_pin) == (path, True)
    settings = Settings.from_environment({"LORESPARK_DATA_DIR": str(tmp_path)})
    assert (settings.pinning_list, settings.mint_before_pin) == (tmp_path / "pinning.toml", False)
    for name, value in (("PINNING", "/no/such/file"), ("MINT_BEFORE_PIN", "maybe")):
        with pytest.raises(InvalidSettings, match=name):
            Settings.from_environment({**environment, f"LORESPARK_{name}": value})
