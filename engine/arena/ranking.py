"""How strong models are, by who was preferred to whom.

The Bradley-Terry model: i is preferred to j with the probability w_i / (w_i + w_j). Strengths are fitted by the
minorisation-maximisation of D. Hunter, "MM algorithms for generalized Bradley-Terry models", Annals of Statistics 32
(2004), equation 3, with one win and one loss of each model against an imagined one of strength 1, so that few duels
move a rating little and no rating is infinite. Ratings are on Elo's scale: 400 points are odds of ten to one.
"""

import math
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

START: Final = 1000.0
_POINTS_PER_DECADE: Final = 400.0
_IMAGINED: Final = 1.0  # wins, and as many losses, against the imagined model
_ROUNDS: Final = 1_000
_CLOSE: Final = 1e-9


@dataclass(frozen=True)
class Bout:
    """What became of one duel: ``share`` of it went to ``first``, 1, 0, or 0.5 where both were as good."""

    first: str
    second: str
    share: float


@dataclass(frozen=True)
class Rating:
    """``error`` is the standard error of ``points``, from the Fisher information of its own duels alone."""

    model: str
    points: float
    error: float
    won: int
    lost: int
    even: int

    @property
    def duels(self) -> int:
        return self.won + self.lost + self.even


def ranking(bouts: Iterable[Bout]) -> list[Rating]:
    """The models that fought, the strongest first."""
    held = list(bouts)
    won: defaultdict[str, float] = defaultdict(float)
    met: defaultdict[str, defaultdict[str, int]] = defaultdict(lambda: defaultdict(int))
    for bout in held:
        for one, other, share in (
            (bout.first, bout.second, bout.share),
            (bout.second, bout.first, 1 - bout.share),
        ):
            won[one] += share
            met[one][other] += 1
    strength = dict.fromkeys(sorted(met), 1.0)
    for _ in range(_ROUNDS):
        moved = {
            model: (won[model] + _IMAGINED) / sum(n / (own + w) for n, w in _opponents(model, met, strength))
            for model, own in strength.items()
        }
        change = max((abs(math.log(moved[each] / strength[each])) for each in moved), default=0.0)
        strength = moved
        if change < _CLOSE:
            break
    rated = [_rating(model, met, strength, held) for model in strength]
    return sorted(rated, key=lambda rating: (-rating.points, rating.model))


def _opponents(
    model: str, met: defaultdict[str, defaultdict[str, int]], strength: dict[str, float]
) -> Iterable[tuple[float, float]]:
    """How often, and against which strength; the imagined model among them."""
    yield 2 * _IMAGINED, 1.0
    for other, times in met[model].items():
        yield times, strength[other]


def _rating(
    model: str,
    met: defaultdict[str, defaultdict[str, int]],
    strength: dict[str, float],
    held: Iterable[Bout],
) -> Rating:
    own = strength[model]
    information = sum(n * own * other / (own + other) ** 2 for n, other in _opponents(model, met, strength))
    shares = [
        bout.share if bout.first == model else 1 - bout.share
        for bout in held
        if model in (bout.first, bout.second)
    ]
    return Rating(
        model,
        START + _POINTS_PER_DECADE * math.log10(own),
        _POINTS_PER_DECADE / math.log(10) / math.sqrt(information),
        shares.count(1),
        shares.count(0),
        shares.count(0.5),
    )
