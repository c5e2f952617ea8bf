"""Who signs transactions. A key is in memory while it is used, and never in a text."""

import json
import resource
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn, Protocol, Self

from eth_account import Account
from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress

from chain.errors import KeyRefused, TransactionRejected, WrongPassword
from chain.key_file import read_private, write_new
from chain.transactions import SignedTransaction

# The cost of scrypt (RFC 7914, parameter N; r is 8 and p is 1). A password that a person chose is guessable,
# so each guess is made slow: about a second and 256 MiB. A random password of 256 bits cannot be guessed at
# any cost, so unlocking it may be quick: some 50 ms and 16 MiB. Double the first as machines get faster.
HUMAN_SCRYPT_N = 2**18
MACHINE_SCRYPT_N = 2**14

_PASSWORD_BYTES = 32


class Signer(Protocol):
    """Something that signs for one account."""

    @property
    def address(self) -> ChecksumAddress:
        """The account."""

    def sign_transaction(self, transaction: Mapping[str, Any]) -> SignedTransaction:
        """Signs a complete transaction. Raises TransactionRejected where it is not complete."""


class TypedDataSigner(Protocol):
    """Something that signs statements for one account."""

    @property
    def address(self) -> ChecksumAddress:
        """The account."""

    def sign_typed_data(
        self, domain: Mapping[str, Any], types: Mapping[str, Any], message: Mapping[str, Any]
    ) -> bytes:
        """The signature of a statement (EIP-712), 65 bytes: r, s, v."""


class AccountSigner(Signer, TypedDataSigner, Protocol):
    """Something that signs all that its account has to sign."""


class _KeySigner:
    """Signs with a key in memory. Texts show the address only, and copies into a pickle are refused."""

    def __init__(self, account: LocalAccount) -> None:
        self.__account = account

    @property
    def address(self) -> ChecksumAddress:
        """The account."""
        return self.__account.address

    def sign_transaction(self, transaction: Mapping[str, Any]) -> SignedTransaction:
        """Signs a complete transaction. Raises TransactionRejected where it is not complete."""
        fields = {name: value for name, value in transaction.items() if name != "from"}
        if transaction.get("from", self.address) != self.address:
            raise TransactionRejected(
                f"The transaction is from {transaction['from']} and this key signs for {self.address}; "
                "use the sender's own key."
            )
        try:
            signed = self.__account.sign_transaction(fields)
        except (TypeError, ValueError) as error:
            raise TransactionRejected(
                f"The transaction cannot be signed ({type(error).__name__}); give every field of its type."
            ) from error
        return SignedTransaction(
            raw=bytes(signed.raw_transaction),
            hash="0x" + bytes(signed.hash).hex(),
            nonce=int(fields["nonce"]),
            sender=self.address,
        )

    def sign_typed_data(
        self, domain: Mapping[str, Any], types: Mapping[str, Any], message: Mapping[str, Any]
    ) -> bytes:
        """The signature of a statement (EIP-712), 65 bytes: r, s, v. The message has every field of its type."""
        signed = self.__account.sign_typed_data(dict(domain), dict(types), dict(message))
        return bytes(signed.signature)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.address})"

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            "A signer holds a key and cannot be pickled; pass its address, and open it where it signs."
        )


class EnvironmentSigner(_KeySigner):
    """Signs with a key that the caller read from the environment."""

    def __init__(self, key: str) -> None:
        """key is 64 hexadecimal digits, with or without 0x. Raises KeyRefused, which does not repeat it."""
        super().__init__(_account(key))


class KeystoreSigner(_KeySigner):
    """Signs with a key from an encrypted keystore file (Web3 Secret Storage, version 3)."""

    @classmethod
    def open(cls, path: Path, password: str) -> Self:
        """Unlocks a keystore. Raises WrongPassword, or KeyRefused for a file that must not be used."""
        try:
            keystore = json.loads(read_private(path))
        except ValueError as error:
            raise KeyRefused(f"{path} is not a keystore; give the path of a V3 keystore file.") from error
        try:
            return cls(Account.from_key(Account.decrypt(keystore, password)))
        except ValueError as error:
            if "MAC mismatch" in str(error):
                raise WrongPassword(
                    f"The password does not open {path}; give the one it was made with."
                ) from None
            raise KeyRefused(f"{path} is not a V3 keystore this release can read; make a new one.") from None
        except (KeyError, TypeError, NotImplementedError):
            raise KeyRefused(f"{path} is not a V3 keystore this release can read; make a new one.") from None

    @classmethod
    def create(cls, path: Path, password: str, *, scrypt_n: int = HUMAN_SCRYPT_N) -> Self:
        """Makes a key and its keystore, which must not be there yet. Raises KeyRefused."""
        return cls._store(path, Account.create(), password, scrypt_n)

    @classmethod
    def store(cls, path: Path, key: str, password: str, *, scrypt_n: int = HUMAN_SCRYPT_N) -> Self:
        """Makes a keystore of a key, 64 hexadecimal digits. Raises KeyRefused, which does not repeat it."""
        return cls._store(path, _account(key), password, scrypt_n)

    @classmethod
    def _store(cls, path: Path, account: LocalAccount, password: str, scrypt_n: int) -> Self:
        if not password:
            raise KeyRefused("A keystore needs a password; give one.")
        keystore = Account.encrypt(account.key, password, kdf="scrypt", iterations=scrypt_n)
        if not write_new(path, json.dumps(keystore).encode()):
            raise KeyRefused(
                f"{path} is there already and is never overwritten; open it, or choose another path."
            )
        return cls(account)

    @classmethod
    def load_or_create(cls, path: Path, password_path: Path) -> Self:
        """The keystore that a machine keeps for itself, with a random password in a file beside it.

        It keeps copies of the keystore alone useless, and backups of both need the same care as the key. The
        password is on the disk before the keystore is, so a crash in between leaves nothing that cannot be
        opened; of two processes that begin at once both use the same key. Raises KeyRefused or WrongPassword.
        """
        if path.exists() and not password_path.exists():
            raise KeyRefused(
                f"{path} cannot be opened because its password file {password_path} is gone; "
                "restore that file, or move the keystore away to make a new account."
            )
        if not password_path.exists():
            write_new(password_path, secrets.token_urlsafe(_PASSWORD_BYTES).encode())
        try:
            password = read_private(password_path).decode("ascii").strip()
        except UnicodeDecodeError:
            raise KeyRefused(f"{password_path} is not a password file; restore it from a copy.") from None
        if not path.exists():
            account = Account.create()
            keystore = Account.encrypt(account.key, password, kdf="scrypt", iterations=MACHINE_SCRYPT_N)
            write_new(path, json.dumps(keystore).encode())
        return cls.open(path, password)


def keep_out_of_cores() -> None:
    """Lets this process leave no core file when it crashes, for a core holds the keys that it used.

    A system that pipes cores into a program of its own goes by that program's rules; see core(5).
    """
    _, most_bytes = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, most_bytes))


def _account(key: str) -> LocalAccount:
    try:
        account: LocalAccount = Account.from_key(bytes.fromhex(key.strip().removeprefix("0x")))
    except Exception:  # whatever the libraries say may repeat the key, so none of it is passed on
        raise KeyRefused(
            "The private key is not one: it has 64 hexadecimal digits and is not zero; copy it again."
        ) from None
    return account
