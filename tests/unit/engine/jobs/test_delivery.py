"""Deliveries to real sockets on loopback: what is sent, what counts as taken, and what is tried again."""

import json
import ssl
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest
import trustme
from sqlalchemy import select, update

from engine.api.signature import verify
from engine.api.webhook import Delivery, EventType, NewWebhook, WebhookWithSecret
from engine.database.database import Database
from engine.database.deliveries import begin_anew, delivery_of
from engine.database.tables import deliveries
from engine.database.tenants import add_tenant
from engine.database.webhooks import add_webhook, announce, remove_webhook, rotate_secret
from engine.jobs.delivery import GIVEN_UP_AFTER_S, DeliveryJob
from engine.jobs.direct_post import Limits
from engine.webhook_target import Targets
from tests import receiver
from tests.receiver import Answer, answering, receiving

QUICK = Limits(connect_s=0.5, whole_s=0.5)


@dataclass
class Studio:
    """A tenant, its webhook, and a clock that is set by hand."""

    database: Database
    tenant: str = ""
    hook: WebhookWithSecret | None = None
    at: float = field(default_factory=lambda: 1_700_000_000.0)

    def listen(self, url: str) -> WebhookWithSecret:
        with self.database.writing() as connection:
            self.tenant = self.tenant or add_tenant(connection, "studio").id
            self.hook = add_webhook(connection, self.tenant, NewWebhook(url=url))
        return self.hook

    def announce(self, text: str = "x") -> str:
        """Returns the delivery's id."""
        with self.database.writing() as connection:
            earlier = set(connection.scalars(select(deliveries.c.id)))
            announce(connection, self.tenant, EventType.CREATION_SUCCEEDED, {"text": text})
            (new,) = set(connection.scalars(select(deliveries.c.id))) - earlier
            begun_at = datetime.fromtimestamp(self.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
            connection.execute(update(deliveries).where(deliveries.c.id == new).values(begun_at=begun_at))
        return str(new)

    def job(self, targets: Targets | None = None, **given: object) -> DeliveryJob:
        own: dict[str, object] = {"limits": QUICK, "clock": lambda: self.at, "jitter": lambda low, high: high}
        return DeliveryJob(self.database, targets or Targets(allow_private=True), **(own | given))

    def told(self, delivery_id: str) -> Delivery:
        with self.database.reading() as connection:
            return delivery_of(connection, self.tenant, delivery_id)


@pytest.fixture
def studio(tmp_path: Path) -> Iterator[Studio]:
    database = Database.open(tmp_path / "records.db")
    yield Studio(database)
    database.close()


def test_a_delivery_is_the_stored_bytes_signed(studio: Studio) -> None:
    with receiving(answering(204)) as there:
        hook = studio.listen(there.url())
        delivery_id = studio.announce("ä €")
        assert studio.job().attempt(delivery_id) is None
    (came,) = there.received
    assert came.line == "POST /hooks?of=me HTTP/1.1"
    told = studio.told(delivery_id)
    assert json.loads(came.body) == told.body
    assert told.body["data"] == {"text": "ä €"}
    verify(hook.secret, came.headers["lorespark-signature"], came.body, at=studio.at)
    assert came.headers["lorespark-event"] == "creation.succeeded"
    assert came.headers["lorespark-event-id"] == told.event_id == told.body["id"]
    assert came.headers["lorespark-delivery"] == delivery_id
    assert came.headers["host"] == f"127.0.0.1:{there.port}"
    assert came.headers["content-type"] == "application/json"
    assert told.status == "delivered"
    assert [(tried.number, tried.status, tried.error) for tried in told.attempts] == [(1, 204, None)]


def test_an_ended_delivery_is_not_sent_again(studio: Studio) -> None:
    with receiving(answering(200)) as there:
        studio.listen(there.url())
        delivery_id = studio.announce()
        assert [studio.job().attempt(delivery_id) for _ in range(2)] == [None, None]
        assert studio.job().attempt("delivery-unknown") is None
    assert len(there.received) == 1


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_receiver_that_fails_three_times_has_the_same_event_four_times(
    kind: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    if kind == "sqlite":
        database = Database.open(tmp_path / "records.db")
    else:
        database = Database.connect(request.getfixturevalue("postgresql_url"))
    studio = Studio(database)
    with receiving(answering(500), answering(503), answering(404), answering(200)) as there:
        studio.listen(there.url())
        delivery_id, job = studio.announce(), studio.job()
        waits = [job.attempt(delivery_id) for _ in range(4)]
    assert waits == [5, 10, 20, None]
    assert len({came.headers["lorespark-event-id"] for came in there.received}) == 1
    assert len({came.body for came in there.received}) == 1
    told = studio.told(delivery_id)
    assert told.status == "delivered"
    assert [tried.status for tried in told.attempts] == [500, 503, 404, 200]
    database.close()


@pytest.mark.parametrize(
    ("answer", "status", "error"),
    [
        (receiver.hanging, None, "no answer within 0.5 s"),
        (receiver.dripping, None, "no answer within 0.5 s"),
        (receiver.endless_header, None, "answer in HTTP"),
        (receiver.half_a_header, None, "answer in HTTP"),
        (receiver.no_http, None, "answer in HTTP"),
        (answering(302, "Location: /hooks?of=me"), 302, "redirects are not followed"),
        (answering(400), 400, "answered 400"),
    ],
)
def test_what_is_no_yes_is_tried_again(
    studio: Studio, answer: Answer, status: int | None, error: str
) -> None:
    with receiving(answer) as there:
        hook = studio.listen(there.url())
        delivery_id = studio.announce()
        assert studio.job().attempt(delivery_id) == 5
    assert len(there.received) == 1
    told = studio.told(delivery_id)
    assert told.status == "pending"
    (tried,) = told.attempts
    assert tried.status == status
    assert error in (tried.error or "")
    assert hook.secret not in told.model_dump_json()


@pytest.mark.parametrize("answer", [receiver.endless, receiver.half_a_body])
def test_who_took_it_need_not_end_its_answer(studio: Studio, answer: Answer) -> None:
    with receiving(answer) as there:
        studio.listen(there.url())
        delivery_id = studio.announce()
        assert studio.job(limits=Limits()).attempt(delivery_id) is None
    assert studio.told(delivery_id).status == "delivered"


def test_nobody_there_is_told_without_the_address(studio: Studio) -> None:
    with receiving(answering(200)) as there:
        studio.listen(there.url())
    delivery_id = studio.announce()
    assert studio.job().attempt(delivery_id) == 5
    (tried,) = studio.told(delivery_id).attempts
    assert tried.error == "The receiver cannot be reached (connection refused)."


def test_gone_ends_it(studio: Studio) -> None:
    with receiving(answering(410)) as there:
        studio.listen(there.url())
        delivery_id = studio.announce()
        assert studio.job().attempt(delivery_id) is None
    assert studio.told(delivery_id).status == "failed"


def test_after_a_day_of_attempts_it_has_failed(studio: Studio) -> None:
    with receiving(answering(500)) as there:
        studio.listen(there.url())
        delivery_id, began = studio.announce(), studio.at
        waits = []
        while (wait := studio.job().attempt(delivery_id)) is not None and len(waits) < 100:
            waits.append(wait)
            studio.at += wait
    assert studio.at - began == GIVEN_UP_AFTER_S  # the last attempt is a day after the first
    assert waits[:4] == [5, 10, 20, 40]
    assert max(waits) == 7_200
    assert len(there.received) == len(waits) + 1 < 40
    told = studio.told(delivery_id)
    assert (told.status, len(told.attempts)) == ("failed", len(waits) + 1)


def test_waits_differ_by_up_to_a_quarter(studio: Studio) -> None:
    with receiving(answering(500)) as there:
        studio.listen(there.url())
        assert studio.job(jitter=lambda low, high: low).attempt(studio.announce()) == 3.75


def test_redelivery_begins_another_day_with_the_same_event(studio: Studio) -> None:
    with receiving(answering(500), answering(410), answering(500), answering(200)) as there:
        studio.listen(there.url())
        delivery_id, job = studio.announce(), studio.job()
        assert [job.attempt(delivery_id) for _ in range(2)] == [5, None]
        with studio.database.writing() as connection:
            assert begin_anew(connection, studio.tenant, delivery_id).status == "pending"
        assert [job.attempt(delivery_id) for _ in range(2)] == [5, None]
    told = studio.told(delivery_id)
    assert [tried.number for tried in told.attempts] == [1, 2, 3, 4]
    assert told.status == "delivered"
    assert len({came.headers["lorespark-event-id"] for came in there.received}) == 1


def test_a_removed_webhook_ends_its_deliveries_quietly(studio: Studio) -> None:
    def remove(*_: object) -> None:
        with studio.database.writing() as connection:
            remove_webhook(connection, studio.tenant, hook.id)

    with receiving(remove) as there:
        hook = studio.listen(there.url())
        waiting, sent = studio.announce(), studio.announce()
        assert studio.job().attempt(sent) is None  # removed while it was on its way
        assert studio.job().attempt(waiting) is None
    assert len(there.received) == 1


def test_after_a_rotation_both_secrets_fit_for_a_day(studio: Studio) -> None:
    with receiving(answering(200)) as there:
        old = studio.listen(there.url())
        with studio.database.writing() as connection:
            new = rotate_secret(connection, studio.tenant, old.id)
        studio.job().attempt(studio.announce())
        studio.at += 10 * 365 * 86_400  # the end is a day from the real now
        studio.job().attempt(studio.announce())
    first, second = (came.headers["lorespark-signature"] for came in there.received)
    assert (first.count("v1="), second.count("v1=")) == (2, 1)
    for secret in (old.secret, new.secret):
        verify(secret, first, there.received[0].body, at=studio.at - 10 * 365 * 86_400)
    verify(new.secret, second, there.received[1].body, at=studio.at)


def test_an_environment_proxy_is_not_used(studio: Studio, monkeypatch: pytest.MonkeyPatch) -> None:
    with receiving(answering(200)) as proxy, receiving(answering(200)) as there:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        studio.listen(there.url())
        studio.job().attempt(studio.announce())
    assert (len(proxy.received), len(there.received)) == (0, 1)


def test_the_address_that_was_checked_is_the_one_that_is_reached(studio: Studio) -> None:
    asked: list[str] = []

    def rebinding(host: str, port: int) -> list[str]:
        asked.append(host)
        return ["127.0.0.1"] if len(asked) == 1 else ["127.0.0.2"]

    with receiving(answering(200)) as there:
        studio.listen(there.url("studio.invalid"))
        targets = Targets(allow_private=True, resolve=rebinding)
        assert studio.job(targets).attempt(studio.announce()) is None
    (came,) = there.received
    assert came.headers["host"] == f"studio.invalid:{there.port}"
    assert asked == ["studio.invalid"]  # one look-up, and nothing after it was asked for the name


def test_a_name_that_turned_inwards_is_refused_at_the_delivery(studio: Studio) -> None:
    answers = [["8.8.8.8"], ["127.0.0.1"]]
    targets = Targets(resolve=lambda *_: answers.pop(0))
    with receiving(answering(200)) as there:
        url = f"https://studio.example:{there.port}/"
        targets.checked(url)  # as at its creation
        studio.listen(url)
        delivery_id = studio.announce()
        assert studio.job(targets).attempt(delivery_id) == 5
    assert there.received == []
    (tried,) = studio.told(delivery_id).attempts
    assert "not public" in (tried.error or "")


def test_the_next_address_is_tried_where_one_is_dead(studio: Studio) -> None:
    with receiving(answering(200)) as there:
        studio.listen(there.url("studio.invalid"))
        targets = Targets(allow_private=True, resolve=lambda *_: ["127.0.0.9", "127.0.0.1"])
        assert studio.job(targets).attempt(studio.announce()) is None


@pytest.mark.parametrize(
    ("certified", "trusted", "error"),
    [
        ("studio.example", True, None),
        ("studio.example", False, "its certificate is not valid"),
        ("other.example", True, "its certificate is not valid"),
    ],
)
def test_tls_is_checked_against_the_name_though_an_address_is_reached(
    studio: Studio, certified: str, trusted: bool, error: str | None
) -> None:
    authority, names = trustme.CA(), list[str | None]()
    server, client = (ssl.SSLContext(kind) for kind in (ssl.PROTOCOL_TLS_SERVER, ssl.PROTOCOL_TLS_CLIENT))
    server.sni_callback = lambda _, name, __: names.append(name)
    authority.issue_cert(certified).configure_cert(server)
    (authority if trusted else trustme.CA()).configure_trust(client)
    targets = Targets(allow_private=True, resolve=lambda *_: ["127.0.0.1"])
    with receiving(answering(200), tls=server) as there:
        studio.listen(there.url("studio.example"))
        delivery_id = studio.announce()
        studio.job(targets, tls=client, limits=Limits()).attempt(delivery_id)
    assert names == ["studio.example"]
    assert len(there.received) == (error is None)
    (tried,) = studio.told(delivery_id).attempts
    assert tried.error is None if error is None else error in (tried.error or "")
