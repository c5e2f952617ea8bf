"""The paged contract and OpenZeppelin's ERC-721 do the same, call by call."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chain.errors import TransactionReverted
from chain.transactions import next_nonce

pytestmark = pytest.mark.needs_npm

FEW = settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
TOKENS = range(256, 256 + 4)
PEOPLE = 4

People = st.integers(0, PEOPLE - 1)
Tokens = st.sampled_from([*TOKENS, TOKENS[-1] + 1])
Step = st.one_of(
    st.tuples(st.just("transferFrom"), People, People, People, Tokens),
    st.tuples(st.just("safeTransferFrom(address,address,uint256)"), People, People, People, Tokens),
    st.tuples(st.just("approve"), People, People, Tokens),
    st.tuples(st.just("setApprovalForAll"), People, People, st.booleans()),
    st.tuples(st.just("burn"), People, Tokens),
)
PEOPLE_BEFORE_TOKEN = {"approve": 1, "setApprovalForAll": 1, "burn": 0}


def outcome(node: Any, contract: Any, signer: Any, function: str, arguments: list[Any]) -> Any:
    """The events of a call, or None where it was refused."""
    nonce = next_nonce(node.web3, signer.address)
    try:
        call = contract.transaction(function, *arguments, sender=signer.address, nonce=nonce)
    except TransactionReverted:
        return None
    receipt = node.send(signer, call)
    logs = node.web3.eth.get_transaction_receipt(receipt.tx_hash)["logs"]
    return [([bytes(topic) for topic in log["topics"]], bytes(log["data"])) for log in logs]


def answer(contract: Any, function: str, *arguments: Any) -> Any:
    try:
        return contract.view(function, *arguments)
    except TransactionReverted:
        return None


@FEW
@given(steps=st.lists(Step, min_size=6, max_size=14))
def test_each_call_has_the_same_outcome_events_and_views(
    collection: Any, compiled: Any, steps: list[Any]
) -> None:
    node = collection.node
    reference = node.deploy(compiled("OpenZeppelinAssets"), TOKENS[0])
    people = [node.account() for _ in range(PEOPLE)]
    # Each run begins with a page of its own: the reference's ids are moved there.
    base = (collection.contract.view("totalPages") + 1) << 8
    collection.mint_to(people[0].address, *(bytes([1]) * 32 for _ in TOKENS))
    reference.do(reference.owner, "mintBatch", people[0].address, [""] * len(TOKENS))

    def moved(token: int) -> int:
        return token - TOKENS[0] + base

    def ours(events: Any) -> Any:
        return events and [
            ([*topics[:3], *(moved(int.from_bytes(t, "big")).to_bytes(32, "big") for t in topics[3:])], data)
            for topics, data in events
        ]

    for function, who, *rest in steps:
        count = PEOPLE_BEFORE_TOKEN.get(function, 2)
        addresses = [people[index].address for index in rest[:count]]
        last = rest[count:]
        tokens = [moved(token) for token in last] if function != "setApprovalForAll" else last
        expected = outcome(node, reference.contract, people[who], function, [*addresses, *last])
        assert outcome(node, collection.contract, people[who], function, [*addresses, *tokens]) == ours(
            expected
        )
        for token in (*TOKENS, TOKENS[-1] + 1):
            for view in ("ownerOf", "getApproved"):
                assert answer(collection.contract, view, moved(token)) == answer(
                    reference.contract, view, token
                )
        for person in people:
            assert answer(collection.contract, "balanceOf", person.address) == answer(
                reference.contract, "balanceOf", person.address
            )
            assert answer(
                collection.contract, "isApprovedForAll", people[0].address, person.address
            ) == answer(reference.contract, "isApprovedForAll", people[0].address, person.address)
