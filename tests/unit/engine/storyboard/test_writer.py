"""A language model writes a storyboard: against a real server on loopback that speaks its protocol."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from assets.asset import Asset
from engine.errors import WriterFailed
from engine.storyboard.reader import checked_storyboard
from engine.storyboard.role import Role
from engine.storyboard.script import Storyboard
from engine.storyboard.writer import Service, answer_schema, written_storyboard

Assets = dict[str, Asset]
KEY = "secret-key-1234"
VIEW = {"at": [160, 90], "zoom": 1}
GOOD = {
    "title": "A walk",
    "shots": [
        {
            "seconds": 3,
            "background": "asset-c1",
            "sky": "#203040",
            "ground": 104,
            "cast": [
                {
                    "asset": "asset-a1",
                    "action": "walk",
                    "direction": "right",
                    "path": [[40, 140], [200, 140]],
                },
                {"asset": "asset-a2", "action": "idle", "direction": "left", "path": [[220, 136]]},
            ],
            "camera": {"from": VIEW, "to": VIEW | {"zoom": 1.25}},
            "subtitle": "The knight walks: 1 > 0, “so it is”.",
        }
    ],
}


class ChatServer:
    """Answers in turn what it is given: a text as a chat, bytes as they are, a number as a status, None never."""

    def __init__(self) -> None:
        self.asked: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.answers: list[str | bytes | int | None] = []
        self.stopped = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.paths.append(self.path)
                outer.headers.append({name.lower(): value for name, value in self.headers.items()})
                outer.asked.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                outer.answer(self, outer.answers.pop(0))

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01})
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def answer(self, request: BaseHTTPRequestHandler, given: str | bytes | int | None) -> None:
        if given is None:
            self.stopped.wait(20)
            return
        if isinstance(given, int):
            request.send_error(given, "as asked")
            return
        if isinstance(given, str):
            message = {"role": "assistant", "content": given}
            given = json.dumps(
                {"object": "chat.completion", "choices": [{"index": 0, "message": message}]}
            ).encode()
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.end_headers()
        request.wfile.write(given)

    def close(self) -> None:
        self.stopped.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    chat = ChatServer()
    yield chat
    chat.close()


@pytest.fixture
def write(server: ChatServer, assets: Assets) -> Callable[..., Storyboard]:
    roles = [Role.of(asset) for asset in assets.values()]

    def check(data: bytes) -> Storyboard:
        return checked_storyboard(data, Path(), assets.get)

    def write(*answers: str | bytes | int | None, timeout_s: float = 10) -> Storyboard:
        server.answers = list(answers)
        service = Service(server.url, "tiny", KEY, timeout_s)
        return check(written_storyboard("The knight walks.", roles, service, check).encode())

    return write


def test_a_good_answer_becomes_a_storyboard(server: ChatServer, write: Callable[..., Storyboard]) -> None:
    board = write(json.dumps(GOOD, indent="\t"))
    assert board.title == "A walk"
    knight, orc = board.shots[0].cast
    assert knight.path == ((40, 140), (200, 140))
    assert orc.at == (220, 136)
    assert board.shots[0].subtitle == "The knight walks: 1 > 0, “so it is”."
    (asked,) = server.asked
    assert server.paths == ["/v1/chat/completions"]
    assert server.headers[0]["authorization"] == f"Bearer {KEY}"
    assert (asked["model"], asked["temperature"]) == ("tiny", 0)
    assert asked["response_format"]["json_schema"]["strict"] is True
    told = json.loads(asked["messages"][1]["content"])
    assert told["story"] == "The knight walks."
    assert {
        "id": "asset-a1",
        "kind": "character",
        "is": "A knight in silver armor with a sword",
        "name": None,
    } in told["assets"]


def test_a_fenced_answer_is_read_too(write: Callable[..., Storyboard]) -> None:
    assert write("```json\n" + json.dumps(GOOD) + "\n```").title == "A walk"


@pytest.mark.parametrize(
    ("bad", "told"),
    [
        ("Once upon a time", "it is not JSON"),
        (json.dumps(GOOD)[:-9], "it is not JSON"),
        ("[" * 100_000, "it is not JSON"),
        ("[1]", "one JSON object"),
        ("{}", "title: it is missing"),
        (
            json.dumps(GOOD).replace("asset-a2", "asset-zz"),
            "shots[0].cast[1].asset: there is no asset 'asset-zz'",
        ),
        (
            json.dumps(GOOD).replace("walk", "stroll", 1).replace('"walk"', '"stroll"'),
            "there is no action 'stroll'",
        ),
        (json.dumps(GOOD | {"shots": [3, {"cast": 4}, {"cast": [5, {"path": 6}]}]}), "shots[0]"),
    ],
)
def test_a_bad_answer_is_asked_again_with_what_was_wrong(
    bad: str, told: str, server: ChatServer, write: Callable[..., Storyboard]
) -> None:
    assert write(bad, json.dumps(GOOD)).title == "A walk"
    assert len(server.asked) == 2
    assert server.asked[1]["messages"][2] == {"role": "assistant", "content": bad}
    assert told in server.asked[1]["messages"][3]["content"]


def test_two_bad_answers_are_one_sentence(server: ChatServer, write: Callable[..., Storyboard]) -> None:
    with pytest.raises(WriterFailed, match=r"no storyboard that can be filmed \(it must be one JSON object"):
        write("[1]", "[2]")
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (500, "answered 500"),
        (401, "answered 401"),
        (302, "answered 302"),
        (b"not json", "something else than a chat"),
        (b'{"choices": []}', "something else than a chat"),
        (b'{"choices": [{"message": {"content": null}}]}', "refused"),
        (b"[" * 100_000, "something else than a chat"),
        (b" " * 1_000_001, "longer than 1 MB"),
    ],
)
def test_a_failing_service_is_one_sentence_without_its_address_or_key(
    answer: bytes | int, told: str, server: ChatServer, write: Callable[..., Storyboard]
) -> None:
    with pytest.raises(WriterFailed, match=told) as error:
        write(answer)
    assert KEY not in str(error.value)
    assert "127.0.0.1" not in str(error.value)
    assert len(server.asked) == 1


def test_a_silent_service_is_given_up(write: Callable[..., Storyboard]) -> None:
    with pytest.raises(WriterFailed, match=r"no answer within 0\.3 seconds"):
        write(None, timeout_s=0.3)


def test_a_service_that_drips_is_given_up(
    server: ChatServer, write: Callable[..., Storyboard], monkeypatch: pytest.MonkeyPatch
) -> None:
    def drip(request: BaseHTTPRequestHandler, _: object) -> None:
        request.send_response(200)
        request.end_headers()
        while not server.stopped.is_set():
            try:
                request.wfile.write(b" ")
            except OSError:
                return
            time.sleep(0.02)

    monkeypatch.setattr(server, "answer", drip)
    with pytest.raises(WriterFailed, match=r"no answer within 0\.5 seconds"):
        write("", timeout_s=0.5)


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/v1", "http://[::1", "http://no.such.host.invalid/v1"])
def test_a_service_that_is_not_there_is_one_sentence(
    url: str, assets: Assets, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    service = Service(url, "tiny", KEY, 5)
    with pytest.raises(WriterFailed, match=r"cannot be reached \(\w+\); check LORESPARK_LLM_URL\.$") as error:
        service.answer([], {})
    assert url not in str(error.value)
    assert KEY not in repr(service)


def test_the_schema_knows_only_who_may_play_and_wants_every_field(assets: Assets) -> None:
    schema = answer_schema([Role.of(asset) for asset in assets.values()])
    shot = schema["properties"]["shots"]["items"]
    assert shot["properties"]["cast"]["items"]["properties"]["asset"]["enum"] == [
        "asset-a1",
        "asset-a2",
        "asset-b1",
    ]
    assert shot["properties"]["background"]["anyOf"][0] == {"enum": ["asset-c1"]}

    def objects(part: Any) -> Iterator[dict[str, Any]]:
        if isinstance(part, dict):
            if part.get("type") == "object":
                yield part
            for inner in part.values():
                yield from objects(inner)

    found = list(objects(schema))
    assert len(found) == 6
    for one in found:
        assert one["required"] == list(one["properties"])
        assert one["additionalProperties"] is False
