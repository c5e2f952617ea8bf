"""Pictures that repeat: convolutions that read around the edge."""

from collections.abc import Iterator
from contextlib import contextmanager

from torch import nn


@contextmanager
def circular(*networks: nn.Module | None) -> Iterator[None]:
    """While it lasts, every padded convolution of ``networks`` takes what lies past an edge from the opposite one."""
    padded = [
        module
        for network in networks
        if network is not None
        for module in network.modules()
        if isinstance(module, nn.Conv2d) and any(module.padding)
    ]
    before = [module.padding_mode for module in padded]
    try:
        for module in padded:
            module.padding_mode = "circular"
        yield
    finally:
        for module, mode in zip(padded, before, strict=True):
            module.padding_mode = mode
