"""Captions embedded once: the text encoder's token states of every caption of a set, ragged, on disk."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from generators.recipe import MAX_TOKENS
from generators.text_encoder import STATE_WIDTH, load_text_encoder


@dataclass(frozen=True)
class TextCache:
    """``states``: all tokens of all captions, one after another (tokens 384, float16, memory-mapped).

    ``starts`` has one entry more than there are captions; ``index`` finds a caption's row.
    """

    states: NDArray[np.float16]
    starts: NDArray[np.int64]
    index: dict[str, int]

    def batch(self, rows: NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor]:
        """Token states (b 32 384, float32) and their mask (b 32, int64) of the captions at ``rows``."""
        states = np.zeros((len(rows), MAX_TOKENS, STATE_WIDTH), np.float32)
        mask = np.zeros((len(rows), MAX_TOKENS), np.int64)
        for at, row in enumerate(rows):
            begin, end = self.starts[row], self.starts[row + 1]
            states[at, : end - begin] = self.states[begin:end]
            mask[at, : end - begin] = 1
        return torch.from_numpy(states), torch.from_numpy(mask)


def write_text_cache(folder: Path, size_px: int, captions: list[tuple[str, ...]], batch: int = 128) -> None:
    """Embeds every distinct caption, and the empty one, into ``folder``."""
    texts = sorted({text for row in captions for text in row} | {""}, key=lambda text: (len(text), text))
    encoder = load_text_encoder()
    lengths: list[int] = []
    path = folder / f"text-{size_px}.f16"
    with path.open("wb") as file, torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        for begin in range(0, len(texts), batch):
            tokens = encoder.tokenizer(
                texts[begin : begin + batch],
                padding=True,
                truncation=True,
                max_length=MAX_TOKENS,
                return_tensors="pt",
            )
            states = encoder.model(**tokens).last_hidden_state.float().numpy().astype(np.float16)
            for row, count in zip(states, tokens["attention_mask"].sum(1).tolist(), strict=True):
                file.write(np.ascontiguousarray(row[:count]).tobytes())
                lengths.append(count)
            if begin % (batch * 100) == 0:
                print(f"  {begin:,d} of {len(texts):,d} captions embedded", flush=True)
    np.save(folder / f"text-{size_px}-starts.npy", np.cumsum([0, *lengths]))
    (folder / f"text-{size_px}.json").write_text(json.dumps(texts), encoding="utf-8")


def read_text_cache(folder: Path, size_px: int) -> TextCache:
    texts = json.loads((folder / f"text-{size_px}.json").read_text(encoding="utf-8"))
    starts = np.load(folder / f"text-{size_px}-starts.npy")
    states = np.memmap(folder / f"text-{size_px}.f16", np.float16, "r").reshape(-1, STATE_WIDTH)
    return TextCache(states, starts, {text: row for row, text in enumerate(texts)})
