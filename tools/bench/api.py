"""How fast a real server process answers, over a data folder with assets in it."""

import io
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import httpx2
import numpy as np
from PIL import Image

from engine.sdk import Client
from tools.bench import empty_jobs
from tools.bench.figure import Figure

ASSETS: Final = 500
SECONDS: Final = 10.0
QUEUED: Final = 10_000
START_TIMEOUT_S: Final = 120.0


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        key = _key(folder)
        with serving(folder, key, "--no-worker") as server:
            asset_ids = _seed(server)
            yield from _reads(server, asset_ids)
            yield from _accepting(server)
            _fill_queue(server)
        yield _restart(folder, key)
    yield from empty_jobs.figures()


@dataclass(frozen=True)
class Served:
    address: str
    environment: dict[str, str]

    def load(self, kind: str, paths: Sequence[str] = (), seconds: float = SECONDS) -> dict[str, Any]:
        """What ``tools.bench.api_load`` measured."""
        command = [sys.executable, "-m", "tools.bench.api_load", kind, self.address, str(seconds), *paths]
        done = subprocess.run(
            command,
            env=self.environment,
            stdout=subprocess.PIPE,
            check=True,
            timeout=seconds + START_TIMEOUT_S,
        )
        told: dict[str, Any] = json.loads(done.stdout)
        if told["failed"]:
            raise SystemExit(f"{told['failed']} of {len(told['took_s'])} requests ({kind}) did not succeed.")
        return told

    def client(self) -> Client:
        return Client(self.address, self.environment["LORESPARK_API_KEY"])


def _reads(server: Served, asset_ids: Sequence[str]) -> Iterator[Figure]:
    mix = []
    for asset_id in asset_ids[:100]:
        mix += ["/v1/assets?limit=20", f"/v1/assets/{asset_id}", f"/v1/assets/{asset_id}/media"]
    server.load("flat-out", mix, 2.0)  # warm
    flat_out = server.load("flat-out", mix)
    yield Figure(
        "api_reads_per_s",
        len(flat_out["took_s"]) / flat_out["seconds"],
        "/s",
        200,
        at_most=False,
        note=f"8 connections; lists of 20, assets and media of {ASSETS}",
    )
    steady = server.load("steady", mix)
    yield Figure(
        "api_read_p99_ms", _p99_ms(steady["took_s"]), "ms", 25, note="at 200/s, from when each was due"
    )
    yield Figure("api_read_ms", statistics.median(steady["took_s"]) * 1e3, "ms", note="median of the same")


def _accepting(server: Served) -> Iterator[Figure]:
    took_s = server.load("accept")["took_s"]
    note = f"POST /v1/creations, {len(took_s)} one after another"
    yield Figure("creation_accept_ms", statistics.median(took_s) * 1e3, "ms", 20, note=note)
    yield Figure("creation_accept_p99_ms", _p99_ms(took_s), "ms", note=note)


def _restart(folder: str, key: str) -> Figure:
    began_s = time.perf_counter()
    with serving(folder, key) as server:
        answer = httpx2.get(f"{server.address}/readyz", timeout=START_TIMEOUT_S)
        took_s = time.perf_counter() - began_s
        with server.client() as client:
            waiting = client.creations.estimate("a red potion bottle").queue_length
    if answer.status_code != 200 or waiting < QUEUED * 0.9:
        raise SystemExit(f"The restarted server answered {answer.status_code}, with {waiting} jobs waiting.")
    note = f"from the command to /readyz, with a worker and {waiting:,d} jobs waiting"
    return Figure("restart_10k_jobs_s", took_s, "s", 5, note=note)


def _seed(server: Served) -> list[str]:
    """Uploads pictures, each another one; their ids."""
    noise = np.random.default_rng(0)
    ids = []
    with server.client() as client:
        for number in range(ASSETS):
            buffer = io.BytesIO()
            Image.fromarray(noise.integers(0, 256, (32, 32, 4), np.uint8), "RGBA").save(buffer, "PNG")
            ids.append(client.assets.upload(buffer.getvalue(), name=f"noise {number}", kind="item").id)
    return ids


def _fill_queue(server: Served) -> None:
    """Has the server accept creations until 10,000 wait."""
    ends_s = time.monotonic() + 300
    with server.client() as client:
        while (waiting := client.creations.estimate("a red potion bottle").queue_length) < QUEUED:
            if time.monotonic() > ends_s:
                raise SystemExit(f"Only {waiting} creations were accepted within 300 s.")
            server.load("accept", seconds=10.0)


def _key(folder: str) -> str:
    limits = ["--per-minute", "100000", "--per-day", "10000000", "--concurrent", "100000"]
    command = [sys.executable, "-m", "engine.cli", "api-key", "create", *limits, "--json"]
    done = subprocess.run(
        command, env=_environment(folder), stdout=subprocess.PIPE, check=True, timeout=START_TIMEOUT_S
    )
    return str(json.loads(done.stdout)["secret"])


@contextmanager
def serving(folder: str, key: str, *options: str) -> Iterator[Served]:
    """A server process at a loopback port of its own, killed at the end."""
    command = [sys.executable, "-m", "engine.cli", "serve", "--port", "0", "--json", *options]
    process = subprocess.Popen(command, env=_environment(folder), stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None
        told = json.loads(b"".join(process.stdout.readline() for _ in range(4)))
        yield Served(told["address"], _environment(folder) | {"LORESPARK_API_KEY": key})
    finally:
        process.kill()
        process.wait(START_TIMEOUT_S)


def _environment(folder: str) -> dict[str, str]:
    given = {name: value for name, value in os.environ.items() if not name.startswith("LORESPARK_")}
    return given | {"LORESPARK_DATA_DIR": folder}


def _p99_ms(took_s: Sequence[float]) -> float:
    return statistics.quantiles(took_s, n=100)[98] * 1e3
