"""A collection: many assets of one theme, planned from one seed."""

import hashlib
import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from generators.errors import InvalidRecipe
from generators.recipe import MAX_COUNT, MAX_SEED, Kind

# What the captions of the training art name, in their words; a theme leads each of them.
SUBJECTS: dict[Kind, tuple[str, ...]] = {
    Kind.CHARACTER: (
        "knight in heavy armour with a long sword",
        "wizard in a robe holding a glowing staff",
        "warrior with a big axe",
        "archer with a bow",
        "dragon with wings",
        "golem with crystals",
        "skeleton warrior with a rusty blade",
        "demon with horns",
        "wolf with glowing eyes",
        "lion beast",
        "construct with a glowing core",
        "assassin in a hood with two daggers",
    ),
    Kind.ITEM: (
        "potion bottle",
        "ring",
        "amulet",
        "long sword weapon",
        "battle axe weapon",
        "shield",
        "robe armour",
        "magic staff",
        "book",
        "scroll",
        "helmet hat",
        "boots armour",
        "gem",
        "dagger weapon",
        "gloves armour",
    ),
    Kind.TILE: (
        "floor tile",
        "stone floor tile",
        "brick wall tile",
        "stone wall tile",
        "crystal wall tile",
        "water tile",
        "tree",
        "door",
        "marble floor tile",
        "stone statue",
    ),
}
SUBJECT: Final = "Subject"
NOTHING: Final = "none"  # a value that is no word of the prompt
_ARTICLES = ("a ", "an ", "the ")
_DRAWS: Final = 64  # of one piece by chance; where all are taken, few are left, and the likeliest of these is


@dataclass(frozen=True)
class Trait:
    """What pieces differ in: each value with its weight, a whole number from 1."""

    name: str
    values: tuple[tuple[str, int], ...]


@dataclass(frozen=True)
class Piece:
    """One asset of a collection, before a style is laid over it. ``traits`` are names with the values drawn."""

    kind: Kind
    prompt: str
    seed: int
    traits: tuple[tuple[str, str], ...]


def plan(
    theme: str, kinds: Sequence[Kind], count: int, seed: int, traits: Sequence[Trait] = ()
) -> tuple[Piece, ...]:
    """``count`` pieces of ``theme``, the ``kinds`` by turns; the same values give the same plan.

    With ``traits`` a piece is the theme and one value of each, drawn by weight, and no two of a kind draw the same.
    Without them it is the theme and a subject, none twice before each of its kind came once. Raises InvalidRecipe for
    an empty theme, a kind that no subjects are listed for, too many pieces, traits that give too few different ones,
    or seeds that do not last.
    """
    words = " ".join(theme.split())
    words = next((words[len(article) :] for article in _ARTICLES if words.lower().startswith(article)), words)
    if not words:
        raise InvalidRecipe(
            "The theme is empty; say what the collection is of, for example 'a frozen kingdom'."
        )
    if not 1 <= count <= MAX_COUNT:
        raise InvalidRecipe(
            f"A collection of {count} assets cannot be drawn at once; ask for 1 to {MAX_COUNT}."
        )
    if not 0 <= seed <= MAX_SEED - count:
        raise InvalidRecipe(f"The seed must be a whole number from 0 to {MAX_SEED - count}, not {seed}.")
    if not kinds or not set(kinds) <= set(SUBJECTS):
        raise InvalidRecipe(f"A collection is of {', '.join(SUBJECTS)}; name one or more of them.")
    kinds = list(dict.fromkeys(kinds))
    if traits:
        _check_traits(traits, -(-count // len(kinds)))
        drawn = {kind: _combinations(kind, words, seed, traits) for kind in kinds}
    else:
        drawn = {kind: _subjects(kind, words, seed) for kind in kinds}
    pieces = []
    for index in range(count):
        kind = kinds[index % len(kinds)]
        values = next(drawn[kind])
        names = [trait.name for trait in traits] or [SUBJECT]
        said = [value for value in values if value.lower() != NOTHING]
        prompt = ", ".join((words, *said)) if traits else f"{words} {values[0]}"
        pieces.append(Piece(kind, prompt, seed + index, tuple(zip(names, values, strict=True))))
    return tuple(pieces)


def _check_traits(traits: Sequence[Trait], needed: int) -> None:
    """Raises InvalidRecipe."""
    names = [trait.name.lower() for trait in traits]
    if len(set(names)) < len(names):
        raise InvalidRecipe("Two traits have the same name; give each a name of its own.")
    for trait in traits:
        values = [value.lower() for value, _ in trait.values]
        if not values or len(set(values)) < len(values):
            raise InvalidRecipe(f"The trait {trait.name} has no value, or one twice; list each value once.")
        if any(weight < 1 for _, weight in trait.values):
            raise InvalidRecipe(f"A weight of the trait {trait.name} is below 1; use whole numbers from 1.")
    different = math.prod(len(trait.values) for trait in traits)
    if different < needed:
        raise InvalidRecipe(
            f"The traits give {different:,d} different assets of a kind and {needed} are needed; add values or "
            "another trait, or ask for fewer assets."
        )


def _subjects(kind: Kind, words: str, seed: int) -> Iterator[tuple[str, ...]]:
    return itertools.cycle([(subject,) for subject in _order(kind, words, seed)])


def _combinations(kind: Kind, words: str, seed: int, traits: Sequence[Trait]) -> Iterator[tuple[str, ...]]:
    """One value of each trait, by weight, never the same twice."""
    taken: set[tuple[str, ...]] = set()
    by_weight = [sorted(trait.values, key=lambda value: -value[1]) for trait in traits]
    for number in itertools.count():
        draws = (
            tuple(
                _draw(trait, f"{seed}/{words.lower()}/{kind}/{number}/{draw}/{trait.name}")
                for trait in traits
            )
            for draw in range(_DRAWS)
        )
        likeliest = (tuple(value for value, _ in values) for values in itertools.product(*by_weight))
        free = next((each for each in itertools.chain(draws, likeliest) if each not in taken), None)
        if free is None:
            return
        taken.add(free)
        yield free


def _draw(trait: Trait, place: str) -> str:
    """A value by weight; the same for the same place."""
    left = int.from_bytes(hashlib.sha256(place.encode()).digest()) % sum(weight for _, weight in trait.values)
    for value, weight in trait.values:
        left -= weight
        if left < 0:
            return value
    raise AssertionError("what is left is below the sum of the weights")


def _order(kind: Kind, words: str, seed: int) -> list[str]:
    def place(subject: str) -> bytes:
        return hashlib.sha256(f"{seed}/{words.lower()}/{kind}/{subject}".encode()).digest()

    return sorted(SUBJECTS[kind], key=place)
