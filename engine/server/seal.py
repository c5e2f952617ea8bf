"""Answers that hold a secret, kept so that the database alone reveals nothing of them.

AES-256-GCM (NIST SP 800-38D) under a key that HKDF-SHA256 (RFC 5869) derives from the caller's API key, of which the
database has a hash only, with a salt of its own for each answer.
"""

from typing import Final

from Crypto.Cipher import AES
from Crypto.Hash import SHA256
from Crypto.Protocol.KDF import HKDF
from Crypto.Random import get_random_bytes

_SALT_BYTES: Final = 16
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_KEY_BYTES: Final = 32


def seal(answer: bytes, api_key: str, idempotency_key: str) -> bytes:
    """salt | nonce | tag | ciphertext."""
    salt, nonce = get_random_bytes(_SALT_BYTES), get_random_bytes(_NONCE_BYTES)
    cipher = AES.new(_derived(api_key, idempotency_key, salt), AES.MODE_GCM, nonce, mac_len=_TAG_BYTES)
    text, tag = cipher.encrypt_and_digest(answer)
    return salt + nonce + tag + text


def unseal(sealed: bytes, api_key: str, idempotency_key: str) -> bytes | None:
    """What was sealed; None where either key is another, or a byte was changed."""
    salt, rest = sealed[:_SALT_BYTES], sealed[_SALT_BYTES:]
    nonce, rest = rest[:_NONCE_BYTES], rest[_NONCE_BYTES:]
    cipher = AES.new(_derived(api_key, idempotency_key, salt), AES.MODE_GCM, nonce, mac_len=_TAG_BYTES)
    try:
        return cipher.decrypt_and_verify(rest[_TAG_BYTES:], rest[:_TAG_BYTES])
    except ValueError:
        return None


def _derived(api_key: str, idempotency_key: str, salt: bytes) -> bytes:
    context = b"lorespark answer\0" + idempotency_key.encode()
    key = HKDF(api_key.encode(), _KEY_BYTES, salt, SHA256, 1, context)
    assert isinstance(key, bytes), "one key was asked for"
    return key
