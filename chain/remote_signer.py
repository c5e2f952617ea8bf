"""A signer that is another process: a web3signer, by its own HTTP API for execution accounts.

It keeps the key in a vault or a device, and is asked for one signature at a time. What it answers is checked against
the account before it is used, so a signer that errs, or somebody in its place, costs a refusal and nothing else.
Source: web3signer's OpenAPI document for eth1 (GET /api/v1/eth1/publicKeys, POST /api/v1/eth1/sign/{identifier}); it
signs the keccak-256 of the data that it is given.
"""

import json
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Self

import httpx2
import rlp  # type: ignore[import-untyped]
from eth_account import Account
from eth_account.messages import encode_typed_data
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak
from hexbytes import HexBytes

from chain.address import parse_recipient
from chain.errors import InvalidAddress, SignerRefused, SignerUnavailable, TransactionRejected
from chain.transactions import SignedTransaction

# A vault or a device takes a second or two.
TIMEOUT_S: Final = 10.0
_MAX_ANSWER_BYTES: Final = 1_000_000  # a thousand public keys have 130 kB
_PUBLIC_KEY: Final = re.compile(r"(?:0x)?(?:04)?([0-9a-fA-F]{128})")
_SIGNATURE: Final = re.compile(r"(?:0x)?([0-9a-fA-F]{130})")
# Half the order of the curve: of the two numbers that sign the same, chains take the smaller one (EIP-2).
_MOST_S: Final = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
_FEE_MARKET: Final = 2  # the type of transactions with two fees (EIP-1559)
_RECOVERY_IDS: Final = {0: 0, 1: 1, 27: 0, 28: 1}


@dataclass(frozen=True)
class _Signature:
    """y_parity is 0 or 1."""

    r: int
    s: int
    y_parity: int


class RemoteSigner:
    """Signs with one key of a web3signer. Its URL may hold a password and is in no text."""

    def __init__(
        self, url: str, identifier: str, address: ChecksumAddress, timeout_s: float = TIMEOUT_S
    ) -> None:
        """identifier is the key as the signer lists it; see `open`."""
        self.__url = url.rstrip("/")
        self._identifier, self._address, self._timeout_s = identifier, address, timeout_s

    @classmethod
    def open(cls, url: str, address: str | None = None, timeout_s: float = TIMEOUT_S) -> Self:
        """Finds the key of an account among those that the signer has; without address it has to have one.

        Raises SignerUnavailable, SignerRefused and InvalidAddress.
        """
        answer = _ask("GET", f"{url.rstrip('/')}/api/v1/eth1/publicKeys", None, timeout_s)
        try:
            listed = json.loads(answer)
            keys = {_address_of(identifier): identifier for identifier in listed}
        except (ValueError, TypeError, RecursionError):
            raise SignerRefused(
                "The remote signer's list of keys is none; set LORESPARK_SIGNER_URL to a web3signer in its mode `eth1`."
            ) from None
        wanted = None if address is None else parse_recipient(address)
        if wanted is None and len(keys) != 1:
            raise SignerRefused(
                f"The remote signer has {len(keys)} keys; set LORESPARK_SIGNER_ADDRESS to the account that signs."
            )
        chosen = wanted or next(iter(keys))
        if chosen not in keys:
            raise SignerRefused(
                f"The remote signer has no key of {chosen}; add it there, or set LORESPARK_SIGNER_ADDRESS to another."
            )
        return cls(url, keys[chosen], chosen, timeout_s)

    @property
    def address(self) -> ChecksumAddress:
        """The account."""
        return self._address

    def sign_transaction(self, transaction: Mapping[str, Any]) -> SignedTransaction:
        """Signs a complete transaction with two fees (EIP-1559).

        Raises TransactionRejected where it is not complete, SignerUnavailable and SignerRefused.
        """
        if transaction.get("from", self.address) != self.address:
            raise TransactionRejected(
                f"The transaction is from {transaction['from']} and this key signs for {self.address}; "
                "use the sender's own key."
            )
        fields = _fields(transaction)
        signature = self._sign(bytes([_FEE_MARKET]) + rlp.encode(fields))
        signed = [*fields, signature.y_parity, signature.r, signature.s]
        raw = bytes([_FEE_MARKET]) + rlp.encode(signed)
        self._check(_recovered_sender(raw))
        return SignedTransaction(
            raw=raw, hash="0x" + keccak(raw).hex(), nonce=int(transaction["nonce"]), sender=self.address
        )

    def sign_typed_data(
        self, domain: Mapping[str, Any], types: Mapping[str, Any], message: Mapping[str, Any]
    ) -> bytes:
        """The signature of a statement (EIP-712), 65 bytes: r, s, v. Raises SignerUnavailable and SignerRefused."""
        signable = encode_typed_data(dict(domain), dict(types), dict(message))
        signature = self._sign(b"\x19" + signable.version + signable.header + signable.body)
        encoded = signature.r.to_bytes(32) + signature.s.to_bytes(32) + bytes([27 + signature.y_parity])
        try:
            found = Account.recover_message(signable, signature=encoded)
        except Exception:  # the libraries raise many kinds for numbers that are no signature
            found = None
        self._check(found)
        return encoded

    def _sign(self, data: bytes) -> _Signature:
        url = f"{self.__url}/api/v1/eth1/sign/{self._identifier}"
        answer = _ask("POST", url, {"data": "0x" + data.hex()}, self._timeout_s)
        found = _SIGNATURE.fullmatch(answer.decode("ascii", "replace").strip().strip('"'))
        if found is None:
            raise SignerRefused("The remote signer's answer is no signature; look into its log.")
        encoded = bytes.fromhex(found[1])
        r, s, v = int.from_bytes(encoded[:32]), int.from_bytes(encoded[32:64]), encoded[64]
        if v not in _RECOVERY_IDS or not 0 < s <= _MOST_S:
            raise SignerRefused(
                "The remote signer's signature is none that a chain takes; update the signer."
            )
        return _Signature(r, s, _RECOVERY_IDS[v])

    def _check(self, recovered: str | None) -> None:
        if recovered != self.address:
            raise SignerRefused(
                f"The remote signer's signature is not that of {self.address}; nothing was sent. See which key it uses."
            )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.address})"


def _fields(transaction: Mapping[str, Any]) -> list[Any]:
    """What a transaction with two fees signs, in its order (EIP-1559)."""
    try:
        if int(transaction["type"]) != _FEE_MARKET:
            raise ValueError("another type")
        numbers = ("chainId", "nonce", "maxPriorityFeePerGas", "maxFeePerGas", "gas")
        to, data = transaction.get("to"), transaction.get("data", b"")
        fields = [
            *(int(transaction[name]) for name in numbers),
            b"" if to is None else bytes.fromhex(parse_recipient(to)[2:]),
            int(transaction.get("value", 0)),
            bytes(HexBytes(data)),
            [],
        ]
        rlp.encode(fields)
    except (KeyError, TypeError, ValueError, InvalidAddress, rlp.exceptions.EncodingError) as error:
        raise TransactionRejected(
            f"The transaction cannot be signed ({type(error).__name__}); give every field of its type."
        ) from error
    if transaction.get("accessList"):
        raise TransactionRejected("The remote signer signs no access lists; leave it out of the transaction.")
    return fields


def _recovered_sender(raw: bytes) -> str | None:
    try:
        return str(Account.recover_transaction(HexBytes(raw)))
    except Exception:  # the libraries raise many kinds for numbers that are no signature
        return None


def _address_of(identifier: str) -> ChecksumAddress:
    """The account of a public key in hexadecimal. Raises ValueError."""
    found = _PUBLIC_KEY.fullmatch(identifier)
    if found is None:
        raise ValueError("not a public key")
    return to_checksum_address(keccak(bytes.fromhex(found[1]))[-20:])


def _ask(method: str, url: str, body: Any, timeout_s: float) -> bytes:
    """One request within timeout_s. Causes are left out: their texts hold the URL."""
    ends = time.monotonic() + timeout_s
    late = SignerUnavailable(f"The remote signer gave no answer within {timeout_s:g} s; see that it runs.")
    data = b""
    try:
        with (
            httpx2.Client(timeout=timeout_s) as client,
            client.stream(method, url, json=body) as response,
        ):
            if response.status_code >= 500:
                raise SignerUnavailable(
                    f"The remote signer answered {response.status_code}; look into its log."
                )
            if response.status_code != 200:
                raise SignerRefused(
                    f"The remote signer answered {response.status_code}; see that it has the key and that "
                    "LORESPARK_SIGNER_URL may use it."
                )
            for part in response.iter_bytes():  # the client's own timeout is for each part
                data += part
                if len(data) > _MAX_ANSWER_BYTES:
                    raise SignerRefused("The remote signer's answer is too long; see that its URL is right.")
                if time.monotonic() > ends:
                    raise late
    except httpx2.TimeoutException:
        raise late from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise SignerUnavailable(
            f"The remote signer cannot be reached ({type(error).__name__}); see that it runs and its URL is right."
        ) from None
    return data
