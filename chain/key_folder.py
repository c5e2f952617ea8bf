"""The folder of keystores of one server: which there are, and which one signs.

`signer.json` is the one that a server makes for itself, with its password beside it. Others are named for their
accounts, with passwords that people keep. The file `active` says which one signs; without it `signer.json` does.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eth_typing import ChecksumAddress

from chain.address import parse_address, parse_recipient
from chain.errors import InvalidAddress, KeyRefused
from chain.key_file import read_private, replace_private
from chain.signer import HUMAN_SCRYPT_N, KeystoreSigner

_OWN: Final = "signer.json"
_OWN_PASSWORD: Final = "password"
_ACTIVE: Final = "active"


@dataclass(frozen=True)
class StoredKey:
    """is_active says that this one signs."""

    address: ChecksumAddress
    path: Path
    is_active: bool


@dataclass(frozen=True)
class _Active:
    """Whose keystore signs, and whose did before."""

    address: ChecksumAddress | None = None
    former: ChecksumAddress | None = None


class KeyFolder:
    """Keystores are added and never changed or removed. Every method raises KeyRefused."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def list(self) -> tuple[StoredKey, ...]:
        """The keys there are, by their files' names. A keystore tells its address without its password."""
        active = self._active().address
        found = []
        for path in sorted(self._folder.glob("*.json")):
            address = _address_in(path)
            is_own = path.name == _OWN
            found.append(StoredKey(address, path, address == active if active else is_own))
        return tuple(found)

    def make(self, password: str, scrypt_n: int = HUMAN_SCRYPT_N) -> KeystoreSigner:
        """A new key under a password."""
        # The account is known once the key is made, so the file gets its name afterwards.
        unnamed = self._folder / ".new"
        unnamed.unlink(missing_ok=True)  # of one that was interrupted and never used
        signer = KeystoreSigner.create(unnamed, password, scrypt_n=scrypt_n)
        try:
            unnamed.rename(self._path(signer.address))
        except OSError as error:
            raise KeyRefused(
                f"The key cannot be named ({error.strerror}); check the folder's permissions."
            ) from error
        return signer

    def add(self, key: str, password: str, scrypt_n: int = HUMAN_SCRYPT_N) -> KeystoreSigner:
        """Stores a key that there is, 64 hexadecimal digits, under a password."""
        unnamed = self._folder / ".new"
        unnamed.unlink(missing_ok=True)
        signer = KeystoreSigner.store(unnamed, key, password, scrypt_n=scrypt_n)
        path = self._path(signer.address)
        try:
            path.hardlink_to(unnamed)  # unlike a renaming it never replaces what is there
        except FileExistsError:
            raise KeyRefused(
                f"The key of {signer.address} is there already, as {path}; use that one."
            ) from None
        except OSError as error:
            raise KeyRefused(
                f"The key cannot be named ({error.strerror}); check the folder's permissions."
            ) from error
        finally:
            unnamed.unlink(missing_ok=True)
        return signer

    def signer(self, password_file: Path | None) -> KeystoreSigner:
        """The key that signs; one of the folder's own is made where there is none at all."""
        active = self._active().address
        if active is None:
            return KeystoreSigner.load_or_create(self._folder / _OWN, self._folder / _OWN_PASSWORD)
        return self.open(active, None if password_file is None else read_password(password_file))

    def open(self, address: str, password: str | None) -> KeystoreSigner:
        """The key of an account. The folder's own key needs no password. Raises WrongPassword too."""
        wanted = parse_recipient(address)
        own = self._folder / _OWN
        if own.exists() and _address_in(own) == wanted:
            return KeystoreSigner.load_or_create(own, self._folder / _OWN_PASSWORD)
        path = self._path(wanted)
        if not path.exists():
            raise KeyRefused(
                f"There is no key of {wanted} in {self._folder}; `lorespark keys list` shows those there are."
            )
        if password is None:
            raise KeyRefused(
                f"The keystore {path} needs its password; set LORESPARK_KEY_PASSWORD_FILE to a file that holds it."
            )
        return KeystoreSigner.open(path, password)

    def former(self) -> ChecksumAddress | None:
        """Whose key signed before the one that signs now."""
        return self._active().former

    def activate(self, address: ChecksumAddress, former: ChecksumAddress) -> None:
        """Makes the key of an account the one that signs, from the next time that a process opens it."""
        replace_private(self._folder / _ACTIVE, json.dumps({"address": address, "former": former}).encode())

    def _active(self) -> _Active:
        path = self._folder / _ACTIVE
        if not path.exists():
            return _Active()
        try:
            told: Any = json.loads(read_private(path))
            return _Active(parse_address(told["address"]), parse_address(told["former"]))
        except (ValueError, TypeError, KeyError, InvalidAddress):
            raise KeyRefused(f"{path} does not say which key signs; restore it from a copy.") from None

    def _path(self, address: ChecksumAddress) -> Path:
        return self._folder / f"{address}.json"


def read_password(path: Path) -> str:
    """A password's file: its first line, which only its owner can read. Raises KeyRefused."""
    try:
        password = read_private(path).decode().partition("\n")[0].rstrip("\r")
    except UnicodeDecodeError:
        raise KeyRefused(f"{path} is no password's file; write the password into it as text.") from None
    if not password:
        raise KeyRefused(f"{path} begins with an empty line; write the password into its first.")
    return password


def _address_in(path: Path) -> ChecksumAddress:
    try:
        told: Any = json.loads(read_private(path))
        address = str(told["address"])
        return parse_address(address if address.startswith("0x") else f"0x{address.lower()}")
    except (ValueError, TypeError, KeyError, InvalidAddress):
        raise KeyRefused(f"{path} is not a keystore; move it away.") from None
