"""``/v1/me`` and ``/v1/usage``: what a key is, and what the tenant's keys used."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Final

from fastapi import APIRouter, Query
from fastapi.responses import Response

from engine.api.account import Me, Usage
from engine.database.tenants import key_of, tenant_with
from engine.database.usage import unfinished_of, use_of, used_today
from engine.errors import InvalidRequest
from engine.server.caller import App, Reader
from engine.server.once import told

router = APIRouter(tags=["account"])
_USUAL_DAYS: Final = 30
_MOST_DAYS: Final = 366


@router.get("/me", response_model=Me)
def read_me(caller: Reader, application: App) -> Response:
    """The key that asks: its scopes, its limits, and what is left of them."""
    with application.records.database.reading() as connection:
        return told(
            Me(
                tenant=tenant_with(connection, caller.tenant_id).name,
                key=key_of(connection, caller.tenant_id, caller.key_id),
                assets_left=max(0, caller.limits.per_day - used_today(connection, caller.key_id)),
                unfinished=unfinished_of(connection, caller.key_id),
            )
        )


@router.get("/usage", response_model=Usage)
def read_usage(
    caller: Reader,
    application: App,
    since: Annotated[
        date | None, Query(alias="from", description="The first day; 30 days up to `to` if left out.")
    ] = None,
    until: Annotated[date | None, Query(alias="to", description="The last day; today if left out.")] = None,
) -> Response:
    """What each of the tenant's keys used on each day (UTC), newest first. At most 366 days."""
    last = until or datetime.now(UTC).date()
    first = since or date.fromordinal(max(1, last.toordinal() - _USUAL_DAYS + 1))
    if not timedelta(0) <= last - first < timedelta(days=_MOST_DAYS):
        raise InvalidRequest(
            f"From {first} to {last} are not 1 to {_MOST_DAYS} days; ask for days that follow one another."
        )
    with application.records.database.reading() as connection:
        used = use_of(connection, caller.tenant_id, first.isoformat(), last.isoformat())
        return told(Usage(data=tuple(used)))
