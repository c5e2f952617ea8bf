"""Ratings follow who was preferred to whom."""

import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.arena.ranking import START, Bout, ranking

MODELS = ("a", "b", "c", "d")
bouts = st.lists(
    st.tuples(st.sampled_from(MODELS), st.sampled_from(MODELS), st.sampled_from((0.0, 0.5, 1.0)))
    .filter(lambda each: each[0] != each[1])
    .map(lambda each: Bout(*each)),
    max_size=40,
)


def test_nothing_fought_nothing_ranked() -> None:
    assert ranking([]) == []


def test_one_win_and_one_loss_of_the_same_two_leaves_them_equal() -> None:
    first, second = ranking([Bout("a", "b", 1.0), Bout("b", "a", 1.0)])
    assert first.points == pytest.approx(START)
    assert second.points == pytest.approx(START)
    assert (first.won, first.lost, first.even, first.duels) == (1, 1, 0, 2)


def test_the_fit_solves_its_own_equation() -> None:
    held = [Bout("a", "b", 1.0)] * 7 + [Bout("a", "b", 0.0)] * 2 + [Bout("b", "c", 0.5)] * 4
    strength = {each.model: 10 ** ((each.points - START) / 400) for each in ranking(held)}
    a, b, c = (strength[each] for each in "abc")
    # Expected wins of a: nine against b, two against the imagined model, of which it won seven and one.
    assert 9 * a / (a + b) + 2 * a / (a + 1) == pytest.approx(7 + 1, rel=1e-6)
    assert 4 * c / (b + c) + 2 * c / (c + 1) == pytest.approx(2 + 1, rel=1e-6)


def test_true_strengths_are_found_within_a_few_errors() -> None:
    dice, truth = random.Random(3), {"a": 1200.0, "b": 1000.0, "c": 800.0}
    held = []
    for _ in range(3_000):
        one, other = dice.sample(sorted(truth), 2)
        odds = 1 / (1 + 10 ** ((truth[other] - truth[one]) / 400))
        held.append(Bout(one, other, float(dice.random() < odds)))
    found = {each.model: each for each in ranking(held)}
    assert list(found) == ["a", "b", "c"]
    for model, points in truth.items():
        assert abs(found[model].points - points) < 5 * found[model].error
    assert found["a"].error < 15


def test_a_model_that_always_won_has_a_finite_rating() -> None:
    winner, loser = ranking([Bout("a", "b", 1.0)] * 50)
    assert winner.model == "a"
    assert math.isfinite(winner.points)
    assert winner.points - loser.points < 2_000


@given(bouts)
def test_swapping_the_sides_of_every_duel_changes_nothing(held: list[Bout]) -> None:
    turned = [Bout(bout.second, bout.first, 1 - bout.share) for bout in held]
    for one, other in zip(ranking(held), ranking(turned), strict=True):
        assert (one.model, one.won, one.lost, one.even) == (other.model, other.won, other.lost, other.even)
        assert one.points == pytest.approx(other.points, abs=1e-3)


@given(bouts)
def test_every_duel_is_counted_for_both_who_fought(held: list[Bout]) -> None:
    found = ranking(held)
    assert sum(each.duels for each in found) == 2 * len(held)
    assert sum(each.won for each in found) == sum(each.lost for each in found)
