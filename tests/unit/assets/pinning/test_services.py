"""Both kinds of service against simulators on their protocols: every fault, and how a remote pin is followed."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO

import pytest

from assets.block import MemoryBlocks
from assets.car import encode_car, export_dag
from assets.cid import Cid
from assets.errors import (
    BlockMissing,
    PinLost,
    PinningFailed,
    ServiceFull,
    ServiceRefused,
    ServiceUnavailable,
    WrongContent,
)
from assets.pinning.kubo import KuboService
from assets.pinning.remote import RemotePinning
from assets.pinning.service import PinningService, PinState, Receipt
from assets.unixfs import add_directory, add_file
from tests import pinning_simulators as simulators
from tests.pinning_simulators import ApiSimulator, Simulator

TOKEN = "secret-token-of-the-service"
TIMEOUT_S = 1.0
MOST_BYTES = 1 << 20


@dataclass
class Content:
    """A directory of two files, one of them of several blocks."""

    blocks: MemoryBlocks
    root: Cid
    size: int

    def car(self) -> Iterator[bytes]:
        return encode_car([self.root], export_dag([self.root], self.blocks))


@pytest.fixture
def content() -> Content:
    blocks = MemoryBlocks()
    files = {"a.bin": bytes(range(256)) * 2500, "b.txt": b"hello"}
    root = add_directory({name: add_file(BytesIO(data), blocks) for name, data in files.items()}, blocks).cid
    return Content(blocks, root, sum(len(data) for _, data in export_dag([root], blocks)))


@dataclass
class Case:
    service: PinningService
    simulator: Simulator


@pytest.fixture(params=["kubo", "pinning-api"])
def case(request: pytest.FixtureRequest, content: Content) -> Iterator[Case]:
    with ExitStack() as stack:
        if request.param == "kubo":
            node = stack.enter_context(simulators.kubo(token=TOKEN))
            yield Case(KuboService("one", node.url, TOKEN, TIMEOUT_S), node)
            return
        yield Case(*_api(stack, content))


def _api(stack: ExitStack, content: Content, **values: int) -> tuple[RemotePinning, ApiSimulator]:
    api = stack.enter_context(simulators.pinning_api(token=TOKEN, origin=content.blocks, **values))
    gateway = simulators.gateway_of(api)
    origins = ("/dnsaddr/node.example/p2p/12D3KooWExample",)
    service = RemotePinning("one", api.url, TOKEN, gateway=gateway, origins=origins, timeout_s=TIMEOUT_S)
    return service, api


def _pin(case: Case, content: Content) -> Receipt:
    return case.service.pin(content.root, content.car, "asset-1")


def test_pinning_again_makes_no_second_pin(case: Case, content: Content) -> None:
    assert _pin(case, content) == _pin(case, content)
    assert len(getattr(case.simulator, "requests", {"one": 1})) == 1
    assert case.simulator.pinned == {content.root}


def test_what_was_lost_is_kept_anew_under_one_pin(case: Case, content: Content) -> None:
    lost = _pin(case, content)
    case.simulator.forget()  # and says that it is pinned
    receipt = case.service.renew(content.root, content.car, "asset-1", lost.request_id)
    for request_id in (
        receipt.request_id,
        lost.request_id,
        None,
    ):  # told, or not, when it was killed in between
        again = case.service.renew(content.root, content.car, "asset-1", request_id)
        assert case.service.state(content.root, again.request_id) == again
        assert len(getattr(case.simulator, "requests", {"one": 1})) == 1


@pytest.mark.parametrize("fault", ["full", "500", "garbage"])
def test_a_pin_that_is_not_granted_anew_stays(case: Case, content: Content, fault: str) -> None:
    """It was deleted before another was asked for, so that a used-up plan lost what a bad gateway only hid."""
    receipt = _pin(case, content)
    case.simulator.fault = fault
    with pytest.raises(PinningFailed):
        case.service.renew(content.root, content.car, "asset-1", receipt.request_id)
    case.simulator.fault = None
    assert case.service.state(content.root, receipt.request_id) == receipt
    assert case.service.read_back(content.root, MOST_BYTES) == content.size


def test_a_page_in_place_of_the_content_says_nothing_about_it(case: Case, content: Content) -> None:
    """A proxy's welcome with status 200 counted as damage, and a good pin was asked for anew each day."""
    _pin(case, content)
    case.simulator.fault = "garbage"
    with pytest.raises(ServiceUnavailable, match="else than a CAR"):
        case.service.read_back(content.root, MOST_BYTES)


def test_an_empty_answer_is_a_loss(case: Case, content: Content) -> None:
    _pin(case, content)
    case.simulator.fault = "nothing"
    with pytest.raises(PinLost, match="nothing of"):
        case.service.read_back(content.root, MOST_BYTES)


def test_a_node_that_finds_a_block_damaged_has_lost_it(content: Content) -> None:
    """Kubo with HashOnRead; it counted as a refusal, and the pin as held."""
    with simulators.kubo() as node:
        service = KuboService("one", node.url, None, TIMEOUT_S)
        service.pin(content.root, content.car, "asset-1")
        node.fault = "finds damage"
        with pytest.raises(WrongContent, match="damaged"):
            service.read_back(content.root, MOST_BYTES)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("slow", ServiceUnavailable),
        ("500", ServiceUnavailable),
        ("garbage", ServiceUnavailable),
        ("full", ServiceFull),
        ("wrong root", WrongContent),
    ],
)
def test_each_fault_is_told_by_the_services_name_without_its_url_or_token(
    case: Case, content: Content, fault: str, error: type[PinningFailed]
) -> None:
    case.simulator.fault = fault
    with pytest.raises(error) as raised:
        _pin(case, content)
    assert "service one " in str(raised.value)
    for secret in (TOKEN, "127.0.0.1", case.simulator.url.rpartition(":")[2]):
        assert secret not in f"{raised.value} {raised.value!r} {case.service!r}"
    case.simulator.fault = None
    assert _pin(case, content).state is PinState.PINNED


def test_a_service_that_says_pinned_and_forgets_is_found_out_by_reading_back(
    case: Case, content: Content
) -> None:
    case.simulator.fault = "forgets"
    receipt = _pin(case, content)
    assert receipt.state is PinState.PINNED
    with pytest.raises(PinLost, match="pinned anew"):
        case.service.read_back(content.root, MOST_BYTES)


@pytest.mark.parametrize(("fault", "error"), [("damaged", PinLost), ("endless", WrongContent)])
def test_other_content_than_was_pinned_is_not_taken_for_it(
    case: Case, content: Content, fault: str, error: type[PinningFailed]
) -> None:
    _pin(case, content)
    case.simulator.fault = fault
    with pytest.raises(error):
        case.service.read_back(content.root, MOST_BYTES)


@pytest.mark.parametrize("fault", ["slow", "500"])
def test_a_service_that_does_not_answer_has_lost_nothing(case: Case, content: Content, fault: str) -> None:
    receipt = _pin(case, content)
    case.simulator.fault = fault
    with pytest.raises(ServiceUnavailable):
        case.service.state(content.root, receipt.request_id)
    with pytest.raises(ServiceUnavailable):
        case.service.read_back(content.root, MOST_BYTES)


def test_a_wrong_token_is_told_as_such(case: Case, content: Content) -> None:
    case.simulator.token = "another"
    with pytest.raises((ServiceRefused, ServiceUnavailable), match="refused its token"):
        _pin(case, content)


def test_a_service_that_nobody_runs_is_unavailable(content: Content) -> None:
    with simulators.kubo() as node:
        url = node.url
    for service in (
        KuboService("gone", url, None, TIMEOUT_S),
        RemotePinning("gone", url, TOKEN, timeout_s=TIMEOUT_S),
    ):
        with pytest.raises(ServiceUnavailable, match="cannot be reached"):
            service.version()


def test_a_block_that_is_missing_here_is_told_as_such_and_nothing_is_pinned(content: Content) -> None:
    """Not tried on js-ipfs 0.18: an upload that breaks off keeps its lock for ever, and it takes no other."""
    with simulators.kubo() as node:
        lacking = MemoryBlocks()
        lacking.put(content.root, content.blocks.get(content.root))
        service = KuboService("one", node.url, None, TIMEOUT_S)
        with pytest.raises(BlockMissing):
            service.pin(
                content.root, lambda: encode_car([content.root], export_dag([content.root], lacking)), "a"
            )
        assert not node.pinned


def test_a_remote_pin_is_followed_until_it_is_there(content: Content) -> None:
    with ExitStack() as stack:
        service, api = _api(stack, content, polls=2)
        receipt = service.pin(content.root, content.car, "asset-1")
        states = [receipt.state]
        while states[-1] is not PinState.PINNED and len(states) < 10:
            told = service.state(content.root, receipt.request_id)
            assert told is not None
            states.append(told.state)
        assert states == [PinState.PINNING, PinState.PINNING, PinState.PINNED]
        [request] = api.requests.values()
        assert request["pin"]["origins"] == ["/dnsaddr/node.example/p2p/12D3KooWExample"]
        assert request["pin"]["meta"] == {"app": "lorespark"}
        assert request["pin"]["name"] == "asset-1"


def test_a_remote_pin_that_failed_says_why_and_is_asked_for_anew(content: Content) -> None:
    with ExitStack() as stack:
        service, api = _api(stack, content)
        api.origin = MemoryBlocks()
        receipt = service.pin(content.root, content.car, "asset-1")
        assert (receipt.state, receipt.detail) == (PinState.FAILED, "No origin has the content.")
        api.origin = content.blocks
        assert service.pin(content.root, content.car, "asset-1").state is PinState.PINNED


def test_without_a_gateway_nothing_is_read_back(content: Content) -> None:
    assert RemotePinning("one", "http://127.0.0.1:9", TOKEN).read_back(content.root, MOST_BYTES) is None


def test_the_token_is_not_sent_to_the_gateway(content: Content) -> None:
    with ExitStack() as stack:
        service, api = _api(stack, content)
        service.pin(content.root, content.car, "asset-1")
        api.tokens.clear()
        service.read_back(content.root, MOST_BYTES)
        assert api.tokens == {""}


@pytest.mark.parametrize(
    ("url", "base"),
    [
        ("http://127.0.0.1:5001", "http://127.0.0.1:5001/api/v0/"),
        ("http://[::1]:5001/", "http://[::1]:5001/api/v0/"),
        ("https://node.example", "https://node.example:443/api/v0/"),
        ("https://host.example/kubo/api/v0", "https://host.example:443/kubo/api/v0/"),
    ],
)
def test_a_nodes_url_is_its_api(url: str, base: str) -> None:
    service = KuboService("one", url)
    assert service._client._client._base_url == base
