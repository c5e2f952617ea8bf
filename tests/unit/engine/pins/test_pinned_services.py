"""Services that are listed later, no longer, or wrongly; and jobs that end their workers."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select

from assets.asset import Asset
from assets.errors import InvalidPinning
from engine.app import Application
from engine.database import tables
from engine.database.jobs import MAX_DEATHS, RECURRING, claim_record, enqueue, take_over
from engine.database.pins import want_pins
from engine.database.tables import LOCAL_TENANT
from engine.jobs.set_aside import tell_set_aside
from engine.settings import Settings
from tests.pinned import Opened, job_of, listed, only, schedule
from tests.pinning_simulators import ApiSimulator, Simulator


def test_a_service_that_is_listed_later_gets_what_was_there_before(
    opened: Opened, node: Simulator, far: ApiSimulator, add_asset: Callable[..., Asset]
) -> None:
    application = opened("")
    assets = [add_asset(application, seed) for seed in (1, 2, 3)]
    assert not application.pins.of(assets[0].asset_id)
    application.close()
    application = opened(listed(node, far))
    assert schedule(application) == 3
    assert all(len(application.pins.of(asset.asset_id)) == 2 for asset in assets)
    assert schedule(application) == 0


def test_a_service_that_is_listed_no_more_is_told_and_asked_nothing(
    opened: Opened, node: Simulator, far: ApiSimulator, add_asset: Callable[..., Asset]
) -> None:
    application = opened(listed(node, far))
    asset = add_asset(application)
    with application.records.database.writing() as connection:
        want_pins(connection, [asset.asset_id], application.pinning.names)
    application.close()
    application = opened(listed(node))
    pin = next(pin for pin in application.pins.of(asset.asset_id) if pin.service == "far")
    assert application.pin_job.attempt(pin.id, 1) is None
    pin = next(pin for pin in application.pins.of(asset.asset_id) if pin.service == "far")
    assert "listed in pinning.toml" in (pin.error or "")
    assert far.asked == []


def test_a_pin_that_ends_its_worker_again_and_again_is_set_aside_and_the_schedule_never(
    application: Application, asset: Asset
) -> None:
    with application.records.database.writing() as connection:
        want_pins(connection, [asset.asset_id], application.pinning.names)
        enqueue(connection, "pin", RECURRING["pin"], LOCAL_TENANT)
        record_id = connection.scalar(select(tables.pins.c.id))
        for death in range(MAX_DEATHS):
            for each in (record_id, RECURRING["pin"]):
                assert claim_record(connection, "pin", each, f"worker-{death}") is not None
            for job in take_over(connection):
                tell_set_aside(connection, job)
    assert job_of(application, record_id).state == "set_aside"
    assert job_of(application, RECURRING["pin"]).state == "queued"
    assert "ended its worker" in (only(application.pins.of(asset.asset_id)).error or "")
    assert only(application.pins.go_on(asset.asset_id)).status == "pinned"


def test_a_list_that_cannot_be_used_is_told_before_anything_is_opened(tmp_path: Path) -> None:
    (tmp_path / "pinning.toml").write_text("services = 1")
    with pytest.raises(InvalidPinning, match=r"pinning\.toml"):
        Application.open(Settings.from_environment({"LORESPARK_DATA_DIR": str(tmp_path)}))
