"""Pins that are held are read back, and repaired from the block store where they were lost."""

from collections.abc import Callable

from assets.asset import Asset
from assets.cid import Cid
from engine.app import Application
from tests.pinned import LONG_AGO, Opened, job_of, listed, long_ago, only, schedule
from tests.pinning_simulators import ApiSimulator, Simulator


def test_it_is_read_back_when_it_is_due_and_not_before(
    application: Application, asset: Asset, node: Simulator
) -> None:
    assert schedule(application) == 1  # never pinned yet
    pin = only(application.pins.go_on(asset.asset_id))
    assert pin.read_at is None
    assert schedule(application) == 0
    long_ago(application)
    assert schedule(application) == 1
    assert job_of(application, pin.id).state == "queued"
    assert application.pin_job.attempt(pin.id, 1) is None
    pin = only(application.pins.of(asset.asset_id))
    assert (pin.status, pin.attempts, pin.repairs) == ("pinned", 1, 0)
    assert (pin.read_at or "") > LONG_AGO
    assert (pin.checked_at or "") > LONG_AGO


def test_what_a_service_lost_is_pinned_anew_from_the_block_store(
    application: Application, asset: Asset, node: Simulator
) -> None:
    application.pins.go_on(asset.asset_id)
    node.forget()  # and still says that it is pinned
    pin = only(application.pins.go_on(asset.asset_id))
    assert (pin.status, pin.repairs, pin.attempts, pin.error) == ("pinned", 1, 2, None)
    assert asset.media_cid in node.blocks
    node.pinned.clear()  # now it says so, and has the blocks until its next clean-up
    pin = only(application.pins.go_on(asset.asset_id))
    assert (pin.status, pin.repairs) == ("pinned", 2)
    assert node.pinned == {Cid.parse(pin.root or "")}


def test_a_repair_that_is_interrupted_goes_on_as_one(
    application: Application, asset: Asset, node: Simulator
) -> None:
    application.pins.go_on(asset.asset_id)
    node.forget()
    node.fault = "full"
    pin = only(application.pins.go_on(asset.asset_id))
    assert (pin.status, pin.repairs) == ("lost", 1)
    assert "did not" in (pin.error or "")
    node.fault = None
    pin = only(application.pins.go_on(asset.asset_id))
    assert (pin.status, pin.repairs, pin.error) == ("pinned", 1, None)


def test_a_service_that_does_not_answer_when_it_is_asked_again_still_counts_as_holding_it(
    application: Application, asset: Asset, node: Simulator
) -> None:
    application.pins.go_on(asset.asset_id)
    node.fault = "500"
    pin = only(application.pins.go_on(asset.asset_id))
    assert pin.status == "pinned"
    assert "asked again later" in (pin.error or "")
    assert job_of(application, pin.id) is not None
    node.fault = None
    assert only(application.pins.go_on(asset.asset_id)).error is None


def test_a_pin_that_a_full_service_does_not_grant_anew_stays(
    opened: Opened, node: Simulator, far: ApiSimulator, add_asset: Callable[..., Asset]
) -> None:
    """It was deleted before it was asked for anew; the service then held nothing, where only a gateway had failed."""
    application = opened(listed(node, far))
    far.origin = application.blocks
    asset = add_asset(application)
    application.pins.go_on(asset.asset_id)
    [request_id] = far.requests
    far.forget()
    far.fault = "full"
    pins = {pin.service: pin for pin in application.pins.go_on(asset.asset_id)}
    assert (pins["far"].status, list(far.requests)) == ("lost", [request_id])
    far.fault = None
    pins = {pin.service: pin for pin in application.pins.go_on(asset.asset_id)}
    assert (pins["far"].status, pins["far"].repairs) == ("pinned", 1)
    assert list(far.requests) == [pins["far"].request_id]
    assert asset.media_cid in far.blocks
