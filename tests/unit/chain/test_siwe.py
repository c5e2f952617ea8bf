"""Sign-in messages: what the grammar of EIP-4361 takes and refuses, and what a server compares."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chain.errors import InvalidSignIn, SignInRefused
from chain.siwe import MAX_CHARACTERS, SignInMessage, is_authority, is_uri

ADDRESS = "0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2"
# The EIP's examples: an implicit scheme, a port, and an explicit scheme.
EXAMPLE = """\
{} wants you to sign in with your Ethereum account:
0xC02aaA39b223FE8D0A0e5C4F27eAD9083C756Cc2

I accept the ExampleOrg Terms of Service: https://example.com/tos

URI: https://example.com/login
Version: 1
Chain ID: 1
Nonce: 32891756
Issued At: 2021-09-30T16:25:24Z
Resources:
- ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/
- https://example.com/my-web2-claim.json"""
SMALL = f"""\
example.com wants you to sign in with your Ethereum account:
{ADDRESS}


URI: https://example.com/
Version: 1
Chain ID: 1
Nonce: 32891756
Issued At: 2021-09-30T16:25:24Z"""
NOW = datetime(2021, 9, 30, 16, 26, tzinfo=UTC)


def sign_in(**fields: Any) -> SignInMessage:
    return replace(SignInMessage.parse(SMALL), **fields)


def check(message: SignInMessage, **expected: Any) -> None:
    wanted = {"scheme": "https", "domain": "example.com", "chain_id": 1, "now": NOW, "max_age_s": 300}
    message.check(**{**wanted, **expected})


@pytest.mark.parametrize(
    ("written", "scheme", "domain"),
    [
        ("example.com", None, "example.com"),
        ("example.com:3388", None, "example.com:3388"),
        ("https://example.com", "https", "example.com"),
    ],
)
def test_the_eips_own_examples_are_read_and_written_again(
    written: str, scheme: str | None, domain: str
) -> None:
    text = EXAMPLE.format(written)
    read = SignInMessage.parse(text)
    assert read == SignInMessage(
        domain=domain,
        scheme=scheme,
        address=read.address,
        statement="I accept the ExampleOrg Terms of Service: https://example.com/tos",
        uri="https://example.com/login",
        chain_id=1,
        nonce="32891756",
        issued_at="2021-09-30T16:25:24Z",
        resources=(
            "ipfs://bafybeiemxf5abjwjbikoz4mc3a3dla6ual3jsgpdr4cjr3oz3evfyavhwq/",
            "https://example.com/my-web2-claim.json",
        ),
    )
    assert read.address == ADDRESS
    assert read.text() == text


@pytest.mark.parametrize(
    "more",
    [
        "",
        "\nExpiration Time: 2021-10-01T00:00:00Z",
        "\nNot Before: 2021-09-30T16:25:24+02:00",
        "\nRequest ID: some-id",
        "\nRequest ID: ",
        "\nResources:",
        "\nResources:\n- urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "\nExpiration Time: 2021-10-01T00:00:00.123456789Z\nNot Before: 2021-09-30t16:25:24z\nRequest ID: a%20b",
    ],
)
def test_optional_lines_are_read_and_written_again(more: str) -> None:
    assert SignInMessage.parse(SMALL + more).text() == SMALL + more


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("example.com wants", " wants"),
        ("example.com wants", "exa mple.com wants"),
        ("example.com wants", "https://example.com/path wants"),
        ("example.com wants", "[::g] wants"),
        ("example.com wants", ":80 wants"),
        ("account:\n", "account\n"),
        ("wants you", "Wants you"),
        (ADDRESS, ADDRESS[2:]),
        (ADDRESS, ADDRESS[:-1]),
        (ADDRESS, ADDRESS[:-1] + "g"),
        (ADDRESS, ADDRESS[:-2] + "C2"),  # a broken checksum (EIP-55)
        ("\n\n\nURI", "\n\nURI"),
        ("\n\n\nURI", "\n\nfirst\nsecond\n\nURI"),
        ("\n\n\nURI", "\n\nnot ASCII é\n\nURI"),
        ("\n\n\nURI", '\n\na "quote"\n\nURI'),
        ("\n\n\nURI", "\n\na statement\nURI"),
        ("URI: https://example.com/", "URI: example.com"),
        ("URI: https://example.com/", "URI: https://example.com/ "),
        ("URI: https://example.com/", "URI: https://example.com/%zz"),
        ("URI: https://example.com/", "URI: "),
        ("URI: https://example.com/\n", ""),
        ("Version: 1", "Version: 2"),
        ("Version: 1", "Version: 1 "),
        ("Version: 1\nChain ID: 1", "Chain ID: 1\nVersion: 1"),
        ("Chain ID: 1", "Chain ID: 0x1"),
        ("Chain ID: 1", "Chain ID: "),
        ("Chain ID: 1", "Chain ID: ١"),
        ("Nonce: 32891756", "Nonce: 3289175"),
        ("Nonce: 32891756", "Nonce: 3289-1756"),
        ("Nonce: 32891756", "nonce: 32891756"),
        ("2021-09-30T16:25:24Z", "2021-09-30T16:25:24"),
        ("2021-09-30T16:25:24Z", "2021-09-30 16:25:24Z"),
        ("2021-09-30T16:25:24Z", "2021-09-31T16:25:24Z"),
        ("2021-09-30T16:25:24Z", "2021-09-30T25:25:24Z"),
        ("2021-09-30T16:25:24Z", "2021-09-30"),
        ("2021-09-30T16:25:24Z", "2021-09-30T16:25:24Z\n"),
        ("2021-09-30T16:25:24Z", "2021-09-30T16:25:24Z\nSomething: else"),
        ("2021-09-30T16:25:24Z", "2021-09-30T16:25:24Z\nRequest ID: a b"),
        ("2021-09-30T16:25:24Z", "2021-09-30T16:25:24Z\nExpiration Time: tomorrow"),
        (
            "2021-09-30T16:25:24Z",
            "2021-09-30T16:25:24Z\nNot Before: 2021-10-01T00:00:00Z\nExpiration Time: 2021-10-01T00:00:00Z",
        ),
        ("2021-09-30T16:25:24Z", "2021-09-30T16:25:24Z\nResources:\n- no uri"),
        ("2021-09-30T16:25:24Z", "2021-09-30T16:25:24Z\nResources:\nhttps://example.com"),
        ("2021-09-30T16:25:24Z", "2021-09-30T16:25:24Z\nResources: \n- https://example.com"),
        ("\n", "\r\n"),
        (SMALL, ""),
        (SMALL, "x" * (MAX_CHARACTERS + 1)),
    ],
)
def test_what_the_grammar_does_not_have_is_refused(old: str, new: str) -> None:
    text = SMALL.replace(old, new)
    assert text != SMALL
    with pytest.raises(InvalidSignIn):
        SignInMessage.parse(text)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    for whole in (text, SMALL + text, SMALL.replace("https://example.com/", text)):
        try:
            read = SignInMessage.parse(whole)
        except InvalidSignIn:
            continue
        assert SignInMessage.parse(read.text()) == read


@pytest.mark.parametrize(
    "fields",
    [
        {"statement": "two\nlines"},
        {"statement": ""},
        {"nonce": "short"},
        {"domain": "a b"},
        {"request_id": "1\nResources:"},
        {"uri": "https://example.com/\nVersion: 1"},
    ],
)
def test_fields_that_no_message_may_have_are_not_written(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidSignIn):
        sign_in(**fields).text()


@pytest.mark.parametrize("text", ["localhost", "127.0.0.1:8000", "[::1]:80", "[v1.a:b]", "a@b", "b%20c"])
def test_authorities_are_known(text: str) -> None:
    assert is_authority(text)


@pytest.mark.parametrize("text", ["", ":80", "a@", "a/b", "[::1", "[fe80::1%25eth0]", "a b", "a:b:c"])
def test_what_is_no_authority_is_known(text: str) -> None:
    assert not is_authority(text)


@pytest.mark.parametrize("text", ["a:", "a:b", "urn:a:b?c#d", "file:///x", "http://[::1]/?q", "mailto:a@b"])
def test_uris_are_known(text: str) -> None:
    assert is_uri(text)


@pytest.mark.parametrize(
    "text", ["", "1a:b", "//a", "a b:c", "a:[b]", "http://[::1/", "http://[x]/", "a:b\n"]
)
def test_what_is_no_uri_is_known(text: str) -> None:
    assert not is_uri(text)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"scheme": "https"},
        {"domain": "EXAMPLE.com"},
        {"issued_at": "2021-09-30T16:27:59Z"},  # a clock that is two minutes ahead
        {"issued_at": "2021-09-30T18:25:24+02:00"},
        {"expiration_time": "2021-09-30T16:26:01Z"},
        {"not_before": "2021-09-30T16:25:59.5Z"},
        {"issued_at": "2021-09-30T16:25:60Z"},  # a leap second
    ],
)
def test_a_message_as_it_is_expected_holds(fields: dict[str, Any]) -> None:
    check(sign_in(**fields), nonce="32891756")


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"domain": "evil.example"}, "another site"),
        ({"domain": "example.com:8443"}, "another site"),
        ({"scheme": "http"}, "another site"),
        ({"uri": "https://evil.example/"}, "URI does not lie"),
        ({"uri": "http://example.com/"}, "URI does not lie"),
        ({"uri": "https://example.com.evil.example/"}, "URI does not lie"),
        ({"uri": "urn:example.com"}, "URI does not lie"),
        ({"chain_id": 5}, "chain 5"),
        ({"nonce": "other1756"}, "nonce"),
        ({"issued_at": "2021-09-30T16:18:59Z"}, "not issued just now"),
        ({"issued_at": "2021-09-30T16:28:01Z"}, "not issued just now"),
        ({"issued_at": "0001-01-01T00:00:00+23:59"}, "RFC 3339"),
        ({"expiration_time": "2021-09-30T16:26:00Z"}, "expired"),
        ({"not_before": "2021-09-30T16:28:01Z"}, "not hold yet"),
    ],
)
def test_a_message_for_elsewhere_or_another_time_is_refused(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises((SignInRefused, InvalidSignIn), match=reason):
        check(sign_in(**fields), nonce="32891756")
