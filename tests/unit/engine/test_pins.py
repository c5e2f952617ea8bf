"""Pins as durable jobs over real services' protocols, on SQLite and PostgreSQL: kept, looked after, repaired."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from assets.asset import Asset
from assets.car import export_dag
from assets.cid import Cid
from assets.errors import InvalidPinning
from engine.app import Application
from engine.database import tables
from engine.database.jobs import MAX_DEATHS, RECURRING, claim_record, enqueue, take_over
from engine.database.pins import PinRecord, waive, want_pins
from engine.database.tables import LOCAL_TENANT
from engine.errors import JobFailed
from engine.jobs.opening import start_worker
from engine.jobs.pin import PinWork
from engine.jobs.set_aside import tell_set_aside
from engine.settings import Settings
from tests import pinning_simulators as simulators
from tests.painter import Painter
from tests.pinning_simulators import ApiSimulator, Simulator

WAIT_S = 60.0
LONG_AGO = "2026-01-01T00:00:00Z"
TOKEN = "token-of-the-far-service"


@pytest.fixture
def node() -> Iterator[Simulator]:
    with simulators.kubo() as node:
        yield node


@pytest.fixture
def far() -> Iterator[ApiSimulator]:
    with simulators.pinning_api(token=TOKEN) as far:
        yield far


def listed(node: Simulator, far: ApiSimulator | None = None) -> str:
    text = f'[[services]]\nname = "home"\nkind = "kubo"\nurl = "{node.url}"\ntimeout_s = 2\n'
    if far is not None:
        text += (
            f'[[services]]\nname = "far"\nkind = "pinning-api"\nurl = "{far.url}"\ntoken_env = "FAR_TOKEN"\n'
        )
        text += f'gateway = "{simulators.gateway_of(far)}"\ntimeout_s = 2\n'
    return text


Opened = Callable[..., Application]


@pytest.fixture(params=["sqlite", "postgresql"])
def opened(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Opened]:
    """Opens an application over the test's database, with this pinning.toml and more of the environment."""
    environment = {"LORESPARK_DATA_DIR": str(tmp_path / "data")}
    if request.param == "postgresql":
        environment["LORESPARK_DATABASE_URL"] = request.getfixturevalue("postgresql_url")
    monkeypatch.setenv("FAR_TOKEN", TOKEN)
    (tmp_path / "data").mkdir()
    with ExitStack() as stack:

        def opened(text: str, **more: str) -> Application:
            (tmp_path / "data" / "pinning.toml").write_text(text)
            return stack.enter_context(Application.open(Settings.from_environment(environment | more)))

        yield opened


@pytest.fixture
def application(opened: Opened, node: Simulator) -> Application:
    return opened(listed(node))


@pytest.fixture
def asset(application: Application, add_asset: Callable[..., Asset]) -> Asset:
    return add_asset(application)


def only(records: list[PinRecord]) -> PinRecord:
    assert len(records) == 1
    return records[0]


def job_of(application: Application, record_id: str) -> Any:
    table = tables.jobs
    with application.records.database.reading() as connection:
        query = select(table).where(table.c.queue == "pin", table.c.record_id == record_id)
        return connection.execute(query).one_or_none()


def long_ago(application: Application) -> None:
    with application.records.database.writing() as connection:
        connection.execute(update(tables.pins).values(checked_at=LONG_AGO, read_at=LONG_AGO))


def schedule(application: Application) -> int:
    return PinWork(application.records, application.pin_job, application.pinning).schedule()


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
    before = only(application.pins.go_on(asset.asset_id))
    changed = application.gate.passed(asset, True)
    assert changed.metadata_cid != asset.metadata_cid
    mint, _ = application.records.add_mint(changed, application.signer.address, application.settings.chain_id)
    application.jobs.finish("mint", mint.id, once=True)
    waiting = application.records.mint(mint.id)
    assert waiting is not None
    assert "waits until a pinning service" in (waiting.error or "")
    assert only(application.pins.of(asset.asset_id)).status == "queued"
    pin = only(application.pins.go_on(asset.asset_id))
    assert pin.root != before.root
    assert changed.metadata_cid in node.blocks
    application.jobs.mint(mint.id)
    assert application.records.mint_of(asset.asset_id) is not None


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
