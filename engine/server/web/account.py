"""``/account`` and ``/account/usage``: whose browser it is, what is left of its limits, and what the keys used."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Annotated, Final

from fastapi import APIRouter, Query, Request
from fastapi.responses import Response

from engine.database.browsers import known_form_key
from engine.database.job_feed import job_counts
from engine.database.tenants import key_of, keys_of, tenant_with
from engine.database.usage import unfinished_of, use_of, used_today
from engine.server.caller import App
from engine.server.web.bar_chart import bar_chart
from engine.server.web.page import Creating, PageRoute, render

router = APIRouter(route_class=PageRoute, include_in_schema=False)


class Days(StrEnum):
    WEEK = "7"
    MONTH = "30"
    QUARTER = "90"


class Amount(StrEnum):
    ASSETS = "assets"
    CREATIONS = "creations"
    MINTS = "mints"
    STEPS = "steps"
    UPLOADS = "upload_bytes"


# What pages call each amount, with the noun that a day's number of it has.
AMOUNTS: Final = {
    Amount.ASSETS: ("Assets", "asset"),
    Amount.CREATIONS: ("Creations", "creation"),
    Amount.MINTS: ("Mints", "mint"),
    Amount.STEPS: ("Steps", "step"),
    Amount.UPLOADS: ("Uploads", "byte"),
}


@router.get("/account")
def account_page(request: Request, caller: Creating, application: App) -> Response:
    with application.records.database.reading() as connection:
        key = key_of(connection, caller.tenant_id, caller.key_id)
        used = used_today(connection, caller.key_id)
        return render(
            request,
            "account.html",
            tenant=tenant_with(connection, caller.tenant_id).name,
            key=key,
            is_form=known_form_key(connection) == key.id,
            used=used,
            left=max(0, caller.limits.per_day - used),
            unfinished=unfinished_of(connection, caller.key_id),
            counts=job_counts(connection, caller.tenant_id),
        )


@router.get("/account/usage")
def usage_page(
    request: Request,
    caller: Creating,
    application: App,
    days: Annotated[Days, Query()] = Days.MONTH,
    amount: Annotated[Amount, Query()] = Amount.ASSETS,
) -> Response:
    last = datetime.now(UTC).date()
    first = last - timedelta(days=int(days) - 1)
    with application.records.database.reading() as connection:
        used = use_of(connection, caller.tenant_id, first.isoformat(), last.isoformat())
        names = {key.id: key.name for key in keys_of(connection, caller.tenant_id)}
    by_day: dict[str, Counter[str]] = {}
    by_key: dict[str, Counter[str]] = {}
    for each in used:
        told = {one.value: getattr(each, one.value) for one in Amount}
        by_day.setdefault(each.day, Counter()).update(told)
        by_key.setdefault(each.key, Counter()).update(told)
    every_day = [_day(first, number) for number in range(int(days))]
    values = [by_day.get(each, Counter())[amount.value] for each in every_day]
    return render(
        request,
        "account_usage.html",
        days=days,
        amount=amount,
        amounts=AMOUNTS,
        spans={Days.WEEK: "7 days", Days.MONTH: "30 days", Days.QUARTER: "90 days"},
        chart=bar_chart(every_day, values),
        first=first.isoformat(),
        last=last.isoformat(),
        by_day=sorted(by_day.items(), reverse=True),
        by_key=sorted(
            ((names.get(key, key), key, told) for key, told in by_key.items()), key=lambda row: row[:2]
        ),
        totals=sum((Counter(told) for told in by_key.values()), Counter()),
    )


def _day(first: date, number: int) -> str:
    return (first + timedelta(days=number)).isoformat()
