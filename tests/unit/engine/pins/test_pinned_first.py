"""Mints wait until a service holds what their tokens will name."""

import time
from collections.abc import Callable
from typing import Any

import pytest

from assets.asset import Asset
from engine.app import Application
from engine.database.pins import waive, want_pins
from engine.errors import JobFailed
from engine.jobs.opening import start_worker
from engine.jobs.pin import PinJob
from tests.pinned import Opened, listed, only
from tests.pinning_simulators import Simulator

WAIT_S = 60.0


def test_a_mint_waits_for_a_pin_and_says_so(application: Application, asset: Asset, node: Simulator) -> None:
    node.fault = "full"
    with pytest.raises(JobFailed, match=r"waits until a pinning service holds.*no space left"):
        application.mint(asset.asset_id)
    mint = application.records.living_mint(asset.asset_id, application.settings.chain_id)
    assert mint is not None
    assert mint.status == "prepared"
    node.fault = None
    assert application.mint(asset.asset_id).mint.status == "confirmed"
    done = application.records.mint(mint.id)
    assert done is not None
    assert done.error is None
    assert asset.metadata_cid in node.blocks


def test_a_mint_takes_no_other_along_whose_asset_is_not_pinned(
    application: Application, asset: Asset, node: Simulator, add_asset: Callable[..., Asset]
) -> None:
    """Mints to one recipient share a transaction."""
    chain_id, recipient = application.settings.chain_id, application.signer.address
    other = add_asset(application, 2)
    waiting, _ = application.records.add_mint(other, recipient, chain_id)
    ready, _ = application.records.add_mint(asset, recipient, chain_id)
    with application.records.database.writing() as connection:
        waive(connection, ready.id)
    node.fault = "500"
    application.jobs.mint(ready.id)
    assert application.records.mint_of(asset.asset_id) is not None
    left = application.records.mint(waiting.id)
    assert left is not None
    assert (left.status, left.tx_hash) == ("prepared", None)


def test_a_mint_goes_on_without_a_pin_where_it_is_told_to(
    opened: Opened, application: Application, asset: Asset, node: Simulator, add_asset: Callable[..., Asset]
) -> None:
    node.fault = "500"
    assert application.mint(asset.asset_id, force=True).mint.status == "confirmed"
    application.close()
    application = opened(listed(node), LORESPARK_MINT_BEFORE_PIN="1")
    other = add_asset(application, 2)
    assert application.mint(other.asset_id).mint.status == "confirmed"


def test_a_worker_pins_what_is_there_and_then_mints_it(
    application: Application, asset: Asset, node: Simulator
) -> None:
    application.records.add_mint(asset, application.signer.address, application.settings.chain_id)
    start_worker(application)
    deadline = time.monotonic() + WAIT_S
    while application.records.mint_of(asset.asset_id) is None:
        assert time.monotonic() < deadline, application.pins.of(asset.asset_id)
        time.sleep(0.02)
    assert only(application.pins.of(asset.asset_id)).status == "pinned"
    assert asset.metadata_cid in node.blocks


def test_an_asset_whose_metadata_a_mint_changed_is_pinned_anew_first(
    application: Application, add_asset: Callable[..., Asset], node: Simulator, pixels: Callable[[int], Any]
) -> None:
    square = pixels(1)
    square[..., 3] = 255  # cut off on all sides, which the gate refuses
    asset = add_asset(application, drawn=square)
    application.pins.go_on(asset.asset_id)
    before = only(application.pins.go_on(asset.asset_id))
    assert before.read_at is not None
    changed = application.gate.passed(asset, True)
    assert changed.metadata_cid != asset.metadata_cid
    mint, _ = application.records.add_mint(changed, application.signer.address, application.settings.chain_id)
    application.jobs.finish("mint", mint.id, once=True)
    waiting = application.records.mint(mint.id)
    assert waiting is not None
    assert "waits until a pinning service" in (waiting.error or "")
    queued = only(application.pins.of(asset.asset_id))
    assert queued.status == "queued"
    # It told when the other content was pinned and read back.
    assert {queued.bytes, queued.pinned_at, queued.checked_at, queued.read_at, queued.request_id} == {None}
    pin = only(application.pins.go_on(asset.asset_id))
    assert pin.root != before.root
    assert changed.metadata_cid in node.blocks
    application.jobs.mint(mint.id)
    assert application.records.mint_of(asset.asset_id) is not None


def test_an_asset_that_is_changed_while_its_pin_begins_is_pinned_with_its_root(
    application: Application, add_asset: Callable[..., Asset], pixels: Callable[[int], Any]
) -> None:
    """The root was written to no row, and the pin that had none ended its worker when it was read back."""
    square = pixels(1)
    square[..., 3] = 255  # cut off on all sides, which the gate refuses
    asset = add_asset(application, drawn=square)
    with application.records.database.writing() as connection:
        want_pins(connection, [asset.asset_id], application.pinning.names)

    class Changing:
        """The records; the asset changes when the job looks at it."""

        def __getattr__(self, name: str) -> Any:
            return getattr(application.records, name)

        def asset(self, asset_id: str) -> Asset | None:
            changed = application.gate.passed(asset, True)
            chain_id, recipient = application.settings.chain_id, application.signer.address
            application.records.add_mint(changed, recipient, chain_id)
            with application.records.database.writing() as connection:
                want_pins(connection, [asset_id], application.pinning.names)
            return application.records.asset(asset_id)

    records: Any = Changing()
    job = PinJob(records, application.blocks, application.pinning)
    record_id = only(application.pins.of(asset.asset_id)).id
    assert job.attempt(record_id, 1) is None
    pin = only(application.pins.of(asset.asset_id))
    changed = application.records.asset(asset.asset_id)
    assert changed is not None
    assert changed.metadata_cid != asset.metadata_cid
    assert (pin.status, pin.root) == ("pinned", str(application.files.package(changed).root))
    assert job.attempt(record_id, 1) is None
    assert only(application.pins.of(asset.asset_id)).read_at is not None
