"""A signer in another process, simulated on web3signer's protocol: what it signs, and what is believed of it."""

import traceback
from collections.abc import Iterator
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak

from chain.errors import InvalidAddress, SignerRefused, SignerUnavailable, TransactionRejected
from chain.remote_signer import RemoteSigner
from chain.signer import EnvironmentSigner
from chain.voucher import Voucher, sign_voucher
from tests.signer_simulator import RemoteKeys, signing

TRANSFER: dict[str, Any] = {
    "type": 2,
    "chainId": 31337,
    "nonce": 7,
    "to": "0x" + "12" * 20,
    "value": 1,
    "gas": 21_000,
    "maxFeePerGas": 10,
    "maxPriorityFeePerGas": 1,
}
DOMAIN = {"name": "n", "version": "1", "chainId": 1, "verifyingContract": "0x" + "12" * 20}
TYPES = {"Thing": [{"name": "count", "type": "uint256"}]}


def key(name: str = "one") -> PrivateKey:
    return PrivateKey(keccak(name.encode()))


def local(name: str = "one") -> EnvironmentSigner:
    return EnvironmentSigner(key(name).to_bytes().hex())


@pytest.fixture
def remote() -> Iterator[RemoteKeys]:
    with signing(RemoteKeys([key()])) as remote:
        yield remote


def test_it_signs_what_a_local_key_signs(remote: RemoteKeys) -> None:
    signer, own = RemoteSigner.open(remote.url), local()
    assert signer.address == own.address
    for changes in (
        {},
        {"data": "0x1234", "from": own.address},
        {"to": None, "data": b"\x60\x00"},
        {"nonce": 0},
    ):
        transaction = {name: value for name, value in {**TRANSFER, **changes}.items() if value is not None}
        assert signer.sign_transaction(transaction) == own.sign_transaction(transaction)
    assert signer.sign_typed_data(DOMAIN, TYPES, {"count": 3}) == own.sign_typed_data(
        DOMAIN, TYPES, {"count": 3}
    )
    promised = Voucher("0x" + "12" * 20, b"d" * 32, nonce=2**255, deadline_s=1)
    terms = {"chain_id": 1, "contract": "0x" + "34" * 20}
    assert sign_voucher(signer, promised, **terms) == sign_voucher(own, promised, **terms)


def test_of_several_keys_the_account_says_which(remote: RemoteKeys) -> None:
    remote.keys.append(key("two"))
    with pytest.raises(SignerRefused, match="has 2 keys; set LORESPARK_SIGNER_ADDRESS"):
        RemoteSigner.open(remote.url)
    signer = RemoteSigner.open(remote.url + "/", local("two").address.lower())
    assert signer.sign_transaction(TRANSFER).sender == local("two").address
    with pytest.raises(SignerRefused, match="no key of"):
        RemoteSigner.open(remote.url, "0x" + "12" * 20)
    with pytest.raises(InvalidAddress):
        RemoteSigner.open(remote.url, "nobody")


@pytest.mark.parametrize("fault", ["other_key", "other_data", "high_s", "garbage", "long"])
def test_what_is_not_the_accounts_own_signature_is_refused(remote: RemoteKeys, fault: str) -> None:
    signer = RemoteSigner.open(remote.url)
    remote.fault = fault
    with pytest.raises(SignerRefused):
        signer.sign_transaction(TRANSFER)
    with pytest.raises(SignerRefused):
        signer.sign_typed_data(DOMAIN, TYPES, {"count": 3})


def test_a_key_that_was_removed_is_refused(remote: RemoteKeys) -> None:
    signer = RemoteSigner.open(remote.url)
    remote.keys.clear()
    with pytest.raises(SignerRefused, match="404"):
        signer.sign_transaction(TRANSFER)


@pytest.mark.parametrize("status", [400, 401, 403, 301, 204])
def test_an_answer_that_refuses_is_told(remote: RemoteKeys, status: int) -> None:
    signer = RemoteSigner.open(remote.url)
    remote.fault, remote.status = "refuse", status
    with pytest.raises(SignerRefused, match=str(status)):
        signer.sign_transaction(TRANSFER)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_a_signer_that_fails_may_be_asked_again(remote: RemoteKeys, status: int) -> None:
    signer = RemoteSigner.open(remote.url)
    remote.fault, remote.status = "refuse", status
    with pytest.raises(SignerUnavailable, match=str(status)):
        signer.sign_transaction(TRANSFER)
    remote.fault = None
    assert signer.sign_transaction(TRANSFER).sender == signer.address


@pytest.mark.parametrize("fault", ["slow", "drip"])
def test_a_signer_that_is_too_slow_is_given_up(remote: RemoteKeys, fault: str) -> None:
    signer = RemoteSigner.open(remote.url, timeout_s=0.3)
    remote.fault = fault
    with pytest.raises(SignerUnavailable, match=r"within 0\.3 s"):
        signer.sign_transaction(TRANSFER)
    with pytest.raises(SignerUnavailable):
        RemoteSigner.open(remote.url, timeout_s=0.3)


@pytest.mark.parametrize(
    "changes",
    [
        {"nonce": None},
        {"type": 0},
        {"to": "nobody"},
        {"value": -1},
        {"data": 1.5},
        {"accessList": [["0x", []]]},
    ],
)
def test_an_incomplete_transaction_is_rejected_before_anything_is_asked(
    remote: RemoteKeys, changes: dict[str, Any]
) -> None:
    signer = RemoteSigner.open(remote.url)
    with pytest.raises(TransactionRejected):
        signer.sign_transaction({**TRANSFER, **changes})
    with pytest.raises(TransactionRejected, match="own key"):
        signer.sign_transaction({**TRANSFER, "from": "0x" + "12" * 20})
    assert remote.signed == []


def test_the_url_with_its_password_is_in_no_text(remote: RemoteKeys) -> None:
    password = "hunter" + "2"  # not as it stands here, for a traceback shows this line
    nowhere, here = "http://127.0.0.1:1", remote.url
    nowhere, here = (url.replace("//", f"//user:{password}@") for url in (nowhere, here))
    signer = RemoteSigner.open(here)
    assert password not in repr(signer)
    with pytest.raises(SignerUnavailable) as caught:
        RemoteSigner.open(nowhere)
    remote.fault, remote.status = "refuse", 403
    with pytest.raises(SignerRefused) as refused:
        signer.sign_transaction(TRANSFER)
    for error in (caught.value, refused.value):
        assert password not in "".join(traceback.format_exception(error))


def test_the_simulator_signs_as_wallets_do(remote: RemoteKeys) -> None:
    signable = encode_typed_data(DOMAIN, TYPES, {"count": 3})
    data = b"\x19" + signable.version + signable.header + signable.body
    signature = remote.signature(remote.identifiers()[0], data)
    assert signature is not None
    assert Account.recover_message(signable, signature=signature) == local().address
