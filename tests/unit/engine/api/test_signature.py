"""Signatures of deliveries: made and checked, and each way in which one can be wrong."""

import hashlib
import hmac

import pytest

from engine.api.signature import sign, verify
from engine.errors import SignatureRefused

BODY = b'{"id":"event-1"}'
AT = 1_700_000_000


def test_a_signature_is_the_hmac_of_time_and_body() -> None:
    expected = hmac.new(b"whsec_a", b"1700000000." + BODY, hashlib.sha256).hexdigest()
    assert sign(["whsec_a"], AT, BODY) == f"t=1700000000,v1={expected}"


def test_either_of_two_secrets_fits() -> None:
    header = sign(["whsec_new", "whsec_old"], AT, BODY)
    for secret in ("whsec_new", "whsec_old"):
        verify(secret, header, BODY, at=AT + 299)
        verify(secret, header, BODY, at=AT - 299)


@pytest.mark.parametrize(
    ("secret", "header", "body", "at"),
    [
        ("whsec_b", sign(["whsec_a"], AT, BODY), BODY, AT),
        ("whsec_a", sign(["whsec_a"], AT, BODY), BODY + b" ", AT),
        ("whsec_a", sign(["whsec_a"], AT, BODY).replace("t=17", "t=18"), BODY, AT),
        ("whsec_a", sign(["whsec_a"], AT, BODY).replace("v1", "v0"), BODY, AT),
        ("whsec_a", sign(["whsec_a"], AT, BODY) + ",t=1", BODY, AT),
        ("whsec_a", sign(["whsec_a"], AT, BODY), BODY, AT + 301),
        ("whsec_a", sign(["whsec_a"], AT, BODY), BODY, AT - 301),
        ("whsec_a", "", BODY, AT),
        ("whsec_a", "t=,v1=", BODY, AT),
        ("whsec_a", f"t={'9' * 5000},v1=ab", BODY, AT),
        ("whsec_a", "t=²,v1=ab", BODY, AT),
        ("whsec_a", f"t={AT},v1=ü\udcff", BODY, AT),
    ],
)
def test_anything_else_is_refused(secret: str, header: str, body: bytes, at: int) -> None:
    with pytest.raises(SignatureRefused) as caught:
        verify(secret, header, body, at=at)
    assert secret not in str(caught.value)
