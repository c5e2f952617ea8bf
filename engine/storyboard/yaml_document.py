"""YAML as plain values that remember their lines: no aliases, no tags, no surprises."""

import re
from dataclasses import dataclass
from typing import Any

import yaml

from engine.errors import InvalidStoryboard

MAX_BYTES = 262_144  # a film of the most shots, fully cast, is a tenth of it
MAX_DEPTH = 12  # a storyboard nests seven deep
Place = tuple[str | int, ...]

_INT = re.compile(r"[-+]?[0-9]{1,15}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,15}|[0-9]{1,15}(\.[0-9]{0,15})?)([eE][-+]?[0-9]{1,2})?")
_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}


@dataclass(frozen=True)
class Document:
    """``value``: what the YAML says, in dicts, lists, texts, numbers, booleans and None. ``lines``: the line, from 1,
    of each value by its place in the whole, as in ``("shots", 1, "cast")``."""

    value: Any
    lines: dict[Place, int]

    def problem(self, place: Place, what: str) -> InvalidStoryboard:
        """The error that names the line and field of ``place``, or of the nearest thing around it that is there."""
        known = place
        while known and known not in self.lines:
            known = known[:-1]
        line, field = self.lines.get(known, 1), spoken(place)
        return InvalidStoryboard(f"line {line}, {field}: {what}" if field else f"line {line}: {what}")


def spoken(place: Place) -> str:
    """A place as people write it: ``shots[1].cast[0].asset``."""
    return "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in place).lstrip(".")


def read_yaml(data: bytes) -> Document:
    """Reads one YAML document by the core schema of YAML 1.2 (section 10.3): ``no`` and ``1:30`` are texts.

    Nothing is built from tags, aliases or anchors, so that a short file cannot become a large one. Raises
    InvalidStoryboard, with the line, where the bytes are not UTF-8 or YAML, too long, or nested too deep.
    """
    if len(data) > MAX_BYTES:
        raise InvalidStoryboard(f"it has {len(data):,} bytes; a storyboard has at most {MAX_BYTES:,}.")
    try:
        builder = _Builder()
        for event in yaml.parse(data.decode("utf-8-sig"), Loader=yaml.SafeLoader):
            builder.take(event)
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InvalidStoryboard(f"line {line}: it is not text in UTF-8; save it as such.") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = " ".join(str(error.problem or error.context).split())
        raise InvalidStoryboard(
            f"line {mark.line + 1 if mark else 1}: it is not YAML ({what}); correct it there."
        ) from error
    except yaml.YAMLError as error:  # of a control character
        raise InvalidStoryboard("it holds characters that YAML forbids; remove them.") from error
    return Document(builder.root, builder.lines)


class _Builder:
    """Puts the parser's events together. Its stack holds the open mappings and lists, each with its place."""

    def __init__(self) -> None:
        self.root: Any = None
        self.lines: dict[Place, int] = {}
        self._stack: list[tuple[Place, dict[str, Any] | list[Any]]] = []
        self._key: list[str | None] = []  # of each open collection, the key whose value comes next
        self._documents = 0

    def take(self, event: yaml.Event) -> None:
        line = event.start_mark.line + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise InvalidStoryboard(f"line {line}: a second document begins here; keep one in a file.")
        elif isinstance(event, yaml.CollectionEndEvent):
            self._stack.pop()
            self._key.pop()
        elif isinstance(event, yaml.NodeEvent):
            if isinstance(event, yaml.AliasEvent) or event.anchor is not None:
                raise InvalidStoryboard(
                    f"line {line}: aliases and anchors (* and &) are not read; write the values out."
                )
            if event.tag is not None:
                raise InvalidStoryboard(f"line {line}: tags ({event.tag[:40]}) are not read; remove it.")
            if isinstance(event, yaml.ScalarEvent) and not _printable(event.value):
                raise InvalidStoryboard(f"line {line}: the text holds control characters; remove them.")
            self._node(event, line)

    def _node(self, event: yaml.NodeEvent, line: int) -> None:
        if self._stack and isinstance(self._stack[-1][1], dict) and self._key[-1] is None:
            self._name(event, line)
            return
        value: Any
        if isinstance(event, yaml.MappingStartEvent):
            value = {}
        elif isinstance(event, yaml.SequenceStartEvent):
            value = []
        else:
            value = event.value if event.style else _plain(event.value)
        place = self._put(value)
        self.lines[place] = line
        if isinstance(value, (dict, list)):
            if len(self._stack) >= MAX_DEPTH:
                raise InvalidStoryboard(
                    f"line {line}: lists and fields are nested more than {MAX_DEPTH} deep."
                )
            self._stack.append((place, value))
            self._key.append(None)

    def _name(self, event: yaml.NodeEvent, line: int) -> None:
        """Takes a scalar as the name of the next field."""
        place, fields = self._stack[-1]
        if not isinstance(event, yaml.ScalarEvent):
            raise InvalidStoryboard(f"line {line}: a list or a mapping stands where a field's name must be.")
        if event.value in fields:
            name = spoken((*place, event.value[:40]))
            raise InvalidStoryboard(f"line {line}, {name}: the field is there twice; remove one.")
        self._key[-1] = event.value

    def _put(self, value: Any) -> Place:
        if not self._stack:
            self.root = value
            return ()
        place, around = self._stack[-1]
        if isinstance(around, list):
            around.append(value)
            return (*place, len(around) - 1)
        key = self._key[-1]
        assert key is not None, "a name came first"
        around[key], self._key[-1] = value, None
        return (*place, key)


def _printable(text: str) -> bool:
    """Whether a text has no control characters and no halves of characters, which escapes such as "\\0" can give."""
    return not any((ord(c) < 32 and c not in "\t\n\r") or 0xD800 <= ord(c) <= 0xDFFF for c in text)


def write_yaml(value: dict[str, Any]) -> str:
    """The value as YAML that ``read_yaml`` gives back, points and other short lists on one line."""
    return yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)


class _Dumper(yaml.SafeDumper):
    """Quotes texts that would read as something else, and never writes an alias."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _quoted(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = '"' if not isinstance(_plain(text), str) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


def _listed(dumper: yaml.SafeDumper, values: list[Any]) -> yaml.SequenceNode:
    on_one_line = not any(isinstance(value, dict) for value in values)  # points and paths
    return dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=on_one_line)


def _mapped(dumper: yaml.SafeDumper, fields: dict[str, Any]) -> yaml.MappingNode:
    on_one_line = not any(isinstance(value, (dict, str)) for value in fields.values())  # what a camera sees
    return dumper.represent_mapping("tag:yaml.org,2002:map", fields, flow_style=on_one_line and bool(fields))


_Dumper.add_representer(str, _quoted)
_Dumper.add_representer(list, _listed)
_Dumper.add_representer(dict, _mapped)


def _plain(text: str) -> Any:
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text
