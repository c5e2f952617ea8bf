"""POSTs that happen once though two servers get them at one moment, or a server is killed."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Barrier
from typing import Any

import httpx2
import pytest

from engine.api.account import Limits, NewKey, Scope
from engine.database.database import Database
from engine.database.tenants import add_key, add_tenant, keys_of

ROUNDS = 60
TIMEOUT_S = 120
ALL = NewKey(name="asking", scopes=tuple(Scope), limits=Limits(per_minute=10_000))


def with_key(database: Database) -> tuple[str, str]:
    """A tenant's id and the secret of its key."""
    with database.writing() as connection:
        tenant = add_tenant(connection, "Studio A")
        return tenant.id, add_key(connection, tenant.id, ALL).secret


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[str, str], str]]:
    """Starts ``lorespark serve`` over a data folder of this name and a database; gives its address."""
    started: list[subprocess.Popen[str]] = []

    def serve(name: str, url: str) -> str:
        process = subprocess.Popen(
            [sys.executable, "-m", "engine.cli", "serve", "--port", "0"],
            env=environment(tmp_path / name, url),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Serving at "), line or process.communicate(timeout=TIMEOUT_S)[1]
        return line.split()[2].rstrip(".")

    yield serve
    for process in started:
        process.kill()
        process.communicate(timeout=TIMEOUT_S)


def environment(folder: Path, url: str | None) -> dict[str, str]:
    own = {"LORESPARK_DATA_DIR": str(folder), "OMP_NUM_THREADS": "1"}
    return os.environ | own | ({"LORESPARK_DATABASE_URL": url} if url is not None else {})


def test_two_servers_that_get_one_post_at_one_moment_do_it_once_and_answer_alike(
    serve: Callable[[str, str], str], postgresql_url: str
) -> None:
    database = Database.connect(postgresql_url)
    tenant_id, secret = with_key(database)
    addresses = [serve("a", postgresql_url), serve("b", postgresql_url)]
    together = Barrier(len(addresses) * 2)

    def ask(client: httpx2.Client, number: int) -> Any:
        headers = {"Authorization": f"Bearer {secret}", "Idempotency-Key": f"round {number}"}
        together.wait(TIMEOUT_S)
        return client.post("/v1/keys", json={"name": f"round {number}"}, headers=headers)

    with ThreadPoolExecutor(len(addresses) * 2) as pool, ExitStack() as stack:
        clients = [
            stack.enter_context(httpx2.Client(base_url=address, timeout=TIMEOUT_S))
            for address in addresses * 2
        ]
        for client in clients:
            client.get("/healthz")  # the connections are open
        for number in range(ROUNDS):
            answers = list(pool.map(ask, clients, [number] * len(clients)))
            assert [answer.status_code for answer in answers] == [201] * 4, [
                answer.text for answer in answers
            ]
            assert len({answer.content for answer in answers}) == 1
            replayed = [answer.headers.get("Idempotency-Replayed") for answer in answers]
            assert sorted(replayed, key=str) == [None, "true", "true", "true"]
    with database.reading() as connection:
        made = keys_of(connection, tenant_id)
    database.close()
    assert len(made) == ROUNDS + 1


@pytest.mark.parametrize("where", ["sqlite", "postgresql"])
def test_a_server_killed_at_any_point_of_a_post_leaves_effect_and_answer_or_neither(
    where: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    url = request.getfixturevalue("postgresql_url") if where == "postgresql" else None
    database = Database.open(folder / "records.db") if url is None else Database.connect(url)
    _, secret = with_key(database)
    database.close()
    done = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("killed_post.py")), secret],
        env=environment(folder, url) | {"PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [each["killed"] for each in found] == [True] * (len(found) - 1) + [False]
    for each in found:
        assert each["before"] in ([0, 0], [1, 1]), each
        assert each["after"] == [1, 1], each
        assert each["statuses"] == [201, 201], each
        assert each["replayed"] == ["true" if each["before"] == [1, 1] else None, "true"], each
        assert each["equal"], each
        assert each["works"] == 200, each
    # Killed before the commit as well as after it.
    assert {tuple(each["before"]) for each in found if each["killed"]} == {(0, 0), (1, 1)}
