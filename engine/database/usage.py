"""What each key uses on each day (UTC), reserved when it is asked for and given back when it is not delivered."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select, update
from sqlalchemy.dialects import postgresql, sqlite

from engine.api.account import DayOfUse, Limits
from engine.database.tables import api_keys, creations, usage
from engine.errors import QuotaExceeded

_RETRY_CONCURRENT_S = 10  # a creation ends about that often
_UNFINISHED = ("queued", "running")


def today() -> str:
    """The day, in UTC, as YYYY-MM-DD."""
    return datetime.now(UTC).strftime("%Y-%m-%d")


def reserve_creation(connection: Connection, key_id: str, limits: Limits, assets: int) -> None:
    """Counts a creation of ``assets`` assets against the key's day.

    Raises QuotaExceeded where the day, or the number of unfinished creations, has no room for it.
    """
    # Locked, so that two requests at once cannot both take the last of it.
    connection.execute(select(api_keys.c.id).where(api_keys.c.id == key_id).with_for_update())
    if used_today(connection, key_id) + assets > limits.per_day:
        raise QuotaExceeded(
            f"The key may make {limits.per_day:,d} assets a day; {assets} more are too many. Wait for midnight UTC.",
            _seconds_to_midnight(),
        )
    running = unfinished_of(connection, key_id)
    if running >= limits.concurrent:
        raise QuotaExceeded(
            f"The key has {running} unfinished creations and may have {limits.concurrent}; wait for one to end.",
            _RETRY_CONCURRENT_S,
        )
    add_use(connection, key_id, creations=1, assets=assets)


def used_today(connection: Connection, key_id: str) -> int:
    """Assets that the key asked for today."""
    query = select(usage.c.assets).where(usage.c.key_id == key_id, usage.c.day == today())
    return connection.scalar(query) or 0


def unfinished_of(connection: Connection, key_id: str) -> int:
    """How many of the key's creations have not ended."""
    query = select(func.count()).select_from(creations)
    return (
        connection.scalar(query.where(creations.c.key_id == key_id, creations.c.status.in_(_UNFINISHED))) or 0
    )


def add_use(connection: Connection, key_id: str, day: str | None = None, **amounts: int) -> None:
    """Adds to the columns of the key's day; a negative amount gives back."""
    day = day or today()
    own = (usage.c.key_id == key_id) & (usage.c.day == day)
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(usage).values(key_id=key_id, day=day).on_conflict_do_nothing())
    changed = {name: usage.c[name] + amount for name, amount in amounts.items()}
    connection.execute(update(usage).where(own).values(**changed))


def use_of(connection: Connection, tenant_id: str, since: str, until: str) -> list[DayOfUse]:
    """Each key's use on each day of the tenant from ``since`` to ``until``, both included, newest first."""
    query = (
        select(usage)
        .join(api_keys, api_keys.c.id == usage.c.key_id)
        .where(api_keys.c.tenant_id == tenant_id, usage.c.day.between(since, until))
        .order_by(usage.c.day.desc(), usage.c.key_id)
    )
    return [
        DayOfUse(key=row.key_id, **{name: value for name, value in row._mapping.items() if name != "key_id"})
        for row in connection.execute(query)
    ]


def _seconds_to_midnight() -> int:
    now = datetime.now(UTC)
    midnight = (now + timedelta(days=1)).replace(hour=0, minute=0, second=0, microsecond=0)
    return max(1, int((midnight - now).total_seconds()))
