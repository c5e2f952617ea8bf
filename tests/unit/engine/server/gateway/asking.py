"""What tests of the gateway share: content, and answers told apart."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path
from typing import Any

from assets.car import read_car
from assets.cid import Cid
from assets.import_profile import KUBO_V1

SMALL = replace(KUBO_V1, chunk_bytes=10, max_links=3)
CONTENT = bytes(range(100))
RAW, CAR = "application/vnd.ipld.raw", "application/vnd.ipld.car"
IMMUTABLE = "public, max-age=29604800, immutable"
DAG_CBOR = 0x71


def damage(folder: Path, cid: Cid) -> None:
    name = str(cid.as_v1())
    (folder / name[-3:-1] / name).write_bytes(b"rotten")


def assert_problem(answer: Any, status: int, kind: str) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["cache-control"] == "no-store"
    body: dict[str, Any] = answer.json()
    assert (body["type"], body["status"]) == (f"urn:lorespark:problem:{kind}", status)
    assert body["title"]
    assert body["detail"].endswith(".")
    return body


def car_of(answer: Any) -> tuple[list[Cid], list[tuple[Cid, bytes]]]:
    assert answer.status_code == 200, answer.text
    roots, blocks = read_car(BytesIO(answer.content))
    return list(roots), list(blocks)
