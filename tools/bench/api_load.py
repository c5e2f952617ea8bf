"""``python -m tools.bench.api_load KIND ADDRESS SECONDS PATH …``: asks a server, in a process of its own.

The key is read from LORESPARK_API_KEY. ``steady`` sends 200 requests a second whether or not the answers come, and
counts each from when it was due; ``flat-out`` keeps 8 connections busy; ``accept`` posts creations one after another.
Prints one JSON object: the seconds of every answer, how long it all took, and how many were no success.

It speaks HTTP itself, because on two cores a client of a library takes longer than what is measured.
"""

import asyncio
import json
import os
import sys
import time
from typing import Final
from urllib.parse import urlsplit

RATE_PER_S: Final = 200
STEADY_CONNECTIONS: Final = 32
FLAT_OUT_CONNECTIONS: Final = 8
ANSWER_TIMEOUT_S: Final = 30.0
_BODY: Final = b'{"prompt": "a red potion bottle", "kind": "item"}'


class Connection:
    """One connection that is kept: a request, its answer, the next."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str) -> None:
        self._reader, self._writer = reader, writer
        key = os.environ["LORESPARK_API_KEY"]
        self._head = f" HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\n"

    @classmethod
    async def open(cls, address: str) -> "Connection":
        parts = urlsplit(address)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port), parts.netloc)

    async def ask(self, path: str) -> int:
        """The status of a GET, or of the POST of a creation for the path /v1/creations."""
        if path == "/v1/creations":
            head = f"POST {path}{self._head}Content-Type: application/json\r\nContent-Length: {len(_BODY)}\r\n\r\n"
            self._writer.write(head.encode() + _BODY)
        else:
            self._writer.write(f"GET {path}{self._head}\r\n".encode())
        async with asyncio.timeout(ANSWER_TIMEOUT_S):
            head_lines = (await self._reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
            length = next(int(line[15:]) for line in head_lines if line.startswith(b"content-length:"))
            await self._reader.readexactly(length)
        return int(head_lines[0].split()[1])

    def close(self) -> None:
        self._writer.close()


class Tally:
    """What came of the requests."""

    def __init__(self) -> None:
        self.took_s: list[float] = []
        self.failed = 0
        self._began_s = time.perf_counter()

    async def ask(self, connection: Connection, path: str, due_s: float) -> None:
        status = await connection.ask(path)
        self.took_s.append(time.perf_counter() - due_s)
        self.failed += not 200 <= status < 300

    def told(self) -> str:
        seconds = time.perf_counter() - self._began_s
        return json.dumps({"took_s": self.took_s, "seconds": seconds, "failed": self.failed})


async def steady(address: str, seconds: float, paths: list[str]) -> Tally:
    free: asyncio.Queue[Connection] = asyncio.Queue()
    for _ in range(STEADY_CONNECTIONS):
        free.put_nowait(await Connection.open(address))
    tally = Tally()

    async def ask(path: str, due_s: float) -> None:
        connection = await free.get()
        await tally.ask(connection, path, due_s)
        free.put_nowait(connection)

    began_s = time.perf_counter()
    async with asyncio.TaskGroup() as asking:
        for number in range(int(RATE_PER_S * seconds)):
            due_s = began_s + number / RATE_PER_S
            await asyncio.sleep(max(0.0, due_s - time.perf_counter()))
            asking.create_task(ask(paths[number % len(paths)], due_s))
    while not free.empty():
        free.get_nowait().close()
    return tally


async def busy(address: str, seconds: float, paths: list[str], connections: int) -> Tally:
    opened = [await Connection.open(address) for _ in range(connections)]
    tally = Tally()
    ends_s = time.perf_counter() + seconds

    async def ask(connection: Connection) -> None:
        number = 0
        while (now_s := time.perf_counter()) < ends_s:
            await tally.ask(connection, paths[number % len(paths)], now_s)
            number += 1

    async with asyncio.TaskGroup() as asking:
        for connection in opened:
            asking.create_task(ask(connection))
    for connection in opened:
        connection.close()
    return tally


def main() -> None:
    kind, address, seconds, *paths = sys.argv[1:]
    match kind:
        case "steady":
            tally = asyncio.run(steady(address, float(seconds), paths))
        case "flat-out":
            tally = asyncio.run(busy(address, float(seconds), paths, FLAT_OUT_CONNECTIONS))
        case "accept":
            tally = asyncio.run(busy(address, float(seconds), ["/v1/creations"], 1))
        case _:
            raise SystemExit(f"There is no kind {kind}; use steady, flat-out or accept.")
    print(tally.told())


if __name__ == "__main__":
    main()
