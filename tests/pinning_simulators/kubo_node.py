"""A Kubo node's RPC API."""

from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

from assets.block import MemoryBlocks
from assets.car import export_dag, read_car
from assets.cid import Cid, raw_cid
from assets.errors import BlockMissing
from tests.pinning_simulators.simulator import Handler, Simulator, endless, serving


class _Kubo(Handler):
    def do_POST(self) -> None:  # noqa: N802 (the base class calls it)
        body, parts = self.body(), urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if self.handled(parts.path):
            return
        match parts.path.removeprefix("/api/v0"):
            case "/version":
                self.answer(200, {"Version": "0.40.0", "Commit": "", "Repo": "17", "System": "amd64/linux"})
            case "/dag/import":
                self._import(body)
            case "/pin/ls":
                self._list(Cid.parse(query["arg"]))
            case "/dag/export":
                self._export(Cid.parse(query["arg"]))
            case "/block/get":
                self.answer(200, data=self.simulator.blocks.get(Cid.parse(query["arg"])))
            case _:
                self.answer(404, data=b"404 page not found")

    def fail(self, message: str) -> None:
        self.answer(500, {"Message": message, "Code": 0, "Type": "error"})

    def _import(self, body: bytes) -> None:
        simulator = self.simulator
        boundary = self.headers["Content-Type"].partition("boundary=")[2].strip('"').encode()
        content = body.split(b"--" + boundary)[1].partition(b"\r\n\r\n")[2].removesuffix(b"\r\n")
        if simulator.fault == "full":
            self.fail("write /data/ipfs/blocks/x: no space left on device")
            return
        (root,), blocks = read_car(BytesIO(content))
        taken = MemoryBlocks()
        for cid, data in blocks:
            taken.put(cid, data)
        list(export_dag([root], taken))  # whole, or the import fails as in Kubo
        if simulator.fault != "forgets":
            for cid, data in taken.items():
                simulator.blocks.put(cid, data)
        simulator.pinned.add(root)
        told = raw_cid(b"other") if simulator.fault == "wrong root" else root
        self.answer(200, {"Root": {"Cid": {"/": str(told)}, "PinErrorMsg": ""}})

    def _list(self, root: Cid) -> None:
        if root in self.simulator.pinned:
            self.answer(200, {"Keys": {str(root): {"Type": "recursive"}}})
        else:
            self.fail(f"path '{root}' is not pinned")

    def _export(self, root: Cid) -> None:
        if self.simulator.fault == "endless":
            self.stream(endless(self.simulator))
            return
        if self.simulator.fault == "finds damage":
            self.fail("block in storage has different hash than requested")
            return
        try:
            parts = list(self.simulator.car(root))
        except BlockMissing:
            self.fail(f"block was not found locally (offline): ipld: could not find {root}")
            return
        self.stream(iter(parts))


@contextmanager
def kubo(**values: Any) -> Iterator[Simulator]:
    """A Kubo node's RPC API; ``url`` is its address."""
    simulator = Simulator(**values)
    with serving(simulator, _Kubo, ""):
        yield simulator
