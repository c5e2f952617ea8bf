"""Signatures of deliveries: made and checked, and each way in which one can be wrong."""

import hashlib
import hmac
import re
import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

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


def documented(language: str) -> str:
    """The last code of the page in that language: the one that uses nothing of Lorespark."""
    page = (Path(__file__).parents[4] / "docs" / "webhooks.md").read_text(encoding="utf-8")
    return str(re.findall(rf"```{language}\n(.*?)```", page, re.DOTALL)[-1])


def cases() -> list[tuple[str, str, bytes, bool]]:
    now = int(time.time())
    good = sign(["whsec_other", "whsec_a"], now, BODY)
    return [
        ("whsec_a", good, BODY, True),
        ("whsec_other", good, BODY, True),
        ("whsec_b", good, BODY, False),
        ("whsec_a", good, BODY + b" ", False),
        ("whsec_a", sign(["whsec_a"], now - 400, BODY), BODY, False),
        ("whsec_a", "", BODY, False),
        ("whsec_a", "v1", BODY, False),
    ]


def test_the_documented_python_knows_what_is_genuine() -> None:
    made: dict[str, Any] = {}
    exec(documented("python"), made)
    for secret, header, body, genuine in cases():
        assert made["is_genuine"](secret, header, body) is genuine


def test_the_documented_javascript_knows_what_is_genuine(skip_or_fail: Callable[[str], NoReturn]) -> None:
    if shutil.which("node") is None:
        skip_or_fail("Node is not installed")
    asked = [
        f"console.log(isGenuine({secret!r}, {header!r}, Buffer.from({body.decode()!r})));"
        for secret, header, body, _ in cases()
    ]
    said = subprocess.run(
        ["node", "-e", "\n".join([documented("js"), *asked])], capture_output=True, text=True, check=True
    )
    assert said.stdout.split() == [str(genuine).lower() for *_, genuine in cases()]
