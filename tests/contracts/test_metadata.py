"""Metadata that changes until it is frozen for ever."""

from typing import Any

import pytest
from eth_utils.crypto import keccak

from chain.errors import TransactionReverted
from tests.contracts.tokens import TOKEN, digest_of, topics


def test_metadata_changes_until_it_is_frozen_for_ever(collection: Any) -> None:
    collection.mint(digest_of("a"))
    changed = collection.do(collection.admin, "updateMetadata", TOKEN, digest_of("b"))
    assert topics(collection, changed) == [keccak(text="MetadataUpdate(uint256)")]
    assert collection.contract.metadata_digest(TOKEN) == digest_of("b")
    assert not collection.contract.metadata_frozen(TOKEN)

    frozen = collection.do(collection.player, "freezeMetadata", TOKEN)
    assert topics(collection, frozen) == [keccak(text="MetadataFrozen(uint256)")]
    collection.do(
        collection.player, "transferFrom", collection.player.address, collection.stranger.address, TOKEN
    )
    for function, arguments in (("updateMetadata", (TOKEN, digest_of("c"))), ("freezeMetadata", (TOKEN,))):
        with pytest.raises(TransactionReverted) as refused:
            collection.do(collection.admin, function, *arguments)
        assert refused.value.reason == "MetadataIsFrozen"
    assert collection.contract.metadata_frozen(TOKEN)
    assert collection.contract.metadata_digest(TOKEN) == digest_of("b")


def test_metadata_is_never_updated_to_nothing(collection: Any) -> None:
    collection.mint(digest_of("a"))
    with pytest.raises(TransactionReverted) as refused:
        collection.do(collection.admin, "updateMetadata", TOKEN, bytes(32))
    assert refused.value.reason == "EmptyDigest"


def test_a_new_collection_address_is_announced(collection: Any) -> None:
    changed = collection.do(collection.admin, "setContractURI", "ipfs://other")
    assert topics(collection, changed) == [keccak(text="ContractURIUpdated()")]
    assert collection.contract.view("contractURI") == "ipfs://other"
