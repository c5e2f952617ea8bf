"""Tokens are counted without a network, and as the encoder counts them."""

import subprocess
import sys

import pytest

from generators import prompt_length
from generators.errors import WeightsUnavailable
from generators.prompt_length import PromptLength
from generators.recipe import Kind
from generators.text_encoder import load_text_encoder


@pytest.mark.parametrize("prompt", ["a red potion bottle", "Ünïcode wörds, and an emoji 🗡", "word " * 60])
def test_it_counts_as_the_encoder_does(prompt: str) -> None:
    assert PromptLength()(prompt, Kind.ITEM) == load_text_encoder().token_count(prompt.strip())


def test_the_marks_of_weights_are_not_counted() -> None:
    count = PromptLength()
    assert count("a (red:1.4) knight", Kind.CHARACTER) == count("a red knight", Kind.CHARACTER)
    assert count("a (red:99) knight", Kind.CHARACTER) > count(
        "a red knight", Kind.CHARACTER
    )  # no weight at all


def test_a_clips_prompt_is_read_with_what_it_does() -> None:
    count = PromptLength()
    assert count("knight", Kind.CLIP, "cast") == count("knight, casting a spell", Kind.CHARACTER)
    assert count("knight", Kind.CLIP, "no such") == count("knight, standing", Kind.CHARACTER)


def test_it_loads_no_torch() -> None:
    code = (
        "import sys; from generators.prompt_length import PromptLength; from generators.recipe import Kind; "
        "PromptLength()('a cat', Kind.ITEM); print('torch' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "False"


def test_a_missing_tokenizer_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prompt_length, "_PACKAGE", "no_such_package_of_weights")
    with pytest.raises(WeightsUnavailable, match="is not installed"):
        PromptLength()("a cat", Kind.ITEM)
