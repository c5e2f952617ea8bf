"""Pages of a list that is in no order of its own, such as what a search found: by how many came before."""

import base64
import binascii

from engine.errors import InvalidRequest

_MAX_DIGITS = 9


def offset_of(cursor: str | None) -> int:
    """How many of the list came before. Raises InvalidRequest for a cursor that is none."""
    if cursor is None:
        return 0
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode("ascii")
    except (binascii.Error, ValueError):
        text = ""
    begin, _, digits = text.partition(":")
    if begin != "after" or not digits.isdecimal() or len(digits) > _MAX_DIGITS:
        raise InvalidRequest("The cursor is none that this search gave; begin without one.")
    return int(digits)


def next_offset(start: int, limit: int, found: int) -> str | None:
    """The cursor of the rest, where ``found`` is more than ``limit``; None at the end."""
    if found <= limit:
        return None
    return base64.urlsafe_b64encode(f"after:{start + limit}".encode()).decode().rstrip("=")
