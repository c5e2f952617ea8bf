"""The signature of a webhook's delivery: made by the server, checked by whoever receives it."""

import hashlib
import hmac
import time
from collections.abc import Iterable

from engine.errors import SignatureRefused

HEADER = "Lorespark-Signature"
EVENT_HEADER = "Lorespark-Event"
EVENT_ID_HEADER = "Lorespark-Event-Id"
DELIVERY_HEADER = "Lorespark-Delivery"
TOLERANCE_S = 300  # how far the two clocks may be apart, with the time of the way
_VERSION = "v1"
_MAX_HEADER_CHARACTERS = 1_000
_MAX_TIME_DIGITS = 12


def sign(secrets: Iterable[str], at: int, body: bytes) -> str:
    """The header's value for ``body`` sent ``at`` (Unix time, seconds), with one signature for each secret.

    A signature is the HMAC-SHA256 of ``{at}.{body}`` in hex; the key is the whole secret, ``whsec_`` included.
    """
    return ",".join([f"t={at}", *(f"{_VERSION}={_digest(secret, str(at), body)}" for secret in secrets)])


def verify(
    secret: str, header: str, body: bytes, tolerance_s: float = TOLERANCE_S, at: float | None = None
) -> None:
    """Returns where ``header`` signs ``body``, the bytes as they came, with ``secret``; compared in constant time.

    ``at`` is the Unix time in seconds that counts as now. Raises SignatureRefused where the signature is of another
    secret or body, cannot be read, or was made more than ``tolerance_s`` seconds before or after now.
    """
    fields = [field.strip().partition("=")[::2] for field in header[:_MAX_HEADER_CHARACTERS].split(",")]
    times = [value for name, value in fields if name == "t"]
    if len(times) != 1 or not (
        times[0].isascii() and times[0].isdigit() and len(times[0]) <= _MAX_TIME_DIGITS
    ):
        raise SignatureRefused(f"The {HEADER} header has no time; pass its whole value.")
    expected = _digest(secret, times[0], body).encode()
    found = [value.encode(errors="replace") for name, value in fields if name == _VERSION]
    if not any(hmac.compare_digest(value, expected) for value in found):
        raise SignatureRefused(
            "The signature does not fit secret and body; pass the body's bytes as they came."
        )
    if abs((time.time() if at is None else at) - int(times[0])) > tolerance_s:
        raise SignatureRefused(
            f"The signature was made more than {tolerance_s:g} s from now; set the clock, or ask for a redelivery."
        )


def _digest(secret: str, at: str, body: bytes) -> str:
    return hmac.new(secret.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
