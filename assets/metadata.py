"""Token metadata: the JSON document that wallets and marketplaces show for a token.

Source: EIP-721, "ERC721 Metadata JSON Schema", and OpenSea's metadata standards for the further fields.
"""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlsplit

from assets.canonical_json import JsonObject, JsonValue, PlainJson, thaw
from assets.cid import Cid, split_ipfs_uri
from assets.errors import InvalidCid, InvalidJson, InvalidMetadata

# One raw UnixFS leaf: up to here the sha256 of the document, which goes on chain, is its whole address.
MAX_METADATA_BYTES: Final = 256 * 1024

_NUMERIC_DISPLAYS = ("number", "boost_number", "boost_percentage", "date")
_UNPRINTABLE = re.compile(r"[\s\x00-\x1f\x7f]")
# A data URI may hold spaces: on-chain SVG images are written so.
_UNPRINTABLE_DATA = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Attribute:
    """One trait of a token.

    ``value`` is text, a number or a boolean; a ``display_type`` of number, boost_number, boost_percentage or
    date (Unix time in seconds) needs a number. A field that is None is not written. ``extra`` keeps the
    fields this record does not know, such as max_value; any mapping is copied into it.
    Raises InvalidMetadata. Source: OpenSea metadata standards, "Attributes".
    """

    trait_type: str | None
    value: str | int | float | bool
    display_type: str | None = None
    extra: JsonObject = field(default_factory=JsonObject)

    def __post_init__(self) -> None:
        _require_text("trait_type", self.trait_type)
        _require_text("display_type", self.display_type)
        if not isinstance(self.value, (str, int, float)):
            raise InvalidMetadata("An attribute's value must be text, a number or a boolean; convert it.")
        if self.display_type in _NUMERIC_DISPLAYS and isinstance(self.value, (str, bool)):
            raise InvalidMetadata(
                f"An attribute displayed as {self.display_type} needs a number as its value."
            )
        _freeze_field(self, "extra", ("trait_type", "value", "display_type"))

    def to_json(self) -> dict[str, PlainJson]:
        """The attribute as plain JSON values."""
        known = {"trait_type": self.trait_type, "value": self.value, "display_type": self.display_type}
        return {key: thaw(item) for key, item in self.extra.items()} | {
            key: item for key, item in known.items() if item is not None
        }

    @classmethod
    def from_json(cls, value: JsonValue) -> "Attribute":
        """The attribute that a JSON object holds. Raises InvalidMetadata."""
        if not isinstance(value, JsonObject):
            raise InvalidMetadata(
                "An attribute must be an object with trait_type and value; correct the list."
            )
        rest = dict(value)
        known = {name: rest.pop(name, None) for name in ("trait_type", "value", "display_type")}
        return cls(**known, extra=JsonObject(rest))  # type: ignore[arg-type]  # checked by __post_init__


@dataclass(frozen=True, slots=True)
class TokenMetadata:
    """What a token is and looks like.

    ``image`` and ``animation_url`` are ``ipfs://``, ``https://`` or ``data:`` URIs, ``external_url`` a web or
    ipfs address, ``background_color`` six hexadecimal digits without ``#``. ``properties`` is any JSON
    object. ``extra`` keeps the fields this record does not know, so that they survive a round trip. Any
    mapping is copied into these two. An empty,
    null or absent known field is one and the same, and is not written. Every instance has canonical bytes of
    at most 256 KiB. Raises InvalidMetadata.
    """

    name: str
    description: str
    image: str
    external_url: str | None = None
    animation_url: str | None = None
    background_color: str | None = None
    attributes: tuple[Attribute, ...] = ()
    properties: JsonObject = field(default_factory=JsonObject)
    extra: JsonObject = field(default_factory=JsonObject)

    def __post_init__(self) -> None:
        for key in ("name", "description", "image", "external_url", "animation_url", "background_color"):
            _require_text(key, getattr(self, key))
        if not self.name:
            raise InvalidMetadata("The metadata has no name; give the token one.")
        _require_uri("image", self.image, ("ipfs", "https", "data"))
        if self.animation_url:
            _require_uri("animation_url", self.animation_url, ("ipfs", "https", "data"))
        if self.external_url:
            _require_uri("external_url", self.external_url, ("ipfs", "https", "http"))
        if self.background_color and not re.fullmatch(r"[0-9A-Fa-f]{6}", self.background_color):
            raise InvalidMetadata("The background_color must be six hexadecimal digits without #, as ffcc00.")
        for key in ("external_url", "animation_url", "background_color"):
            object.__setattr__(self, key, getattr(self, key) or None)
        object.__setattr__(self, "description", self.description or "")
        object.__setattr__(self, "attributes", tuple(self.attributes))
        if not all(isinstance(attribute, Attribute) for attribute in self.attributes):
            raise InvalidMetadata("The attributes must be Attribute records; build them first.")
        _freeze_field(self, "properties", ())
        _freeze_field(self, "extra", _KNOWN)
        self.to_bytes()

    def to_json(self) -> dict[str, PlainJson]:
        """The document as plain JSON values."""
        known: dict[str, PlainJson] = {
            "name": self.name,
            "description": self.description,
            "image": self.image,
            "external_url": self.external_url,
            "animation_url": self.animation_url,
            "background_color": self.background_color,
            "attributes": [attribute.to_json() for attribute in self.attributes],
            "properties": thaw(self.properties),
        }
        return {key: thaw(item) for key, item in self.extra.items()} | {
            key: item for key, item in known.items() if item
        }

    def to_bytes(self) -> bytes:
        """The document as canonical JSON (RFC 8785), at most 256 KiB."""
        try:
            data = JsonObject(self.to_json()).to_bytes()
        except InvalidJson as error:
            raise InvalidMetadata(f"The metadata cannot be written as JSON: {error}") from error
        _require_size(data)
        return data

    @classmethod
    def from_bytes(cls, data: bytes) -> "TokenMetadata":
        """The metadata in a JSON document of at most 256 KiB, in any spelling. Raises InvalidMetadata."""
        _require_size(data)
        try:
            rest = dict(JsonObject.from_bytes(data))
        except InvalidJson as error:
            raise InvalidMetadata(f"The metadata cannot be read: {error}") from error
        known = {name: rest.pop(name, None) for name in _KNOWN}
        attributes = known.pop("attributes")
        if attributes is None:
            attributes = ()
        if not isinstance(attributes, tuple):
            raise InvalidMetadata("The attributes must be a list of objects; correct the document.")
        properties = known.pop("properties")
        if properties is None:
            properties = JsonObject()
        listed = tuple(Attribute.from_json(item) for item in attributes)
        return cls(**known, attributes=listed, properties=properties, extra=JsonObject(rest))  # type: ignore[arg-type]  # checked by __post_init__

    @property
    def digest(self) -> bytes:
        """The sha256 (32 bytes) of the canonical bytes: what goes on chain."""
        return hashlib.sha256(self.to_bytes()).digest()

    @property
    def cid(self) -> Cid:
        """The address of the canonical bytes, a raw CIDv1 made of :attr:`digest`."""
        return Cid.raw(self.digest)


_KNOWN: Final = (
    "name",
    "description",
    "image",
    "external_url",
    "animation_url",
    "background_color",
    "attributes",
    "properties",
)


def _require_size(data: bytes) -> None:
    if len(data) > MAX_METADATA_BYTES:
        raise InvalidMetadata(
            f"The metadata has {len(data)} bytes, more than the {MAX_METADATA_BYTES} of one block; "
            "shorten it or move large content behind a URI."
        )


def _require_text(key: str, value: object) -> None:
    if value is not None and not isinstance(value, str):
        raise InvalidMetadata(f"The metadata field {key} must be text; correct the document.")


def _require_uri(key: str, uri: str | None, schemes: tuple[str, ...]) -> None:
    wanted = ", ".join(f"{scheme}:" for scheme in schemes)
    if not uri:
        raise InvalidMetadata(f"The metadata has no {key}; give a URI with one of {wanted}.")
    try:
        parts = urlsplit(uri)
        host = parts.hostname
    except ValueError as error:
        raise InvalidMetadata(f"The {key} is not a URI ({error}); correct it.") from error
    unprintable = _UNPRINTABLE_DATA if parts.scheme == "data" else _UNPRINTABLE
    if not uri.startswith(tuple(f"{scheme}:" for scheme in schemes)) or unprintable.search(uri):
        raise InvalidMetadata(f"The {key} is not a URI with one of {wanted} and without spaces; correct it.")
    if parts.scheme == "ipfs":
        try:
            split_ipfs_uri(uri)
        except InvalidCid as error:
            raise InvalidMetadata(f"The {key} does not hold a CID: {error}") from error
    elif parts.scheme == "data":
        if "," not in uri:
            raise InvalidMetadata(f"The {key} is a data URI without a comma before its data; correct it.")
    elif not host:
        raise InvalidMetadata(f"The {key} names no host; correct the address.")


def _freeze_field(record: object, name: str, known: tuple[str, ...]) -> None:
    """Replaces the field by its frozen copy, and refuses keys that the record has fields for."""
    value = getattr(record, name)
    if not isinstance(value, Mapping):
        raise InvalidMetadata(f"The metadata's {name} must be an object; correct the document.")
    clash = sorted(set(value) & set(known))
    if clash:
        raise InvalidMetadata(f"The field {clash[0]} has a place of its own; set it there and not in {name}.")
    try:
        object.__setattr__(record, name, JsonObject(value))
    except InvalidJson as error:
        raise InvalidMetadata(f"The metadata's {name} cannot be written as JSON: {error}") from error
