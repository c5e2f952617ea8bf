"""Pictures that do not fit into memory at once."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from diffusers import StableDiffusionPipeline

from generators.diffusers_loading import Loading, load_pipeline
from generators.errors import (
    OutOfMemory,
)
from generators.memory import is_out_of_memory
from generators.recipe import Kind
from tests.unit.generators.tiny_drawing import entry, generator

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")


# memory
class SmallMemory:
    """A pipeline on a device that holds ``room`` pictures at a time, or ``room`` only once decoding is tiled."""

    def __init__(self, room: int, needs_tiles: bool = False, error: Exception | None = None) -> None:
        self.room, self.needs_tiles, self.seen = room, needs_tiles, list[tuple[int, bool]]()
        self.error = error or torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 9.00 GiB.")

    def load(self, loading: Loading) -> StableDiffusionPipeline:
        pipeline = load_pipeline(loading)
        whole, memory = type(pipeline).__call__, self

        class Limited(type(pipeline)):
            def __call__(self, prompt: Sequence[str], *args: Any, **given: Any) -> Any:
                memory.seen.append((len(prompt), loading.tiled))
                if len(prompt) > memory.room or (memory.needs_tiles and not loading.tiled):
                    raise memory.error
                return whole(self, prompt, *args, **given)

        pipeline.__class__ = Limited
        return pipeline


def test_a_batch_that_does_not_fit_is_halved_and_the_next_starts_there(
    folders: Callable[[str], Path],
) -> None:
    memory = SmallMemory(room=2)
    own = generator(entry(folders("turbo")), batch=8, load=memory.load)
    recipes = [own.recipe("a sword", Kind.ITEM, seed, model="tiny", size=16) for seed in range(5)]
    assert len(own.draw(recipes)) == 5
    assert [count for count, _ in memory.seen] == [5, 2, 2, 1]
    own.draw(recipes[:3])
    assert [count for count, _ in memory.seen[4:]] == [2, 1]


@pytest.mark.parametrize(
    "error",
    [
        None,
        RuntimeError(
            "[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes"
        ),
    ],
)
def test_one_that_does_not_fit_alone_is_decoded_in_tiles(
    folders: Callable[[str], Path], error: Exception | None
) -> None:
    memory = SmallMemory(room=1, needs_tiles=True, error=error)
    own = generator(entry(folders("turbo")), batch=1, load=memory.load)
    own.draw([own.recipe("a sword", Kind.ITEM, 1, model="tiny", size=16)])
    assert memory.seen == [(1, False), (1, True)]


def test_what_fits_nowhere_is_one_clear_error(folders: Callable[[str], Path]) -> None:
    memory = SmallMemory(room=0)
    own = generator(entry(folders("turbo")), batch=4, load=memory.load)
    recipes = [own.recipe("a sword", Kind.ITEM, seed, model="tiny", size=16) for seed in range(4)]
    with pytest.raises(OutOfMemory, match=r"tiny at 64 px on the cpu device.*use a smaller model") as caught:
        own.draw(recipes)
    assert caught.value.__cause__ is None  # a traceback would keep the tensors that filled the memory
    assert [count for count, _ in memory.seen] == [4, 2, 1, 1]


def test_other_errors_are_not_taken_for_a_full_memory() -> None:
    assert not is_out_of_memory(RuntimeError("mat1 and mat2 shapes cannot be multiplied"))
    assert not is_out_of_memory(KeyboardInterrupt())
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("MPS backend out of memory (MPS allocated: 9 GB)"))
