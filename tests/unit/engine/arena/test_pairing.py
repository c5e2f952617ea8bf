"""Which two models meet next."""

import pytest

from engine.arena.pairing import next_pair
from engine.errors import InvalidField


def test_those_who_met_least_meet_next() -> None:
    met = {frozenset(("a", "b")): 2, frozenset(("a", "c")): 1, frozenset(("b", "c")): 2}
    assert set(next_pair(("a", "b", "c"), met, lambda most: most - 1)) == {"a", "c"}


def test_the_sides_are_chosen_by_lot() -> None:
    assert next_pair(("a", "b"), {}, lambda _: 0) == ("b", "a")
    assert next_pair(("a", "b"), {}, lambda most: most - 1) == ("a", "b")


def test_every_pair_meets_in_time() -> None:
    met: dict[frozenset[str], int] = {}
    for _ in range(6):
        pair = frozenset(next_pair(("a", "b", "c", "d"), met, lambda most: 0))
        met[pair] = met.get(pair, 0) + 1
    assert len(met) == 6
    assert set(met.values()) == {1}


@pytest.mark.parametrize("models", [(), ("a",), ("a", "a")])
def test_one_model_alone_cannot_fight(models: tuple[str, ...]) -> None:
    with pytest.raises(InvalidField, match="Fewer than two models"):
        next_pair(models, {}, lambda _: 0)
