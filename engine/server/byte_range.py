"""A single range of bytes, as ``Range`` asks for it."""

import re

from engine.errors import UnsatisfiableRange

_RANGE = re.compile(r"bytes\s*=\s*(\d{0,18})\s*-\s*(\d{0,18})\s*", re.ASCII | re.IGNORECASE)


def byte_range(header: str | None, size: int) -> tuple[int, int] | None:
    """Start and stop of the one range that ``header`` asks for in ``size`` bytes; None for all of them.

    Another unit, several ranges and what cannot be read are taken as no range, which the source allows.
    Raises UnsatisfiableRange. Source: RFC 9110, sections 14.1.2 and 14.2.
    """
    found = _RANGE.fullmatch(header or "")
    if found is None or found.groups() == ("", ""):
        return None
    first, last = found.groups()
    if first and last and int(last) < int(first):
        return None
    start = int(first) if first else max(size - int(last), 0)
    stop = min(int(last) + 1, size) if first and last else size
    if start >= stop:
        raise UnsatisfiableRange(
            f"The content has {size} bytes, and none of the range is among them; ask for an earlier one.",
            size,
        )
    return start, stop
