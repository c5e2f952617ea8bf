"""Clips that do not fit into memory at once."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import AutoencoderKLLTXVideo, DiffusionPipeline

from generators.diffusers_loading import Loading, load_pipeline
from generators.errors import OutOfMemory
from tests.unit.generators.tiny_video_drawing import HEIGHT, drawn, entry, generator, wish

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


@pytest.mark.parametrize(
    # Larger and longer than what each decodes in one piece: LTX also parts the frames.
    ("family", "width", "frames"),
    [("ltx", 544, 25), ("wan", 272, 5), ("cogvideox", 368, 9), ("animatediff", 80, 2)],
)
def test_tiling_reaches_every_autoencoder(
    folders: Callable[[str], Path], family: str, width: int, frames: int
) -> None:
    loaded: list[DiffusionPipeline] = []

    def load(loading: Loading) -> DiffusionPipeline:
        loaded.append(load_pipeline(loading))
        return loaded[-1]

    clips = []
    for tiling in (False, True):
        own = generator(entry(folders(family), tiling=tiling, width=width), load=load)
        clips.append(drawn(own, wish(own, frames=frames, steps=1))[0])
    assert clips[1].shape == (frames, HEIGHT, width, 4)
    assert not np.array_equal(*clips)  # tiles were joined: a shade's difference where they meet
    whole, tiled = (pipeline.vae for pipeline in loaded)
    assert (whole.use_tiling, tiled.use_tiling, tiled.use_slicing) == (False, True, True)
    assert not isinstance(tiled, AutoencoderKLLTXVideo) or tiled.use_framewise_decoding


def test_a_clip_that_does_not_fit_is_decoded_in_tiles_and_then_refused(
    folders: Callable[[str], Path],
) -> None:
    seen: list[bool] = []

    def full(loading: Loading) -> DiffusionPipeline:
        seen.append(loading.tiled)
        pipeline = load_pipeline(loading)

        class Full(type(pipeline)):
            def __call__(self, *args: Any, **given: Any) -> Any:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB.")

        pipeline.__class__ = Full
        return pipeline

    own = generator(entry(folders("ltx")), batch=8, load=full)
    with pytest.raises(OutOfMemory, match="tiny at 96 x 64 px and 9 frames on the cpu device"):
        own.draw([wish(own), wish(own, 2)])
    assert seen == [False, True]
