"""Log queries: the same answers as reading every receipt, at the cost of what is found."""

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chain.connection import ChainSettings, connect
from chain.evm_logs import LogFilter, LogIndex
from chain.evm_store import EvmStore
from chain.transactions import next_nonce, submit

EVENTS = 12


@pytest.fixture
def busy_chain(open_chain: Any, rich: Any, deploy: Any) -> tuple[Any, list[Any]]:
    """A chain on which two contracts emit several kinds of events, reopened; and all its logs."""
    connection = open_chain()
    signers = [rich(connection), rich(connection)]
    contracts = [deploy(connection, signer) for signer in signers]
    for number in range(EVENTS):
        signer, contract = signers[number % 2], contracts[number % 2]
        calls = (
            ("mintBatch", signer.address, [bytes([number + 1]) * 32] * 2),
            ("setApprovalForAll", signers[1 - number % 2].address, bool(number % 3)),
            ("setContractURI", f"ipfs://{number}"),
        )
        function, *arguments = calls[number // 2 % 3]
        call = contract.transaction(
            function,
            *arguments,
            sender=signer.address,
            nonce=next_nonce(connection.web3, signer.address),
        )
        submit(connection.web3, signer.sign_transaction(call))
    connection.close()
    web3 = open_chain().web3
    return web3, every_log(web3)


def every_log(web3: Any) -> list[Any]:
    """All logs, from the receipts alone."""
    blocks = (web3.eth.get_block(number) for number in range(web3.eth.block_number + 1))
    hashes = itertools.chain.from_iterable(block["transactions"] for block in blocks)
    return [log for tx_hash in hashes for log in web3.eth.get_transaction_receipt(tx_hash)["logs"]]


def passes(log: Any, wanted: Any) -> bool:
    """eth_getLogs' rules, word for word."""
    if not wanted["fromBlock"] <= log["blockNumber"] <= wanted["toBlock"]:
        return False
    if wanted["address"] and log["address"] not in wanted["address"]:
        return False
    if len(wanted["topics"]) > len(log["topics"]):
        return False
    return all(
        asked is None or topic in ([asked] if isinstance(asked, bytes) else asked)
        for asked, topic in zip(wanted["topics"], log["topics"], strict=False)
    )


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_query_finds_what_reading_every_receipt_finds(
    busy_chain: tuple[Any, list[Any]], data: st.DataObject
) -> None:
    web3, logs = busy_chain
    head = web3.eth.block_number
    topics = sorted({bytes(topic) for log in logs for topic in log["topics"]})
    addresses = sorted({log["address"] for log in logs})
    one_topic = st.sampled_from(topics)
    wanted = {
        "fromBlock": data.draw(st.integers(0, head + 1)),
        "toBlock": data.draw(st.integers(0, head + 5)),
        "address": data.draw(st.lists(st.sampled_from(addresses), max_size=2)),
        "topics": data.draw(
            st.lists(st.one_of(st.none(), one_topic, st.lists(one_topic, min_size=1, max_size=3)), max_size=4)
        ),
    }
    asked: Any = {name: value for name, value in wanted.items() if value != []}
    assert web3.eth.get_logs(asked) == [log for log in logs if passes(log, wanted)]


def test_every_event_is_in_the_index(busy_chain: tuple[Any, list[Any]]) -> None:
    web3, logs = busy_chain
    assert len({(log["blockNumber"], log["logIndex"]) for log in logs}) == len(logs) > EVENTS
    assert web3.eth.get_logs({"fromBlock": 0, "toBlock": "latest"}) == logs


def test_a_query_walks_an_index_and_never_the_whole_chain(tmp_path: Any, monkeypatch: Any) -> None:
    path = tmp_path / "chain.sqlite"
    connect(ChainSettings("embedded", 1, embedded_path=path)).close()
    store = EvmStore(path)
    asked: list[tuple[str, Any]] = []
    rows = store.rows
    monkeypatch.setattr(
        store, "rows", lambda sql, values=(): asked.append((sql, values)) or rows(sql, values)
    )
    list(LogIndex(store).find(LogFilter(5, 9, addresses=(bytes(20),), topics=((bytes(32),),))))
    list(LogIndex(store).find(LogFilter(5, 9)))
    plans = [rows(f"EXPLAIN QUERY PLAN {sql}", values)[0][3] for sql, values in asked]
    store.close()
    assert len(plans) == 2
    assert plans[0].startswith("SEARCH log USING INDEX log_by_address (address=? AND block_number>? AND")
    assert plans[1].startswith("SEARCH log USING PRIMARY KEY (block_number>? AND block_number<?)")
