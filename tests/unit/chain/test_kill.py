"""kill -9 at any moment: a transaction is on the chain whole or not at all, and sending it again is harmless."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from chain.asset_contract import AssetContract
from chain.signer import EnvironmentSigner
from chain.transactions import SignedTransaction, receipt, submit

ROUNDS = 6

# Where in a round the process dies is left to chance, and the seed lets chance be repeated.
SEED = 20_261_122
LONGEST_ROUND_S = 0.4
SENT_TIMEOUT_S = 60  # until a busy machine has sent two

# Mints without end. Each signed transaction is on the disk before it is sent, as the engine does it.
CHILD = """
import os, sys
from pathlib import Path
from chain.asset_contract import AssetContract
from chain.connection import ChainSettings, connect
from chain.signer import EnvironmentSigner
from chain.transactions import next_nonce, submit

path, address, key, journal = sys.argv[1:]
signer = EnvironmentSigner(key)
connection = connect(ChainSettings("embedded", 31337, embedded_path=Path(path)))
contract = AssetContract(connection.web3, address)
sent = open(journal, "a")
print("ready", flush=True)
while True:
    nonce = next_nonce(connection.web3, signer.address)
    call = contract.mint_transaction(
        signer.address, nonce.to_bytes(32, "big"), sender=signer.address, nonce=nonce
    )
    signed = signer.sign_transaction(call)
    sent.write(f"{signed.nonce} {signed.hash} {signed.raw.hex()}\\n")
    sent.flush()
    os.fsync(sent.fileno())
    submit(connection.web3, signed)
"""


def read_journal(path: Path, sender: str) -> list[SignedTransaction]:
    lines = path.read_text().splitlines(keepends=True)
    whole = (line.split() for line in lines if line.endswith("\n"))
    return [
        SignedTransaction(bytes.fromhex(raw), tx_hash, int(nonce), sender) for nonce, tx_hash, raw in whole
    ]


def wait_for_two_more(journal: Path) -> None:
    before = journal.read_text().count("\n")
    deadline = time.monotonic() + SENT_TIMEOUT_S
    while journal.read_text().count("\n") < before + 2:
        assert time.monotonic() < deadline, "it sent nothing"
        time.sleep(0.01)


def check_blocks(web3: Any) -> None:
    """Every block is there, hangs on the one before it, and holds the receipts of its transactions."""
    parent = web3.eth.get_block(0)
    for number in range(1, web3.eth.block_number + 1):
        block = web3.eth.get_block(number)
        assert block["parentHash"] == parent["hash"]
        assert block["timestamp"] > parent["timestamp"]
        for tx_hash in block["transactions"]:
            mined = web3.eth.get_transaction_receipt(tx_hash)
            assert mined["blockHash"] == block["hash"]
            assert mined["logs"] == web3.eth.get_logs({"blockHash": block["hash"]})
        parent = block


def test_killed_while_minting_nothing_is_lost_halved_or_doubled(
    open_chain: Any, deploy: Any, chain_path: Path, tmp_path: Path
) -> None:
    chance = random.Random(SEED)
    key = f"{chance.getrandbits(255):064x}"
    signer = EnvironmentSigner(key)
    journal = tmp_path / "sent.txt"
    journal.touch()

    connection = open_chain()
    connection.embedded.fund(signer.address, 10**20)
    own = deploy(connection, signer)
    connection.close()

    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])}
    minted = 0
    for round_ in range(ROUNDS):
        command = [sys.executable, "-c", CHILD, str(chain_path), own.address, key, str(journal)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == "ready\n"
            if round_ % 3:  # in the others it may die before it has sent any
                wait_for_two_more(journal)
            time.sleep(chance.uniform(0, LONGEST_ROUND_S))
            os.kill(child.pid, signal.SIGKILL)
        assert child.returncode == -signal.SIGKILL

        connection = open_chain()
        check_blocks(connection.web3)
        contract = AssetContract(connection.web3, own.address)
        sent = {signed.hash: signed for signed in read_journal(journal, signer.address)}
        for signed in sent.values():
            mined = receipt(connection.web3, signed.hash)
            assert mined is None or (mined.status == 1 and len(contract.minted_tokens(mined)) == 1)
        there = sum(receipt(connection.web3, tx_hash) is not None for tx_hash in sent)
        assert there == contract.total_minted()
        assert len(sent) - there <= 1  # only the one that was under way
        for signed in sent.values():
            submit(connection.web3, signed)
        assert contract.total_minted() == len(sent) == len({signed.nonce for signed in sent.values()})
        assert [contract.metadata_digest(256 * (token + 1)) for token in range(len(sent))] == [
            signed.nonce.to_bytes(32, "big") for signed in sent.values()
        ]
        check_blocks(connection.web3)
        connection.close()
        minted = len(sent)
    assert minted > ROUNDS  # the rounds were long enough to mean something
