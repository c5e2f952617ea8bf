"""What a text means, as a vector: texts that mean alike lie near each other.

Source: Reimers and Gurevych, "Sentence-BERT", 2019, section 3 (mean pooling), with all-MiniLM-L6-v2.
"""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from generators.text_encoder import STATE_WIDTH, TextEncoder, load_text_encoder

MAX_TOKENS = 128  # of a text; the encoder was trained on sentences of as many, and prompts are far shorter
BATCH = 64  # texts at once; more takes memory and no less time on a CPU


class TextMeaning:
    """Vectors of texts, by one encoder. May be used by several threads."""

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder

    @classmethod
    def load(cls) -> "TextMeaning":
        """Raises WeightsUnavailable."""
        return cls(load_text_encoder())

    def vectors(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """n 384, float32, each of length 1, so that their product is the cosine of the angle between them."""
        made = [self._batch(texts[begin : begin + BATCH]) for begin in range(0, len(texts), BATCH)]
        return np.concatenate(made) if made else np.zeros((0, STATE_WIDTH), np.float32)

    @torch.inference_mode()
    def _batch(self, texts: Sequence[str]) -> NDArray[np.float32]:
        tokens = self._encoder.tokenizer(
            list(texts), padding=True, truncation=True, max_length=MAX_TOKENS, return_tensors="pt"
        )
        states = self._encoder.model(**tokens).last_hidden_state
        mask = tokens["attention_mask"][..., None].to(states.dtype)
        mean = (states * mask).sum(1) / mask.sum(1)
        return np.asarray(torch.nn.functional.normalize(mean, dim=-1).numpy(), np.float32)
