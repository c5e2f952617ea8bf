"""Prompts are checked and the verdicts recorded, never the prompts: against a real service on loopback too."""

import hashlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from engine.app import Application
from engine.database.database import Database
from engine.database.tables import LOCAL_TENANT, moderations
from engine.deny_list import DenyList
from engine.errors import InvalidSettings, ModerationUnavailable, PromptRefused
from engine.moderation import UNANSWERED, Moderator
from engine.prompt_classifier import ModerationService
from engine.settings import Settings
from tests import receiver
from tests.receiver import Answer, answering, receiving

FLAGGED = {
    "flagged": True,
    "categories": {"violence": True, "sexual/minors": True, "hate": False, "\n" * 9: True},
}
HARMLESS = {"flagged": False, "categories": {"violence": False}}


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.open(tmp_path / "records.db")
    yield database
    database.close()


@pytest.fixture
def verdicts(database: Database) -> Callable[[], list[tuple[str, bool, str | None]]]:
    """Digest, verdict and reason of each check, in order."""

    def verdicts() -> list[tuple[str, bool, str | None]]:
        table = moderations
        with database.reading() as connection:
            rows = connection.execute(select(table).order_by(table.c.number)).all()
        assert all(row.tenant_id == LOCAL_TENANT for row in rows)
        return [(row.digest, row.allowed, row.reason) for row in rows]

    return verdicts


def own_list(tmp_path: Path) -> DenyList:
    path = tmp_path / "deny.txt"
    path.write_text("# ours\nslime\n")
    return DenyList.read(path, "deny list")


def digest(plain: str) -> str:
    return hashlib.sha256(plain.encode()).hexdigest()


def saying(*results: Any, status: int = 200) -> Answer:
    body = json.dumps({"id": "modr-1", "model": "tiny", "results": results}).encode()

    def answer(connection: socket.socket, _: threading.Event) -> None:
        head = f"HTTP/1.1 {status} Said\r\nContent-Length: {len(body)}\r\n\r\n"
        connection.sendall(head.encode() + body)

    return answer


def service(url: str, **given: Any) -> ModerationService:
    base = url.partition("/hooks")[0] + "/v1/"
    return ModerationService(base, **{"model": "tiny", "key": "sk-secret", "timeout_s": 0.5, **given})


def test_what_is_allowed_is_recorded_by_its_digest(
    database: Database, verdicts: Callable[[], list[Any]], tmp_path: Path
) -> None:
    Moderator(database, [own_list(tmp_path)]).check(LOCAL_TENANT, ["A  Knight", "", "A  Knight"])
    assert verdicts() == [(digest("a knight"), True, None)]
    assert b"night" not in b"".join(path.read_bytes() for path in tmp_path.glob("records.db*"))


def test_what_the_list_refuses_is_recorded_and_asked_of_nobody(
    database: Database, verdicts: Callable[[], list[Any]], tmp_path: Path
) -> None:
    with receiving(saying(HARMLESS)) as there:
        moderator = Moderator(database, [own_list(tmp_path)], service(there.url()))
        with pytest.raises(PromptRefused, match="deny list") as caught:
            moderator.check(LOCAL_TENANT, ["a knight", "a 5lime"])
    assert "lime" not in str(caught.value)
    assert verdicts() == [(digest("a 5lime"), False, "deny list, line 2")]
    assert there.received == []


def test_the_classifier_is_asked_for_all_texts_at_once(
    database: Database, verdicts: Callable[[], list[Any]]
) -> None:
    told = r"\(sexual/minors, violence\)"
    with receiving(saying(HARMLESS, FLAGGED)) as there, pytest.raises(PromptRefused, match=told):
        Moderator(database, (), service(there.url())).check(LOCAL_TENANT, ["a", "b"])
    (asked,) = there.received
    assert asked.line == "POST /v1/moderations HTTP/1.1"
    assert asked.headers["authorization"] == "Bearer sk-secret"
    assert json.loads(asked.body) == {"input": ["a", "b"], "model": "tiny"}
    assert verdicts() == [
        (digest("a"), True, None),
        (digest("b"), False, "classifier: sexual/minors, violence"),
    ]


@pytest.mark.parametrize(
    "answer",
    [
        answering(500),
        answering(401),
        answering(302, "Location: /v1/moderations"),
        answering(200),
        saying(),
        saying(HARMLESS, HARMLESS),
        saying({"flagged": "no"}),
        saying(None),
        saying({"flagged": False, "categories": [1]}),
        receiver.hanging,
        receiver.endless,
        receiver.half_a_body,
        receiver.no_http,
    ],
)
def test_without_an_answer_nothing_is_let_through(
    database: Database, verdicts: Callable[[], list[Any]], answer: Answer
) -> None:
    with receiving(answer) as there, pytest.raises(ModerationUnavailable) as caught:
        Moderator(database, (), service(there.url())).check(LOCAL_TENANT, ["a knight"])
    assert verdicts() == [(digest("a knight"), False, UNANSWERED)]
    assert str(there.port) not in str(caught.value)
    assert "sk-secret" not in str(caught.value)


def test_a_service_that_is_not_there_lets_nothing_through(database: Database) -> None:
    with receiving(saying(HARMLESS)) as there:
        gone = there.url()
    with pytest.raises(ModerationUnavailable, match="cannot be reached"):
        Moderator(database, (), service(gone)).check(LOCAL_TENANT, ["a knight"])


def test_the_key_and_the_url_show_in_no_repr() -> None:
    shown = repr(ModerationService("https://host.example/v1", key="sk-secret"))
    assert "host.example" not in shown
    assert "sk-secret" not in shown


@pytest.mark.parametrize("own", ["sexy child", "slime"])
def test_the_settings_choose_the_lists(tmp_path: Path, own: str) -> None:
    path = tmp_path / "deny.txt"
    path.write_text("slime\n")
    base = {"LORESPARK_DATA_DIR": str(tmp_path / "data")}
    with (
        Application.open(Settings.from_environment(base | {"LORESPARK_DENY_LIST": str(path)})) as application,
        pytest.raises(PromptRefused),
    ):
        application.moderator.check(LOCAL_TENANT, [own])
    off = Settings.from_environment(base | {"LORESPARK_DEFAULT_DENY_LIST": "0"})
    with Application.open(off) as application:
        application.moderator.check(LOCAL_TENANT, [own])


def test_a_damaged_list_is_told_before_anybody_asks(tmp_path: Path) -> None:
    path = tmp_path / "deny.txt"
    path.write_text("/[/")
    settings = Settings.from_environment(
        {"LORESPARK_DATA_DIR": str(tmp_path / "data"), "LORESPARK_DENY_LIST": str(path)}
    )
    with Application.open(settings) as application, pytest.raises(InvalidSettings, match="Line 1"):
        _ = application.moderator
