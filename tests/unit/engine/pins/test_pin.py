"""Pins as durable jobs over real services' protocols, on SQLite and PostgreSQL: asked for until they are held."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from assets.asset import Asset
from assets.car import export_dag
from assets.cid import Cid
from engine.app import Application
from tests.painter import Painter
from tests.pinned import TOKEN, Opened, job_of, listed, only
from tests.pinning_simulators import ApiSimulator, Simulator


def test_an_asset_is_pinned_whole_and_the_job_is_done(
    application: Application, asset: Asset, node: Simulator
) -> None:
    pin = only(application.pins.go_on(asset.asset_id))
    assert (pin.status, pin.error, pin.attempts, pin.service) == ("pinned", None, 1, "home")
    assert pin.root == str(application.files.package(asset).root)
    assert asset.metadata_cid in node.blocks
    assert asset.media_cid in node.blocks
    root = Cid.parse(pin.root)
    assert pin.bytes == sum(len(data) for _, data in export_dag([root], node.blocks))
    assert job_of(application, pin.id) is None


def test_what_a_creation_makes_is_wanted_by_every_service_in_the_same_transaction(
    opened: Opened, node: Simulator, far: ApiSimulator, pixels: Callable[..., Any], recipe: Callable[..., Any]
) -> None:
    application = opened(listed(node, far))
    vars(application)["generator"] = Painter(pixels, recipe)
    creation_id = application.create([recipe(seed=1), recipe(seed=2)])
    for asset in application.records.assets_of(creation_id):
        pins = application.pins.of(asset.asset_id)
        assert [(pin.service, pin.status) for pin in pins] == [("far", "queued"), ("home", "queued")]
        assert all(job_of(application, pin.id).state == "queued" for pin in pins)
    assert node.asked == far.asked == []


@pytest.mark.parametrize("fault", ["slow", "500", "full", "wrong root"])
def test_what_goes_wrong_is_told_waits_and_is_tried_again(
    application: Application, asset: Asset, node: Simulator, fault: str
) -> None:
    node.fault = fault
    pin = only(application.pins.go_on(asset.asset_id))
    assert pin.status == "failed"
    assert "home" in (pin.error or "")
    assert node.url not in (pin.error or "")
    assert job_of(application, pin.id).state == "queued"
    assert job_of(application, pin.id).run_after_ms > time.time() * 1000
    node.fault = None
    pin = only(application.pins.go_on(asset.asset_id))
    assert (pin.status, pin.error, pin.attempts) == ("pinned", None, 2)


def test_a_block_that_is_missing_here_is_told_and_pinned_once_it_is_back(
    application: Application, asset: Asset, node: Simulator
) -> None:
    data = application.blocks.get(asset.media_cid)
    application.blocks.delete(asset.media_cid)
    pin = only(application.pins.go_on(asset.asset_id))
    assert pin.status == "failed"
    assert str(asset.media_cid) in (pin.error or "")
    application.blocks.put(asset.media_cid, data)
    assert only(application.pins.go_on(asset.asset_id)).status == "pinned"


def test_a_remote_service_is_asked_until_it_has_fetched_it(
    opened: Opened, node: Simulator, far: ApiSimulator, add_asset: Callable[..., Asset]
) -> None:
    application = opened(listed(node, far))
    asset = add_asset(application)
    far.origin, far.polls = node.blocks, 1
    states = []
    for _ in range(3):
        pins = {pin.service: pin for pin in application.pins.go_on(asset.asset_id)}
        states.append(pins["far"].status)
    assert states == ["pinning", "pinned", "pinned"]
    assert pins["far"].read_at is not None
    assert len(far.requests) == 1
    assert far.tokens == {TOKEN, ""}
    far.forget()
    far.origin = node.blocks
    pins = {pin.service: pin for pin in application.pins.go_on(asset.asset_id)}
    assert (pins["far"].status, pins["far"].repairs) == ("pinning", 1)
    pins = {pin.service: pin for pin in application.pins.go_on(asset.asset_id)}
    assert pins["far"].status == "pinned"
    assert asset.media_cid in far.blocks
