"""The doctor looks at everything, changes nothing, and has a remedy for what is wrong."""

from pathlib import Path
from typing import Any

import pytest

from engine import doctor
from engine.data_folder import DataFolder
from engine.doctor import Finding, examine
from engine.settings import Settings
from generators.errors import WeightsUnavailable

NAMES = ["python", "packages", "data folder", "records", "jobs", "block store", "device", "models", "chain"]


@pytest.fixture(autouse=True)
def light_model(monkeypatch: pytest.MonkeyPatch) -> None:
    """Device and models are looked at by the acceptance test; here torch is not imported."""
    for name in ("_device", "_models"):
        monkeypatch.setattr(doctor, name, lambda _: "looked at elsewhere")


def by_name(settings: Settings) -> dict[str, Finding]:
    return {finding.name: finding for finding in examine(settings)}


def test_a_fresh_folder_is_well_and_gets_no_key_and_no_contract(settings: Settings) -> None:
    findings = by_name(settings)
    assert list(findings) == NAMES
    assert all(finding.ok and finding.detail and not finding.remedy for finding in findings.values())
    assert not (settings.data_dir / "keys").exists()
    assert "contract at the first mint" in findings["chain"].detail


@pytest.mark.parametrize(
    ("name", "file"), [("jobs", "jobs.db"), ("chain", "chain.db"), ("data folder", "records.db")]
)
def test_a_damaged_database_has_a_remedy(settings: Settings, name: str, file: str) -> None:
    settings.data_dir.mkdir()
    (settings.data_dir / file).write_bytes(b"no database" * 500)
    finding = by_name(settings)[name]
    assert not finding.ok
    assert file in finding.detail
    assert finding.remedy


def test_a_damaged_block_is_named(settings: Settings) -> None:
    cid = "bafkreifzjut3te7nhyekklss27nh3k72ysco7y32koao5eei66wof36n5e"
    path = settings.data_dir / "blocks" / cid[-3:-1] / cid
    path.parent.mkdir(parents=True)
    path.write_bytes(b"other")
    finding = by_name(settings)["block store"]
    assert not finding.ok
    assert cid in finding.detail
    assert finding.remedy.startswith("Draw or import")


def test_a_folder_in_use_ends_the_examination(settings: Settings) -> None:
    held = DataFolder.open(settings.data_dir)
    findings = examine(settings)
    held.close()
    assert [finding.name for finding in findings] == NAMES[:3]
    assert "in use" in findings[-1].detail


def test_a_disk_that_is_nearly_full_is_told(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 1_000_000

    monkeypatch.setattr("engine.doctor.shutil.disk_usage", lambda _: Usage)
    finding = by_name(settings)["data folder"]
    assert not finding.ok
    assert "1 MB left" in finding.detail


@pytest.mark.parametrize(
    ("error", "detail", "remedy"),
    [
        (WeightsUnavailable("The file is missing; reinstall it."), "The file is missing", "Reinstall it."),
        (
            ImportError("No module named 'torch'", name="torch"),
            "torch cannot be imported",
            "Run `make install`.",
        ),
    ],
)
def test_what_is_missing_is_a_finding_with_a_remedy(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, error: Exception, detail: str, remedy: str
) -> None:
    def fail(_: Any) -> str:
        raise error

    monkeypatch.setattr(doctor, "_device", fail)
    finding = by_name(settings)["device"]
    assert not finding.ok
    assert finding.detail.startswith(detail)
    assert finding.remedy == remedy


def test_a_missing_package_is_named(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(doctor, "PACKAGES", ("pytest", "no-such-package"))
    finding = by_name(settings)["packages"]
    assert (finding.ok, finding.detail) == (False, "missing: no-such-package")
    assert finding.remedy
