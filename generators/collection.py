"""A collection: many assets of one theme, planned from one seed."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

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
_ARTICLES = ("a ", "an ", "the ")


@dataclass(frozen=True)
class Piece:
    """One asset of a collection, before a style is laid over it."""

    kind: Kind
    prompt: str
    seed: int


def plan(theme: str, kinds: Sequence[Kind], count: int, seed: int) -> tuple[Piece, ...]:
    """``count`` pieces of ``theme``, the ``kinds`` by turns; the same values give the same plan.

    No subject comes twice before each of its kind came once. Raises InvalidRecipe for an empty theme, a kind that no
    subjects are listed for, too many pieces, or seeds that do not last.
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
    orders = {kind: _order(kind, words, seed) for kind in kinds}
    pieces = []
    for index in range(count):
        kind = kinds[index % len(kinds)]
        subjects = orders[kind]
        pieces.append(Piece(kind, f"{words} {subjects[index // len(kinds) % len(subjects)]}", seed + index))
    return tuple(pieces)


def _order(kind: Kind, words: str, seed: int) -> list[str]:
    def place(subject: str) -> bytes:
        return hashlib.sha256(f"{seed}/{words.lower()}/{kind}/{subject}".encode()).digest()

    return sorted(SUBJECTS[kind], key=place)
