"""Keys: who may read them, and that nothing ever shows them."""

import copy
import json
import pickle
import traceback
from pathlib import Path

import pytest
from eth_account import Account
from eth_utils.crypto import keccak

from chain import key_file
from chain.errors import KeyRefused, TransactionRejected, WrongPassword
from chain.signer import HUMAN_SCRYPT_N, MACHINE_SCRYPT_N, EnvironmentSigner, KeystoreSigner

KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318"
ADDRESS = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23"
PASSWORD = "a password only this test knows"

TRANSFER = {
    "type": 2,
    "chainId": 31337,
    "nonce": 7,
    "to": ADDRESS,
    "value": 1,
    "gas": 21_000,
    "maxFeePerGas": 10,
    "maxPriorityFeePerGas": 1,
}


def shown(error: BaseException) -> str:
    """Everything a log would print of an error."""
    return "".join(traceback.format_exception(error))


@pytest.mark.parametrize("key", [KEY, "0x" + KEY, f" {KEY}\n"])
def test_a_key_from_the_environment_signs_for_its_account(key: str) -> None:
    signer = EnvironmentSigner(key)
    signed = signer.sign_transaction(TRANSFER)
    assert signer.address == signed.sender == ADDRESS
    assert signed.nonce == 7
    assert Account.recover_transaction(signed.raw) == ADDRESS


@pytest.mark.parametrize("key", [KEY[:-1], KEY + "00", "xy" * 32, "00" * 32, "ff" * 32, ""])
def test_a_key_that_is_none_is_refused_and_not_repeated(key: str) -> None:
    with pytest.raises(KeyRefused, match="64 hexadecimal digits") as refused:
        EnvironmentSigner(key)
    assert not key or key not in shown(refused.value)


def test_a_signer_never_shows_or_gives_away_its_key() -> None:
    signer = EnvironmentSigner(KEY)
    for text in (repr(signer), str(signer), f"{signer}", repr(vars(signer)), repr([signer])):
        assert KEY not in text
        assert (
            "50863ad64a87ae8a2fe83c1af1a8403cb53f53e486d8511dad8a04887e5b2352" not in text
        )  # the public key
    for give_away in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="cannot be pickled"):
            give_away(signer)


def test_a_transaction_of_someone_else_or_without_its_fields_is_refused() -> None:
    signer = EnvironmentSigner(KEY)
    with pytest.raises(TransactionRejected, match="sender's own key"):
        signer.sign_transaction({**TRANSFER, "from": "0x" + "11" * 20})
    incomplete = {name: value for name, value in TRANSFER.items() if name != "gas"}
    with pytest.raises(TransactionRejected, match="every field") as refused:
        signer.sign_transaction(incomplete)
    assert KEY not in shown(refused.value)
    assert signer.sign_transaction({**TRANSFER, "from": ADDRESS}).sender == ADDRESS


def test_a_keystore_is_private_encrypted_and_opens_with_its_password(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "minter.json"
    signer = KeystoreSigner.create(path, PASSWORD)
    assert path.stat().st_mode & 0o777 == 0o600
    keystore = json.loads(path.read_text())
    assert keystore["version"] == 3
    assert keystore["crypto"]["kdf"] == "scrypt"
    assert keystore["crypto"]["kdfparams"]["n"] == HUMAN_SCRYPT_N
    assert KeystoreSigner.open(path, PASSWORD).address == signer.address
    assert [item.name for item in path.parent.iterdir()] == ["minter.json"]


def test_a_wrong_password_is_told_apart_and_not_repeated(tmp_path: Path) -> None:
    path = tmp_path / "minter.json"
    KeystoreSigner.create(path, PASSWORD, scrypt_n=MACHINE_SCRYPT_N)
    wrong = PASSWORD.upper()
    with pytest.raises(WrongPassword) as refused:
        KeystoreSigner.open(path, wrong)
    assert wrong not in shown(refused.value)


def test_a_keystore_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "minter.json"
    signer = KeystoreSigner.create(path, PASSWORD, scrypt_n=MACHINE_SCRYPT_N)
    with pytest.raises(KeyRefused, match="never overwritten"):
        KeystoreSigner.create(path, PASSWORD, scrypt_n=MACHINE_SCRYPT_N)
    assert KeystoreSigner.open(path, PASSWORD).address == signer.address


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o610])
def test_a_keystore_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "minter.json"
    KeystoreSigner.create(path, PASSWORD, scrypt_n=MACHINE_SCRYPT_N)
    path.chmod(mode)
    with pytest.raises(KeyRefused, match=f"chmod 600 {path}"):
        KeystoreSigner.open(path, PASSWORD)
    path.chmod(0o600)
    KeystoreSigner.open(path, PASSWORD)


@pytest.mark.parametrize(
    "content", [b"", b"{}", b"[]", b"not json", b'{"version": 4}', b'{"crypto": 1, "version": 3}']
)
def test_a_file_that_is_no_keystore_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "minter.json"
    assert key_file.write_new(path, content)
    with pytest.raises(KeyRefused, match="keystore"):
        KeystoreSigner.open(path, PASSWORD)


def test_a_keystore_needs_a_password_and_a_file(tmp_path: Path) -> None:
    with pytest.raises(KeyRefused, match="needs a password"):
        KeystoreSigner.create(tmp_path / "minter.json", "")
    with pytest.raises(KeyRefused, match="cannot be read"):
        KeystoreSigner.open(tmp_path / "minter.json", PASSWORD)
    with pytest.raises(KeyRefused, match="cannot be read"):
        KeystoreSigner.open(tmp_path, PASSWORD)


def test_a_machines_keystore_is_made_once_and_opened_afterwards(tmp_path: Path) -> None:
    path, password_path = tmp_path / "minter.json", tmp_path / "minter.password"
    signer = KeystoreSigner.load_or_create(path, password_path)
    assert password_path.stat().st_mode & 0o777 == 0o600
    assert json.loads(path.read_text())["crypto"]["kdfparams"]["n"] == MACHINE_SCRYPT_N
    assert KeystoreSigner.load_or_create(path, password_path).address == signer.address


def test_a_crash_between_password_and_keystore_leaves_nothing_that_cannot_be_opened(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, password_path = tmp_path / "minter.json", tmp_path / "minter.password"

    class PowerCut(BaseException):
        pass

    real_link = key_file.os.link
    for name in (password_path.name, path.name):

        def cut(source: Path, target: Path, name: str = name) -> None:
            if target.name == name:
                raise PowerCut
            real_link(source, target)

        with monkeypatch.context() as patch:
            patch.setattr(key_file.os, "link", cut)
            with pytest.raises(PowerCut):
                KeystoreSigner.load_or_create(path, password_path)
        assert not path.exists()
    signer = KeystoreSigner.load_or_create(path, password_path)
    assert KeystoreSigner.load_or_create(path, password_path).address == signer.address


def test_a_lost_password_file_is_said_and_nothing_is_replaced(tmp_path: Path) -> None:
    path, password_path = tmp_path / "minter.json", tmp_path / "minter.password"
    KeystoreSigner.load_or_create(path, password_path)
    before = path.read_bytes()
    password_path.unlink()
    with pytest.raises(KeyRefused, match="restore that file"):
        KeystoreSigner.load_or_create(path, password_path)
    assert path.read_bytes() == before
    assert not password_path.exists()


# The example of EIP-712: Cow tells Bob something, with the key that is keccak-256 of "cow".
MAIL_DOMAIN = {
    "name": "Ether Mail",
    "version": "1",
    "chainId": 1,
    "verifyingContract": "0xCcCCccccCCCCcCCCCCCcCcCccCcCCCcCcccccccC",
}
MAIL_TYPES = {
    "Person": [{"name": "name", "type": "string"}, {"name": "wallet", "type": "address"}],
    "Mail": [
        {"name": "from", "type": "Person"},
        {"name": "to", "type": "Person"},
        {"name": "contents", "type": "string"},
    ],
}
MAIL = {
    "from": {"name": "Cow", "wallet": "0xCD2a3d9F938E13CD947Ec05AbC7FE734Df8DD826"},
    "to": {"name": "Bob", "wallet": "0xbBbBBBBbbBBBbbbBbbBbbbbBBbBbbbbBbBbbBBbB"},
    "contents": "Hello, Bob!",
}


def test_a_statement_is_signed_as_eip_712_says() -> None:
    signer = EnvironmentSigner(keccak(text="cow").hex())
    assert signer.sign_typed_data(MAIL_DOMAIN, MAIL_TYPES, MAIL).hex() == (
        "4355c47d63924e8a72e509b65029052eb6c299d53a04e167c5775fd466751c9d"
        "07299936d304c153f6443dfa05f40ff007d72911b6f72307f996231605b91562"
        "1c"
    )
