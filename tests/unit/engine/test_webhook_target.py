"""Where webhooks may lead: every address of the host, in every disguise."""

from ipaddress import ip_address

import pytest

from engine.errors import TargetRefused
from engine.webhook_target import MAX_ADDRESSES, Targets, is_public, system_resolver

INSIDE = [
    "0.0.0.0", "0.1.2.3", "10.0.0.1", "100.64.0.1", "100.127.255.255", "127.0.0.1", "127.9.9.9", "169.254.169.254",
    "172.16.0.1", "172.31.255.255", "192.0.0.1", "192.0.2.1", "192.88.99.1", "192.168.1.1", "198.18.0.1",
    "198.51.100.1", "203.0.113.9", "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",
    "::", "::1", "::127.0.0.1", "::8.8.8.8", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:169.254.169.254",
    "64:ff9b::7f00:1", "64:ff9b::a00:1", "64:ff9b:1::1", "100::1", "2001::1", "2001:0:4136:e378:8000:63bf:3fff:fdd2",
    "2001:db8::1", "2001:10::1", "2002:7f00:1::", "2002:a00:1::1", "3fff::1", "4000::1", "5f00::1", "fc00::1",
    "fd12:3456::1", "fe80::1", "fe80::1%eth0", "2600::1%eth0", "fec0::1", "ff02::1", "ff0e::1",
]  # fmt: skip
OUTSIDE = [
    "8.8.8.8",
    "1.1.1.1",
    "100.63.255.255",
    "100.128.0.1",
    "172.32.0.1",
    "192.88.98.1",
    "2606:4700::1111",
]
OUTSIDE += ["::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"]


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_is_refused(address: str) -> None:
    assert not is_public(ip_address(address))
    with pytest.raises(TargetRefused, match="not public") as caught:
        Targets(resolve=lambda *_: ["8.8.8.8", address]).checked("https://studio.example/x")
    assert address not in str(caught.value)
    assert "studio" not in str(caught.value)


@pytest.mark.parametrize("address", OUTSIDE)
def test_an_address_of_the_public_network_is_let_through(address: str) -> None:
    target = Targets(resolve=lambda *_: [address]).checked("https://Studio.Example./x?y=1")
    assert target.addresses == (str(ip_address(address)),)
    assert (target.host, target.port, target.path, target.authority) == (
        "studio.example", 443, b"/x?y=1", "studio.example"
    )  # fmt: skip


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://127.1/", "https://0x7f.1/", "https://2130706433/", "https://0177.0.0.1/",
        "https://127.0.0.1./", "https://[::1]/", "https://[::ffff:127.0.0.1]/", "https://[fe80::1%25eth0]/",
        "https://localhost/", "https://localhost./", "https://LOCALHOST:8443/",
    ],
)  # fmt: skip
def test_loopback_is_refused_however_it_is_written(url: str) -> None:
    with pytest.raises(TargetRefused):
        Targets().checked(url)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://studio.example/", "https"), ("ftp://studio.example/", "form"), ("file:///etc/passwd", "form"),
        ("studio.example", "form"), ("https:///path", "form"), ("https://me:secret@studio.example/", "password"),
        ("https://me@studio.example/", "password"), ("https://studio.example:0/", "port"),
        ("https://studio.example:99999/", "port"), ("https://studio.example:x/", "cannot be read"),
        ("https://a b/", "host"), ("https://localhost%00.studio.example/", "host"), ("https://-a.example/", "host"),
        ("https://a..example/", "host"), (f"https://{'a' * 64}.example/", ""), (f"https://{'a.' * 130}example/", ""),
        ("https://x\n.example/", "cannot be read"), ("https://x\0.example/", "cannot be read"),
        ("https://[::1/", "cannot be read"), ("", "form"),
    ],
)  # fmt: skip
def test_a_url_that_is_none_is_told_in_one_sentence(url: str, reason: str) -> None:
    with pytest.raises(TargetRefused) as caught:
        Targets(resolve=lambda *_: ["8.8.8.8"]).checked(url)
    assert reason in str(caught.value)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("found", [[], ["8.8.8.8"] * (MAX_ADDRESSES + 1), ["no address"]])
def test_a_name_without_usable_addresses_is_refused(found: list[str]) -> None:
    with pytest.raises(TargetRefused):
        Targets(resolve=lambda *_: found).checked("https://studio.example/")


def test_a_name_that_nobody_knows_is_refused() -> None:
    with pytest.raises(TargetRefused, match="cannot be found"):
        Targets().checked("https://lorespark.invalid/")


def test_the_setting_lets_plain_http_and_addresses_inside_pass() -> None:
    target = Targets(allow_private=True, resolve=lambda *_: ["10.0.0.7", "fd00::7"]).checked(
        "http://ci:8080/x"
    )
    assert (target.addresses, target.authority) == (("10.0.0.7", "fd00::7"), "ci:8080")
    assert Targets(allow_private=True).checked("http://[::1]:9/").authority == "[::1]:9"


def test_the_system_knows_loopback() -> None:
    assert "127.0.0.1" in system_resolver("127.0.0.1", 80)
