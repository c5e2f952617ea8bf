"""File names of the training art turned into phrases that a person would type."""

import random
import re

from tools.sprites.colours import WORDS

# Names that belong to other works, or to one game's own cast and places. A picture named so keeps its place in
# the set only where the rest of its name still says what it shows.
PROPER_NAMES = frozenset(
    """
    agnes aizul amaemon antaeus arga arwen asmodeus asterion azrael beogh blork blorkula boris botono
    cassandra cerebov cheibriados chuck cigotuvi cigotuvis cocytus coc crazy cthulhu delatra dis dispater
    dithmenos donald dowan duvessa dyrovepreva edmund elyvilon eos ereshkigal erica erolcha eustachio fannar
    fedhas fimbulwinter frances frederick gastronok geh gehenna geryon gil-galad gloorx goji gozag grinder
    grum grunn gyre harold hep ignacio ignis ijyb ilsuiw jeremiah jessica jiyva jorgrun jory joseph josephina
    josephine justicar justicars karsonok kikubaaqudgha kirke kit kryia kryias lear lears lernaean lochaber
    lodul lom lobon louise lugonu maggie majin makhleb mara margery maud maurice maxwell menkaure mennas
    mlioglotl mnoleg morg mule murray natasha nellie nemelex nergalle nessos nikola norris okawaru olgreb
    pakellas parghit pargi pikel pipin polyphemus prince psyche punk qazlal ribbit robin roxanne ru rupert
    saint roka sif muna sigmund snorg sojobo sonja sprozz talos tar terence tiamat trog tukima tzitzimitl urug
    uskayaw vashnia vehumet vlbpad vlpad vainglory wiglaf wucad mu xakkrixis xom xtahua yiuf yredelemnul
    zenata zhor zin zonguldrok zot klown plutonium ashenzari jian unrand randart randarts urand spwpn
    """.split()
)
# A name that is a whole token, or stands between the token's hyphens.
_PROPER = re.compile(rf"(?<![^-])(?:{'|'.join(sorted(PROPER_NAMES))})(?![^-])")
NOISE = frozenset(
    """
    new old unused art ego slant a b c d e f m n s w ne nw se sw small large1 full two three four five one
    left right middle corner top bot btm bord base test inert found whole unfound generic dd dk scion artefact
    artefacts onep l susp hightails xmas april dim wingless ethn staveless
    """.split()
)
SPELLINGS = {
    "lorc": "orc",
    "fhelm": "helmet",
    "bplate": "breastplate",
    "lajatang": "double-bladed staff",
    "dragonarm": "dragon scale armour",
    "scalemail": "scale mail",
    "ringmail": "ring mail",
    "chainmail": "chain mail",
    "eveningstar": "morning star",
    "morningstar": "morning star",
    "quickblade": "quick blade",
    "taiso": "headband",
    "band": "headband",
    "gray": "grey",
    "ybrown": "light brown",
    "darkgreen": "dark green",
    "lightgreen": "light green",
    "darkbrown": "dark brown",
    "redbrown": "reddish brown",
    "bluegreen": "blue green",
    "blackgold": "black golden",
    "blackred": "black red",
    "fem": "long",
    "rb": "red blue",
    "rw": "red white",
    "felid": "cat",
    "coglin": "goblin in a machine",
    "tengu": "bird man",
    "octopode": "octopus",
    "djinni": "genie",
    "draconian": "dragon man",
    "spriggan": "gnome",
    "meteoran": "star elf",
}
SYNONYMS: dict[str, tuple[str, ...]] = {
    "wizard": ("mage", "sorcerer", "magician", "wizard"),
    "knight": ("knight", "armoured warrior", "paladin"),
    "warrior": ("warrior", "fighter", "soldier"),
    "rogue": ("rogue", "thief", "assassin"),
    "ranger": ("ranger", "archer", "hunter"),
    "priest": ("priest", "cleric", "healer"),
    "barbarian": ("barbarian", "savage", "berserker"),
    "sword": ("sword", "blade"),
    "axe": ("axe", "hatchet"),
    "bottle": ("bottle", "flask", "vial"),
    "potion": ("potion", "elixir"),
    "helmet": ("helmet", "helm"),
    "armour": ("armour", "armor"),
    "grey": ("grey", "gray"),
    "cloak": ("cloak", "cape"),
    "boots": ("boots", "shoes"),
    "amulet": ("amulet", "necklace", "pendant"),
    "book": ("book", "spellbook", "tome"),
    "staff": ("staff", "rod"),
    "monster": ("monster", "creature", "beast"),
    "floor": ("floor", "ground"),
    "genie": ("genie", "djinn"),
    "undead": ("undead", "zombie"),
    "man": ("man", "male"),
    "woman": ("woman", "female"),
}


def phrase(name: str) -> str:
    """``great_sword3`` -> ``great sword``; ``robe_blue_white`` -> ``blue white robe``; colours before nouns.

    Returns an empty string where nothing but noise and proper names is left.
    """
    words: list[str] = []
    for token in _tokens(name):
        kept = re.sub("-+", "-", _PROPER.sub("", token)).strip("-")
        if kept and kept not in NOISE:
            words += SPELLINGS.get(kept, kept).split()
    shades = {"dark", "light", "bright", "pale"}
    colours = [w for w in words if w in WORDS or w in shades]
    return " ".join(colours + [w for w in words if w not in colours])


def is_proper(name: str) -> bool:
    """Whether a file name holds a proper name that its caption must not carry."""
    return any(_PROPER.search(token) for token in _tokens(name))


def _tokens(name: str) -> list[str]:
    """The parts of a file name in lower case, without their numbers."""
    parts = re.split(r"[_\s]+", name.split("/")[-1].removesuffix(".png").lower())
    return [re.sub(r"\d+[a-z]?$", "", part).strip("-") for part in parts]


def with_synonyms(text: str, draw: random.Random, chance: float = 0.5) -> str:
    """``text`` with some of its words replaced by a synonym, drawn from ``draw``."""
    return " ".join(
        draw.choice(SYNONYMS[word]) if word in SYNONYMS and draw.random() < chance else word
        for word in text.split(" ")
    )
