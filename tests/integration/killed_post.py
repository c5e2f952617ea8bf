"""Posts in child processes that kill themselves with SIGKILL, each at the next point of the answer's way.

``killed_post.py SECRET`` opens the application that the environment names. A child makes a key over HTTP and dies at
point n: after a statement, before a commit, or once a connection was given back. A second child looks at what is there,
repeats the request and prints one JSON line. It goes on with n + 1 until a child gets to its end.
"""

import json
import os
import signal
import sys
from collections.abc import Callable
from typing import Any

from sqlalchemy import event, func, select
from starlette.testclient import TestClient

from engine.app import Application
from engine.database.tables import api_keys, idempotency
from engine.server.app import server
from engine.settings import Settings

MOST_POINTS = 60


def main(secret: str) -> None:
    for fatal in range(1, MOST_POINTS + 1):
        ended = os.waitpid(fork(lambda: post(secret, fatal)), 0)[1]  # noqa: B023
        killed = os.WIFSIGNALED(ended)
        assert killed or ended == 0, f"the child ended with {ended}"
        ended = os.waitpid(fork(lambda: report(secret, fatal, killed)), 0)[1]  # noqa: B023
        assert ended == 0, f"the second child ended with {ended}"
        if not killed:
            return
    raise AssertionError("the request has no end")


def fork(work: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    code = 1
    try:
        work()
        code = 0
    finally:
        sys.stdout.flush()
        os._exit(code)


def post(secret: str, fatal: int) -> None:
    with (
        Application.open(Settings.from_environment()) as application,
        TestClient(server(application)) as client,
    ):
        passed, engine = 0, application.records.engine

        def here(*_: Any) -> None:
            nonlocal passed
            passed += 1
            if passed == fatal:
                os.kill(os.getpid(), signal.SIGKILL)

        for point in ("after_cursor_execute", "commit"):
            event.listen(engine, point, here)
        event.listen(engine.pool, "checkin", here)
        assert ask(client, secret, fatal).status_code == 201


def ask(client: TestClient, secret: str, number: int) -> Any:
    headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": f"round {number}"}
    return client.post("/v1/keys", json={"name": f"round {number}"}, headers=headers)


def report(secret: str, number: int, killed: bool) -> None:
    with (
        Application.open(Settings.from_environment()) as application,
        TestClient(server(application)) as client,
    ):

        def count(table: Any, column: Any) -> int:
            with application.records.database.reading() as connection:
                query = select(func.count()).select_from(table).where(column == f"round {number}")
                return connection.scalar(query) or 0

        before = count(api_keys, api_keys.c.name), count(idempotency, idempotency.c.key)
        answers = [ask(client, secret, number) for _ in range(2)]
        made = {"Authorization": f"Bearer {answers[0].json().get('secret')}"}
        found = {
            "killed": killed,
            "before": before,
            "statuses": [answer.status_code for answer in answers],
            "replayed": [answer.headers.get("Idempotency-Replayed") for answer in answers],
            "equal": answers[0].content == answers[1].content,
            "works": client.get("/v1/me", headers=made).status_code,
            "after": (count(api_keys, api_keys.c.name), count(idempotency, idempotency.c.key)),
        }
    sys.stdout.write(json.dumps(found) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
