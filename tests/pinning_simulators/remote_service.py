"""A service of the IPFS Pinning Service API, and its trustless gateway."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

from assets.car import export_dag
from assets.cid import Cid, raw_cid
from assets.errors import BlockMissing
from tests.pinning_simulators.simulator import Handler, Simulator, endless, serving


@dataclass
class ApiSimulator(Simulator):
    """A service of the IPFS Pinning Service API. It fetches from ``origin``, once it is asked ``polls`` times.

    ``given`` counts the requests that it took, those included that were replaced."""

    origin: Any = None
    polls: int = 0
    requests: dict[str, dict[str, Any]] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    given: int = 0


class _Api(Handler):
    simulator: ApiSimulator

    def do_GET(self) -> None:  # noqa: N802 (the base class calls it)
        simulator, parts = self.simulator, urlsplit(self.path)
        if self.handled(parts.path):
            return
        if parts.path.startswith("/ipfs/"):
            root = Cid.parse(parts.path.removeprefix("/ipfs/"))
            if simulator.fault == "endless":
                self.stream(endless(simulator))
                return
            try:
                self.stream(iter(list(simulator.car(root))))
            except BlockMissing:
                self.answer(404, data=b"not found")
            return
        query = parse_qs(parts.query)
        if parts.path == "/psa/pins":
            found = [
                self._seen(request_id)
                for request_id, request in simulator.requests.items()
                if "cid" not in query or request["pin"]["cid"] == query["cid"][0]
            ]
            wanted = query.get("status", ["pinned"])[0].split(",")
            found = [request for request in found if request["status"] in wanted]
            self.answer(200, {"count": len(found), "results": found[: int(query.get("limit", ["10"])[0])]})
            return
        request_id = parts.path.removeprefix("/psa/pins/")
        if request_id not in simulator.requests:
            self.answer(404, {"error": {"reason": "NOT_FOUND", "details": "no such pin"}})
            return
        self.answer(200, self._seen(request_id))

    def do_POST(self) -> None:  # noqa: N802 (the base class calls it)
        simulator, body = self.simulator, json.loads(self.body())
        if self.handled(path := urlsplit(self.path).path):
            return
        replaced = path.removeprefix("/psa/pins").removeprefix("/")
        if replaced and replaced not in simulator.requests:
            self.answer(404, {"error": {"reason": "NOT_FOUND", "details": "no such pin"}})
            return
        if simulator.fault == "full":
            self.answer(409, {"error": {"reason": "INSUFFICIENT_FUNDS", "details": "The plan is used up"}})
            return
        cid = str(raw_cid(b"other")) if simulator.fault == "wrong root" else body["cid"]
        simulator.requests.pop(replaced, None)
        simulator.given += 1
        request_id = f"request-{simulator.given}"
        simulator.left[request_id] = simulator.polls
        simulator.requests[request_id] = {
            "requestid": request_id,
            "status": "queued",
            "created": "2026-11-24T12:00:00Z",
            "pin": {**body, "cid": cid},
            "delegates": ["/ip4/127.0.0.1/tcp/4001/p2p/12D3KooWExample"],
            "info": {},
        }
        self.answer(202, self._seen(request_id))

    def _seen(self, request_id: str) -> dict[str, Any]:
        """The pin as it is now; each look brings it one step on, to being fetched from the origin."""
        simulator, request = self.simulator, self.simulator.requests[request_id]
        if request["status"] in ("queued", "pinning"):
            if simulator.left[request_id] > 0:
                simulator.left[request_id] -= 1
                request["status"] = "pinning"
                return dict(request)
            root = Cid.parse(request["pin"]["cid"])
            try:
                if simulator.fault not in ("forgets", "wrong root"):
                    for cid, data in export_dag([root], simulator.origin or simulator.blocks):
                        simulator.blocks.put(cid, data)
                request["status"] = "pinned"
                simulator.pinned.add(root)
            except BlockMissing:
                request["status"] = "failed"
                request["info"] = {"status_details": "No origin has the content."}
        return dict(request)


@contextmanager
def pinning_api(**values: Any) -> Iterator[ApiSimulator]:
    """A remote pinning service at ``url``, with a trustless gateway below the same host."""
    simulator = ApiSimulator(**values)
    with serving(simulator, _Api, "/psa"):
        yield simulator


def gateway_of(simulator: Simulator) -> str:
    return simulator.url.removesuffix("/psa")
