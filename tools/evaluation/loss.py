"""How well a network predicts pictures that it never saw."""

from collections import defaultdict

import numpy as np
import torch

from generators.sprite_pipeline import SpritePipeline, premultiplied
from tools.sprites.dataset import SpriteSet
from tools.sprites.text_cache import TextCache

TIMES = (0.2, 0.4, 0.6, 0.8, 0.95)


@torch.inference_mode()
def held_out_loss(
    pipeline: SpritePipeline, pictures: SpriteSet, text: TextCache, limit: int = 400
) -> dict[str, float]:
    """Mean squared velocity error on pictures never trained on, by kind, over fixed times and noise."""
    chosen = np.flatnonzero(pictures.held_out)
    chosen = chosen[:: max(1, len(chosen) // limit)]
    errors: dict[str, list[float]] = defaultdict(list)
    for begin in range(0, len(chosen), 50):
        rows = chosen[begin : begin + 50]
        clean = pipeline.encode(premultiplied(np.stack([pictures.pixels[i] for i in rows])))
        states, mask = text.batch(np.array([text.index[pictures.captions[i][0]] for i in rows]))
        for t in TIMES:
            noise = torch.randn(clean.shape, generator=torch.Generator().manual_seed(begin))
            noisy = (1 - t) * clean + t * noise
            velocity = pipeline.unet(noisy, t * 1000, states, encoder_attention_mask=mask).sample
            each = ((velocity - (noise - clean)) ** 2).mean((1, 2, 3))
            for row, error in zip(rows, each.tolist(), strict=True):
                errors[pictures.kinds[row]].append(error)
    return {kind: float(np.mean(values)) for kind, values in sorted(errors.items())}
