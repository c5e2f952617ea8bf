"""What is minted and what is refused, on the embedded chain and on anvil alike."""

from typing import Any

import pytest
from eth_utils.crypto import keccak
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chain.address import ZERO_ADDRESS
from chain.errors import TransactionRejected
from chain.transfer import MintedToken
from tests.contracts.tokens import TOKEN, cid_of, digest_of, topics

# Each example sends transactions, so a few are enough, and it does no harm that they share a collection.
FEW = settings(max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

DIGESTS = st.binary(min_size=32, max_size=32).filter(any)


def test_an_id_is_a_page_and_an_index(collection: Any) -> None:
    digests = [digest_of(str(number)) for number in range(4)]
    first = collection.contract.minted_tokens(collection.mint(digests[0]))
    rest = collection.contract.minted_tokens(collection.mint(*digests[1:]))
    player = collection.player.address
    ids = [256, 512, 513, 514]
    assert first == (MintedToken(256, player, digests[0]),)
    assert rest == tuple(MintedToken(ids[number], player, digests[number]) for number in (1, 2, 3))
    assert [collection.contract.owner_of(number) for number in ids] == [player] * 4
    assert [collection.contract.metadata_digest(number) for number in ids] == digests
    assert collection.contract.view("balanceOf", player) == collection.contract.total_minted() == 4
    assert collection.contract.view("totalPages") == 2


def test_minting_emits_a_transfer_for_each_token(collection: Any) -> None:
    receipt = collection.mint(*(digest_of(str(number)) for number in range(7)))
    assert topics(collection, receipt) == [keccak(text="Transfer(address,address,uint256)")] * 7


@FEW
@given(digests=st.lists(DIGESTS, min_size=1, max_size=6))
def test_a_token_uri_is_the_address_of_its_digest(collection: Any, digests: list[bytes]) -> None:
    for token in collection.contract.minted_tokens(collection.mint(*digests)):
        assert token.digest is not None
        assert collection.contract.token_uri(token.token_id) == f"ipfs://{cid_of(token.digest)}"
        assert collection.contract.metadata_digest(token.token_id) == token.digest


@pytest.mark.parametrize("digest", [b"\xff" * 32, bytes(31) + b"\x01", b"\x80" + bytes(31)])
def test_a_token_uri_is_right_at_the_edges_of_a_digest(collection: Any, digest: bytes) -> None:
    collection.mint(digest)
    assert collection.contract.token_uri(TOKEN) == f"ipfs://{cid_of(digest)}"


def test_batches_of_no_size_and_empty_digests_are_refused(collection: Any, refused: Any) -> None:
    player, minter = collection.player.address, collection.minter
    for function, arguments, reason in (
        ("mintBatch", (player, []), "EmptyBatch"),
        ("mintBatch", (player, [digest_of("a")] * 257), "BatchTooLarge"),
        ("mintMany", ([], []), "EmptyBatch"),
        ("mintMany", ([player] * 257, [digest_of("a")] * 257), "BatchTooLarge"),
        ("mintMany", ([player], [digest_of("a")] * 2), "LengthsDiffer"),
        ("mint", (player, bytes(32)), "EmptyDigest"),
    ):
        with refused(reason):
            collection.do(minter, function, *arguments)
    assert collection.contract.total_minted() == 0


def test_a_digest_of_the_wrong_size_never_leaves_the_process(collection: Any) -> None:
    for digest in (b"", b"\x01" * 31, b"\x01" * 33, bytes(32)):
        with pytest.raises(TransactionRejected, match="32 bytes"):
            collection.contract.mint_transaction(
                collection.player.address, digest, sender=collection.minter.address, nonce=0
            )


def test_nothing_is_minted_to_nobody(collection: Any, refused: Any) -> None:
    for function, arguments in (
        ("mint", (ZERO_ADDRESS, digest_of("a"))),
        ("mintBatch", (ZERO_ADDRESS, [digest_of("a")])),
        ("mintMany", ([collection.player.address, ZERO_ADDRESS], [digest_of("a"), digest_of("b")])),
    ):
        with refused("TransferToZeroAddress"):
            collection.do(collection.minter, function, *arguments)


def test_a_batch_larger_than_a_page_never_leaves_the_process(collection: Any) -> None:
    for count in (0, 257):
        with pytest.raises(TransactionRejected, match="1 to 256"):
            collection.contract.mint_batch_transaction(
                collection.player.address,
                [digest_of(str(number)) for number in range(count)],
                sender=collection.minter.address,
                nonce=0,
            )
