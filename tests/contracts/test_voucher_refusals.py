"""Vouchers that are worth nothing: changed, elsewhere, too late, taken back, or of nobody who may sign."""

import dataclasses
from typing import Any

import pytest

from chain.address import ZERO_ADDRESS
from chain.asset_contract import VOUCHER_ROLE, AssetContract
from chain.collection import CollectionTerms
from chain.voucher import sign_voucher
from tests.contracts.shop import FAR_S, Shop, digest_of

TAMPERED: list[tuple[str, Any]] = [
    ("digest", digest_of("a rarer asset")),
    ("recipient", "0x" + "22" * 20),
    ("price_wei", 0),
    ("nonce", 99),
    ("deadline_s", FAR_S + 1),
]


@pytest.mark.parametrize(("field", "value"), TAMPERED)
def test_no_field_of_a_voucher_can_be_changed(shop: Shop, refused: Any, field: str, value: Any) -> None:
    signed = shop.signed(price_wei=100)
    forged = dataclasses.replace(signed, voucher=dataclasses.replace(signed.voucher, **{field: value}))
    with refused("InvalidSignature"):
        shop.claim(forged)


def test_a_signature_holds_on_one_chain_for_one_contract(shop: Shop, refused: Any) -> None:
    chain_id, contract = shop.node.web3.eth.chain_id, shop.contract.address
    elsewhere = shop.collection.player.address
    for domain in (
        {"chain_id": chain_id + 1, "contract": contract},
        {"chain_id": chain_id, "contract": elsewhere},
    ):
        with refused("InvalidSignature"):
            shop.claim(sign_voucher(shop.studio, shop.voucher(), **domain))


def test_a_voucher_is_worth_nothing_at_another_collection(
    shop: Shop, node: Any, factory: Any, refused: Any
) -> None:
    thief = node.account()
    terms = CollectionTerms(thief.address, "T", "T", "", minter=shop.contract.address)
    made = node.send(thief, factory.creation(terms, bytes(32), sender=thief.address, nonce=0))
    other = AssetContract(node.web3, factory.created(made))
    grant = other.transaction("grantRoles", thief.address, VOUCHER_ROLE, sender=thief.address, nonce=1)
    node.send(thief, grant)
    signed = shop.signed()
    moved = dataclasses.replace(signed, voucher=dataclasses.replace(signed.voucher, collection=other.address))
    with refused("InvalidSignature"):
        shop.claim(moved)
    with refused("InvalidSignature"):  # the thief signs for somebody else's collection
        shop.claim(shop.sign(shop.voucher(), thief))


def test_only_signers_with_the_role_make_vouchers(shop: Shop, refused: Any) -> None:
    collection = shop.collection
    for other in (collection.admin, collection.minter, collection.stranger):
        with refused("InvalidSignature"):
            shop.claim(shop.sign(shop.voucher(), other))
    with refused("InvalidSignature"):
        shop.claim(dataclasses.replace(shop.signed(), signer=ZERO_ADDRESS.replace("0x00", "0x01")))
    collection.do(collection.admin, "revokeRoles", shop.studio.address, VOUCHER_ROLE)
    with refused("InvalidSignature"):
        shop.claim(shop.signed())


def test_a_voucher_ends_with_its_deadline(shop: Shop, refused: Any) -> None:
    now_s = int(shop.node.web3.eth.get_block("latest")["timestamp"])
    with refused("VoucherExpired"):
        shop.claim(shop.signed(deadline_s=now_s - 1))
    shop.claim(shop.signed(deadline_s=now_s + 3600))


def test_a_signer_takes_vouchers_back_and_nobody_else_does(shop: Shop, refused: Any) -> None:
    shop.cancel(shop.collection.stranger, 0, 1)
    shop.claim(shop.signed(0))
    shop.cancel(shop.studio, 1, 2, 300)
    for nonce in (1, 2, 300):
        assert shop.contract.is_used(shop.studio.address, nonce)
        with refused("VoucherUsed"):
            shop.claim(shop.signed(nonce))


def test_a_voucher_mints_only_where_the_contract_may(shop: Shop, refused: Any) -> None:
    collection = shop.collection
    collection.do(collection.admin, "setMintingPaused", True)
    with refused("MintingIsPaused"):
        shop.claim(shop.signed())
    collection.do(collection.admin, "setMintingPaused", False)
    collection.do(collection.admin, "revokeRoles", shop.contract.address, 1)
    with refused("Unauthorized"):
        shop.claim(shop.signed())
    assert not shop.contract.is_used(shop.studio.address, 0)


@pytest.mark.needs_npm
def test_a_contract_signs_vouchers_too(shop: Shop, compiled: Any, refused: Any) -> None:
    key = shop.node.account()
    wallet = shop.node.deploy(compiled("ContractWallet"), key.address)
    shop.collection.do(shop.collection.admin, "grantRoles", wallet.address, VOUCHER_ROLE)
    by_key = shop.sign(shop.voucher(), key)
    shop.claim(dataclasses.replace(by_key, signer=wallet.address))
    assert shop.contract.is_used(wallet.address, 0)
    by_other = shop.sign(shop.voucher(1), shop.studio)
    with refused("InvalidSignature"):
        shop.claim(dataclasses.replace(by_other, signer=wallet.address))
