"""Runs the real application in child processes and kills them with SIGKILL, each at the next point of its way.

``killed_process.py create|mint FOLDER [URL]`` copies FOLDER/template, runs one job on the copy in a child that kills
itself at point n, lets a second child start as any later process does, prints one JSON line with what that one
found, and goes on with n + 1 until a child gets to its end. With URL the chain is the anvil there, taken back to
where it was before each round. ``killed_process.py chance FOLDER ROUNDS SEED`` kills from outside at random moments
instead. Children are forks of this process, so imports and models are loaded once.
"""

import json
import os
import random
import shutil
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import torch
from sqlalchemy import select

import assets.blockstore
import engine.jobs.creation
import engine.jobs.mint
import engine.jobs.outbox
import engine.jobs.runtime
import engine.jobs.sending
import engine.jobs.workflows
from assets.unixfs import read_file
from engine.app import Application
from engine.database import tables
from engine.database.mints import history_of
from engine.database.records import Records
from engine.jobs.mint import MintJob
from engine.jobs.outbox import Outbox
from engine.jobs.runtime import JobRuntime
from engine.jobs.sending import Sending
from engine.settings import EMBEDDED_CHAIN_ID, Settings
from generators.recipe import Kind
from generators.sprite_generator import SpriteGenerator
from tests.integration.node import ask, quick_connection

CHANCE_LONGEST_S = 2.5  # about what a round of create and mint takes


class KillPoints:
    """Counts the points that the process passes, and ends it at the chosen one."""

    def __init__(self, fatal: int, journal: Path) -> None:
        self.fatal, self.journal, self.passed = fatal, journal, 0

    def here(self, name: str) -> None:
        self.passed += 1
        if self.passed == self.fatal:
            self.journal.write_text(name)
            os.kill(os.getpid(), signal.SIGKILL)

    def after(self, owner: Any, name: str, label: str) -> None:
        function = getattr(owner, name)

        def wrapped(*arguments: Any, **named: Any) -> Any:
            result = function(*arguments, **named)
            self.here(label)
            return result

        setattr(owner, name, wrapped)

    def install(self) -> None:
        step = engine.jobs.workflows._step

        def stepped(name: str, function: Callable[[], Any]) -> Any:
            self.here(f"before {name}")
            result = step(name, function)
            self.here(f"after {name}")
            return result

        engine.jobs.workflows._step = stepped
        self.after(engine.jobs.runtime, "claim_record", "job claimed, not committed")
        self.after(JobRuntime, "_settle_owed", "job removed")
        self.after(Records, "add_creation", "creation recorded, job not started")
        self.after(Records, "add_mint", "mint recorded, job not started")
        self.after(MintJob, "_batch", "batch written, not signed")
        self.after(Outbox, "sign", "transaction stored, not sent")
        self.after(engine.jobs.sending, "submit", "transaction sent, not recorded")
        self.after(Sending, "bring", "transaction sent, mint not")
        self.after(Outbox, "_tell", "mint sent, not mined")
        self.after(engine.jobs.outbox, "is_in_chain", "mint mined, not confirmed")
        self.after(Outbox, "follow", "mint confirmed, job not removed")
        self.after(Records, "set_contract", "contract recorded")
        self.after(engine.jobs.mint, "update_mints", "mint updated, not committed")
        self.after(engine.jobs.creation, "record_success", "assets recorded, not committed")
        self.after(assets.blockstore, "_write_file", "between blocks")
        self.after(assets.blockstore, "_sync", "between syncs")


def main(mode: str, folder: Path, *more: str) -> None:
    torch.set_num_threads(1)  # a fork inherits no thread pool
    generator = None
    if mode != "mint":
        generator = SpriteGenerator()
        generator.draw([generator.recipe("a warm start", Kind.ITEM, 1, steps=1)])
    if mode == "chance":
        by_chance(folder, int(more[0]), random.Random(int(more[1])), generator)
        return
    fatal, killed, snapshot = 0, True, None
    if more:
        os.environ |= {"LORESPARK_RPC_URL": more[0], "LORESPARK_CHAIN_ID": str(EMBEDDED_CHAIN_ID)}
    while killed:
        fatal += 1
        if more:
            if snapshot is not None:
                ask(more[0], "evm_revert", snapshot)
            snapshot = ask(more[0], "evm_snapshot")
        own, journal = folder / str(fatal), folder / f"{fatal}.point"
        shutil.copytree(folder / "template", own)
        ended = os.waitpid(fork(lambda: job(mode, own, KillPoints(fatal, journal), generator)), 0)[1]  # noqa: B023
        killed = os.WIFSIGNALED(ended)
        assert killed or ended == 0, f"the child ended with {ended}"
        point = journal.read_text() if killed else "the end"
        os.waitpid(fork(lambda: report(own, point, generator)), 0)  # noqa: B023


def by_chance(folder: Path, rounds: int, chance: random.Random, generator: Any) -> None:
    own = folder / "chance"
    shutil.copytree(folder / "template", own)
    for _ in range(rounds):
        child = fork(lambda: create_and_mint(own, generator))
        time.sleep(chance.uniform(0, CHANCE_LONGEST_S))
        os.kill(child, signal.SIGKILL)
        killed = os.WIFSIGNALED(os.waitpid(child, 0)[1])
        assert killed, "a child that makes assets without end was not killed"
        os.waitpid(fork(lambda: report(own, "chance", generator)), 0)


def fork(work: Callable[[], None]) -> int:
    child = os.fork()
    if child:
        return child
    return end_with(work)


def end_with(work: Callable[[], None]) -> NoReturn:
    code = 1
    try:
        work()
        code = 0
    finally:
        sys.stdout.flush()
        os._exit(code)


def opened(folder: Path, generator: Any) -> Application:
    application = Application.open(
        Settings.from_environment(os.environ | {"LORESPARK_DATA_DIR": str(folder)})
    )
    url = application.settings.rpc_url
    if url is not None:
        vars(application)["connection"] = quick_connection(url, application.settings.confirmations)
    if generator is not None:
        vars(application)["generator"] = generator
    return application


def job(mode: str, folder: Path, points: KillPoints, generator: Any) -> None:
    points.install()
    with opened(folder, generator) as application:
        if mode == "create":
            application.create([generator.recipe("red potion", Kind.ITEM, 7, steps=1)])
        else:
            application.mint(application.records.newest_assets(1)[0].asset_id, force=True)


def create_and_mint(folder: Path, generator: Any) -> None:
    with opened(folder, generator) as application:
        while True:
            creation = application.create(
                [generator.recipe("red potion", Kind.ITEM, time.time_ns() % 2**32, steps=1)]
            )
            application.mint(application.records.assets_of(creation)[0].asset_id, force=True)


def report(folder: Path, point: str, generator: Any) -> None:
    """What a later process finds, after it finished what was left."""
    with opened(folder, generator) as application:
        unfinished = application.unfinished()
        told = application.resume() if unfinished else []
        found = application.records.newest_assets(1000)
        for asset in found:
            for cid in (asset.media_cid, asset.image_cid, asset.metadata_cid):
                b"".join(read_file(cid, application.blocks))
        mints = [application.records.mint_of(asset.asset_id) for asset in found]
        minted = [mint for mint in mints if mint is not None]
        tokens, true_mints = 0, 0
        if application.records.contract(31337):
            contract = application.mint_job.contract()
            tokens = contract.total_minted()
            digests = {asset.asset_id: asset.metadata_cid.digest for asset in found}
            true_mints = sum(
                contract.metadata_digest(int(mint.token_id or 0)) == digests[mint.asset_id] for mint in minted
            )
        state = {
            "point": point,
            "unfinished": unfinished,
            "told": told,
            "left": application.unfinished(),
            "assets": len(found),
            "temporary": len([path for path in folder.rglob("*") if path.name.endswith((".tmp", ".new"))]),
            "damaged": len(list(application.blocks.verify())),
            "mints": len(minted),
            "tokens": tokens,
            "true_mints": true_mints,
            "history": history(application, minted[0].id) if minted else [],
            "gaps": gaps(application) if minted else 0,
            "overruled": [list(asset.quality["failed"]) for asset in found if asset.quality],
        }
    sys.stdout.write(json.dumps(state) + "\n")
    sys.stdout.flush()


def history(application: Application, mint_id: str) -> list[str]:
    with application.records.database.reading() as connection:
        return [change.status for change in history_of(connection, mint_id)]


def gaps(application: Application) -> int:
    """How many nonces were given out and not taken by the chain."""
    with application.records.database.reading() as connection:
        signers = connection.execute(select(tables.signers)).all()
    web3 = application.connection.web3
    return sum(row.next_nonce - web3.eth.get_transaction_count(row.address) for row in signers)


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:])
