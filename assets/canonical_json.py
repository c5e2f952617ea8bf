"""JSON as frozen values with one spelling: equal objects have equal bytes, hence equal digests (RFC 8785)."""

import json
import math
from collections.abc import Iterator, Mapping
from typing import Final, TypeAlias

import rfc8785
from pydantic_core import from_json

from assets.errors import InvalidJson

JsonValue: TypeAlias = "str | int | float | bool | tuple[JsonValue, ...] | JsonObject | None"
"""A frozen JSON value: arrays are tuples, objects are JsonObject."""

PlainJson: TypeAlias = "str | int | float | bool | list[PlainJson] | dict[str, PlainJson] | None"
"""A JSON value as the json module reads and writes it."""

# Far above what metadata or recipes need, far below where Python's recursion limit would strike.
MAX_DEPTH: Final = 32
# Integers beyond this lose digits in any reader that holds numbers as doubles (RFC 8785, section 3.2.2.3).
_MAX_INTEGER: Final = 2**53 - 1
# Every integer of at most this many characters converts cheaply; longer ones can only be doubles.
_MAX_INTEGER_CHARS: Final = 17


class JsonObject(Mapping[str, JsonValue]):
    """A JSON object that cannot change, compares by value and can be hashed.

    Copies ``source`` deeply: mappings become JsonObject, lists become tuples. Raises InvalidJson for what
    canonical JSON cannot hold: a key that is not text, text that is not Unicode, NaN and infinities, integers
    beyond 2**53 - 1, values of other types, and nesting deeper than 32 levels.
    """

    __slots__ = ("_items",)

    def __init__(self, source: Mapping[str, object] | None = None) -> None:
        self._items = _freeze_items(source or {}, 1)

    def __getitem__(self, key: str) -> JsonValue:
        return self._items[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._items)

    def __len__(self) -> int:
        return len(self._items)

    def __hash__(self) -> int:
        return hash(frozenset(self._items.items()))

    def __repr__(self) -> str:
        return f"JsonObject({self._items!r})"

    def to_bytes(self) -> bytes:
        """The canonical UTF-8 bytes. Source: RFC 8785."""
        return rfc8785.dumps(thaw(self))

    @classmethod
    def from_bytes(cls, data: bytes) -> "JsonObject":
        """The object that the JSON text ``data`` (UTF-8, in any spelling) holds.

        Raises InvalidJson for malformed or ambiguous text: repeated keys, numbers that a double cannot hold.
        """
        try:
            _refuse_deep(data)
            value = json.loads(
                data.decode("utf-8"),
                object_pairs_hook=_unrepeated,
                parse_int=_integer,
                parse_constant=_refuse_constant,
            )
        except UnicodeDecodeError as error:
            raise InvalidJson("The JSON text is not UTF-8; encode it as UTF-8.") from error
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            raise InvalidJson(f"The text is not JSON: {error.msg} at {where}; correct it there.") from error
        if not isinstance(value, dict):
            raise InvalidJson("The JSON text is not an object; put its values inside { and }.")
        return cls(value)


def thaw(value: JsonValue) -> PlainJson:
    """A new plain copy of ``value``, with dicts and lists."""
    if isinstance(value, JsonObject):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, tuple):
        return [thaw(item) for item in value]
    return value


def _freeze_items(source: Mapping[str, object], depth: int) -> dict[str, JsonValue]:
    if depth > MAX_DEPTH:
        raise InvalidJson(f"The JSON value is nested deeper than {MAX_DEPTH} levels; flatten it.")
    items: dict[str, JsonValue] = {}
    for key, value in source.items():
        if not isinstance(key, str):
            raise InvalidJson(f"The JSON key {key!r} is not text; write it as a string.")
        items[_unicode(key)] = _freeze(value, depth)
    return items


def _freeze(value: object, depth: int) -> JsonValue:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _unicode(value)
    if isinstance(value, int):
        if abs(value) > _MAX_INTEGER:
            raise InvalidJson("A JSON integer exceeds 2**53 - 1 and would lose digits; write it as a string.")
        return int(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise InvalidJson("JSON has no NaN or infinity; leave the value out or use null.")
        return float(value)
    if isinstance(value, Mapping):
        frozen = JsonObject.__new__(JsonObject)
        frozen._items = _freeze_items(value, depth + 1)
        return frozen
    if isinstance(value, (list, tuple)):
        if depth >= MAX_DEPTH:
            raise InvalidJson(f"The JSON value is nested deeper than {MAX_DEPTH} levels; flatten it.")
        return tuple(_freeze(item, depth + 1) for item in value)
    raise InvalidJson(f"A {type(value).__name__} is not a JSON value; convert it first.")


def _unicode(text: str) -> str:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidJson("A JSON text holds half of a surrogate pair; correct its encoding.") from error
    return str.__str__(text)


def _refuse_deep(data: bytes) -> None:
    """Stands before json.loads, which a deeply nested text makes overflow its C stack where a library of the
    process (an EVM) has raised Python's recursion limit. What else is wrong with a text, json.loads says."""
    try:
        from_json(data)
    except ValueError as error:
        if "recursion limit" in str(error):
            raise InvalidJson(
                f"The JSON text is nested deeper than {MAX_DEPTH} levels; flatten it."
            ) from error


def _unrepeated(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        repeated = next(key for key in keys if keys.count(key) > 1)
        raise InvalidJson(f"The JSON key {repeated!r} occurs twice in one object; keep one of them.")
    return found


def _integer(text: str) -> int | float:
    """An integer within a double's exact range, or a larger one that is spelled exactly as its double is."""
    if len(text) <= _MAX_INTEGER_CHARS and abs(number := int(text)) <= _MAX_INTEGER:
        return number
    double = float(text)
    if math.isfinite(double) and rfc8785.dumps(double) == text.encode():
        return double
    raise InvalidJson("A JSON integer exceeds 2**53 - 1 and would lose digits; write it as a string.")


def _refuse_constant(name: str) -> float:
    raise InvalidJson(f"The JSON text holds {name}, which is not JSON; leave the value out or use null.")
