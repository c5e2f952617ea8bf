"""A worker follows the chain that the application mints on, and nothing else opens an embedded chain of another's."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from chain.connection import ChainSettings, connect
from engine.app import Application
from engine.database.jobs import RECURRING, Job, claim_record
from engine.database.tables import assets, jobs, tokens, transfers
from engine.errors import HoldLost
from engine.jobs.hold import Hold
from engine.jobs.index import EVERY_S, RETRY_S, IndexWork
from engine.jobs.opening import start_worker
from engine.settings import Settings
from tests.studio import CHAIN_ID, Studio

WAIT_S = 60.0  # on a machine that does much else


def wait_for(found: Callable[[], Any]) -> Any:
    until_s = time.monotonic() + WAIT_S
    while time.monotonic() < until_s:
        if result := found():
            return result
        time.sleep(0.05)
    pytest.fail("it did not come")


def read(application: Application, query: Any) -> list[Any]:
    with application.records.database.reading() as connection:
        return list(connection.execute(query))


def test_a_worker_reads_what_was_minted_on_the_embedded_chain(
    settings: Settings, add_asset: Callable[..., Any]
) -> None:
    with Application.open(settings) as application:
        start_worker(application, ["index"])
        assert application.follower is None, "there is no contract yet, so the chain is not opened for it"
        asset = add_asset(application)
        minted = application.mint(asset.asset_id)
        row = wait_for(lambda: read(application, select(tokens)))[0]
        assert (row.token_id, row.contract) == (minted.mint.token_id, minted.mint.contract)
        assert row.owner == application.signer.address
        assert bytes.fromhex(row.digest) == asset.metadata_cid.digest
        contract, other = application.mint_job.contract(), "0x" + "12" * 20
        chain = application.chain
        chain.outbox.deliver(
            "move",
            lambda nonce: contract.transaction(
                "transferFrom", row.owner, other, int(row.token_id), sender=row.owner, nonce=nonce
            ),
        )
        wait_for(lambda: len(read(application, select(transfers))) == 2)
        assert read(application, select(assets.c.owner))[0].owner == other


@pytest.mark.needs_anvil
def test_the_collections_of_the_factory_that_is_named_are_followed(tmp_path: Path, anvil_url: str) -> None:
    with connect(ChainSettings("anvil", CHAIN_ID, rpc_url=anvil_url)) as connection:
        studio = Studio(connection.web3)
        environment = {
            "LORESPARK_DATA_DIR": str(tmp_path / "data"),
            "LORESPARK_RPC_URL": anvil_url,
            "LORESPARK_CHAIN_ID": str(CHAIN_ID),
            "LORESPARK_FACTORY": studio.factory.address,
        }
        with Application.open(Settings.from_environment(environment)) as application:
            studio.create_collection()
            studio.mint(3, of=studio.collections[-1])
            follower = application.follower
            assert follower is not None
            follower.follow()
            studio.create_collection()
            studio.mint(1, of=studio.collections[-1])
            follower.follow()
            found = [
                row.contract for row in read(application, select(tokens).order_by(tokens.c.minted_block))
            ]
            assert found == [studio.collections[1].address] * 3 + [studio.collections[2].address]


def test_where_the_embedded_chain_is_another_process_this_one_leaves_it(
    postgresql_url: str, tmp_path: Path
) -> None:
    folder = str(tmp_path / "data")
    environment = {"LORESPARK_DATA_DIR": folder, "LORESPARK_DATABASE_URL": postgresql_url}
    environment["LORESPARK_CONTRACT"] = "0x" + "34" * 20
    with Application.open(Settings.from_environment(environment)) as application:
        assert application.follower is None
        assert (
            IndexWork(lambda: application.follower).run(
                Job(1, "index", "chain", "tenant-local", 1, 0), Hold(1, "worker")
            )
            == EVERY_S
        )
        assert not (tmp_path / "data" / "chain.db").exists()


def test_what_a_worker_reads_after_it_lost_the_job_is_not_written(
    settings: Settings, add_asset: Callable[..., Any]
) -> None:
    with Application.open(settings) as application:
        application.mint(add_asset(application).asset_id)
        work = IndexWork(lambda: application.follower)
        with application.records.database.writing() as connection:
            connection.execute(
                jobs.insert().values(
                    **{"queue": "index", "record_id": RECURRING["index"], "tenant_id": "tenant-local"},
                    **{"state": "queued", "run_after_ms": 0, "created_at": "2026-01-01T00:00:00Z"},
                )
            )
            job = claim_record(connection, "index", RECURRING["index"], "worker-1")
        assert job is not None
        with pytest.raises(HoldLost):
            work.run(job, Hold(job.number, "worker-2"))
        assert read(application, select(tokens)) == []
        assert work.run(job, Hold(job.number, "worker-1")) == EVERY_S
        assert len(read(application, select(tokens))) == 1


def test_a_node_that_does_not_answer_is_asked_again_soon(tmp_path: Path, caplog: Any) -> None:
    environment = {"LORESPARK_DATA_DIR": str(tmp_path / "data"), "LORESPARK_CONTRACT": "0x" + "34" * 20}
    environment |= {"LORESPARK_RPC_URL": "http://127.0.0.1:9/secret", "LORESPARK_CHAIN_ID": "31337"}
    caplog.set_level("INFO")
    with Application.open(Settings.from_environment(environment)) as application:
        work = IndexWork(lambda: application.follower)
        job = Job(1, "index", "chain", "tenant-local", 1_000_000, 0)
        assert work.run(job, Hold(1, "worker")) == RETRY_S
    assert "did not answer" in caplog.text
    assert "secret" not in "".join(
        each.getMessage() for each in caplog.records if "lorespark" in each.name or "engine" in each.name
    )
