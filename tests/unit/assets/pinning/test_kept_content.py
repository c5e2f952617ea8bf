"""What every service does with content, alike on simulators of both protocols and on a real IPFS node."""

import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO

import httpx2
import pytest

from assets.block import MemoryBlocks
from assets.car import encode_car, export_dag
from assets.cid import Cid
from assets.errors import PinLost
from assets.pinning.kubo import KuboService
from assets.pinning.remote import RemotePinning
from assets.pinning.service import PinningService, PinState
from assets.unixfs import add_directory, add_file
from tests import pinning_simulators as simulators

TOKEN = "secret-token-of-the-service"
TIMEOUT_S = 2.0
MOST_BYTES = 1 << 20


@dataclass
class Content:
    """A directory of two files, one of them of several blocks, as no other test has it."""

    blocks: MemoryBlocks
    root: Cid
    size: int

    def car(self) -> Iterator[bytes]:
        return encode_car([self.root], export_dag([self.root], self.blocks))


@dataclass
class Case:
    service: PinningService
    loses: Callable[[], None]  # all that it holds


@pytest.fixture
def content() -> Content:
    blocks = MemoryBlocks()
    files = {"a.bin": secrets.token_bytes(640_000), "b.txt": b"hello"}
    root = add_directory({name: add_file(BytesIO(data), blocks) for name, data in files.items()}, blocks).cid
    return Content(blocks, root, sum(len(data) for _, data in export_dag([root], blocks)))


@pytest.fixture(
    params=["kubo", "pinning-api", pytest.param("js-ipfs", marks=[pytest.mark.needs_ipfs])],
)
def case(request: pytest.FixtureRequest, content: Content) -> Iterator[Case]:
    if request.param == "js-ipfs":
        url: str = request.getfixturevalue("ipfs_url")

        def loses() -> None:
            _told(f"{url}/api/v0/pin/rm", content.root)
            for cid, _ in export_dag([content.root], content.blocks):
                _told(f"{url}/api/v0/block/rm", cid)

        yield Case(KuboService("one", url, None, TIMEOUT_S), loses)
    elif request.param == "kubo":
        with simulators.kubo(token=TOKEN) as node:
            yield Case(KuboService("one", node.url, TOKEN, TIMEOUT_S), node.forget)
    else:
        with simulators.pinning_api(token=TOKEN, origin=content.blocks) as far:
            gateway = simulators.gateway_of(far)
            service = RemotePinning("one", far.url, TOKEN, gateway=gateway, timeout_s=TIMEOUT_S)
            yield Case(service, far.forget)


def _told(url: str, cid: Cid) -> None:
    httpx2.post(url, params={"arg": str(cid)}, timeout=10).raise_for_status()


def test_what_is_pinned_is_listed_and_can_be_read_back_whole(case: Case, content: Content) -> None:
    assert case.service.state(content.root, None) is None
    receipt = case.service.pin(content.root, content.car, "asset-1")
    assert receipt.state is PinState.PINNED
    assert case.service.state(content.root, receipt.request_id) == receipt
    assert case.service.read_back(content.root, MOST_BYTES) == content.size


def test_pinning_again_is_the_same_pin(case: Case, content: Content) -> None:
    receipts = [case.service.pin(content.root, content.car, "asset-1") for _ in range(2)]
    assert receipts[0] == receipts[1]
    assert case.service.read_back(content.root, MOST_BYTES) == content.size


def test_what_it_never_had_is_not_there(case: Case, content: Content) -> None:
    """A node that searches the network for it was told from one that is late by nothing."""
    with pytest.raises(PinLost, match="pinned anew"):
        case.service.read_back(content.root, MOST_BYTES)


def test_what_it_lost_is_found_out_and_kept_anew(case: Case, content: Content) -> None:
    receipt = case.service.pin(content.root, content.car, "asset-1")
    case.loses()
    with pytest.raises(PinLost, match="pinned anew"):
        case.service.read_back(content.root, MOST_BYTES)
    anew = case.service.renew(content.root, content.car, "asset-1", receipt.request_id)
    assert anew.state is PinState.PINNED
    assert case.service.read_back(content.root, MOST_BYTES) == content.size


def test_it_says_who_it_is(case: Case) -> None:
    assert case.service.version().startswith(("Kubo RPC 0.", "IPFS Pinning Service API"))
