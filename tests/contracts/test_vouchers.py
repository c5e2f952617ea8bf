"""Vouchers: what a signature is worth, once, here, until when, and who is paid."""

import dataclasses
import hashlib
import secrets
from dataclasses import dataclass
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from chain.address import ZERO_ADDRESS
from chain.artifact import lorespark_vouchers
from chain.asset_contract import VOUCHER_ROLE, AssetContract
from chain.collection import CollectionTerms
from chain.errors import InvalidAddress, TransactionRejected
from chain.signer import EnvironmentSigner
from chain.transactions import next_nonce
from chain.voucher import SignedVoucher, Voucher, VoucherContract, sign_voucher, vouchers_transaction

FEW = settings(max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
FAR_S = 2**40
TOKEN = 256


def digest_of(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


@dataclass(frozen=True)
class Shop:
    """A collection whose vouchers one contract redeems, and the studio that signs them."""

    collection: Any
    contract: VoucherContract
    studio: EnvironmentSigner

    @property
    def node(self) -> Any:
        return self.collection.node

    def voucher(self, nonce: int = 0, **fields: Any) -> Voucher:
        wanted: dict[str, Any] = {
            "collection": self.collection.contract.address,
            "digest": digest_of(f"asset {nonce}"),
            "nonce": nonce,
            "deadline_s": FAR_S,
            **fields,
        }
        return Voucher(**wanted)

    def signed(self, nonce: int = 0, **fields: Any) -> SignedVoucher:
        return self.sign(self.voucher(nonce, **fields))

    def sign(self, voucher: Voucher, signer: Any = None) -> SignedVoucher:
        chain_id, contract = self.node.web3.eth.chain_id, self.contract.address
        return sign_voucher(signer or self.studio, voucher, chain_id=chain_id, contract=contract)

    def claim(self, signed: SignedVoucher, by: Any = None, **more: Any) -> Any:
        sender = by or self.collection.player
        nonce = next_nonce(self.node.web3, sender.address)
        return self.node.send(
            sender, self.contract.claim_transaction(signed, sender=sender.address, nonce=nonce, **more)
        )

    def claim_many(self, signed: list[SignedVoucher], by: Any = None, **more: Any) -> Any:
        sender = by or self.collection.player
        nonce = next_nonce(self.node.web3, sender.address)
        return self.node.send(
            sender, self.contract.claim_many_transaction(signed, sender=sender.address, nonce=nonce, **more)
        )

    def cancel(self, by: Any, *nonces: int) -> None:
        nonce = next_nonce(self.node.web3, by.address)
        self.node.send(by, self.contract.cancel_transaction(nonces, sender=by.address, nonce=nonce))

    def withdraw(self, by: Any, to: str) -> Any:
        nonce = next_nonce(self.node.web3, by.address)
        address = self.collection.contract.address
        return self.node.send(
            by, self.contract.withdraw_transaction(address, to, sender=by.address, nonce=nonce)
        )

    def balance_wei(self, address: str) -> int:
        return int(self.node.web3.eth.get_balance(address))

    def paid_wei(self, receipt: Any, sender: str, before_wei: int) -> int:
        """What a transaction cost its sender, but for its gas."""
        price = self.node.web3.eth.get_transaction_receipt(receipt.tx_hash)["effectiveGasPrice"]
        return before_wei - self.balance_wei(sender) - int(price) * int(receipt.gas_used)


@pytest.fixture(scope="session")
def voucher_contract(node: Any) -> VoucherContract:
    maker = node.account()
    made = node.send(maker, vouchers_transaction(node.web3, sender=maker.address, nonce=0))
    return VoucherContract(node.web3, made.contract_address)


@pytest.fixture
def shop(collection: Any, voucher_contract: VoucherContract) -> Shop:
    studio = collection.node.account()
    collection.do(collection.admin, "grantRoles", voucher_contract.address, 1)
    collection.do(collection.admin, "grantRoles", studio.address, VOUCHER_ROLE)
    return Shop(collection, voucher_contract, studio)


# ---------------------------------------------------------------------- what is signed


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


# ---------------------------------------------------------------------- claiming


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


# ---------------------------------------------------------------------- what is refused

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


# ---------------------------------------------------------------------- money


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


def test_a_claim_costs_at_most_this_much_gas(shop: Shop) -> None:
    player = shop.collection.player.address
    shop.claim(shop.signed(0, recipient=player))
    assert shop.claim(shop.signed(1, recipient=player)).gas_used <= 115_000
    assert shop.claim_many([shop.signed(2 + n) for n in range(20)]).gas_used / 20 <= 30_000


def test_the_contract_fits_a_chain() -> None:
    assert len(lorespark_vouchers().deployed_bytecode) <= 20_000
