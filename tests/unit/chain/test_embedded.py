"""The embedded chain as a node: what it keeps, what it refuses, and how it comes back."""

import multiprocessing
import secrets
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from eth_utils.crypto import keccak

from chain.embedded import EmbeddedChain
from chain.errors import ChainBusy, ChainClosed, RpcFault, StoreDamaged, TransactionReverted, WrongChain
from chain.evm_logs import LogIndex
from chain.signer import EnvironmentSigner
from chain.transactions import next_nonce, receipt, submit

CHAIN_ID = 31337


def mint(connection: Any, contract: Any, signer: Any, digest: bytes) -> Any:
    nonce = next_nonce(connection.web3, signer.address)
    signed = signer.sign_transaction(
        contract.mint_transaction(signer.address, digest, sender=signer.address, nonce=nonce)
    )
    submit(connection.web3, signed)
    return signed


def digest_of(number: int) -> bytes:
    return keccak(number)


def _try_to_open(path: Path, answers: Any) -> None:
    try:
        EmbeddedChain(path, CHAIN_ID).close()
        answers.put("opened")
    except ChainBusy as error:
        answers.put(str(error))


# ---------------------------------------------------------------------- chain id


@pytest.mark.parametrize("chain_id", [1, 31337, 11155111])
def test_the_chain_id_is_the_same_everywhere(open_chain: Any, rich: Any, chain_id: int) -> None:
    connection = open_chain(chain_id)
    assert connection.web3.eth.chain_id == chain_id
    assert connection.web3.net.version == str(chain_id)
    # CHAINID, stored at 0, returned as 32 bytes.
    code = "0x4660005260206000f3"
    assert int.from_bytes(connection.web3.eth.call({"data": code}), "big") == chain_id
    signer = rich(connection)
    transfer: Any = {"nonce": 0, "to": signer.address, "value": 0, "gas": 21_000, "gasPrice": 10**10}
    for wrong, words in (({"chainId": chain_id + 1}, "invalid chain id"), ({}, "replay-protected")):
        with pytest.raises(RpcFault, match=words):
            connection.embedded.send(signer.sign_transaction({**transfer, **wrong}).raw)
    connection.embedded.send(signer.sign_transaction({**transfer, "chainId": chain_id}).raw)


def test_a_file_of_another_chain_is_refused(open_chain: Any) -> None:
    open_chain(1).close()
    with pytest.raises(WrongChain, match="belongs to chain id 1, not to 2"):
        open_chain(2)
    assert open_chain(1).web3.eth.chain_id == 1


# ---------------------------------------------------------------------- the file


def test_everything_is_there_after_reopening(open_chain: Any, rich: Any, deploy: Any) -> None:
    connection = open_chain()
    signer = rich(connection)
    contract = deploy(connection, signer)
    sent = [mint(connection, contract, signer, digest_of(number)) for number in range(5)]
    before = [receipt(connection.web3, signed.hash) for signed in sent]
    transfers = list(contract.transfers(0, 100))
    blocks = [connection.web3.eth.get_block(number) for number in range(connection.web3.eth.block_number + 1)]
    connection.close()

    again = open_chain()
    contract = type(contract)(again.web3, contract.address)
    assert [receipt(again.web3, signed.hash) for signed in sent] == before
    assert list(contract.transfers(0, 100)) == transfers
    assert [again.web3.eth.get_block(number) for number in range(again.web3.eth.block_number + 1)] == blocks
    assert [contract.metadata_digest(256 * (number + 1)) for number in range(5)] == [digest_of(n) for n in range(5)]
    assert bytes(again.web3.eth.get_transaction(sent[0].hash)["hash"]).hex() == sent[0].hash[2:]
    mint(again, contract, signer, digest_of(5))
    assert contract.total_minted() == 6


def test_the_file_is_for_its_owner_alone(open_chain: Any, chain_path: Path) -> None:
    open_chain()
    for path in chain_path.parent.iterdir():
        assert path.stat().st_mode & 0o077 == 0, path.name


def test_one_process_at_a_time(open_chain: Any, chain_path: Path) -> None:
    connection = open_chain()
    with pytest.raises(ChainBusy, match="stop the other process"):
        open_chain()
    context = multiprocessing.get_context("spawn")
    answers = context.Queue()
    for expected in ("in use", "opened"):
        child = context.Process(target=_try_to_open, args=(chain_path, answers))
        child.start()
        assert expected in answers.get(timeout=60)
        child.join()
        connection.close()
    answers.close()
    answers.join_thread()


def test_a_closed_chain_says_so(open_chain: Any) -> None:
    connection = open_chain()
    connection.close()
    connection.close()
    with pytest.raises(ChainClosed, match="open it again"):
        assert connection.web3.eth.block_number


def test_a_damaged_file_says_so(open_chain: Any, chain_path: Path) -> None:
    chain_path.write_bytes(b"this is no database" * 500)
    with pytest.raises(StoreDamaged, match="restore the file"):
        open_chain()


def test_a_file_of_a_later_layout_is_refused(open_chain: Any, chain_path: Path) -> None:
    open_chain().close()
    sqlite = sqlite3.connect(chain_path)
    sqlite.execute("PRAGMA user_version = 99")
    sqlite.close()
    with pytest.raises(StoreDamaged, match="layout 99"):
        open_chain()


def test_a_block_that_cannot_be_written_leaves_nothing_behind(
    open_chain: Any, rich: Any, deploy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = open_chain()
    signer = rich(connection)
    contract = deploy(connection, signer)
    head = connection.web3.eth.get_block("latest")

    def disk_full(*_: object) -> None:
        raise StoreDamaged("the disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(LogIndex, "add", disk_full)
        with pytest.raises(StoreDamaged):
            mint(connection, contract, signer, digest_of(1))
    assert connection.web3.eth.get_block("latest") == head
    assert next_nonce(connection.web3, signer.address) == 1
    mint(connection, contract, signer, digest_of(2))
    assert contract.metadata_digest(256) == digest_of(2)
    assert contract.total_minted() == 1


# ---------------------------------------------------------------------- time


def test_block_times_grow_whatever_the_clock_does(
    open_chain: Any, rich: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    connection = open_chain()
    start = connection.web3.eth.get_block("latest")["timestamp"]
    for moment in (start, start, start + 500, start - 10_000, start + 501):
        monkeypatch.setattr("eth._utils.headers.eth_now", lambda moment=moment: moment)
        connection.close()
        connection = open_chain()
        rich(connection)
    web3 = connection.web3
    times = [web3.eth.get_block(number)["timestamp"] for number in range(web3.eth.block_number + 1)]
    assert times == [start, start + 1, start + 2, start + 500, start + 501, start + 502]


# ---------------------------------------------------------------------- funding


def test_funding_again_after_a_restart_sends_nothing_twice(open_chain: Any) -> None:
    connection = open_chain()
    account = EnvironmentSigner(secrets.token_hex(32)).address
    assert connection.embedded.fund(account, 1000) is not None
    connection.close()
    again = open_chain()
    assert again.embedded.fund(account, 1000) is None
    assert again.embedded.fund(account, 999) is None
    assert again.web3.eth.get_balance(account) == 1000
    assert again.embedded.fund(account, 1500) is not None
    assert again.web3.eth.get_balance(account) == 1500
    assert again.web3.eth.accounts == []


def test_funding_a_contract_that_takes_no_coins_is_said(open_chain: Any, rich: Any, deploy: Any) -> None:
    connection = open_chain()
    contract = deploy(connection, rich(connection))
    with pytest.raises(TransactionReverted, match="refused to be funded"):
        connection.embedded.fund(contract.address, 1000)
    assert connection.web3.eth.get_balance(contract.address) == 0


# ---------------------------------------------------------------------- asking


def test_every_block_and_transaction_is_found_by_every_name(open_chain: Any, rich: Any, deploy: Any) -> None:
    connection = open_chain()
    web3, signer = connection.web3, rich(connection)
    signed = mint(connection, deploy(connection, signer), signer, digest_of(1))
    found = web3.eth.get_transaction(signed.hash)
    block = web3.eth.get_block(found["blockNumber"], full_transactions=True)
    assert block["transactions"] == [found]
    assert web3.eth.get_block(block["hash"], full_transactions=True) == block
    assert web3.eth.get_block("latest", full_transactions=True) == block
    assert web3.eth.get_block("earliest")["number"] == 0
    assert found["from"] == signer.address
    assert found["nonce"] == signed.nonce
    whole = web3.eth.get_transaction_receipt(signed.hash)
    assert whole["effectiveGasPrice"] == found["gasPrice"]
    assert whole["logs"] == web3.eth.get_logs({"blockHash": block["hash"]})
    assert whole["cumulativeGasUsed"] == whole["gasUsed"] == block["gasUsed"]


def test_past_states_stay_readable(open_chain: Any, rich: Any, deploy: Any) -> None:
    connection = open_chain()
    web3, signer = connection.web3, rich(connection)
    contract = deploy(connection, signer)
    before = web3.eth.block_number
    mint(connection, contract, signer, digest_of(1))
    call: Any = {"to": contract.address, "data": "0x" + keccak(text="totalMinted()")[:4].hex()}
    assert int.from_bytes(web3.eth.call(call, before), "big") == 0
    assert int.from_bytes(web3.eth.call(call), "big") == 1
    assert web3.eth.get_transaction_count(signer.address, before) == 1
    assert web3.eth.get_balance(signer.address, before) > web3.eth.get_balance(signer.address)
    assert web3.eth.get_code(contract.address, before - 1) == b""


def test_a_gas_estimate_is_enough_and_one_less_is_not(open_chain: Any, rich: Any, deploy: Any) -> None:
    connection = open_chain()
    signer = rich(connection)
    contract = deploy(connection, signer)
    call = contract.mint_transaction(signer.address, digest_of(1), sender=signer.address, nonce=1)
    estimate = connection.web3.eth.estimate_gas({name: call[name] for name in ("from", "to", "data")})
    assert estimate < call["gas"]
    for gas, status in ((estimate - 1, 0), (estimate, 1)):
        nonce = next_nonce(connection.web3, signer.address)
        signed = signer.sign_transaction({**call, "nonce": nonce, "gas": gas})
        submit(connection.web3, signed)
        mined = receipt(connection.web3, signed.hash)
        assert mined is not None
        assert mined.status == status


def test_a_message_that_is_mostly_data_is_estimated_with_its_floor(open_chain: Any, rich: Any) -> None:
    connection = open_chain()
    signer = rich(connection)
    message: Any = {"from": signer.address, "to": signer.address, "data": "0x" + "ff" * 1000}
    # EIP-7623: 21,000 and 10 gas for each of four tokens a byte.
    assert connection.web3.eth.estimate_gas(message) == 21_000 + 10 * 4 * 1000


def test_what_it_does_not_know_it_refuses_as_a_node_does(open_chain: Any) -> None:
    provider = open_chain().web3.provider
    for method, params, code in (
        ("eth_mining", [], -32601),
        ("eth_getBalance", [], -32602),
        ("eth_getBalance", ["0x12", "latest"], -32602),
        ("eth_getBalance", ["0x" + "11" * 20, "0x999"], -32000),
        ("eth_sendRawTransaction", ["0x02c0"], -32000),
        ("eth_sendRawTransaction", ["0x"], -32000),
    ):
        assert provider.make_request(method, params)["error"]["code"] == code, method
    assert provider.make_request("eth_getBlockByNumber", ["0x999", False])["result"] is None
    assert provider.make_request("eth_getBlockByHash", ["0x" + "11" * 32, False])["result"] is None
    assert provider.make_request("eth_getTransactionByHash", ["0x" + "11" * 32])["result"] is None


def test_threads_take_turns(open_chain: Any, rich: Any, deploy: Any) -> None:
    connection = open_chain()
    owner = rich(connection)
    contract = deploy(connection, owner)
    faults: list[BaseException] = []

    def play(signer: Any) -> None:
        try:
            for number in range(5):
                transfer: Any = {
                    "type": 2,
                    "chainId": CHAIN_ID,
                    "nonce": number,
                    "to": contract.address,
                    "data": "0x" + keccak(text="totalMinted()")[:4].hex(),
                    "value": 0,
                    "gas": 50_000,
                    "maxFeePerGas": 10**10,
                    "maxPriorityFeePerGas": 1,
                }
                submit(connection.web3, signer.sign_transaction(transfer))
        except BaseException as error:
            faults.append(error)

    signers = [rich(connection) for _ in range(4)]
    before = connection.web3.eth.block_number
    threads = [threading.Thread(target=play, args=(signer,)) for signer in signers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert connection.web3.eth.block_number == before + 20
    assert [next_nonce(connection.web3, signer.address) for signer in signers] == [5] * 4
