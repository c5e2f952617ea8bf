"""How pages say times, sizes and numbers."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

_UNITS: Final = ("bytes", "kB", "MB", "GB", "TB")


def short_id(text: str) -> str:
    """A CID, hash or address as its beginning and end."""
    return text if len(text) <= 17 else f"{text[:8]}…{text[-6:]}"


def size(number: int) -> str:
    """Bytes as people say them (powers of 1000)."""
    value, unit = float(number), 0
    while value >= 1000 and unit < len(_UNITS) - 1:
        value, unit = value / 1000, unit + 1
    return f"{value:.0f} {_UNITS[unit]}" if unit == 0 or value >= 100 else f"{value:.1f} {_UNITS[unit]}"


def seconds(number: float | None) -> str:
    """A duration; empty for None."""
    if number is None:
        return ""
    if number < 10:
        return f"{number:.1f} s"
    if number < 90:
        return f"{number:.0f} s"
    return f"{number / 60:.0f} min" if number < 5400 else f"{number / 3600:.1f} h"


def day(text: str | None) -> str:
    """An RFC 3339 time as date and minute, in UTC; empty for None."""
    if text is None:
        return ""
    return datetime.fromisoformat(text).strftime("%Y-%m-%d %H:%M")


def moment(epoch_s: int) -> str:
    """Seconds since 1970 as an RFC 3339 time in UTC."""
    return datetime.fromtimestamp(epoch_s, UTC).isoformat().replace("+00:00", "Z")


def count(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun, as in 1 asset, 1,200 assets."""
    return f"{number:,d} {one if number == 1 else many or one + 's'}"


def coins(wei: int | str) -> str:
    """Wei as the network's coins, rounded to six places after the point, never a price to nothing."""
    number = Decimal(wei) / 10**18
    told = f"{number:,.6f}".rstrip("0").rstrip(".")
    return "less than 0.000001" if told == "0" and number else told


FILTERS: Final[Mapping[str, Callable[..., Any]]] = {
    "short_id": short_id,
    "size": size,
    "seconds": seconds,
    "day": day,
    "moment": moment,
    "count": count,
    "coins": coins,
}
