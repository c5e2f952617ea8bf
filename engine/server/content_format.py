"""In which of its forms a content is asked for, by query or by ``Accept``.

Source: Path Gateway and Trustless Gateway specifications (ipfs/specs), "Accept" and "format".
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from assets.dag_scope import DagScope, EntityBytes
from engine.errors import InvalidRequest, NotServed


class ContentFormat(Enum):
    """One block as it is, a DAG as a CAR, or the file or directory that they make."""

    RAW = "raw"
    CAR = "car"
    DESERIALISED = ""


RAW_TYPE: Final = "application/vnd.ipld.raw"
CAR_TYPE: Final = "application/vnd.ipld.car"
# Every order is depth first without repetition: it needs the least memory on both sides.
CAR_CONTENT_TYPE: Final = f"{CAR_TYPE}; version=1; order=dfs; dups=n"
_ENTITY_BYTES: Final = re.compile(r"(-?\d{1,18}):(\*|-?\d{1,18})", re.ASCII)
_BY_TYPE: Final = {RAW_TYPE: ContentFormat.RAW, CAR_TYPE: ContentFormat.CAR}


@dataclass(frozen=True)
class MediaRange:
    """One of the media types in an ``Accept`` header, lower case; ``weight`` 0 refuses it.

    Source: RFC 9110, section 12.5.1.
    """

    type: str
    parameters: dict[str, str]
    weight: float

    @classmethod
    def read(cls, text: str) -> "MediaRange":
        kind, *rest = (part.strip().lower() for part in text.split(";"))
        pairs = (part.partition("=") for part in rest)
        parameters = {name.strip(): value.strip().strip('"') for name, _, value in pairs}
        try:
            weight = float(parameters.pop("q", "1"))
        except ValueError:
            weight = 0.0  # refused rather than preferred
        return cls(kind, parameters, weight)


def wanted_format(query: str | None, accept: str) -> tuple[ContentFormat, dict[str, str]]:
    """The format, and the parameters of its media type; the query goes before the header.

    Raises InvalidRequest for a format that there is not.
    """
    ranges = sorted((MediaRange.read(text) for text in accept.split(",")), key=lambda found: -found.weight)
    known = [found for found in ranges if found.type in _BY_TYPE and found.weight > 0]
    if query is not None:
        if query not in ("raw", "car"):
            raise InvalidRequest(f"The format {query[:40]!r} is not served; ask for raw or car, or for none.")
        wanted = ContentFormat(query)
        return wanted, next((found.parameters for found in known if _BY_TYPE[found.type] is wanted), {})
    # A page or a picture may be preferred over a block; whoever names */* as well does not prefer it.
    others = [
        found.weight for found in ranges if found.type not in _BY_TYPE and found.type not in ("", "*/*")
    ]
    if not known or max(others, default=0.0) > known[0].weight:
        return ContentFormat.DESERIALISED, {}
    return _BY_TYPE[known[0].type], known[0].parameters


@dataclass(frozen=True)
class CarWish:
    """How much of a DAG a CAR is to carry."""

    scope: DagScope = DagScope.ALL
    span: EntityBytes | None = None

    @property
    def tag(self) -> str:
        """What sets its ETag apart from those of other wishes."""
        if self.span is None:
            return self.scope.value
        return f"entity.{self.span.first}.{'*' if self.span.last is None else self.span.last}"


def car_wish(scope: str | None, span: str | None, parameters: dict[str, str]) -> CarWish:
    """Reads ``dag-scope``, ``entity-bytes``, and the CAR's parameters from the query or the media type.

    Raises InvalidRequest for a value that there is not, NotServed for another version or order than is written.
    """
    if parameters.get("version", "1") != "1":
        raise NotServed("Only CAR version 1 is written; ask for version=1.")
    if parameters.get("order", "dfs") not in ("dfs", "unk"):
        raise NotServed("CARs are written depth first; ask for order=dfs, or for none.")
    if parameters.get("dups", "n") not in ("y", "n"):  # who allows repeated blocks need not get them
        raise InvalidRequest("dups is y or n; correct it.")
    if scope not in (None, *(known.value for known in DagScope)):
        raise InvalidRequest(f"The dag-scope {scope[:40]!r} is not known; use block, entity or all.")
    return CarWish(DagScope(scope or "all"), None if span is None else _entity_bytes(span))


def _entity_bytes(text: str) -> EntityBytes:
    found = _ENTITY_BYTES.fullmatch(text)
    if found is None:
        raise InvalidRequest(
            f"entity-bytes is {text[:40]!r}; give the first and the last byte, as in 0:1023 or 0:*."
        )
    first, last = found.groups()
    return EntityBytes(int(first), None if last == "*" else int(last))
