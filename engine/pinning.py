"""The pinning services that the settings list, each opened once."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from assets.pinning.listed import CHECK_HOURS, PinningList
from assets.pinning.service import PinningService


@dataclass(frozen=True)
class Pinning:
    """``services`` by their names, in the list's order; none where nothing is listed. ``check_every_s`` is how long
    after a look a pin is looked at again; ``mint_before`` says that no mint waits for a pin."""

    services: Mapping[str, PinningService] = field(default_factory=dict)
    check_every_s: float = CHECK_HOURS * 3600
    mint_before: bool = False

    @classmethod
    def of(cls, listed: PinningList, mint_before: bool) -> "Pinning":
        """Raises InvalidPinning."""
        services = {service.name: service.opened() for service in listed.services}
        return cls(services, listed.check_every_s, mint_before)

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(self.services)

    @property
    def delays_mints(self) -> bool:
        """Whether a mint waits until a service holds its asset."""
        return bool(self.services) and not self.mint_before

    def due_before(self, at: datetime | None = None) -> str:
        """The time (RFC 3339): what was last looked at before it is due."""
        since = (at or datetime.now(UTC)) - timedelta(seconds=self.check_every_s)
        return since.strftime("%Y-%m-%dT%H:%M:%SZ")

    def __iter__(self) -> Iterator[PinningService]:
        return iter(self.services.values())
