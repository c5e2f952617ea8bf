"""Deliveries: one event's way to one webhook, tried again and again for a day."""

import random
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final

import httpx2
from sqlalchemy import Row, insert, select, update

from engine.api.signature import DELIVERY_HEADER, EVENT_HEADER, EVENT_ID_HEADER, HEADER, sign
from engine.database.clock import now
from engine.database.database import Database
from engine.database.tables import deliveries, delivery_attempts, webhooks
from engine.errors import DeliveryFailed, TargetRefused
from engine.jobs.direct_post import Limits, post
from engine.webhook_target import Targets

FIRST_WAIT_S: Final = 5.0
LONGEST_WAIT_S: Final = 7_200.0
GIVEN_UP_AFTER_S: Final = 86_400.0  # docs/webhooks.md promises a day
_JITTER: Final = 0.25  # of a wait, so that what failed together does not come back together
_USER_AGENT: Final = "Lorespark"


@dataclass(frozen=True)
class _Outcome:
    """``status`` is None where there was no answer, ``error`` where it was taken."""

    status: int | None
    error: str | None
    took_ms: int


class DeliveryJob:
    """``clock`` tells the Unix time in seconds; ``jitter`` a number between two. ``tls`` None trusts what the
    system trusts."""

    def __init__(
        self,
        database: Database,
        targets: Targets,
        *,
        limits: Limits | None = None,
        tls: ssl.SSLContext | None = None,
        clock: Callable[[], float] = time.time,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._database, self._targets, self._given_tls = database, targets, tls
        self._limits, self._clock, self._jitter = limits or Limits(), clock, jitter

    def attempt(self, delivery_id: str) -> float | None:
        """Sends the delivery once; returns in how many seconds it is to be sent again, None where it has ended.

        It has ended where the receiver took it (2xx), wants no more (410), or a day has passed, and where the
        delivery or its webhook is no longer there. After a crash it is sent once more: at least once, with the same
        event id. Raises DatabaseUnusable.
        """
        with self._database.reading() as connection:
            query = (
                select(
                    deliveries,
                    webhooks.c.url,
                    webhooks.c.secret,
                    webhooks.c.former_secret,
                    webhooks.c.former_until,
                )
                .join(webhooks, webhooks.c.id == deliveries.c.webhook_id)
                .where(deliveries.c.id == delivery_id, deliveries.c.status == "pending")
            )
            row = connection.execute(query).one_or_none()
        return None if row is None else self._written(delivery_id, self._sent(row))

    @cached_property
    def _tls(self) -> ssl.SSLContext:
        return self._given_tls or httpx2.create_ssl_context()

    def _sent(self, row: Row[Any]) -> _Outcome:
        at, began = int(self._clock()), time.monotonic()
        secrets = [row.secret]
        if row.former_secret is not None and at < _unix(row.former_until):
            secrets.append(row.former_secret)
        body = row.body.encode()
        headers = {
            "User-Agent": _USER_AGENT,
            HEADER: sign(secrets, at, body),
            EVENT_HEADER: row.event,
            EVENT_ID_HEADER: row.event_id,
            DELIVERY_HEADER: row.id,
        }
        status = error = None
        try:
            status = post(self._targets.checked(row.url), headers, body, self._tls, self._limits)
            error = _complaint(status)
        except (TargetRefused, DeliveryFailed) as failed:
            error = str(failed)
        return _Outcome(status, error, round((time.monotonic() - began) * 1000))

    def _written(self, delivery_id: str, outcome: _Outcome) -> float | None:
        own = deliveries.c.id == delivery_id
        with self._database.writing() as connection:
            row = connection.execute(select(deliveries).where(own).with_for_update()).one_or_none()
            if row is None or row.status != "pending":
                return None  # removed meanwhile, or another worker was faster
            number = row.attempts + 1
            connection.execute(
                insert(delivery_attempts).values(
                    delivery_id=delivery_id, number=number, at=now(), **vars(outcome)
                )
            )
            status, wait_s = self._next(outcome, number - row.earlier, _unix(row.begun_at))
            ended_at = None if status == "pending" else now()
            connection.execute(
                update(deliveries).where(own).values(attempts=number, status=status, ended_at=ended_at)
            )
        return wait_s

    def _next(self, outcome: _Outcome, number: int, begun: float) -> tuple[str, float | None]:
        """The delivery's status after attempt ``number`` of this round, and the wait until the next."""
        if outcome.error is None:
            return "delivered", None
        left_s = begun + GIVEN_UP_AFTER_S - self._clock()
        if outcome.status == HTTPStatus.GONE or left_s <= 0:
            return "failed", None
        wait_s = min(LONGEST_WAIT_S, FIRST_WAIT_S * 2.0 ** min(number - 1, 20))
        return "pending", min(left_s, self._jitter(wait_s * (1 - _JITTER), wait_s))


def _complaint(status: int) -> str | None:
    """What is wrong with an answer of this status; None where the delivery was taken."""
    if 200 <= status < 300:
        return None
    if status == HTTPStatus.GONE:
        return "The receiver answered 410: it wants no more of this."
    if 300 <= status < 400:
        return (
            f"The receiver answered {status}, and redirects are not followed; give the webhook its last URL."
        )
    return f"The receiver answered {status}."


def _unix(text: str) -> float:
    return datetime.fromisoformat(text).astimezone(UTC).timestamp()
