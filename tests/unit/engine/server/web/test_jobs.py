"""The jobs page: every kind of work with its state and reason, tried again, cancelled, and nobody else's."""

import re
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from engine.api.account import NewKey, Scope
from engine.app import Application
from engine.database import tables
from engine.database.clock import now
from engine.database.jobs import RECURRING, enqueue
from engine.database.tables import LOCAL_TENANT
from engine.database.tenants import add_key, add_tenant
from tests.unit.engine.server.web.conftest import SITE, Visitor, text_of

CID = "bafkreigh2akiscaildcqabsyg3dfr6chu3fgpregiymsck7e7aqa4s52zy"
EVIL = "<script>alert('x')</script>\" onload=\"y"
ACCOUNT = "0x" + "12" * 20


def add(application: Application, table: str, **values: Any) -> None:
    columns = tables.metadata.tables[table].columns
    usual = {"tenant_id": LOCAL_TENANT, "created_at": now(), "begun_at": now(), "requested_at": now()}
    row = {name: value for name, value in usual.items() if name in columns} | values
    with application.records.database.writing() as connection:
        connection.execute(insert(tables.metadata.tables[table]).values(**row))


def add_asset(application: Application, tenant_id: str = LOCAL_TENANT, name: str = "Potion") -> str:
    asset_id = f"asset-{tenant_id[-8:]}"
    recipe = {"kind": "item", "prompt": name, "size": 32, "seed": 1, "model": "any/1"}
    fixed = {"position": 0, "kind": "item", "recipe": recipe, "recipe_hash": "ab" * 32, "parents": []}
    cids = dict.fromkeys(("media_cid", "image_cid", "metadata_cid"), CID)
    add(application, "assets", id=asset_id, name=name, tenant_id=tenant_id, **fixed, **cids)
    return asset_id


def add_creation(application: Application, creation_id: str = "creation-1", **values: Any) -> None:
    request = {"kind": "item", "prompt": "a red potion", "seed": 1}
    add(application, "creations", id=creation_id, recipes=[], count=1, **{"request": request} | values)


def add_every_kind(application: Application, words: str = "no luck") -> None:
    asset_id = add_asset(application, name=words)
    request = {"kind": "item", "prompt": words, "seed": 1}
    add_creation(application, status="failed", error=words, request=request)
    on_chain = {
        "asset_id": asset_id,
        "recipient": ACCOUNT,
        "chain_id": 31337,
        "status": "failed",
        "error": words,
    }
    add(application, "mints", id="mint-1", **on_chain)
    add(application, "vouchers", id="voucher-1", digest="ab" * 32, deadline_s=2_000_000_000, **on_chain)
    add(
        application,
        "pins",
        id="pin-1",
        asset_id=asset_id,
        service="sample",
        metadata_cid=CID,
        status="failed",
        error=words,
    )
    add(application, "webhooks", id="webhook-1", url="https://studio.example/", secret="whsec_x", events=[])
    event = {"event_id": "event-1", "event": "webhook.test", "body": "{}"}
    add(application, "deliveries", id="delivery-1", webhook_id="webhook-1", status="failed", **event)
    add(
        application, "delivery_attempts", delivery_id="delivery-1", number=1, at=now(), error=words, took_ms=3
    )


def status_of(application: Application, table: str, record_id: str) -> str:
    found = tables.metadata.tables[table]
    with application.records.database.reading() as connection:
        return str(connection.scalar(select(found.c.status).where(found.c.id == record_id)))


def job_of(application: Application, record_id: str) -> Any:
    with application.records.database.reading() as connection:
        query = select(tables.jobs).where(tables.jobs.c.record_id == record_id)
        return connection.execute(query).one_or_none()


def test_every_kind_is_listed_with_its_reason_and_a_way_to_try_it_again(
    creator: Visitor, application: Application
) -> None:
    add_every_kind(application)
    page = creator.get("/jobs")
    assert page.status_code == 200
    assert text_of(page.text).count("no luck") >= 5
    for path in (
        "/jobs/creation/creation-1/retry",
        "/jobs/mint/mint-1/retry",
        "/jobs/voucher/voucher-1/retry",
        "/jobs/pin/pin-1/retry",
        "/jobs/delivery/delivery-1/retry",
    ):
        assert f'hx-post="{path}"' in page.text


def test_what_was_typed_is_shown_and_never_run(creator: Visitor, application: Application) -> None:
    add_every_kind(application, EVIL)
    page = creator.get("/jobs").text
    assert "<script>alert" not in page
    assert '" onload="' not in page
    assert "&lt;script&gt;" in page


def test_another_tenants_work_is_not_there_and_cannot_be_touched(
    creator: Visitor, application: Application
) -> None:
    with application.records.database.writing() as connection:
        other = add_tenant(connection, "other").id
    add_creation(application, tenant_id=other, status="failed", error="theirs")
    assert "theirs" not in creator.get("/jobs").text
    for path in (
        "/jobs/creation/creation-1/retry",
        "/jobs/creation/creation-1/cancel",
        "/jobs/pin/none/retry",
    ):
        assert creator.post(path).status_code == 404
    assert status_of(application, "creations", "creation-1") == "failed"


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("?show=failed", {"creation-failed"}),
        ("?show=unfinished", {"creation-queued", "creation-running"}),
        ("?show=ended", {"creation-succeeded", "creation-cancelled"}),
        ("?kind=mint", set()),
        ("?kind=creation&show=failed", {"creation-failed"}),
    ],
)
def test_filters_choose_by_state_and_kind(
    creator: Visitor, application: Application, query: str, shown: set[str]
) -> None:
    for status in ("queued", "running", "succeeded", "failed", "cancelled"):
        add_creation(application, f"creation-{status}", status=status)
    assert set(re.findall(r'id="job-([^"]+)"', creator.get(f"/jobs{query}").text)) == shown


def test_pages_lead_through_all_kinds_once(creator: Visitor, application: Application) -> None:
    add_every_kind(application)
    for number in range(60):
        add_creation(application, f"creation-more-{number:02}", status="succeeded")
    seen: list[str] = []
    path = "/jobs"
    for _ in range(4):
        page = creator.get(path).text
        seen += re.findall(r'id="job-([^"]+)"', page)
        older = re.search(r'href="([^"]+)">Older', page)
        if older is None:
            break
        path = older[1].replace("&amp;", "&")
    assert len(seen) == len(set(seen)) == 65


def test_the_list_is_sent_again_only_where_it_changed_and_not_for_ever(
    creator: Visitor, application: Application
) -> None:
    add_creation(application, status="queued")
    page = creator.get("/jobs").text
    again = re.search(r'hx-get="([^"]+)"', page)
    assert again is not None
    path = again[1].replace("&amp;", "&")
    assert creator.get(path, headers={"HX-Request": "true"}).status_code == 204
    with application.records.database.writing() as connection:
        connection.execute(update(tables.creations).values(status="running"))
    changed = creator.get(path, headers={"HX-Request": "true"})
    assert changed.status_code == 200
    assert "every 3s" in changed.text
    late = creator.get(re.sub(r"until=\d+", "until=1", path)).text
    assert "every 3s" not in late
    assert "refresh it" in late


def test_what_recurs_and_vouchers_deadlines_are_not_counted(
    creator: Visitor, application: Application
) -> None:
    with application.records.database.writing() as connection:
        for queue, record in RECURRING.items():
            enqueue(connection, queue, record, LOCAL_TENANT)
        enqueue(connection, "voucher", "expire:voucher-1", LOCAL_TENANT, after_s=300)
    assert "Nothing waits or runs." in text_of(creator.get("/jobs").text)


def test_a_failed_creation_is_asked_for_once_more(creator: Visitor, application: Application) -> None:
    add_creation(application, status="failed", error="no luck")
    answer = creator.post("/jobs/creation/creation-1/retry")
    assert answer.status_code == 204
    assert "refresh-jobs" in answer.headers["HX-Trigger"]
    with application.records.database.reading() as connection:
        made = connection.execute(select(tables.creations).where(tables.creations.c.id != "creation-1")).one()
    assert (made.status, made.request["prompt"], made.request["seed"]) == ("queued", "a red potion", 1)


def test_a_creation_that_was_set_aside_goes_on_as_itself(creator: Visitor, application: Application) -> None:
    add_creation(application, status="failed", error="It ended its worker")
    with application.records.database.writing() as connection:
        enqueue(connection, "generate", "creation-1", LOCAL_TENANT)
        connection.execute(update(tables.jobs).values(state="set_aside"))
    assert creator.post("/jobs/creation/creation-1/retry").status_code == 204
    assert status_of(application, "creations", "creation-1") == "queued"
    assert job_of(application, "creation-1").state == "queued"


def test_a_mint_that_waits_for_the_chain_can_be_tried_now(creator: Visitor, application: Application) -> None:
    asset_id = add_asset(application)
    on_chain = {"asset_id": asset_id, "recipient": ACCOUNT, "chain_id": 31337, "error": "no answer"}
    add(application, "mints", id="mint-1", status="prepared", **on_chain)
    with application.records.database.writing() as connection:
        enqueue(connection, "mint", "mint-1", LOCAL_TENANT, after_s=300)
    later = job_of(application, "mint-1").run_after_ms
    page = text_of(creator.get("/jobs").text)
    assert "tried again at" in page
    assert "Try now" in page
    assert creator.post("/jobs/mint/mint-1/retry").status_code == 204
    assert job_of(application, "mint-1").run_after_ms < later


def test_a_mint_that_was_set_aside_counts_as_failed_and_goes_on(
    creator: Visitor, application: Application
) -> None:
    asset_id = add_asset(application)
    add(
        application, "mints", id="mint-1", status="sent", asset_id=asset_id, recipient=ACCOUNT, chain_id=31337
    )
    with application.records.database.writing() as connection:
        enqueue(connection, "mint", "mint-1", LOCAL_TENANT)
        connection.execute(update(tables.jobs).values(state="set_aside"))
    assert 'id="job-mint-1"' in creator.get("/jobs?show=failed").text
    assert creator.post("/jobs/mint/mint-1/retry").status_code == 204
    assert job_of(application, "mint-1").state == "queued"


def test_a_failed_pin_and_a_failed_delivery_are_tried_again(
    creator: Visitor, application: Application
) -> None:
    add_every_kind(application)
    assert creator.post("/jobs/pin/pin-1/retry").status_code == 204
    assert job_of(application, "pin-1").state == "queued"
    assert creator.post("/jobs/delivery/delivery-1/retry").status_code == 204
    assert status_of(application, "deliveries", "delivery-1") == "pending"


def test_a_voucher_that_failed_while_it_was_cancelled_goes_on_with_that(
    creator: Visitor, application: Application
) -> None:
    asset_id = add_asset(application)
    on_chain = {"asset_id": asset_id, "recipient": ACCOUNT, "chain_id": 31337, "deadline_s": 2_000_000_000}
    add(application, "vouchers", id="voucher-1", digest="ab" * 32, status="cancelling", **on_chain)
    with application.records.database.writing() as connection:
        enqueue(connection, "voucher", "cancel:voucher-1", LOCAL_TENANT)
        connection.execute(update(tables.jobs).values(state="set_aside"))
    assert 'id="job-voucher-1"' in creator.get("/jobs?show=failed").text
    assert creator.post("/jobs/voucher/voucher-1/retry").status_code == 204
    assert job_of(application, "cancel:voucher-1").state == "queued"


def test_what_waits_is_cancelled_and_what_cannot_be_says_so(
    creator: Visitor, application: Application
) -> None:
    add_creation(application, status="queued")
    assert creator.post("/jobs/creation/creation-1/cancel").status_code == 204
    assert status_of(application, "creations", "creation-1") == "cancelled"
    asset_id = add_asset(application)
    add(
        application, "mints", id="mint-1", status="sent", asset_id=asset_id, recipient=ACCOUNT, chain_id=31337
    )
    refused = creator.post("/jobs/mint/mint-1/cancel", headers={"HX-Request": "true"})
    assert refused.status_code == 409
    assert "cannot be cancelled" in text_of(refused.text)


def test_what_goes_well_is_not_tried_again(creator: Visitor, application: Application) -> None:
    add_creation(application, status="running")
    refused = creator.post("/jobs/creation/creation-1/retry", headers={"HX-Request": "true"})
    assert refused.status_code == 409
    assert "nothing to try again" in text_of(refused.text)


def test_a_key_that_may_only_read_sees_jobs_and_changes_none(
    visitor: Visitor, application: Application
) -> None:
    add_every_kind(application)
    with application.records.database.writing() as connection:
        key = add_key(connection, LOCAL_TENANT, NewKey(name="reads", scopes=(Scope.READ,)))
    visitor.post("/sign-in", data={"key": key.secret}, headers={"Origin": SITE})
    page = visitor.get("/jobs").text
    assert 'id="job-pin-1"' in page
    assert 'id="job-delivery-1"' not in page
    assert 'hx-post="/jobs' not in page
    assert visitor.get("/jobs?kind=delivery").status_code == 403
    assert visitor.post("/jobs/pin/pin-1/retry").status_code == 403
