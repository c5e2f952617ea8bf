"""Who may play in a story: assets, and the words by which a sentence means them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

from assets.asset import Asset, AssetKind
from engine.errors import InvalidRequest

WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_AFTER_THE_NOUN = frozenset("in with of on at holding wearing carrying from and under over for".split())
_NO_NOUNS = frozenset(
    "a an the his her their its small big tiny giant old young tall fat evil brave dark bright red green blue yellow "
    "orange purple pink brown black white grey gray golden gold silver iron wooden seamless tile".split()
)


@dataclass(frozen=True)
class Role:
    """``name`` is what a story calls the asset, where it was given; ``nouns`` what it is, as in potion bottle."""

    asset_id: str
    kind: AssetKind
    nouns: tuple[str, ...]
    title: str
    name: str | None = None

    @classmethod
    def of(cls, asset: Asset, name: str | None = None) -> "Role":
        words = words_of(str(asset.recipe.get("prompt", asset.name)))
        head = takewhile(lambda word: word not in _AFTER_THE_NOUN, words)
        nouns = tuple(word for word in head if word not in _NO_NOUNS)
        return cls(asset.asset_id, asset.kind, nouns, asset.name, name)

    def place_in(self, words: Sequence[str]) -> int | None:
        """Where in the sentence the role is first meant, by its name or a noun, also in the plural."""
        meant = {*self.nouns, *([] if self.name is None else [self.name.lower()])}
        meant |= {word + ending for word in meant for ending in ("s", "es", "'s", "’s")}
        return next((index for index, word in enumerate(words) if word in meant), None)


def words_of(text: str) -> list[str]:
    return [word.lower() for word in WORD.findall(text)]


def named_assets(text: str) -> list[tuple[str | None, str]]:
    """``asset-1,Mira=asset-2`` -> names and asset ids. Raises InvalidRequest."""
    pairs: list[tuple[str | None, str]] = []
    for part in text.split(","):
        name, _, asset_id = part.rpartition("=")
        name, asset_id = name.strip(), asset_id.strip()
        if not asset_id or (name and not WORD.fullmatch(name)):
            raise InvalidRequest(
                f"{part[:80]!r} casts nobody; write --cast asset-1,asset-2 or --cast Mira=asset-1."
            )
        pairs.append((name or None, asset_id))
    return pairs
