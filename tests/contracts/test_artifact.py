"""The committed artifacts are what their sources compile to."""

from pathlib import Path
from typing import Any

import pytest
from eth_utils.abi import abi_to_signature

from chain.artifact import (
    error_signatures,
    lorespark_assets,
    lorespark_collections,
    lorespark_vouchers,
)
from tools import compile_contracts

CONTRACT = "LoresparkAssets"


@pytest.mark.needs_npm
@pytest.mark.usefixtures("npm")
@pytest.mark.parametrize("contract", compile_contracts.NAMES)
def test_an_artifact_is_its_source_compiled_byte_for_byte(contract: str) -> None:
    committed = compile_contracts.ARTIFACTS / f"{contract}.json"
    assert compile_contracts.compile_contract(contract) == committed.read_bytes()


@pytest.mark.needs_npm
@pytest.mark.usefixtures("npm")
def test_check_finds_a_changed_artifact_and_writing_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compile_contracts, "ROOT", tmp_path)
    monkeypatch.setattr(compile_contracts, "ARTIFACTS", tmp_path)
    monkeypatch.setattr(compile_contracts, "NAMES", (CONTRACT,))
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
    for artifact, functions, errors in (
        (
            lorespark_assets(),
            {"mint", "mintBatch", "mintMany", "tokenURI", "metadataDigest", "freezeMetadata", "addAigcData"},
            {"Unauthorized()", "TokenDoesNotExist()", "EmptyBatch()", "MetadataIsFrozen(uint256)"},
        ),
        (
            lorespark_collections(),
            {"createCollection", "collectionAddress", "implementation"},
            {"CollectionExists(address)"},
        ),
        (
            lorespark_vouchers(),
            {"claim", "claimMany", "cancel", "withdraw", "isUsed", "eip712Domain"},
            {"VoucherUsed(uint256)", "InvalidSignature(uint256)", "ETHTransferFailed()"},
        ),
    ):
        entries: Any = artifact.abi
        assert functions <= {entry["name"] for entry in entries if entry["type"] == "function"}
        assert errors <= set(artifact.error_signatures().values())
        assert errors <= set(error_signatures().values())


@pytest.mark.needs_npm
@pytest.mark.usefixtures("npm")
@pytest.mark.parametrize("contract", compile_contracts.NAMES)
def test_every_function_event_and_error_of_ours_is_explained(contract: str) -> None:
    key = f"src/{contract}.sol"
    wanted = ["abi", "userdoc", "devdoc", "evm.methodIdentifiers"]
    text = (compile_contracts.CONTRACTS / key).read_text(encoding="utf-8")
    request = {
        "language": "Solidity",
        "sources": {key: {"content": text}},
        "settings": compile_contracts.SETTINGS | {"outputSelection": {key: {contract: wanted}}},
    }
    output = compile_contracts.run_solc(request)["output"]["contracts"][key][contract]
    told, detailed = output["userdoc"], output["devdoc"]
    sources = text + (compile_contracts.CONTRACTS / "src" / "PagedERC721.sol").read_text(encoding="utf-8")
    ours = [entry for entry in output["abi"] if f"{entry['type']} {entry.get('name')}(" in sources]
    assert ours
    for entry in ours:
        signature = abi_to_signature(entry)
        note = told[f"{entry['type'].replace('function', 'method')}s"].get(signature)
        assert note, signature
        if entry["type"] == "function":
            given = detailed["methods"].get(signature, {}).get("params", {})
            assert {item["name"] for item in entry["inputs"]} - {""} <= set(given), signature


@pytest.mark.parametrize("folder", [compile_contracts.CONTRACTS, Path(__file__).parents[1] / "ipfs_node"])
def test_the_lock_files_name_no_host(folder: Path) -> None:
    lock = (folder / "package-lock.json").read_text(encoding="utf-8")
    assert '"resolved"' not in lock
