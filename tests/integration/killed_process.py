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
    """Notes the points that the process passes, and ends it at the chosen one: of that number, or the first of that
    name."""

    def __init__(self, fatal: int | str, journal: Path) -> None:
        self.fatal, self.journal = fatal, journal
        self.passed: list[str] = []

    def here(self, name: str) -> None:
        self.passed.append(name)
        self.journal.write_text("\n".join(self.passed))
        if self.fatal in (len(self.passed), name):
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
    if more:
        os.environ |= {"LORESPARK_RPC_URL": more[0], "LORESPARK_CHAIN_ID": str(EMBEDDED_CHAIN_ID)}
    runs = Runs(mode, folder, more[0] if more else None, generator)
    number = 1
    while runs.ends(number):
        number += 1
    # A chain with blocks of its own makes some runs take more looks than others, so that a point is passed over.
    for name in runs.missed():
        runs.ends(name)
    runs.complete()


class Runs:
    """One job after another, each in a copy of the template and from the same chain, and what a later process finds."""

    def __init__(self, mode: str, folder: Path, url: str | None, generator: Any) -> None:
        self._mode, self._folder, self._url, self._generator = mode, folder, url, generator
        self._snapshot: str | None = None
        self._count = 0
        self._seen: set[str] = set()
        self._passed: list[str] = []

    def ends(self, fatal: int | str) -> bool:
        """Whether the job was killed at that point, and not done before; then tells what is found."""
        own, killed, passed = self._run(fatal)
        if not killed:
            self._passed = passed
            return False
        self._seen.add(passed[-1])
        os.waitpid(fork(lambda: report(own, passed[-1], self._generator)), 0)
        return True

    def missed(self) -> list[str]:
        """What the run to the end passed and nothing was killed at."""
        return [name for name in dict.fromkeys(self._passed) if name not in self._seen]

    def complete(self) -> None:
        own, killed, _ = self._run(0)
        assert not killed
        os.waitpid(fork(lambda: report(own, "the end", self._generator)), 0)

    def _run(self, fatal: int | str) -> tuple[Path, bool, list[str]]:
        if self._url is not None:
            if self._snapshot is not None:
                ask(self._url, "evm_revert", self._snapshot)
            self._snapshot = ask(self._url, "evm_snapshot")
        self._count += 1
        own, journal = self._folder / str(self._count), self._folder / f"{self._count}.points"
        shutil.copytree(self._folder / "template", own)
        points = KillPoints(fatal, journal)
        ended = os.waitpid(fork(lambda: job(self._mode, own, points, self._generator)), 0)[1]
        killed = os.WIFSIGNALED(ended)
        assert killed or ended == 0, f"the child ended with {ended}"
        return own, killed, journal.read_text().splitlines()


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
