"""How often a part of a page that watches work asks again, and when it stops."""

from typing import Final

# After so many looks the next one comes so many seconds later: quick at first, and never for ever.
_STEPS: Final = ((15, 1), (60, 2), (240, 5), (700, 15))


def next_look_s(looks: int) -> int | None:
    """The seconds to the look after ``looks``; None after some hours: then a person asks."""
    return next((delay_s for most, delay_s in _STEPS if looks < most), None)
