"""What is asked of a themed collection, and how rare its assets are."""

from typing import Annotated

from pydantic import Field

from engine.api.creation import MAX_TRAITS, Controls, Creation, TraitName, TraitText
from engine.api.model import Asked, Told
from generators.recipe import MAX_COUNT, MAX_SEED, Kind

MAX_VALUES = 40
MAX_WEIGHT = 1_000_000
MAX_THEME_CHARACTERS = 300


class TraitValue(Asked):
    """``none`` as a value: the asset goes without."""

    value: TraitText
    weight: Annotated[int, Field(ge=1, le=MAX_WEIGHT)] = 1


class ThemeTrait(Asked):
    name: TraitName
    values: Annotated[tuple[TraitValue, ...], Field(min_length=1, max_length=MAX_VALUES)]


class Theme(Asked):
    """Many assets of one theme in one style, from one seed. Without traits each is of a subject of its kind."""

    theme: Annotated[str, Field(min_length=1, max_length=MAX_THEME_CHARACTERS, examples=["a frozen kingdom"])]
    count: Annotated[int, Field(ge=1, le=MAX_COUNT)] = 12
    kinds: Annotated[tuple[Kind, ...], Field(min_length=1, max_length=3)] = (
        Kind.CHARACTER,
        Kind.ITEM,
        Kind.TILE,
    )
    traits: Annotated[tuple[ThemeTrait, ...], Field(max_length=MAX_TRAITS)] = ()
    seed: Annotated[int, Field(ge=0, le=MAX_SEED)] | None = None
    controls: Controls = Controls()
    model: Annotated[str, Field(min_length=1, max_length=200)] | None = None


class Creations(Told):
    data: tuple[Creation, ...]


class TraitShare(Told):
    """One value of a trait: how many of the collection's assets have it. ``value`` None: they have no such trait."""

    trait: str
    value: str | None
    count: int
    share: float  # from 0 to 1


class AssetRarity(Told):
    """``score`` is 1 of the asset that is as rare as they are on average; ``rank`` 1 is the rarest."""

    asset: str
    rank: int
    score: float
    bits: float  # information content
    traits: dict[str, str]


class Rarity(Told):
    """By information content (OpenRarity): the sum of -log2(share) over an asset's traits, over the mean of all."""

    assets: tuple[AssetRarity, ...]  # the rarest first
    traits: tuple[TraitShare, ...]
