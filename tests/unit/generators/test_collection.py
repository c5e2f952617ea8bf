"""What a theme becomes: its pieces, and the traits that they draw."""

from collections import Counter

import pytest

from generators.collection import Trait, plan
from generators.errors import InvalidRecipe
from generators.recipe import Kind

HAT = Trait("Hat", (("crown", 1), ("none", 9)))
WEAPON = Trait("Weapon", (("sword", 5), ("axe", 3), ("bow", 2)))


def test_the_same_seed_gives_the_same_pieces_and_another_seed_others() -> None:
    one, again, other = (plan("a knight", [Kind.CHARACTER], 6, seed, [HAT, WEAPON]) for seed in (7, 7, 8))
    assert one == again
    assert [piece.traits for piece in one] != [piece.traits for piece in other]


def test_no_two_of_a_kind_are_alike_to_the_last_that_there_is() -> None:
    pieces = plan("a knight", [Kind.CHARACTER, Kind.ITEM], 12, 1, [HAT, WEAPON])
    assert len({(piece.kind, piece.traits) for piece in pieces}) == 12
    with pytest.raises(InvalidRecipe, match="6 different assets of a kind and 7 are needed"):
        plan("a knight", [Kind.CHARACTER], 7, 1, [HAT, WEAPON])


def test_a_prompt_says_the_theme_and_each_value_but_none() -> None:
    for piece in plan("a frozen knight", [Kind.CHARACTER], 6, 3, [HAT, WEAPON]):
        drawn = dict(piece.traits)
        said = [value for value in drawn.values() if value != "none"]
        assert piece.prompt == ", ".join(["frozen knight", *said])


def test_values_come_as_often_as_their_weights_say() -> None:
    many = Trait("Number", tuple((f"{number}", 1) for number in range(40)))
    pieces = plan("a knight", [Kind.CHARACTER], 80, 5, [HAT, many])
    hats = Counter(dict(piece.traits)["Hat"] for piece in pieces)
    assert hats["none"] == hats["crown"] == 40, "all that there are"
    pieces = plan("a knight", [Kind.CHARACTER], 20, 5, [HAT, many])
    assert Counter(dict(piece.traits)["Hat"] for piece in pieces)["crown"] <= 6


def test_without_traits_a_piece_is_of_a_subject() -> None:
    pieces = plan("a frozen kingdom", [Kind.CHARACTER, Kind.ITEM], 4, 7)
    for piece in pieces:
        ((name, subject),) = piece.traits
        assert (name, piece.prompt) == ("Subject", f"frozen kingdom {subject}")
    assert len({piece.prompt for piece in pieces}) == 4


@pytest.mark.parametrize(
    ("traits", "told"),
    [
        ([HAT, Trait("hat", (("cap", 1),))], "same name"),
        ([Trait("Hat", (("cap", 1), ("Cap", 1)))], "one twice"),
        ([Trait("Hat", ())], "no value"),
        ([Trait("Hat", (("cap", 0),))], "below 1"),
    ],
)
def test_traits_that_cannot_be_drawn_are_told(traits: list[Trait], told: str) -> None:
    with pytest.raises(InvalidRecipe, match=told):
        plan("a knight", [Kind.CHARACTER], 1, 1, traits)
