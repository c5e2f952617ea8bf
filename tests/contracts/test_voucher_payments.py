"""What claims cost, and who is paid."""

import secrets
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from chain.signer import EnvironmentSigner
from tests.contracts.shop import FEW, Shop


@FEW
@given(price_wei=st.integers(0, 10**18), more_wei=st.integers(0, 10**18), nonce=st.integers(0, 2**256 - 1))
def test_a_claim_costs_its_price_whatever_is_sent(
    shop: Shop, price_wei: int, more_wei: int, nonce: int
) -> None:
    if shop.contract.is_used(shop.studio.address, nonce):
        return
    player, address = shop.collection.player, shop.collection.contract.address
    proceeds_wei, before_wei = shop.contract.proceeds_wei(address), shop.balance_wei(player.address)
    receipt = shop.claim(shop.signed(nonce, price_wei=price_wei), value_wei=price_wei + more_wei)
    assert shop.paid_wei(receipt, player.address, before_wei) == price_wei
    assert shop.contract.proceeds_wei(address) == proceeds_wei + price_wei


def test_a_claim_below_its_price_is_refused(shop: Shop, refused: Any) -> None:
    with refused("PaymentTooSmall"):
        shop.claim(shop.signed(price_wei=100), value_wei=99)
    assert not shop.contract.is_used(shop.studio.address, 0)


def test_the_owner_is_paid_once_and_nobody_else_is(shop: Shop, refused: Any) -> None:
    collection = shop.collection
    shop.claim(shop.signed(price_wei=1000))
    shop.claim_many([shop.signed(number, price_wei=10) for number in (1, 2)])
    for other in (collection.minter, shop.studio, collection.player):
        with refused("NotCollectionOwner"):
            shop.withdraw(other, other.address)
    receiver = EnvironmentSigner(secrets.token_hex(32)).address
    before_wei = shop.balance_wei(receiver)
    shop.withdraw(collection.admin, receiver)
    shop.withdraw(collection.admin, receiver)
    assert shop.balance_wei(receiver) - before_wei == 1020
    assert shop.contract.proceeds_wei(collection.contract.address) == 0


def test_money_that_is_not_taken_stays(shop: Shop, refused: Any) -> None:
    shop.claim(shop.signed(price_wei=1000))
    with refused("ETHTransferFailed"):
        shop.withdraw(shop.collection.admin, shop.collection.contract.address)
    assert shop.contract.proceeds_wei(shop.collection.contract.address) == 1000
