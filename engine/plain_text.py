"""Text as deny lists compare it: without what makes the same word look different to a program and not to a person."""

import re
import unicodedata
from typing import Final

# Letters that show nothing: fillers of Hangul, and the empty Braille cell.
_EMPTY: Final = dict.fromkeys([0x115F, 0x1160, 0x2800])
_DROPPED: Final = frozenset({"Mn", "Me", "Cf", "Cc", "Cs", "Co", "Cn"})
_MARKS_INSIDE: Final = re.compile(r"(?<=\w)[!|¡](?=\w)")
# Single letters with the same sign between each two: s p e l t, s.p.e.l.t
_SPELT: Final = re.compile(r"\b\w([ .*·-])\w(?:\1\w)+\b")
# Digits and signs that stand for letters, and letters of other scripts and with strokes that look like Latin ones.
_DISGUISES: Final = str.maketrans(
    "0345789@$" + "аеорсухіјѕкмтвнԁ" + "αορντικευχη" + "ıłøđħŧɑɡ",
    "oeastbgas" + "aeopcyxijskmtbhd" + "aopvtikeuxn" + "ilodhtag",
)


def plain(text: str) -> str:
    """``text`` in NFKC, casefolded, without combining marks and characters of no width, with single spaces.

    The underscore counts as a space. Source: Unicode Standard Annex 15, and chapter 5.18 on caseless matching.
    """
    folded = unicodedata.normalize("NFKC", text).casefold()
    spaced = re.sub(r"[\s_]+", " ", folded)
    decomposed = unicodedata.normalize("NFKD", spaced).translate(_EMPTY)
    kept = "".join(letter for letter in decomposed if unicodedata.category(letter) not in _DROPPED)
    return unicodedata.normalize("NFC", " ".join(kept.split()))


def readings(text: str) -> tuple[str, ...]:
    """What somebody may read in ``text``: it as ``plain``, with disguises undone, and each with spelt words joined."""
    itself = plain(text)
    undone = _MARKS_INSIDE.sub("i", itself).translate(_DISGUISES)
    found = [itself, undone.replace("1", "i"), undone.replace("1", "l")]
    found += [_SPELT.sub(lambda spelt: re.sub(r"\W", "", spelt[0]), reading) for reading in found]
    return tuple(dict.fromkeys(found))
