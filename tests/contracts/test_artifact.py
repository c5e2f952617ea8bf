"""The committed artifact is what its source compiles to."""

from pathlib import Path
from typing import Any

import pytest

from chain.artifact import lorespark_assets
from tools import compile_contracts

CONTRACT = "LoresparkAssets"


@pytest.mark.needs_npm
@pytest.mark.usefixtures("npm")
def test_the_artifact_is_its_source_compiled_byte_for_byte() -> None:
    committed = compile_contracts.ARTIFACTS / f"{CONTRACT}.json"
    assert compile_contracts.compile_contract(CONTRACT) == committed.read_bytes()


@pytest.mark.needs_npm
@pytest.mark.usefixtures("npm")
def test_check_finds_a_changed_artifact_and_writing_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compile_contracts, "ROOT", tmp_path)
    monkeypatch.setattr(compile_contracts, "ARTIFACTS", tmp_path)
    assert compile_contracts.main(["--check"]) == 1
    assert "commit the result" in capsys.readouterr().err
    assert compile_contracts.main([]) == 0
    assert compile_contracts.main(["--check"]) == 0
    artifact = tmp_path / f"{CONTRACT}.json"
    artifact.write_bytes(artifact.read_bytes() + b"\n")
    assert compile_contracts.main(["--check"]) == 1


def test_missing_tools_are_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / f"{CONTRACT}.sol").write_text("")
    monkeypatch.setattr(compile_contracts, "CONTRACTS", tmp_path)
    monkeypatch.setattr(compile_contracts.shutil, "which", lambda name: "/nowhere/node")
    assert compile_contracts.main(["--check"]) == 1
    assert "npm ci --ignore-scripts" in capsys.readouterr().err
    monkeypatch.setattr(compile_contracts.shutil, "which", lambda name: None)
    assert compile_contracts.main(["--check"]) == 1
    assert "node 20" in capsys.readouterr().err


def test_every_external_function_and_error_is_in_the_artifact() -> None:
    entries: Any = lorespark_assets().abi
    functions = {entry["name"] for entry in entries if entry["type"] == "function"}
    assert {"mint", "mintBatch", "tokenURI", "metadataDigest", "freezeMetadata", "royaltyInfo"} <= functions
    errors = set(lorespark_assets().error_signatures().values())
    assert {"Unauthorized()", "TokenDoesNotExist()", "EmptyBatch()", "MetadataIsFrozen(uint256)"} <= errors


def test_the_lock_file_names_no_host() -> None:
    lock = (compile_contracts.CONTRACTS / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
