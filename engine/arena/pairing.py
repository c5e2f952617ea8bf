"""Which two models meet next: those that have met least, so that all become comparable soon."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

from engine.errors import InvalidField

Pair = tuple[str, str]


def next_pair(models: Sequence[str], met: Mapping[frozenset[str], int], choose: Callable[[int], int]) -> Pair:
    """Two of ``models``, in the order of their sides; ``choose`` gives a number below its argument, at random.

    Raises InvalidField where there are no two.
    """
    pairs = list(combinations(sorted(set(models)), 2))
    if not pairs:
        raise InvalidField(
            "Fewer than two models draw that here; choose another kind, or list a model of your own in models.toml.",
            "/kind",
        )
    fewest = min(met.get(frozenset(pair), 0) for pair in pairs)
    least = [pair for pair in pairs if met.get(frozenset(pair), 0) == fewest]
    one, other = least[choose(len(least))]
    return (one, other) if choose(2) else (other, one)
