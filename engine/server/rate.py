"""How many requests a minute: of each key, and of each address that comes without a valid one.

Counted in this process, or in Redis for several; never in the database. The window slides: what came in the minute
before counts by how much of it still lies within the last 60 s.
"""

import ipaddress
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Self, TypeVar

from limits import RateLimitItemPerMinute
from limits.errors import ConfigurationError, StorageError
from limits.storage import MemoryStorage, Storage, storage_from_string
from limits.strategies import SlidingWindowCounterRateLimiter
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from engine.errors import InvalidSettings

WINDOW_S: Final = 60
# Nobody guesses 256 random bits; this bounds the load, and is wide because a whole studio may share one address.
REFUSED_PER_MINUTE: Final = 300
# Of sign-ins, which need no key: a person makes a few, and a party of players may share one address.
SIGN_INS_PER_MINUTE: Final = 120
_REDIS_TIMEOUT_S: Final = 1.0
_PAUSE_S: Final = 5.0  # how long nothing is counted after Redis did not answer
_IPV6_PREFIX: Final = 64  # what one subscriber has
_STATE: Final = "standing"
_log = logging.getLogger(__name__)
Counted = TypeVar("Counted")


@dataclass(frozen=True)
class Standing:
    """What is left of ``limit`` requests; after ``reset_s`` seconds there is at least one more."""

    allowed: bool
    limit: int
    remaining: int
    reset_s: int

    def headers(self) -> dict[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers-10 has them, and as most clients read them.

        ``X-RateLimit-Reset`` is a Unix time in seconds.
        """
        return {
            "RateLimit-Policy": f'"minute";q={self.limit};w={WINDOW_S}',
            "RateLimit": f'"minute";r={self.remaining};t={self.reset_s}',
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(self.remaining),
            "X-RateLimit-Reset": str(int(time.time()) + self.reset_s),
        }


class RateLimits:
    """Counts requests. Where the shared counter does not answer, requests pass uncounted and the log says so."""

    def __init__(self, storage: Storage) -> None:
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        self._paused_until = 0.0

    @classmethod
    def open(cls, url: str | None) -> Self:
        """In memory for None. Raises InvalidSettings for a URL that cannot be used; nothing is connected yet."""
        if url is None:
            return cls(MemoryStorage())
        try:
            storage = storage_from_string(
                url,
                wrap_exceptions=True,
                socket_timeout=_REDIS_TIMEOUT_S,
                socket_connect_timeout=_REDIS_TIMEOUT_S,
            )
        except ConfigurationError as error:
            raise InvalidSettings(
                "LORESPARK_RATE_LIMIT_URL needs the package redis; run: pip install 'lorespark[redis]'."
            ) from error
        except ValueError as error:
            raise InvalidSettings(
                "LORESPARK_RATE_LIMIT_URL is no Redis address; set it as in redis://:password@host:6379/0."
            ) from error
        assert isinstance(storage, Storage), "only asynchronous schemes give another"
        return cls(storage)

    def count(self, key_id: str, per_minute: int) -> Standing:
        """Counts a request of the key."""
        return self._count(f"key:{key_id}", per_minute)

    def count_refused(self, address: str | None) -> Standing:
        """Counts a request without a valid key from a client's address; None where it has none."""
        return self._count(f"address:{_subscriber(address)}", REFUSED_PER_MINUTE)

    def count_sign_in(self, address: str | None) -> Standing:
        """Counts a request of a player's from a client's address; None where it has none."""
        return self._count(f"player:{_subscriber(address)}", SIGN_INS_PER_MINUTE)

    def _count(self, who: str, limit: int) -> Standing:
        def counted() -> Standing:
            item = RateLimitItemPerMinute(limit)
            allowed = self._limiter.hit(item, who)
            stats = self._limiter.get_window_stats(item, who)
            reset_s = max(1, math.ceil(stats.reset_time - time.time()))
            return Standing(allowed, limit, stats.remaining if allowed else 0, reset_s)

        return self._answered(counted, Standing(True, limit, limit, WINDOW_S))

    def _answered(self, ask: Callable[[], Counted], otherwise: Counted) -> Counted:
        if time.monotonic() < self._paused_until:
            return otherwise
        try:
            return ask()
        except StorageError as error:
            self._paused_until = time.monotonic() + _PAUSE_S
            reason = type(error.storage_error).__name__
            _log.error("Redis does not count requests (%s); they pass uncounted for %g s.", reason, _PAUSE_S)
            return otherwise


def _subscriber(address: str | None) -> str:
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, _IPV6_PREFIX), strict=False).network_address)


class RateHeaders:
    """Puts the standing of the key that asked into every answer, also into one that is an error."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        state = scope.setdefault("state", {})

        async def sending(message: Message) -> None:
            standing = state.get(_STATE)
            if message["type"] == "http.response.start" and isinstance(standing, Standing):
                MutableHeaders(scope=message).update(standing.headers())
            await send(message)

        await self.app(scope, receive, sending)
