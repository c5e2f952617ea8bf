"""What a pinning service is to whoever pins, and what it answers."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from assets.cid import Cid

CarParts = Callable[[], Iterator[bytes]]  # the bytes of a CAR from its beginning, each time that it is called


class PinState(StrEnum):
    """How far a service has come. Source: IPFS Pinning Service API 1.0, "Status"."""

    QUEUED = "queued"
    PINNING = "pinning"
    PINNED = "pinned"
    FAILED = "failed"


@dataclass(frozen=True)
class Receipt:
    """What a service says of one pin. ``request_id`` is its own name for it, None where it has none."""

    state: PinState
    request_id: str | None = None
    detail: str | None = None


class PinningService(Protocol):
    """One place that keeps content for us.

    Every method is bounded in time and raises ServiceUnavailable where there is no answer, ServiceRefused where it is
    no, and WrongContent where it is about other content than was asked for.
    """

    @property
    def name(self) -> str:
        """What the settings call it."""

    def pin(self, root: Cid, car: CarParts, label: str) -> Receipt:
        """Asks it to keep ``root`` and all below; safe to repeat. ``car`` holds just that.

        Raises what ``car`` raises, and PinLost where it takes the content and does not keep it.
        """

    def state(self, root: Cid, request_id: str | None) -> Receipt | None:
        """What it says of the pin; None where it has none."""

    def read_back(self, root: Cid, most_bytes: int) -> int | None:
        """Fetches ``root`` and all below from it, at most ``most_bytes``, and hashes it; the bytes of all blocks.

        None where the service has no way to give content back. Raises PinLost, WrongContent.
        """

    def renew(self, root: Cid, car: CarParts, label: str, request_id: str | None) -> Receipt:
        """Asks it anew to keep what it lost, whatever it says that it has; safe to repeat.

        It gives up nothing that it has before it agrees. Raises what :meth:`pin` raises.
        """

    def version(self) -> str:
        """Asks whether it answers, and who it says it is."""
