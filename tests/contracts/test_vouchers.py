"""Vouchers: what is signed, and that each becomes its token once."""

import dataclasses
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data

from chain.address import ZERO_ADDRESS
from chain.artifact import lorespark_vouchers
from chain.errors import InvalidAddress, TransactionRejected
from chain.transactions import next_nonce
from chain.voucher import Voucher
from tests.contracts.shop import FAR_S, TOKEN, Shop, digest_of


def test_the_contract_and_eth_account_hash_a_voucher_alike(shop: Shop) -> None:
    signed = shop.signed(7, price_wei=5, recipient=shop.collection.player.address)
    digest = shop.contract.voucher_hash(signed.voucher)
    assert Account._recover_hash(digest, signature=signed.signature) == shop.studio.address
    message = encode_typed_data(
        {
            "name": "Lorespark Vouchers",
            "version": "1",
            "chainId": shop.node.web3.eth.chain_id,
            "verifyingContract": shop.contract.address,
        },
        {
            "Voucher": [
                {"name": "collection", "type": "address"},
                {"name": "digest", "type": "bytes32"},
                {"name": "recipient", "type": "address"},
                {"name": "priceWei", "type": "uint256"},
                {"name": "nonce", "type": "uint256"},
                {"name": "deadline", "type": "uint256"},
            ]
        },
        signed.voucher.message(),
    )
    assert Account.recover_message(message, signature=signed.signature) == shop.studio.address


def test_a_voucher_that_no_contract_takes_is_not_made() -> None:
    good = Voucher("0x" + "11" * 20, digest_of("a"), 0, FAR_S)
    for wrong in ({"collection": ZERO_ADDRESS}, {"recipient": ZERO_ADDRESS}):
        with pytest.raises(InvalidAddress):
            dataclasses.replace(good, **wrong)
    for field in ({"digest": b"short"}, {"nonce": -1}, {"price_wei": 2**256}, {"deadline_s": -1}):
        with pytest.raises(TransactionRejected):
            dataclasses.replace(good, **field)  # type: ignore[arg-type]


def test_a_voucher_becomes_its_token_once(shop: Shop, refused: Any) -> None:
    player = shop.collection.player
    signed = shop.signed(3, recipient=player.address)
    receipt = shop.claim(signed)
    token = shop.collection.contract.minted_tokens(receipt)[0]
    assert (token.token_id, token.owner) == (TOKEN, player.address)
    assert shop.collection.contract.metadata_digest(TOKEN) == digest_of("asset 3")
    assert shop.contract.is_used(shop.studio.address, 3)
    assert not shop.contract.is_used(shop.studio.address, 2)
    assert not shop.contract.is_used(player.address, 3)
    with refused("VoucherUsed"):
        shop.claim(signed)
    with refused("VoucherUsed"):
        shop.claim(shop.signed(3, digest=digest_of("another asset")))


def test_whoever_pays_the_token_goes_to_the_recipient(shop: Shop) -> None:
    player, stranger = shop.collection.player, shop.collection.stranger
    signed = shop.signed(recipient=player.address, price_wei=10)
    shop.claim(signed, by=stranger)
    assert shop.collection.contract.owner_of(TOKEN) == player.address
    call = ("claim", tuple(shop.voucher(1, recipient=player.address).message().values()))
    more = (shop.studio.address, shop.signed(1, recipient=player.address).signature, stranger.address)
    nonce = next_nonce(shop.node.web3, stranger.address)
    shop.node.send(stranger, shop.contract.transaction(*call, *more, sender=stranger.address, nonce=nonce))
    assert shop.collection.contract.owner_of(2 * TOKEN) == player.address


def test_a_voucher_for_nobody_is_its_bearers(shop: Shop) -> None:
    stranger = shop.collection.stranger
    shop.claim(shop.signed(0), by=stranger)
    assert shop.collection.contract.owner_of(TOKEN) == stranger.address
    shop.claim(shop.signed(1), by=stranger, to=shop.collection.player.address)
    assert shop.collection.contract.owner_of(2 * TOKEN) == shop.collection.player.address


def test_vouchers_claimed_together_are_one_page(shop: Shop, refused: Any) -> None:
    player = shop.collection.player
    vouchers = [shop.signed(number, price_wei=number) for number in range(255, 260)]
    vouchers.append(shop.signed(1000, recipient=player.address))
    before_wei = shop.balance_wei(player.address)
    receipt = shop.claim_many(vouchers)
    assert shop.paid_wei(receipt, player.address, before_wei) == sum(range(255, 260))
    minted = shop.collection.contract.minted_tokens(receipt)
    assert [(token.token_id, token.owner) for token in minted] == [
        (TOKEN + index, player.address) for index in range(6)
    ]
    for token, signed in zip(minted, vouchers, strict=True):
        assert shop.collection.contract.metadata_digest(token.token_id) == signed.voucher.digest
        assert shop.contract.is_used(shop.studio.address, signed.voucher.nonce)
    assert not shop.contract.is_used(shop.studio.address, 260)
    with refused("VoucherUsed"):
        shop.claim_many(vouchers[:1])


def test_a_claim_of_many_is_whole_or_nothing(shop: Shop, refused: Any) -> None:
    collection, player = shop.collection, shop.collection.player
    good = shop.signed(0)
    elsewhere = shop.sign(dataclasses.replace(shop.voucher(1), collection=player.address))
    for bad, reason in (
        (good, "VoucherUsed"),  # twice in one claim
        (shop.signed(1, deadline_s=1), "VoucherExpired"),
        (shop.signed(1, recipient=collection.stranger.address), "VouchersDiffer"),
        (elsewhere, "VouchersDiffer"),
        (dataclasses.replace(shop.signed(1), signature=b"\1" * 65), "InvalidSignature"),
    ):
        with refused(reason):
            shop.claim_many([good, bad])
    assert not shop.contract.is_used(shop.studio.address, 0)
    assert collection.contract.total_minted() == 0
    nobody = (ZERO_ADDRESS, [], player.address)
    with refused("EmptyClaim"):
        shop.contract.transaction("claimMany", [], *nobody, sender=player.address, nonce=0)
    one = [tuple(good.voucher.message().values())]
    with refused("LengthsDiffer"):
        shop.contract.transaction("claimMany", one, *nobody, sender=player.address, nonce=0)
    for wrong in ([], [good, dataclasses.replace(good, signer=player.address)]):
        with pytest.raises(TransactionRejected, match="split"):
            shop.contract.claim_many_transaction(wrong, sender=player.address, nonce=0)


def test_a_claim_costs_at_most_this_much_gas(shop: Shop) -> None:
    player = shop.collection.player.address
    shop.claim(shop.signed(0, recipient=player))
    assert shop.claim(shop.signed(1, recipient=player)).gas_used <= 115_000
    assert shop.claim_many([shop.signed(2 + n) for n in range(20)]).gas_used / 20 <= 30_000


def test_the_contract_fits_a_chain() -> None:
    assert len(lorespark_vouchers().deployed_bytecode) <= 20_000
