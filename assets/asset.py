"""The record of one finished asset: what made it, what it looks like, where it came from."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from enum import StrEnum
from types import NoneType

from assets.canonical_json import JsonObject, PlainJson, thaw
from assets.cid import Cid
from assets.errors import InvalidAsset, InvalidCid, InvalidJson

_ASSET_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_MAX_NAME_CHARS = 200


class AssetKind(StrEnum):
    """What an asset is in the game."""

    CHARACTER = "character"
    ITEM = "item"
    TILE = "tile"
    ILLUSTRATION = "illustration"
    CLIP = "clip"


@dataclass(frozen=True, slots=True)
class Asset:
    """A finished thing.

    ``asset_id`` is 1 to 128 letters, digits, dots, dashes and underscores; ``name`` 1 to 200 characters;
    ``recipe`` the JSON object that re-creates the asset; ``recipe_hash`` the sha256 of its canonical JSON
    (RFC 8785) as 64 hex digits, always computed here. ``media_cid`` addresses the asset itself, ``image_cid``
    the picture that stands for it, ``metadata_cid`` its token metadata. ``parents`` are the asset ids it was
    made from. ``quality`` is what its mint overruled of the quality gate, as its metadata says, or None.
    ``created_at`` is in UTC. Raises InvalidAsset.
    """

    asset_id: str
    kind: AssetKind
    name: str
    recipe: JsonObject
    media_cid: Cid
    image_cid: Cid
    metadata_cid: Cid
    created_at: datetime
    owner: str | None = None
    parents: tuple[str, ...] = ()
    quality: JsonObject | None = None
    recipe_hash: str = field(init=False)

    def __post_init__(self) -> None:
        if not isinstance(self.parents, tuple):
            object.__setattr__(self, "parents", tuple(self.parents))
        for asset_id in (self.asset_id, *self.parents):
            if not isinstance(asset_id, str) or not _ASSET_ID.fullmatch(asset_id):
                raise InvalidAsset(f"{asset_id!r} is not an asset id; use letters, digits, dots and dashes.")
        if self.asset_id in self.parents or len(set(self.parents)) != len(self.parents):
            raise InvalidAsset(
                "The parents repeat an asset or name the asset itself; name each other asset once."
            )
        if not isinstance(self.name, str) or not 0 < len(self.name) <= _MAX_NAME_CHARS:
            raise InvalidAsset(f"The asset's name must have 1 to {_MAX_NAME_CHARS} characters; change it.")
        if self.owner is not None and (not isinstance(self.owner, str) or not self.owner):
            raise InvalidAsset("The owner must be a text that is not empty, or None for an unowned asset.")
        if self.created_at.tzinfo is None:
            raise InvalidAsset("The creation time has no time zone; give it in UTC.")
        try:
            object.__setattr__(self, "kind", AssetKind(self.kind))
        except ValueError as error:
            kinds = ", ".join(AssetKind)
            raise InvalidAsset(f"{self.kind!r} is not a kind of asset; use one of {kinds}.") from error
        object.__setattr__(self, "created_at", self.created_at.astimezone(UTC))
        try:
            object.__setattr__(self, "recipe", JsonObject(self.recipe))
            if self.quality is not None:
                object.__setattr__(self, "quality", JsonObject(self.quality))
        except InvalidJson as error:
            raise InvalidAsset(f"The recipe or quality cannot be written as JSON: {error}") from error
        object.__setattr__(self, "recipe_hash", hashlib.sha256(self.recipe.to_bytes()).hexdigest())

    def to_json(self) -> dict[str, PlainJson]:
        """The record as plain JSON values: CIDs in canonical text, the time in ISO 8601 with its offset."""
        return {
            "asset_id": self.asset_id,
            "kind": self.kind.value,
            "name": self.name,
            "recipe": thaw(self.recipe),
            "recipe_hash": self.recipe_hash,
            "media_cid": str(self.media_cid),
            "image_cid": str(self.image_cid),
            "metadata_cid": str(self.metadata_cid),
            "created_at": self.created_at.isoformat(),
            "owner": self.owner,
            "parents": list(self.parents),
            "quality": None if self.quality is None else thaw(self.quality),
        }

    @classmethod
    def from_json(cls, document: Mapping[str, object]) -> "Asset":
        """The record that :meth:`to_json` wrote.

        Raises InvalidAsset, also when recipe and recipe_hash disagree.
        """
        expected = {item.name for item in fields(cls)}
        # Records written before there was a quality gate lack its field.
        if odd_fields := (set(document) ^ expected) - ({"quality"} - set(document)):
            odd = ", ".join(sorted(map(str, odd_fields)))
            raise InvalidAsset(
                f"The asset record has missing or unknown fields: {odd}. Correct the document."
            )
        values = dict(document)
        recipe_hash = values.pop("recipe_hash")
        parents = values.pop("parents")
        if (
            not isinstance(values["recipe"], Mapping)
            or not isinstance(parents, (list, tuple))
            or not isinstance(values.get("quality"), (Mapping, NoneType))
        ):
            raise InvalidAsset(
                "An asset's recipe must be an object, its parents a list and its quality an object or null; "
                "correct the document."
            )
        try:
            for key in ("media_cid", "image_cid", "metadata_cid"):
                values[key] = Cid.parse(values[key])  # type: ignore[arg-type]  # it refuses what is not text
            values["created_at"] = datetime.fromisoformat(str(values["created_at"]))
        except (InvalidCid, ValueError) as error:
            raise InvalidAsset(f"A field of the asset record is malformed: {error}") from error
        asset = cls(**values, parents=tuple(parents))  # type: ignore[arg-type]  # checked by __post_init__
        if asset.recipe_hash != recipe_hash:
            raise InvalidAsset(
                f"Asset {asset.asset_id} has a recipe hash of another recipe; restore the recipe."
            )
        return asset
