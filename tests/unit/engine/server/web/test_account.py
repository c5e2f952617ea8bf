"""The account's pages: keys, usage, webhooks and settings, without a secret where none belongs."""

import re
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from engine.api.account import NewKey, Scope
from engine.api.webhook import NewWebhook
from engine.app import Application
from engine.database.browsers import known_form_key
from engine.database.tables import LOCAL_TENANT, api_keys, deliveries, jobs, workers
from engine.database.tenants import add_key, add_tenant, keys_of, known_key
from engine.database.usage import add_use
from engine.database.webhooks import add_webhook, webhooks_of
from engine.database.workers import register
from engine.server.app import server
from engine.server.web.bar_chart import bar_chart, round_above
from engine.settings import Settings
from engine.webhook_target import Targets
from tests.unit.engine.server.web.conftest import SITE, Visitor, text_of

EVIL = "<script>alert('x')</script>\" onload=\"y"
URL = "https://studio.example/hooks"
HTMX = {"HX-Request": "true"}


@pytest.fixture(autouse=True)
def known_names(application: Application) -> None:
    """Every name is that of a public address: the tests ask no DNS."""
    application.targets = Targets(resolve=lambda *_: ["8.8.8.8"])


def own_keys(application: Application) -> dict[str, str]:
    with application.records.database.reading() as connection:
        return {key.name: key.id for key in keys_of(connection, LOCAL_TENANT) if key.revoked_at is None}


def make_key(application: Application, name: str, *scopes: Scope) -> str:
    with application.records.database.writing() as connection:
        return add_key(connection, LOCAL_TENANT, NewKey(name=name, scopes=scopes or tuple(Scope))).id


def hook(application: Application, url: str = URL) -> str:
    with application.records.database.writing() as connection:
        return add_webhook(connection, LOCAL_TENANT, NewWebhook(url=url)).id


def secret_in(html: str, prefix: str) -> str:
    found = re.search(rf'data-copy="({prefix}[^"]+)"', html)
    assert found is not None, html
    return found[1]


@pytest.mark.parametrize("path", ["", "/keys", "/usage", "/webhooks", "/settings"])
def test_every_page_of_it_has_one_heading_and_says_where_it_is(creator: Visitor, path: str) -> None:
    page = creator.get(f"/account{path}")
    assert page.status_code == 200
    assert page.text.count("<h1") == 1
    assert f'href="/account{path}" aria-current="page"' in page.text


@pytest.mark.parametrize("path", ["/account", "/account/keys", "/account/settings", "/jobs"])
def test_who_is_not_signed_in_is_led_to_the_sign_in(visitor: Visitor, path: str) -> None:
    answer = visitor.get(path)
    assert (answer.status_code, answer.headers["Location"][:14]) == (303, "/sign-in?next=")


def test_a_key_is_made_and_its_secret_shown_once(creator: Visitor, application: Application) -> None:
    made = creator.post(
        "/account/keys", data={"name": "builds", "scopes": ["create", "read"], "per_day": "50"}, headers=HTMX
    )
    assert made.status_code == 200
    with application.records.database.reading() as connection:
        key = known_key(connection, secret_in(made.text, "lsk_"))
    assert key is not None
    assert key.scopes == frozenset((Scope.CREATE, Scope.READ))
    assert (key.limits.per_day, key.limits.per_minute) == (50, 600)
    listed = creator.get("/account/keys").text
    assert "builds" in listed
    assert secret_in(made.text, "lsk_") not in listed


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"name": "x"}, "/scopes"),
        ({"name": " ", "scopes": "read"}, "/name"),
        ({"name": "x", "scopes": "read", "per_day": "many"}, "/per_day"),
        ({"name": "x", "scopes": "read", "concurrent": "0"}, "/concurrent"),
        ({"name": "x", "scopes": "read", "per_minute": "999999999"}, "/per_minute"),
    ],
)
def test_what_is_no_key_is_told_at_its_field(
    creator: Visitor, application: Application, data: dict[str, str], field: str
) -> None:
    refused = creator.post("/account/keys", data=data, headers=HTMX)
    assert refused.status_code == 422
    assert f'data-pointer="{field}"' in refused.text
    assert set(own_keys(application)) == {"web form"}


def test_a_rotated_key_has_another_secret_and_a_revoked_one_is_dead(
    creator: Visitor, application: Application
) -> None:
    key_id = make_key(application, "builds")
    first = creator.post(f"/account/keys/{key_id}/rotate", headers=HTMX)
    assert secret_in(first.text, "lsk_")
    revoked = creator.post(f"/account/keys/{key_id}/revoke", headers=HTMX)
    assert "1 revoked key" in text_of(revoked.text)
    with application.records.database.reading() as connection:
        assert known_key(connection, secret_in(first.text, "lsk_")) is None


@pytest.mark.parametrize("what", ["revoke", "rotate"])
def test_the_web_forms_own_key_is_told_apart_and_stays(
    creator: Visitor, application: Application, what: str
) -> None:
    form_key = own_keys(application)["web form"]
    page = creator.get("/account/keys").text
    assert "the web form itself" in text_of(page)
    assert f"/account/keys/{form_key}/" not in page
    assert creator.post(f"/account/keys/{form_key}/{what}", headers=HTMX).status_code == 409
    with application.records.database.reading() as connection:
        assert known_form_key(connection) == form_key


def test_the_key_that_signed_the_browser_in_stays_too(visitor: Visitor, application: Application) -> None:
    with application.records.database.writing() as connection:
        key = add_key(connection, LOCAL_TENANT, NewKey(name="mine", scopes=tuple(Scope)))
    visitor.post("/sign-in", data={"key": key.secret}, headers={"Origin": SITE})
    page = visitor.get("/account/keys").text
    assert "this browser" in text_of(page)
    assert f"/account/keys/{key.id}/revoke" not in page


def test_another_tenants_keys_and_webhooks_are_not_there(creator: Visitor, application: Application) -> None:
    with application.records.database.writing() as connection:
        other = add_tenant(connection, "other").id
        key = add_key(connection, other, NewKey(name="their key"))
        theirs = add_webhook(connection, other, NewWebhook(url="https://their.example/"))
    assert "their key" not in creator.get("/account/keys").text
    assert "their.example" not in creator.get("/account/webhooks").text
    for path in (
        f"/account/keys/{key.id}/revoke",
        f"/account/keys/{key.id}/rotate",
        f"/account/webhooks/{theirs.id}/test",
        f"/account/webhooks/{theirs.id}/rotate",
        f"/account/webhooks/{theirs.id}/remove",
    ):
        assert creator.post(path, headers=HTMX).status_code == 404, path
    assert creator.get(f"/account/webhooks/{theirs.id}").status_code == 404


def test_what_was_typed_is_shown_and_never_run(creator: Visitor, application: Application) -> None:
    make_key(application, EVIL)
    hook_id = hook(application, f"https://studio.example/{EVIL}")
    with application.records.database.writing() as connection:
        add_use(connection, own_keys(application)[EVIL], assets=3)
    for path in ("keys", "usage", "webhooks", f"webhooks/{hook_id}"):
        page = creator.get(f"/account/{path}").text
        assert "<script>alert" not in page, path
        assert '" onload="' not in page, path
        assert "&lt;script&gt;" in page, path


def test_usage_counts_each_day_and_key_and_draws_bars(creator: Visitor, application: Application) -> None:
    first, second = make_key(application, "builds"), make_key(application, "editor")
    today = datetime.now(UTC).date()
    with application.records.database.writing() as connection:
        add_use(connection, first, assets=30, steps=240, mints=2)
        add_use(connection, second, assets=12)
        add_use(connection, first, (today - timedelta(days=3)).isoformat(), assets=7)
        add_use(connection, first, (today - timedelta(days=40)).isoformat(), assets=1000)
    page = creator.get("/account/usage").text
    assert page.count('<rect class="bar"') == 2
    assert f"<title>{today}: 42</title>" in page
    assert "49 in all" in text_of(page)
    assert "builds 37" in text_of(page)
    assert creator.get("/account/usage?days=90").text.count('<rect class="bar"') == 3
    assert f"<title>{today}: 240</title>" in creator.get("/account/usage?amount=steps").text
    assert "style=" not in page


def test_a_chart_ends_at_a_round_number_and_shows_the_least() -> None:
    assert [round_above(value) for value in (0, 1, 3, 5, 11, 51, 1000)] == [0, 1, 5, 5, 20, 100, 1000]
    chart = bar_chart(["a", "b", "c"], [0, 1, 1000])
    assert [bar.height for bar in chart.bars] == [0.0, 1.5, 100.0]
    assert bar_chart([], []).greatest is None


def test_a_webhook_is_added_tried_and_removed(creator: Visitor, application: Application) -> None:
    made = creator.post("/account/webhooks", data={"url": URL, "events": "mint.failed"}, headers=HTMX)
    assert secret_in(made.text, "whsec_")
    with application.records.database.reading() as connection:
        (found,) = webhooks_of(connection, LOCAL_TENANT)
    here = f"/account/webhooks/{found.id}"
    assert "Nothing was sent yet" in text_of(creator.get(here).text)
    tried = creator.post(f"{here}/test", headers=HTMX)
    assert "webhook.test" in text_of(tried.text)
    assert "every 2s" in tried.text
    assert secret_in(creator.post(f"{here}/rotate", headers=HTMX).text, "whsec_")
    removed = creator.post(f"{here}/remove", headers=HTMX)
    assert removed.headers["HX-Redirect"] == "/account/webhooks"
    assert "No webhook yet" in text_of(creator.get("/account/webhooks").text)


@pytest.mark.parametrize("url", ["http://studio.example/", "https://user:secret@studio.example/", " "])
def test_an_address_that_cannot_be_one_is_told_at_its_field(creator: Visitor, url: str) -> None:
    refused = creator.post("/account/webhooks", data={"url": url}, headers=HTMX)
    assert refused.status_code == 422
    assert 'data-pointer="/url"' in refused.text


def test_what_was_sent_says_how_it_went_and_can_be_sent_again(
    creator: Visitor, application: Application
) -> None:
    hook_id = hook(application)
    here = f"/account/webhooks/{hook_id}"
    creator.post(f"{here}/test", headers=HTMX)
    with application.records.database.writing() as connection:
        (delivery_id,) = connection.scalars(select(deliveries.c.id))
        connection.execute(update(deliveries).values(status="failed"))
        connection.execute(jobs.delete())
    page = creator.get(here).text
    assert "every 2s" not in page
    assert "Send again" in text_of(page)
    again = creator.post(f"{here}/deliveries/{delivery_id}/redeliver", headers=HTMX)
    assert "pending" in text_of(again.text)


def test_settings_tell_no_secret(tmp_path: Path) -> None:
    secret = "hunter2secret"
    told = Settings(
        data_dir=tmp_path / "another",
        llm_url=f"https://{secret}@llm.example/v1",
        llm_model="m",
        llm_key=secret,
        moderation_url=f"https://llm.example/{secret}",
        moderation_key=secret,
        private_key=f"{0xABCDEF:064x}",
    )
    with Application.open(told) as application, Visitor(server(application), base_url=SITE) as browser:
        browser.follow_redirects = False
        browser.enter(application)
        page = browser.get("/account/settings").text
        assert secret not in page
        assert "abcdef" not in page
        assert "configured, model m" in page
        assert "0x" in text_of(page)


def test_settings_show_models_workers_and_the_chain(creator: Visitor, application: Application) -> None:
    page = text_of(creator.get("/account/settings").text)
    assert "No worker runs" in page
    assert "31337" in page
    assert "lorespark-" in page
    assert "made at the first mint" in page
    assert not list(application.folder.keys.glob("*.json"))
    with application.records.database.writing() as connection:
        register(connection, "w", host=EVIL, pid=7, session="s", queues=["generate"], models=[])
        connection.execute(update(workers).values(beat_at_ms=int(time.time() * 1000)))
    page = creator.get("/account/settings").text
    assert "1 worker" in text_of(page)
    assert "<script>alert" not in page


def test_health_says_what_answers(creator: Visitor) -> None:
    told = text_of(creator.get("/account/settings/health", headers=HTMX).text)
    assert told.count("answers") == 4
    assert "No pinning service" in told


def test_a_guest_of_the_server_sees_no_paths_or_workers(visitor: Visitor, application: Application) -> None:
    with application.records.database.writing() as connection:
        tenant_id = add_tenant(connection, "guest").id
        key = add_key(connection, tenant_id, NewKey(name="theirs", scopes=tuple(Scope)))
    visitor.post("/sign-in", data={"key": key.secret}, headers={"Origin": SITE})
    page = visitor.get("/account/settings").text
    assert str(application.settings.data_dir) not in page
    assert "This machine" not in page
    assert "Models" in page


def test_a_key_without_admin_manages_neither_keys_nor_webhooks(
    visitor: Visitor, application: Application
) -> None:
    with application.records.database.writing() as connection:
        key = add_key(connection, LOCAL_TENANT, NewKey(name="reads", scopes=(Scope.READ,)))
    visitor.post("/sign-in", data={"key": key.secret}, headers={"Origin": SITE})
    for path in ("/account/keys", "/account/webhooks"):
        page = visitor.get(path)
        assert page.status_code == 403
        assert "admin" in text_of(page.text)
    assert visitor.get("/account").status_code == 200
    assert visitor.get("/account/usage").status_code == 200
    with application.records.database.reading() as connection:
        assert connection.scalar(select(api_keys.c.revoked_at).where(api_keys.c.id == key.id)) is None
