"""How rare the tokens of a collection are, by their traits.

Source: OpenRarity, "Methodology" (information content): an asset's score is the sum of -log2(share) over its traits,
divided by the collection's entropy, which is the mean of that sum. A trait that an asset lacks counts as a value.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

Traits = Mapping[str, str]


@dataclass(frozen=True)
class Share:
    """``value`` is None of those that lack the trait; ``share`` from 0 to 1."""

    trait: str
    value: str | None
    count: int
    share: float


@dataclass(frozen=True)
class Rank:
    """Of the asset at ``index``. Equally rare ones share a ``rank``; the next has as many less."""

    index: int
    rank: int
    score: float
    bits: float


def shares(assets: Sequence[Traits]) -> list[Share]:
    """Each value of each trait, traits in the order in which they are met, the commonest value first."""
    names = list(dict.fromkeys(name for traits in assets for name in traits))
    found: list[Share] = []
    for name in names:
        counts = Counter(traits.get(name) for traits in assets)
        found += [
            Share(name, value, count, count / len(assets))
            for value, count in sorted(counts.items(), key=lambda each: (-each[1], each[0] or ""))
        ]
    return found


def ranks(assets: Sequence[Traits]) -> list[Rank]:
    """The rarest first; equally rare ones in their order."""
    share_of = {(each.trait, each.value): each.share for each in shares(assets)}
    names = list(dict.fromkeys(trait for trait, _ in share_of))
    bits = [math.fsum(-math.log2(share_of[name, traits.get(name)]) for name in names) for traits in assets]
    mean = math.fsum(bits) / len(bits) if bits else 0.0
    # Rounded, so that the order of a sum tells no two apart.
    order = sorted(range(len(bits)), key=lambda index: (-round(bits[index], 9), index))
    ranked: list[Rank] = []
    for place, index in enumerate(order, 1):
        same = bool(ranked) and round(ranked[-1].bits, 9) == round(bits[index], 9)
        score = bits[index] / mean if mean else 1.0
        ranked.append(Rank(index, ranked[-1].rank if same else place, score, bits[index]))
    return ranked
