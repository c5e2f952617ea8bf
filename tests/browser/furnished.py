"""Something of each kind in a server's data folder, so that no page is looked at empty."""

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any, Final

import httpx2

from engine.server.browser import CSRF_HEADER, csrf_token
from tests.browser.conftest import Served

_WAIT_S: Final = 120  # until the pictures are drawn, on a busy machine
_HOOK: Final = "http://127.0.0.1:9/lorespark"  # where nothing listens: deliveries to it fail and say why


def _duel(served: Served) -> str:
    """A duel whose two pictures are drawn and not judged; the page alone begins duels."""
    with httpx2.Client(base_url=served.address, timeout=_WAIT_S) as browser:
        browser.get(served.link())
        secret = browser.cookies["lorespark_creator"]
        browser.headers |= {"Origin": served.address, CSRF_HEADER: csrf_token(secret), "HX-Request": "true"}
        begun = browser.post("/arena", data={"prompt": "a moss golem", "kind": "item"})
        assert begun.is_success, begun.text
        path = begun.headers["HX-Redirect"]
        until = time.monotonic() + _WAIT_S
        while "Left is better" not in browser.get(f"{path}/stand").text:
            assert time.monotonic() < until, "the duel is not drawn"
            time.sleep(0.2)
    return path.removeprefix("/arena/")


def furnish(served: Served) -> Mapping[str, str]:
    """Makes a key, a webhook with a delivery, a collection, assets and a creation that failed or was cancelled.

    Returns the ids by which pages name them.
    """
    command = [sys.executable, "-m", "engine.cli", "api-key", "create", "--name", "furnishing", "--json"]
    done = subprocess.run(
        command, env=served.environment, capture_output=True, text=True, timeout=_WAIT_S, check=True
    )
    headers = {"Authorization": f"Bearer {json.loads(done.stdout)['secret']}"}
    with httpx2.Client(base_url=f"{served.address}/v1", headers=headers, timeout=_WAIT_S) as client:

        def made(path: str, wanted: Mapping[str, Any]) -> dict[str, Any]:
            answer = client.post(path, json=wanted)
            assert answer.is_success, answer.text
            found: dict[str, Any] = answer.json()
            return found

        hook = made("/webhooks", {"url": _HOOK})
        made(f"/webhooks/{hook['id']}/test", {})
        collection = made("/collections", {"name": "The old mill"})
        drawn = {"kind": "item", "controls": {"quality": "draft", "size": 32}}
        cancelled = made("/creations", {"prompt": "a mossy stone", "count": 1, **drawn})
        client.delete(f"/creations/{cancelled['id']}")
        creation = made(
            "/creations",
            {"prompt": "a red potion bottle", "count": 4, "collection": collection["id"], **drawn},
        )
        until = time.monotonic() + _WAIT_S
        while creation["status"] in ("queued", "running"):
            assert time.monotonic() < until, creation
            time.sleep(0.2)
            creation = client.get(f"/creations/{creation['id']}").json()
        assert creation["status"] == "succeeded", creation
        drop = made("/drops", {"collection": collection["id"], "ends_at": "2033-05-18T03:33:20Z"})
    return {
        "drop": drop["id"],
        "duel": _duel(served),
        "webhook": hook["id"],
        "collection": collection["id"],
        "creation": creation["id"],
        "asset": creation["assets"][0]["id"],
    }
