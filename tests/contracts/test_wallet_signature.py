"""Who signed a text: accounts with a key, and contracts that answer for one (ERC-1271), hostile ones too."""

import secrets
from collections.abc import Callable
from typing import Any, NoReturn

import pytest
from eth_account import Account
from eth_account.messages import encode_defunct

from chain.artifact import ContractArtifact
from chain.wallet_signature import MAX_SIGNATURE_BYTES, signed_text

TEXT = "example.com wants you to sign in with your Ethereum account: é\n"
Compiled = Callable[[str], ContractArtifact]


def sign(account: Any, text: str = TEXT) -> bytes:
    return bytes(account.sign_message(encode_defunct(text=text)).signature)


def nobody() -> NoReturn:
    raise AssertionError("the chain is not needed for this")


def test_an_accounts_own_signature_needs_no_chain() -> None:
    account = Account.create()
    assert signed_text(nobody, account.address, TEXT, sign(account))


def test_signatures_of_others_and_of_other_texts_do_not_hold(node: Any) -> None:
    account, other = Account.create(), Account.create()
    for wrong in (
        sign(other),
        sign(account, TEXT + " "),
        sign(account)[:-1],
        sign(account) + b"\0",
        sign(account)[:64] + b"\x05",
        bytes(65),
        b"\xff" * 65,
        b"",
    ):
        assert not signed_text(lambda: node.web3, account.address, TEXT, wrong)


def test_a_signature_too_long_for_any_wallet_is_not_looked_at() -> None:
    assert not signed_text(nobody, Account.create().address, TEXT, bytes(MAX_SIGNATURE_BYTES + 1))


def test_a_contract_wallet_answers_for_its_owners_signature(node: Any, compiled: Compiled) -> None:
    owner, other = Account.create(), Account.create()
    wallet = node.deploy(compiled("ContractWallet"), owner.address)
    assert signed_text(lambda: node.web3, wallet.address, TEXT, sign(owner))
    assert not signed_text(lambda: node.web3, wallet.address, TEXT, sign(other))
    assert not signed_text(lambda: node.web3, wallet.address, TEXT + " ", sign(owner))
    assert not signed_text(lambda: node.web3, wallet.address, TEXT, secrets.token_bytes(3))


@pytest.mark.parametrize("kind", range(6))
def test_a_contract_that_answers_in_another_way_signs_nothing(
    node: Any, compiled: Compiled, kind: int
) -> None:
    wallet = node.deploy(compiled("HostileWallet"), kind)
    assert not signed_text(lambda: node.web3, wallet.address, TEXT, sign(Account.create()))
