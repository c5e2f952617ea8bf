"""Named 32 px pictures of the Dungeon Crawl Stone Soup tile set (CC0): monsters, items, tiles, effects."""

import io
import random
import re
import zipfile
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from tools.sprites.colours import colour_words, names_a_colour
from tools.sprites.phrases import is_proper, phrase, with_synonyms
from tools.sprites.picture import Picture, Report, clean

SIZE_PX = 32
# Folder prefix -> (kind, noun that the caption must end in, unless the name already holds its last word).
# The first match wins. Folders not listed are not used.
FOLDERS: tuple[tuple[str, str, str], ...] = (
    ("item/amulet", "item", "amulet"),
    ("item/armour/headgear", "item", "hat"),
    ("item/armour/shields", "item", "shield"),
    ("item/armour", "item", "armour"),
    ("item/book", "item", "book"),
    ("item/food", "item", "food"),
    ("item/gem", "item", "gem"),
    ("item/gold", "item", "gold coins"),
    ("item/potion", "item", "potion bottle"),
    ("item/ring", "item", "ring"),
    ("item/rod", "item", "rod"),
    ("item/scroll", "item", "scroll"),
    ("item/staff", "item", "magic staff"),
    ("item/talisman", "item", "talisman"),
    ("item/wand", "item", "wand"),
    ("item/weapon/ranged", "item", "ranged weapon"),
    ("item/weapon/artefact", "item", "magic weapon"),
    ("item/weapon", "item", "weapon"),
    ("item/misc/runes", "item", "rune"),
    ("item/misc", "item", "magic item"),
    ("UNUSED/weapons", "item", "weapon"),
    ("UNUSED/armour", "item", "armour"),
    ("UNUSED/worn", "item", "armour"),
    ("UNUSED/food", "item", "food"),
    ("UNUSED/talismans", "item", "talisman"),
    ("UNUSED/monsters/skeletons", "monster", "skeleton monster"),
    ("UNUSED/monsters", "monster", "monster"),
    ("mon/undead/zombies", "monster", "zombie monster"),
    ("mon/undead/spectrals", "monster", "ghost monster"),
    ("mon/undead/simulacra", "monster", "ice monster"),
    ("mon/undead", "monster", "undead monster"),
    ("mon/animals", "monster", "animal monster"),
    ("mon/aquatic", "monster", "sea monster"),
    ("mon/demons", "monster", "demon monster"),
    ("mon/dragons", "monster", "dragon monster"),
    ("mon/draco", "monster", "dragon man"),
    ("mon/eyes", "monster", "floating eye monster"),
    ("mon/fungi_plants", "monster", "plant monster"),
    ("mon/holy", "monster", "angel"),
    ("mon/humanoids/elves", "monster", "elf"),
    ("mon/humanoids/giants", "monster", "giant"),
    ("mon/humanoids/humans", "monster", "human"),
    ("mon/humanoids/orcs", "monster", "orc"),
    ("mon/humanoids", "monster", "humanoid monster"),
    ("mon/demihumanoids", "monster", "half-human monster"),
    ("mon/statues", "monster", "statue"),
    ("mon/tentacles", "", ""),
    ("mon/panlord", "", ""),
    ("mon", "monster", "monster"),
    ("dngn/floor/grass", "tile", "grass floor tile"),
    ("dngn/floor", "tile", "floor tile"),
    ("dngn/wall", "tile", "wall tile"),
    ("dngn/water", "tile", "water tile"),
    ("dngn/trees", "tile", "tree"),
    ("dngn/doors", "tile", "door"),
    ("dngn/altars", "tile", "altar"),
    ("dngn/statues", "tile", "stone statue"),
    ("dngn/gateways", "tile", "dungeon gateway"),
    ("dngn/decor", "tile", "dungeon decoration"),
    ("dngn/traps", "tile", "trap"),
    ("dngn/shops", "tile", "shop"),
    ("effect", "effect", "magic effect"),
)
JUNK = re.compile(
    r"tentacle|segment|overlay|brand|blood_?(puddle|red|green)|border|_bord|_wave_|cobweb_|mask|halo|cursor|"
    r"unseen|_gone$|test_|undefined|spawner|shadow_?\d*$|disturbance|phased$|parchment_multi|generic_unfound|"
    r"dirt_[nsew]{1,2}$|grass_[nsew]{1,2}$|pedestal_|ice_overlay|_(left|middle|right|corner)(_|$)|small$"
)
LABEL_ICON = re.compile(r"^i-")  # glyphs that name an identified item; they lie over another picture


def load_canvas(archive: zipfile.ZipFile, name: str) -> NDArray[np.uint8] | None:
    """The picture on a 32x32 canvas (32 32 4), resting on the bottom; None where it does not fit one."""
    image = Image.open(io.BytesIO(archive.read(name))).convert("RGBA")
    if max(image.size) > 48 or min(image.size) < 12:
        return None
    canvas = Image.new("RGBA", (SIZE_PX, SIZE_PX))
    canvas.paste(image, ((SIZE_PX - image.width) // 2, SIZE_PX - image.height))
    return clean(np.asarray(canvas))


def crawl_pictures(archive: zipfile.ZipFile, report: Report) -> Iterator[Picture]:
    """Every usable single picture of the archive, captioned from its path; the dolls are made elsewhere."""
    draw = random.Random(1)
    for name in sorted(archive.namelist()):
        if not name.endswith(".png") or name.startswith("player/"):
            continue
        kind, noun = next(((k, n) for prefix, k, n in FOLDERS if name.startswith(prefix + "/")), ("", ""))
        stem = name.rsplit("/", 1)[-1].removesuffix(".png")
        if not kind:
            report.drop("folder of interface scraps, segments or parts")
        elif LABEL_ICON.match(stem):
            report.drop("label glyph, not a picture of a thing")
        elif JUNK.search(stem):
            report.drop("overlay, border, marker or segment")
        elif (pixels := load_canvas(archive, name)) is None:
            report.drop("does not fit a 32 px canvas")
        elif int((pixels[..., 3] > 0).sum()) < 30:
            report.drop("nearly empty")
        else:
            words = phrase(stem)
            if is_proper(stem) and not words and name.startswith("mon/unique/"):
                report.drop("named after a character")
                continue
            captions = _captions(words, noun, pixels, draw)
            subject = re.sub(r"[_-]?\d+[a-z]?$", "", name.removesuffix(".png"))
            yield Picture(pixels, captions, kind, f"crawl/{subject}")


def _captions(words: str, noun: str, pixels: NDArray[np.uint8], draw: random.Random) -> tuple[str, ...]:
    head = noun.split()
    plain = words if words and head[-1] in words.split() else f"{words} {noun}".strip()
    colours = colour_words(pixels)
    coloured = plain if names_a_colour(plain) or not colours else f"{' and '.join(colours)} {plain}"
    short = " ".join([*colours[:1], noun])
    made = [coloured, plain, short, with_synonyms(coloured, draw), with_synonyms(plain, draw)]
    return tuple(dict.fromkeys(made))
