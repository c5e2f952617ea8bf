"""Characters composed at random from the paper-doll layers of the Crawl tile set (CC0), in its own layer order."""

import random
import re
import zipfile
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from tools.sprites.colours import WORDS
from tools.sprites.crawl import load_canvas
from tools.sprites.phrases import is_proper, phrase, with_synonyms
from tools.sprites.picture import Picture, Report

# The order of the game's own doll renderer; the cloak lies behind the body.
LAYERS = ("cloak", "base", "boots", "legs", "body", "gloves", "hand1", "hand2", "hair", "beard", "head")
NOUNS = {"cloak": "cloak", "hair": "hair", "beard": "beard", "boots": "boots", "gloves": "gloves"}
HEADS = {"wizard": "wizard hat", "cap": "cap", "hood": "hood", "helm": "helmet", "horn": "horned helmet"}
LEGLESS = "naga centaur octopus genie merfolk formicid poltergeist shadow".split()  # wear no legs, no boots

Part = tuple[str, NDArray[np.uint8]]  # what it is called, 32 32 4
# Role -> layer -> what its parts are called. Layers not named are drawn at random or left bare.
ROLES: dict[str, dict[str, str]] = {
    "wizard": {"body": r"robe", "hand1": r"staff|sceptre", "head": r"wizard hat|hood"},
    "knight": {"body": r"plate|mail|metal", "hand1": r"sword|mace|lance", "hand2": r"shield", "head": r"hel"},
    "warrior": {
        "body": r"mail|leather|plate",
        "hand1": r"axe|sword|hammer|flail|spear",
        "hand2": r"shield|buckler",
    },
    "rogue": {"body": r"leather|jacket|black", "hand1": r"dagger|knife|rapier|short sword", "head": r"hood"},
    "ranger": {"body": r"leather|green", "hand1": r"bow|sling", "head": r"hood|hat|feather"},
    "priest": {"body": r"white", "hand1": r"mace|staff", "hand2": r"book"},
    "barbarian": {"body": r"skin|hide|leather", "hand1": r"axe|club", "head": r"horn|viking"},
}
# People ask for these far more often than the archive draws them; the other races share what is left evenly.
RACE_SHARES = {"human": 0.28, "elf": 0.14, "dwarf": 0.09, "orc": 0.1, "halfling": 0.03, "vampire": 0.03}
CHANCE = {
    "cloak": 0.3,
    "boots": 0.6,
    "legs": 0.6,
    "body": 0.85,
    "gloves": 0.25,
    "hand1": 0.7,
    "hand2": 0.35,
    "hair": 0.5,
    "beard": 0.15,
    "head": 0.4,
}


def doll_parts(archive: zipfile.ZipFile, report: Report) -> dict[str, list[Part]]:
    """Layer -> its parts, by reading the archive's player/ folders."""
    parts: dict[str, list[Part]] = {layer: [] for layer in LAYERS}
    for name in sorted(archive.namelist()):
        pieces = name.split("/")
        if pieces[0] != "player" or not name.endswith(".png") or pieces[1] not in parts:
            continue
        stem = pieces[-1].removesuffix(".png")
        words = _part_name(pieces[1], stem)
        if is_proper(stem) or not words:
            report.drop("doll part named after a character")
        elif (pixels := load_canvas(archive, name)) is None:
            report.drop("doll part that does not fit a 32 px canvas")
        else:
            parts[pieces[1]].append((words, pixels))
    return parts


def _part_name(layer: str, stem: str) -> str:
    if layer == "base":
        gender = {"m": " man", "f": " woman"}.get(re.sub(r"\d+$", "", stem.rsplit("_", 1)[-1]), "")
        return phrase(re.sub(r"_[mf]\d*$", "", stem)) + gender
    words = phrase(stem)
    if layer == "head":
        for short, full in HEADS.items():
            words = re.sub(rf"\b{short}\w*\b", full, words, count=1)
    noun = NOUNS.get(layer, "")
    return words if not words or noun in words else f"{words} {noun}".strip()


def compose_dolls(parts: dict[str, list[Part]], count: int, seed: int = 2) -> Iterator[Picture]:
    """``count`` characters; six in ten dressed for a role, the others at random."""
    draw = random.Random(seed)
    for _ in range(count):
        role = draw.choice(sorted(ROLES)) if draw.random() < 0.6 else ""
        race, pixels = _draw_base(parts["base"], draw)
        worn: dict[str, Part] = {}
        for layer in LAYERS:
            wanted = ROLES[role].get(layer) if role else None
            if layer == "base" or (layer in ("legs", "boots") and any(w in race for w in LEGLESS)):
                continue
            if not parts[layer]:
                continue
            if wanted and draw.random() < 0.9:
                choices = [part for part in parts[layer] if re.search(wanted, part[0])]
            elif draw.random() < CHANCE[layer]:
                choices = parts[layer]
            else:
                continue
            worn[layer] = draw.choice(choices or parts[layer])
        for layer in LAYERS:
            if layer in worn:
                pixels = _over(worn[layer][1], pixels) if layer == "cloak" else _over(pixels, worn[layer][1])
        subject = "doll/" + "/".join([race, *sorted(f"{k}={p[0]}" for k, p in worn.items())])
        yield Picture(pixels, _captions(race, role, worn, draw), "doll", subject)


def _draw_base(bases: list[Part], draw: random.Random) -> Part:
    point = draw.random()
    for race, share in RACE_SHARES.items():
        point -= share
        if point < 0:
            named = [part for part in bases if race in part[0].split()]
            if named:
                return draw.choice(named)
            break
    families = sorted({_family(part[0]) for part in bases})
    family = draw.choice(families)
    return draw.choice([part for part in bases if _family(part[0]) == family])


def _family(race: str) -> str:
    """The race without its colour and gender: the many nagas are one family."""
    words = [word for word in race.split() if word not in WORDS | {"man", "woman", "dark", "light", "pale"}]
    return words[0] if words else race


def _over(below: NDArray[np.uint8], above: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.where(above[..., 3:] > 127, above, below)


def _captions(race: str, role: str, worn: dict[str, Part], draw: random.Random) -> tuple[str, ...]:
    seen = [layer for layer in ("body", "hand1", "hand2", "head", "cloak", "hair", "beard") if layer in worn]
    minor = [layer for layer in ("legs", "boots", "gloves") if layer in worn]
    who = f"{race} {role}".strip() if role else f"{race} character"

    def told(layers: list[str]) -> str:
        return f"{who} with {', '.join(worn[layer][0] for layer in layers)}" if layers else who

    full = told(draw.sample(seen + minor, min(len(seen) + len(minor), 5)))
    main = told(draw.sample(seen, min(len(seen), 3)))
    few = told(draw.sample(seen, min(len(seen), 1)))
    loose = f"{role or 'character'}" + (f" in {worn['body'][0]}" if "body" in worn else "")
    made = [main, full, few, loose, with_synonyms(main, draw), with_synonyms(few, draw)]
    return tuple(dict.fromkeys(made))
