"""The minting engine on a real anvil that reorganises, drops, restarts and fails: one token for each mint, no gap."""

import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn

import pytest
from sqlalchemy import select

from assets.asset import Asset
from chain.artifact import lorespark_assets, parse_artifact
from chain.collection import CollectionTerms, implementation_transaction
from chain.connection import ChainSettings, connect
from chain.contract_call import ContractCalls, creation_transaction
from chain.signer import EnvironmentSigner
from chain.transactions import next_nonce, receipt, submit, wait_for_receipt
from engine.app import Application
from engine.database import tables
from engine.database.mints import MintRecord, history_of
from engine.jobs import runtime
from engine.jobs.opening import start_worker
from engine.settings import EMBEDDED_CHAIN_ID, Settings
from tests.conftest import ANVIL
from tests.integration.node import FAULTS, KEYS, Anvil, Proxy
from tools.compile_contracts import compile_contract

pytestmark = pytest.mark.needs_anvil

WAIT_S = 60.0
RECIPIENTS = ("0x" + "21" * 20, "0x" + "22" * 20)
SEED = 20_261_125  # lets chance be repeated

Open = Callable[..., Application]


@pytest.fixture
def anvil(tmp_path: Path, skip_or_fail: Callable[[str], NoReturn]) -> Iterator[Anvil]:
    if not ANVIL.exists():
        skip_or_fail("anvil is not installed; run `npm ci --ignore-scripts` in chain/contracts")
    with Anvil(tmp_path) as node:
        yield node


@pytest.fixture
def opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Open]:
    """An application that mints by the node at a URL, looks often, and takes up quickly what failed."""
    monkeypatch.setattr(runtime, "backoff_s", lambda _: 0.05)
    applications: list[Application] = []

    def open_one(url: str, **more: str) -> Application:
        environment = {
            "LORESPARK_DATA_DIR": str(tmp_path / "data"),
            "LORESPARK_RPC_URL": url,
            "LORESPARK_CHAIN_ID": str(EMBEDDED_CHAIN_ID),
            "LORESPARK_PRIVATE_KEY": KEYS[0],
            "LORESPARK_MINT_WINDOW_MS": "20",
            "LORESPARK_CONFIRMATIONS": "1",
            **more,
        }
        settings = Settings.from_environment(environment)
        application = Application.open(settings)
        applications.append(application)
        vars(application)["connection"] = connect(
            ChainSettings(
                "anvil",
                EMBEDDED_CHAIN_ID,
                rpc_url=url,
                confirmations=settings.confirmations,
                poll_latency_s=0.03,
                timeout_s=20,
                request_timeout_s=0.5,
            )
        )
        return application

    yield open_one
    for application in applications:
        application.close()


@pytest.fixture
def minted(add_asset: Callable[..., Asset]) -> Callable[..., list[MintRecord]]:
    """Asks for so many mints at random moments, to one of two recipients."""
    seeds = iter(range(1, 10_000))

    def ask(application: Application, count: int, chance: random.Random) -> list[MintRecord]:
        mints = []
        for _ in range(count):
            asset = add_asset(application, next(seeds))
            mint, _ = application.records.add_mint(asset, chance.choice(RECIPIENTS), EMBEDDED_CHAIN_ID)
            mints.append(mint)
            time.sleep(chance.uniform(0, 0.05))
        return mints

    return ask


def wait_for(what: Callable[[], Any], timeout_s: float = WAIT_S) -> Any:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.02)
    pytest.fail(f"nothing came of it in {timeout_s:g} s")


def all_ended(application: Application) -> bool:
    with application.records.database.reading() as connection:
        left = connection.scalar(select(tables.jobs.c.number).where(tables.jobs.c.queue == "mint").limit(1))
    return left is None and not application.records.unfinished_mints(EMBEDDED_CHAIN_ID)


def wait_until_all_ended(application: Application) -> None:
    deadline = time.monotonic() + WAIT_S
    while not all_ended(application):
        if time.monotonic() > deadline:
            with application.records.database.reading() as connection:
                open_mints = connection.execute(
                    select(tables.mints).where(tables.mints.c.status != "confirmed")
                )
                sent = connection.execute(select(tables.transactions)).all()
                states = [(mint.id, mint.status, mint.error) for mint in open_mints]
            pytest.fail(
                f"left: {states}; {[(row.purpose, row.nonce, row.status, row.reason) for row in sent]}"
            )
        time.sleep(0.02)


@contextmanager
def meanwhile(act: Callable[[], None], chance: random.Random, pause_s: float) -> Iterator[None]:
    """Does it again and again at random moments, at most for as long as a test waits."""
    ended, errors = threading.Event(), []

    def run() -> None:
        deadline = time.monotonic() + WAIT_S
        while not ended.wait(chance.uniform(0, pause_s)) and time.monotonic() < deadline:
            try:
                act()
            except BaseException as error:
                errors.append(error)
                return

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
    assert errors == []


def assert_agrees(application: Application, anvil: Anvil, mints: list[MintRecord]) -> None:
    """One token for each mint, no gap among the nonces, and each record as the chain has it."""
    records = application.records
    with connect(ChainSettings("anvil", EMBEDDED_CHAIN_ID, rpc_url=anvil.url)) as connection:
        web3 = connection.web3
        contract = type(application.mint_job.contract())(web3, application.mint_job.contract().address)
        tokens = set()
        for asked in mints:
            mint = records.mint(asked.id)
            assert mint is not None
            assert (mint.status, mint.error) == ("confirmed", None), mint
            asset = records.asset(mint.asset_id)
            assert asset is not None
            token_id = int(mint.token_id or 0)
            tokens.add(token_id)
            assert contract.metadata_digest(token_id) == asset.metadata_cid.digest
            assert contract.owner_of(token_id) == mint.recipient == asset.owner
            found = receipt(web3, str(mint.tx_hash))
            assert found is not None
            assert (found.status, found.block_number) == (1, mint.block_number)
            with records.database.reading() as reading:
                history = [change.status for change in history_of(reading, mint.id)]
            assert (history[0], history[-1]) == ("prepared", "confirmed")
        assert len(tokens) == len(mints) == contract.total_minted()
        with records.database.reading() as reading:
            signers = reading.execute(select(tables.signers)).all()
            sent = reading.execute(select(tables.transactions)).all()
        for signer in signers:
            assert web3.eth.get_transaction_count(signer.address) == signer.next_nonce, (
                "a gap, or one too many"
            )
        for row in sent:
            if row.status == "confirmed":
                found = receipt(web3, row.hash)
                assert found is not None
                assert (found.block_number, found.block_hash) == (row.block_number, row.block_hash)


@pytest.mark.parametrize("depth", range(1, 7))
def test_through_reorganisations_each_mint_has_one_token(
    anvil: Anvil, opened: Open, minted: Callable[..., list[MintRecord]], depth: int
) -> None:
    chance = random.Random(SEED + depth)
    application = opened(anvil.url, LORESPARK_CONFIRMATIONS="8")
    anvil.ask("anvil_mine", hex(10))
    reorganised = []

    def reorganise() -> None:
        if len(reorganised) < 12:
            anvil.ask("anvil_reorg", depth, [])
            reorganised.append(depth)

    start_worker(application, ["mint"])
    with meanwhile(lambda: anvil.ask("anvil_mine", hex(1)), random.Random(depth), 0.08):
        with meanwhile(reorganise, chance, 0.5):
            mints = minted(application, 6, chance)
            wait_for(lambda: len(reorganised) >= 6)
            mints += minted(application, 6, chance)
            wait_for(lambda: len(reorganised) >= 12)
        wait_until_all_ended(application)
    assert_agrees(application, anvil, mints)


def test_what_a_reorganisation_removes_is_followed_to_its_final_block(
    anvil: Anvil, opened: Open, minted: Callable[..., list[MintRecord]]
) -> None:
    application = opened(anvil.url)
    first = minted(application, 1, random.Random(1))
    application.jobs.mint(first[0].id)
    application.close()
    again = opened(anvil.url, LORESPARK_CONFIRMATIONS="4")
    anvil.ask("anvil_mine", hex(3))
    (mint,) = minted(again, 1, random.Random(2))
    look = again.mint_job.look
    wait_for(lambda: look(mint.id) is not None and status(again, mint) == "mined")
    anvil.ask("anvil_reorg", 1, [])
    assert look(mint.id) is not None
    assert history(again, mint)[-2:] == ["sent", "mined"]
    with again.records.database.reading() as connection:
        reasons = [change.reason for change in history_of(connection, mint.id)]
    assert any("reorganisation" in reason for reason in reasons if reason)
    anvil.ask("anvil_mine", hex(4))
    assert look(mint.id) is None
    assert history(again, mint) == ["prepared", "signed", "sent", "mined", "sent", "mined", "confirmed"]
    assert_agrees(again, anvil, [*first, mint])


def status(application: Application, mint: MintRecord) -> str:
    found = application.records.mint(mint.id)
    assert found is not None
    return found.status


def history(application: Application, mint: MintRecord) -> list[str]:
    with application.records.database.reading() as connection:
        return [change.status for change in history_of(connection, mint.id)]


@pytest.mark.parametrize("turn", range(3))
def test_what_the_node_drops_is_sent_again(
    anvil: Anvil, opened: Open, minted: Callable[..., list[MintRecord]], turn: int
) -> None:
    chance = random.Random(SEED + turn)
    application = opened(anvil.url, LORESPARK_CONFIRMATIONS="2", LORESPARK_PRIVATE_KEY=",".join(KEYS))
    anvil.ask("evm_setAutomine", False)
    dropped = []

    def drop() -> None:
        pending = anvil.ask("txpool_content")["pending"]
        hashes = [sent["hash"] for sender in pending.values() for sent in sender.values()]
        if hashes and len(dropped) < 20:
            dropped.append(anvil.ask("anvil_dropTransaction", chance.choice(hashes)))

    start_worker(application, ["mint"])
    with meanwhile(lambda: anvil.ask("anvil_mine", hex(1)), random.Random(turn), 0.3):
        with meanwhile(drop, chance, 0.05):
            mints = minted(application, 12, chance)
            wait_for(lambda: len(dropped) >= 5 or all_ended(application))
        wait_until_all_ended(application)
    assert dropped
    assert_agrees(application, anvil, mints)


@pytest.mark.parametrize("turn", range(2))
def test_through_restarts_of_the_node_each_mint_has_one_token(
    anvil: Anvil, opened: Open, minted: Callable[..., list[MintRecord]], turn: int
) -> None:
    chance = random.Random(SEED + turn)
    application = opened(anvil.url)
    start_worker(application, ["mint"])
    mints = []
    for _ in range(3):
        mints += minted(application, 3, chance)
        time.sleep(chance.uniform(0, 0.4))
        anvil.stop()
        mints += minted(application, 2, chance)
        anvil.start()
    wait_until_all_ended(application)
    assert_agrees(application, anvil, mints)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_through_a_node_that_fails_each_mint_has_one_token(
    anvil: Anvil, opened: Open, minted: Callable[..., list[MintRecord]], fault: Any
) -> None:
    chance = random.Random(SEED)
    with Proxy(anvil.url, SEED, (fault,)) as proxy:
        application = opened(proxy.url)
        proxy.rate = 0.1 if fault.__name__ == "late" else 0.3
        start_worker(application, ["mint"])
        mints = minted(application, 5, chance)
        time.sleep(1.0)
        mints += minted(application, 3, chance)
        wait_until_all_ended(application)
        proxy.rate = 0.0
        assert_agrees(application, anvil, mints)


def test_where_one_node_fails_the_next_is_asked(
    anvil: Anvil, opened: Open, minted: Callable[..., list[MintRecord]]
) -> None:
    with Proxy(anvil.url, SEED) as first, Proxy(anvil.url, SEED) as second:
        application = opened(f"{first.url}, {second.url}")
        (mint,) = minted(application, 1, random.Random(1))
        application.jobs.mint(mint.id)
        assert set(second.asked) == {"eth_chainId"}, "it was checked at the start and not needed since"
        first.rate = 1.0
        (other,) = minted(application, 1, random.Random(1))
        application.jobs.mint(other.id)
        assert "eth_sendRawTransaction" in second.asked
        assert_agrees(application, anvil, [mint, other])


def test_a_stuck_transaction_is_replaced_at_a_higher_fee_up_to_the_ceiling(
    anvil: Anvil, opened: Open, minted: Callable[..., list[MintRecord]]
) -> None:
    application = opened(anvil.url, LORESPARK_STUCK_AFTER_S="1", LORESPARK_MAX_FEE_GWEI="30")
    mints = minted(application, 1, random.Random(1))
    application.jobs.mint(mints[0].id)
    anvil.ask("evm_setAutomine", False)
    mints += minted(application, 1, random.Random(2))
    look, waiting = application.mint_job.look, mints[1]
    assert look(waiting.id) is not None
    gwei = 10**9
    # Dearer than what was offered and less than the ceiling: it takes replacing.
    anvil.ask("anvil_setNextBlockBaseFeePerGas", hex(8 * gwei))
    anvil.ask("anvil_mine", hex(1))
    wait_for(lambda: look(waiting.id) is not None and len(versions(application, waiting)) >= 2)
    older, newer = versions(application, waiting)[:2]
    assert newer.replaces == older.hash
    assert newer.nonce == older.nonce
    for name in ("max_fee_per_gas_wei", "max_priority_fee_per_gas_wei"):
        assert getattr(newer, name) >= getattr(older, name) * 1.1
    # Dearer than the ceiling: it stops, and says so.
    anvil.ask("anvil_setNextBlockBaseFeePerGas", hex(100 * gwei))
    anvil.ask("anvil_mine", hex(1))

    def told() -> bool:
        look(waiting.id)
        mint = application.records.mint(waiting.id)
        return mint is not None and "LORESPARK_MAX_FEE_GWEI allows (30 gwei a gas)" in (mint.error or "")

    wait_for(told)
    count = len(versions(application, waiting))
    assert all(row.max_fee_per_gas_wei <= 30 * gwei for row in versions(application, waiting))
    time.sleep(1.2)
    assert told()
    assert len(versions(application, waiting)) == count
    anvil.ask("anvil_setNextBlockBaseFeePerGas", hex(gwei))
    anvil.ask("anvil_mine", hex(1))
    wait_for(lambda: anvil.ask("anvil_mine", hex(1)) or look(waiting.id) is None)
    assert_agrees(application, anvil, mints)


def versions(application: Application, mint: MintRecord) -> list[Any]:
    own = tables.batch_mints.c.mint_id == mint.id
    batch = select(tables.batch_mints.c.batch_id).where(own).scalar_subquery()
    table = tables.transactions
    with application.records.database.reading() as connection:
        return list(
            connection.execute(select(table).where(table.c.purpose == batch).order_by(table.c.number))
        )


def test_signers_share_the_work_and_each_has_its_own_nonces(
    anvil: Anvil, opened: Open, minted: Callable[..., list[MintRecord]]
) -> None:
    application = opened(anvil.url, LORESPARK_PRIVATE_KEY=",".join(KEYS), LORESPARK_MINT_WINDOW_MS="0")
    first = minted(application, 1, random.Random(1))
    application.jobs.mint(first[0].id)
    application.mint_job._contract.minters(
        application.mint_job.contract()
    )  # the roles that it granted are there
    anvil.ask("evm_setAutomine", False)
    mints = []
    for _ in range(6):
        (mint,) = minted(application, 1, random.Random(1))
        assert application.mint_job.look(mint.id) is not None
        mints.append(mint)
    senders = [versions(application, mint)[0].sender for mint in mints]
    assert sorted(map(senders.count, set(senders))) == [2, 2, 2]
    anvil.ask("evm_setAutomine", True)
    anvil.ask("anvil_mine", hex(1))
    start_worker(application, ["mint"])
    wait_until_all_ended(application)
    assert_agrees(application, anvil, first + mints)


def test_mints_that_wait_together_share_a_page(
    anvil: Anvil, opened: Open, minted: Callable[..., list[MintRecord]]
) -> None:
    application = opened(anvil.url)
    mints = minted(application, 20, random.Random(1))
    application.jobs.mint(mints[0].id)
    together = [mint for mint in mints if mint.recipient == mints[0].recipient]
    found = [application.records.mint(mint.id) for mint in together]
    assert {mint.tx_hash for mint in found if mint} == {found[0].tx_hash if found[0] else None}
    ids = sorted(int(str(mint.token_id)) for mint in found if mint)
    assert ids == [256 + place for place in range(len(found))]
    start_worker(application, ["mint"])
    wait_until_all_ended(application)
    assert len({str(application.records.mint(mint.id).tx_hash) for mint in mints}) == 2
    assert_agrees(application, anvil, mints)


def test_one_mint_that_a_mined_batch_fails_by_fails_alone(
    anvil: Anvil, opened: Open, minted: Callable[..., list[MintRecord]]
) -> None:
    maker, other = EnvironmentSigner(KEYS[1]), EnvironmentSigner(KEYS[2])
    with connect(ChainSettings("anvil", EMBEDDED_CHAIN_ID, rpc_url=anvil.url)) as connection:
        picky = deployed_picky(connection.web3, maker, EnvironmentSigner(KEYS[0]).address)
        application = opened(anvil.url, LORESPARK_CONTRACT=picky.address)
        mints = [
            mint for mint in minted(application, 12, random.Random(1)) if mint.recipient == RECIPIENTS[0]
        ]
        assert len(mints) > 3
        anvil.ask("evm_setAutomine", False)
        look = application.mint_job.look
        assert look(mints[0].id) is not None
        bad = application.records.asset(mints[2].asset_id)
        assert bad is not None
        fields = picky.transaction("dislike", bad.metadata_cid.digest, sender=other.address, nonce=0)
        dearer = {"maxPriorityFeePerGas": 9 * 10**9, "maxFeePerGas": 20 * 10**9}  # so that it is mined first
        submit(connection.web3, other.sign_transaction(fields | dearer))
    anvil.ask("anvil_mine", hex(1))
    anvil.ask("evm_setAutomine", True)
    for mint in mints:
        wait_for(lambda: look(mint.id) is None)  # noqa: B023
    refused = application.records.mint(mints[2].id)
    assert refused is not None
    assert refused.status == "failed"
    assert "Its batch was split" in " ".join(reasons(application, mints[0]))
    (first, *_) = versions_of_all(application)
    assert receipt(application.connection.web3, first.hash).status == 0
    assert_agrees(application, anvil, [mint for mint in mints if mint.id != refused.id])


def reasons(application: Application, mint: MintRecord) -> list[str]:
    with application.records.database.reading() as connection:
        return [change.reason or "" for change in history_of(connection, mint.id)]


def versions_of_all(application: Application) -> list[Any]:
    table = tables.transactions
    with application.records.database.reading() as connection:
        return list(connection.execute(select(table).order_by(table.c.number)))


def deployed_picky(web3: Any, maker: EnvironmentSigner, minter: str) -> ContractCalls:
    """A collection that refuses what it dislikes, which the account may mint in."""

    def sent(fields: dict[str, Any]) -> Any:
        signed = maker.sign_transaction(fields)
        submit(web3, signed)
        return wait_for_receipt(web3, signed.hash, timeout_s=10, poll_latency_s=0.02)

    me = maker.address
    code = sent(implementation_transaction(web3, sender=me, nonce=next_nonce(web3, me))).contract_address
    terms = CollectionTerms(me, "Picky", "P", "", minter=minter)
    abi = web3.eth.contract(abi=lorespark_assets().abi)
    initialisation = abi.encode_abi("initialise", args=[terms.as_argument()])
    artifact = parse_artifact(compile_contract("PickyAssets", "test"))
    arguments = (code, bytes.fromhex(initialisation[2:]))
    creation = creation_transaction(web3, artifact, arguments, sender=me, nonce=next_nonce(web3, me))
    return ContractCalls(web3, str(sent(creation).contract_address), artifact)


def test_two_processes_on_one_database_that_are_killed_mint_each_once(
    anvil: Anvil, tmp_path: Path, add_asset: Callable[..., Asset], postgresql_url: str
) -> None:
    chance = random.Random(SEED)
    roots = os.pathsep.join(filter(None, (str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH"))))
    environment = {
        "LORESPARK_DATA_DIR": str(tmp_path / "data"),
        "LORESPARK_DATABASE_URL": postgresql_url,
        "LORESPARK_RPC_URL": anvil.url,
        "LORESPARK_CHAIN_ID": str(EMBEDDED_CHAIN_ID),
        "LORESPARK_CONFIRMATIONS": "1",
        "LORESPARK_PRIVATE_KEY": ",".join(KEYS[:2]),
        "LORESPARK_MINT_WINDOW_MS": "50",
    }
    command = [sys.executable, "-W", "ignore", "-m", "engine.cli", "worker", "--queues", "mint"]

    def started() -> subprocess.Popen[str]:
        process = subprocess.Popen(
            command, env=os.environ | environment | {"PYTHONPATH": roots}, stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        assert process.stdout.readline().startswith("Working on mint")
        return process

    with Application.open(Settings.from_environment(environment)) as application:
        workers: list[subprocess.Popen[str]] = []
        mints: list[MintRecord] = []
        try:
            workers += [started(), started()]
            for turn in range(3):
                for seed in range(1, 9):
                    asset = add_asset(application, 10 * turn + seed)
                    mint, _ = application.records.add_mint(
                        asset, chance.choice(RECIPIENTS), EMBEDDED_CHAIN_ID
                    )
                    mints.append(mint)
                    time.sleep(chance.uniform(0, 0.1))
                victim = workers.pop(0)
                victim.kill()
                victim.communicate()
                workers.append(started())
            wait_until_all_ended(application)
        finally:
            for worker in workers:
                worker.kill()
                worker.communicate()
        assert_agrees(application, anvil, mints)
