"""Content identifiers: the address of a block is the hash of its bytes."""

import base64
import binascii
import hashlib
from dataclasses import dataclass
from typing import Final, Self

from assets import varint
from assets.errors import InvalidCid

RAW: Final = 0x55
DAG_PB: Final = 0x70
DIGEST_BYTES: Final = 32

_MULTIHASH_PREFIX = b"\x12\x20"  # sha2-256, 32 bytes
_MULTIHASH_BYTES = len(_MULTIHASH_PREFIX) + DIGEST_BYTES
_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
# The longest supported text is base16 with a nine-byte codec: 1 + 2 * (1 + 9 + 34) characters.
_MAX_TEXT_CHARS = 96
_HINT = "Give a CIDv1 such as bafk… or a CIDv0 such as Qm… with a sha2-256 hash."


@dataclass(frozen=True, slots=True, order=True)
class Cid:
    """A sha2-256 content identifier.

    ``version`` is 0 or 1, ``codec`` a multicodec code (version 0 is always dag-pb), ``digest`` 32 bytes.
    ``str()`` is the canonical text (base32 lower case for version 1, base58btc for version 0) and
    ``bytes()`` the binary form. Raises InvalidCid when the parts do not make a CID.
    Source: multiformats/cid, "How does it work?" and "Decoding Algorithm".
    """

    version: int
    codec: int
    digest: bytes

    def __post_init__(self) -> None:
        if self.version not in (0, 1):
            raise InvalidCid(f"CID version {self.version} is not supported. {_HINT}")
        if self.version == 0 and self.codec != DAG_PB:
            raise InvalidCid(f"A CIDv0 is always dag-pb, not codec {self.codec:#x}; use version 1.")
        if not 0 <= self.codec < 1 << 63:
            raise InvalidCid(f"Codec {self.codec} is not a multicodec code; use a registered one.")
        if not isinstance(self.digest, bytes) or len(self.digest) != DIGEST_BYTES:
            raise InvalidCid(f"A sha2-256 digest is {DIGEST_BYTES} bytes; give exactly that many.")

    @classmethod
    def raw(cls, digest: bytes) -> Self:
        """The CIDv1 of a raw block whose sha256 is ``digest``, 32 bytes: what a digest on chain addresses."""
        return cls(1, RAW, digest)

    @classmethod
    def parse(cls, text: str) -> Self:
        """The CID written as ``text``: CIDv1 in base32 (b), base16 (f) or base58btc (z), or a CIDv0 (Qm…).

        Raises InvalidCid for anything else, other spellings of the same bytes included.
        """
        if not isinstance(text, str) or len(text) > _MAX_TEXT_CHARS:
            raise InvalidCid(f"The CID is not a text of at most {_MAX_TEXT_CHARS} characters. {_HINT}")
        if len(text) == 46 and text.startswith("Qm"):
            cid, end = cls.read(_base58_decode(text, text))
            if cid.version != 0 or end != _MULTIHASH_BYTES:
                raise InvalidCid(f"{text!r} is not a CIDv0. {_HINT}")
            return cid
        prefix, body = text[:1], text[1:]
        if prefix == "b":
            data = _base32_decode(body, text)
        elif prefix == "f":
            data = _base16_decode(body, text)
        elif prefix == "z":
            data = _base58_decode(body, text)
        else:
            raise InvalidCid(f"{text!r} is not a CID in a known base. {_HINT}")
        cid = cls.from_bytes(data)
        if cid.version == 0:
            raise InvalidCid(f"{text!r} is a CIDv0 with a base prefix, which is not allowed. {_HINT}")
        return cid

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """The CID that ``data`` is the whole binary form of. Raises InvalidCid."""
        cid, end = cls.read(data)
        if end != len(data):
            raise InvalidCid(f"{len(data) - end} bytes follow the CID; give the CID alone.")
        return cid

    @classmethod
    def read(cls, data: bytes) -> tuple[Self, int]:
        """The CID that ``data`` begins with, and its length in bytes. Raises InvalidCid."""
        if data[:2] == _MULTIHASH_PREFIX:
            version, codec, start = 0, DAG_PB, 0
        else:
            try:
                version, start = varint.decode(data)
                codec, start = varint.decode(data, start)
            except ValueError as error:
                raise InvalidCid(f"The bytes are not a CID: {error}. {_HINT}") from error
            if version != 1:
                raise InvalidCid(f"CID version {version} is not supported. {_HINT}")
        end = start + _MULTIHASH_BYTES
        multihash = data[start:end]
        if multihash[:2] != _MULTIHASH_PREFIX[: len(multihash)]:
            raise InvalidCid(f"The CID's hash is not a 32-byte sha2-256. {_HINT}")
        if len(multihash) != _MULTIHASH_BYTES:
            raise InvalidCid(f"The CID is cut short. {_HINT}")
        return cls(version, codec, bytes(multihash[2:])), end

    def as_v1(self) -> Self:
        """The CIDv1 of the same block."""
        return self if self.version == 1 else type(self)(1, self.codec, self.digest)

    @property
    def uri(self) -> str:
        """``ipfs://`` and the text of the CIDv1 (never a CIDv0: a host name does not keep its case)."""
        return f"ipfs://{self.as_v1()}"

    def __bytes__(self) -> bytes:
        multihash = _MULTIHASH_PREFIX + self.digest
        return multihash if self.version == 0 else b"\x01" + varint.encode(self.codec) + multihash

    def __str__(self) -> str:
        data = bytes(self)
        return _base58_encode(data) if self.version == 0 else "b" + _base32_encode(data)


def cid_of(data: bytes, codec: int, version: int = 1) -> Cid:
    """The CID of the block ``data`` (any length) of kind ``codec``."""
    return Cid(version, codec, hashlib.sha256(data).digest())


def raw_cid(data: bytes) -> Cid:
    """The CIDv1 of ``data`` as one raw block; for a file of at most 256 KiB this is also the file's CID."""
    return cid_of(data, RAW)


def split_ipfs_uri(uri: str) -> tuple[Cid, str]:
    """The CID and the path (without its leading slash, possibly empty) of an ``ipfs://CID[/path]`` URI.

    Raises InvalidCid for another scheme or a bad CID.
    """
    scheme, separator, rest = uri.partition("://")
    if scheme != "ipfs" or not separator:
        raise InvalidCid("The URI does not begin with ipfs://; give one such as ipfs://bafk….")
    authority, _, path = rest.partition("/")
    return Cid.parse(authority), path


def _base32_encode(data: bytes) -> str:
    return base64.b32encode(data).decode("ascii").lower().rstrip("=")


def _base32_decode(body: str, text: str) -> bytes:
    try:
        data = base64.b32decode(body.upper() + "=" * (-len(body) % 8))
    except (binascii.Error, ValueError) as error:
        raise InvalidCid(f"{text!r} is not base32. {_HINT}") from error
    if _base32_encode(data) != body:  # upper case, padding, or stray bits after the last byte
        raise InvalidCid(f"{text!r} is not canonical base32 (lower case, no padding). {_HINT}")
    return data


def _base16_decode(body: str, text: str) -> bytes:
    try:
        data = bytes.fromhex(body)
    except ValueError as error:
        raise InvalidCid(f"{text!r} is not base16. {_HINT}") from error
    if data.hex() != body:
        raise InvalidCid(f"{text!r} is not canonical base16 (lower case, no spaces). {_HINT}")
    return data


def _base58_encode(data: bytes) -> str:
    number = int.from_bytes(data, "big")
    digits = []
    while number:
        number, digit = divmod(number, 58)
        digits.append(_BASE58[digit])
    zeros = len(data) - len(data.lstrip(b"\0"))
    return _BASE58[0] * zeros + "".join(reversed(digits))


def _base58_decode(body: str, text: str) -> bytes:
    number = 0
    for character in body:
        digit = _BASE58.find(character)
        if digit < 0:
            raise InvalidCid(f"{text!r} is not base58btc: {character!r} is not one of its digits. {_HINT}")
        number = number * 58 + digit
    zeros = len(body) - len(body.lstrip(_BASE58[0]))
    return bytes(zeros) + number.to_bytes((number.bit_length() + 7) // 8, "big")
