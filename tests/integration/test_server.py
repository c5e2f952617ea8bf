"""The real server process on a loopback port of its own: started, asked, told to end."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx2
import pytest

from assets.asset import Asset
from assets.car import read_car
from assets.cid import raw_cid
from assets.import_profile import KUBO_V1
from assets.unixfs import add_file
from engine.api.account import NewKey
from engine.app import Application
from engine.database.tenants import add_key, add_tenant
from engine.settings import Settings

START_TIMEOUT_S = 60
LARGE_BYTES = 40_000_000


@pytest.fixture
def asset(settings: Settings, add_asset: Callable[..., Asset]) -> Asset:
    with Application.open(settings) as application:
        return add_asset(application)


@pytest.fixture
def serve(settings: Settings) -> Iterator[Callable[..., subprocess.Popen[str]]]:
    """Starts ``lorespark serve`` over the test's data folder; whatever still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def serve(*options: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, "-m", "engine.cli", "serve", *options],
            env=os.environ | {"LORESPARK_DATA_DIR": str(settings.data_dir), "OMP_NUM_THREADS": "1"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield serve
    for process in started:
        if process.poll() is None:
            process.kill()
        process.communicate()


def address(process: subprocess.Popen[str]) -> str:
    """What the server says on its first line, once it listens."""
    assert process.stdout is not None
    line = process.stdout.readline()
    assert line.startswith("Serving at http://127.0.0.1:"), (
        line or process.communicate(timeout=START_TIMEOUT_S)[1]
    )
    return line.split()[2].rstrip(".")


def ended(process: subprocess.Popen[str], number: int) -> tuple[int, str]:
    """Exit status and what was written to stderr, after the signal."""
    process.send_signal(number)
    _, told = process.communicate(timeout=START_TIMEOUT_S)
    return process.returncode, told


def test_a_stored_asset_is_served_in_every_form_and_the_server_ends_cleanly(
    serve: Callable[..., subprocess.Popen[str]], settings: Settings, asset: Asset
) -> None:
    process = serve("--port", "0")
    with httpx2.Client(base_url=address(process), timeout=30) as client:
        assert client.get("/healthz").json() == {"status": "ok"}
        ready = client.get("/readyz")
        assert ready.status_code == 200, ready.text
        assert client.get("/nope").json()["type"] == "urn:lorespark:problem:unknown-path"

        path = f"/ipfs/{asset.media_cid}"
        file = client.get(path)
        assert (file.status_code, file.headers["content-type"]) == (200, "image/png")
        raw = client.get(path, headers={"Accept": "application/vnd.ipld.raw"})
        assert raw_cid(raw.content) == asset.media_cid
        part = client.get(path, headers={"Range": "bytes=10-19"})
        assert (part.status_code, part.content) == (206, file.content[10:20])
        car = client.get(path, headers={"Accept": "application/vnd.ipld.car"})
        roots, blocks = read_car(BytesIO(car.content))
        assert (list(roots), list(blocks)) == ([asset.media_cid], [(asset.media_cid, file.content)])
        head = client.head(path)
        assert (head.headers["content-length"], head.content) == (str(len(file.content)), b"")
        assert client.get(path, headers={"If-None-Match": file.headers["etag"]}).status_code == 304

        metadata = client.get(f"/ipfs/{asset.metadata_cid}")
        assert metadata.headers["content-type"] == "application/json"
        assert metadata.json()["image"] == asset.image_cid.uri
        assert 'route="/ipfs/{cid}",status="206"} 1.0' in client.get("/metrics").text
    assert ended(process, signal.SIGTERM) == (0, "")
    with Application.open(settings) as application:  # the lock is free again
        assert application.asset(asset.asset_id) == asset


def test_ctrl_c_ends_the_server_as_cleanly(serve: Callable[..., subprocess.Popen[str]]) -> None:
    process = serve("--port", "0", "--json")
    assert process.stdout is not None
    told: dict[str, Any] = json.loads("".join(process.stdout.readline() for _ in range(4)))
    assert httpx2.get(f"{told['address']}/healthz").status_code == 200
    assert ended(process, signal.SIGINT) == (0, "")


def test_the_server_says_how_browsers_and_programs_come_in_and_both_ways_work(
    serve: Callable[..., subprocess.Popen[str]], settings: Settings
) -> None:
    process = serve("--port", "0")
    where = address(process)
    assert process.stdout is not None
    link = next(word for word in process.stdout.readline().split() if word.startswith("http"))
    assert "lorespark api-key create" in process.stdout.readline()
    with httpx2.Client() as browser:
        assert browser.get(link).headers["Location"] == "/create"
        assert browser.get(f"{where}/v1/me").json()["tenant"] == "local"
    done = subprocess.run(
        [sys.executable, "-m", "engine.cli", "api-key", "create", "--json"],
        env=os.environ | {"LORESPARK_DATA_DIR": str(settings.data_dir)},
        capture_output=True,
        text=True,
        timeout=START_TIMEOUT_S,
        check=True,
    )
    headers = {"Authorization": f"Bearer {json.loads(done.stdout)['secret']}"}
    assert httpx2.get(f"{where}/v1/me", headers=headers).status_code == 200
    assert ended(process, signal.SIGTERM) == (0, "")


def test_a_second_server_is_told_who_holds_the_folder_and_a_taken_port_is_named(
    serve: Callable[..., subprocess.Popen[str]], settings: Settings, tmp_path: Path
) -> None:
    first = serve("--port", "0")
    port = address(first).rpartition(":")[2]
    second = serve("--port", port)
    printed, told = second.communicate(timeout=START_TIMEOUT_S)
    assert (second.returncode, printed) == (1, "")
    assert told.startswith(f"The data folder {settings.data_dir} is in use by process {first.pid};"), told
    assert told.count("\n") == 1

    elsewhere = os.environ | {"LORESPARK_DATA_DIR": str(tmp_path / "other"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "engine.cli", "serve", "--port", port]
    done = subprocess.run(
        command, env=elsewhere, capture_output=True, text=True, timeout=START_TIMEOUT_S, check=False
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert f"port {port}" in done.stderr
    assert done.stderr.count("\n") == 1
    assert httpx2.get(f"http://127.0.0.1:{port}/healthz").status_code == 200
    assert ended(first, signal.SIGTERM)[0] == 0


@pytest.mark.parametrize("form", ["", "?format=car"])
def test_a_damaged_block_found_on_the_way_breaks_the_answer_off(
    serve: Callable[..., subprocess.Popen[str]], settings: Settings, form: str
) -> None:
    content = os.urandom(4 * KUBO_V1.chunk_bytes)
    last = raw_cid(content[-KUBO_V1.chunk_bytes :])
    with Application.open(settings) as application:
        cid = add_file(BytesIO(content), application.blocks).cid
        path = application.folder.blocks / str(last)[-3:-1] / str(last)
        path.write_bytes(b"rotten" + path.read_bytes()[6:])
    process = serve("--port", "0")
    with httpx2.Client(base_url=address(process), timeout=30) as client:
        sound = client.get(f"/ipfs/{cid}", headers={"Range": "bytes=0-99"})
        assert (sound.status_code, sound.content) == (206, content[:100])
        with pytest.raises(httpx2.RemoteProtocolError):
            client.get(f"/ipfs/{cid}{form}")
        assert client.get("/healthz").status_code == 200
    code, told = ended(process, signal.SIGTERM)
    assert code == 0
    assert "is damaged on disk" in told
    assert "Traceback" not in told


def test_a_large_file_passes_in_little_memory_and_who_leaves_early_harms_nothing(
    serve: Callable[..., subprocess.Popen[str]], settings: Settings
) -> None:
    content = os.urandom(LARGE_BYTES)
    with Application.open(settings) as application:
        cid = add_file(BytesIO(content), application.blocks).cid
    process = serve("--port", "0")
    with httpx2.Client(base_url=address(process), timeout=60) as client:
        client.get("/healthz")
        before = peak_bytes(process.pid)
        with client.stream("GET", f"/ipfs/{cid}") as leaving:
            next(leaving.iter_raw())
        assert client.get(f"/ipfs/{cid}").content == content
        car = client.get(f"/ipfs/{cid}?format=car").content
        roots, blocks = read_car(BytesIO(car))
        assert roots == (cid,)
        assert sum(len(data) for _, data in blocks) > LARGE_BYTES
        assert peak_bytes(process.pid) - before < LARGE_BYTES / 2
    assert ended(process, signal.SIGTERM) == (0, "")


def peak_bytes(pid: int) -> int:
    """The most memory that the process ever held."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        pytest.skip("this system does not tell a process's memory in /proc")
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def test_streams_of_events_end_with_the_server_as_whole_answers(
    serve: Callable[..., subprocess.Popen[str]], settings: Settings
) -> None:
    with Application.open(settings) as application, application.records.database.writing() as connection:
        key = add_key(connection, add_tenant(connection, "studio").id, NewKey(name="test")).secret
    process = serve("--port", "0")
    headers = {"Authorization": f"Bearer {key}"}
    with httpx2.Client(base_url=address(process), timeout=30, headers=headers) as client:
        # Of a model that no worker of the server has, or it would be drawn.
        made = client.post("/v1/creations", json={"prompt": "a knight"}).json()
        with client.stream("GET", f"{made['links']['events']}") as stream:
            chunks = stream.iter_raw()
            told = b""
            while b"event: queued" not in told:
                told += next(chunks)
            process.send_signal(signal.SIGTERM)
            assert b"".join(chunks) == b""  # the end comes as it should, and not with a broken connection
    _, said = process.communicate(timeout=START_TIMEOUT_S)
    assert (process.returncode, said) == (0, "")
