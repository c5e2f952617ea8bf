"""Are all attributes of a caption in the picture? Each is one choice among its alternatives."""

import re
from dataclasses import dataclass

import numpy as np

from tools.evaluation.drawing import Drawer
from tools.evaluation.sample import Real
from tools.judge.split import GROUPS, unseen
from tools.sprites.dataset import SpriteSet

# Attribute -> the words that stand for one another's alternatives, by size: what the captions of each name often.
ATTRIBUTES: dict[int, dict[str, tuple[str, ...]]] = {
    32: {
        "race": ("human", "elf", "dwarf", "orc", "kobold", "vampire", "naga", "demonspawn"),
        "colour": ("red", "blue", "green", "white", "black", "brown", "yellow", "purple"),
        "armour": ("robe", "leather", "plate", "scale mail", "chain mail", "shirt"),
        "weapon": ("sword", "axe", "bow", "staff", "mace", "dagger", "spear", "hammer"),
        "headgear": ("wizard hat", "hood", "helmet", "cap", "crown", "horned helmet"),
    },
    64: {
        "race": ("knight", "mage", "golem", "dragon", "demon", "beast", "warrior", "archer"),
        "colour": ("red", "blue", "green", "white", "black", "brown", "golden", "purple"),
        "armour": ("robe", "armour", "dress", "cloak", "fur"),
        "weapon": ("sword", "axe", "bow", "staff", "spear", "hammer", "claws", "dagger"),
        "headgear": ("mask", "hood", "helmet", "horns", "crown", "hat"),
    },
}


@dataclass(frozen=True)
class Asked:
    """A real picture's row, the caption that was drawn, and its attributes: name -> the word in the caption."""

    row: int
    caption: str
    attributes: dict[str, str]


@dataclass(frozen=True)
class AttributeScore:
    """Shares of ``pictures`` in which the caption with the right word fits better than with any alternative."""

    generated: float
    real: float
    chance: float
    pictures: int


def composition(real: Real, drawer: Drawer, prompts: int) -> dict[str, dict[str, AttributeScore]]:
    """For captions of two and of three attributes, ``prompts`` of each: attribute -> score."""
    found = {}
    for count in (2, 3):
        asked = captions_with(real.pictures, drawer.size_px, count)
        asked = [asked[at] for at in np.random.default_rng(count).permutation(len(asked))[:prompts]]
        if not asked:
            continue
        drawn = drawer.draw(
            [one.caption for one in asked],
            [20_000 + n for n in range(len(asked))],
            real.pictures.kinds[asked[0].row],
        )
        seen = {"generated": real.judge.see(drawn), "real": real.features([one.row for one in asked])}
        found[f"{count} attributes"] = _scores(real, drawer.size_px, asked, seen)
    return found


def captions_with(pictures: SpriteSet, size_px: int, count: int) -> list[Asked]:
    """One for each subject of characters new to the judge that has a caption naming ``count`` attributes, each once."""
    kind = next(kind for size, kind in GROUPS.values() if size == size_px)
    found: dict[str, Asked] = {}
    for row in np.flatnonzero(unseen(pictures)).tolist():
        if pictures.kinds[row] != kind or pictures.subjects[row] in found:
            continue
        for caption in pictures.captions[row]:
            named = attributes_of(caption, size_px)
            if len(named) == count:
                found[pictures.subjects[row]] = Asked(row, caption, named)
                break
    return list(found.values())


def attributes_of(caption: str, size_px: int) -> dict[str, str]:
    """The attributes that ``caption`` names by exactly one word: a second colour would make the choice unclear."""
    named = {}
    for attribute, words in ATTRIBUTES[size_px].items():
        inside = [word for word in words if re.search(_whole(word), caption)]
        longest = [word for word in inside if not any(word != other and word in other for other in inside)]
        if len(longest) == 1 and len(re.findall(_whole(longest[0]), caption)) == 1:
            named[attribute] = longest[0]
    return named


def _whole(word: str) -> str:
    """A pattern for the whole word; "elf hair" is a hair style and names no race."""
    return rf"\b{word}\b(?! hair)" if word in {"elf", "dwarf"} else rf"\b{word}\b"


def _scores(
    real: Real, size_px: int, asked: list[Asked], seen: dict[str, np.ndarray]
) -> dict[str, AttributeScore]:
    hits: dict[str, dict[str, list[bool]]] = {}
    for at, one in enumerate(asked):
        for attribute, word in one.attributes.items():
            words = ATTRIBUTES[size_px][attribute]
            captions = real.read([re.sub(_whole(word), other, one.caption) for other in words])
            for side, features in seen.items():
                best = int((captions @ features[at]).argmax())
                hits.setdefault(attribute, {"generated": [], "real": []})[side].append(words[best] == word)
    return {
        attribute: AttributeScore(
            generated=float(np.mean(sides["generated"])),
            real=float(np.mean(sides["real"])),
            chance=1 / len(ATTRIBUTES[size_px][attribute]),
            pictures=len(sides["real"]),
        )
        for attribute, sides in sorted(hits.items())
    }
