"""Sign-In with Ethereum: what a wallet signs so that a server knows whose it is (EIP-4361).

A message is read by the EIP's own grammar and compared with what the server expects; who signed it says
`chain.wallet_signature`. The signature is over the text as it came, never over one that was written again.
"""

import ipaddress
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from eth_typing import ChecksumAddress

from chain.address import parse_address
from chain.errors import InvalidAddress, InvalidSignIn, SignInRefused

# Far more than a wallet shows; the grammar itself has no bound.
MAX_CHARACTERS: Final = 8_000
# How far the clocks of a wallet and a server may be apart.
CLOCK_SKEW_S: Final = 120

# RFC 3986, appendix A.
_UNRESERVED: Final = r"A-Za-z0-9\-._~"
_SUB_DELIMS: Final = r"!$&'()*+,;="
_ENCODED: Final = r"%[0-9A-Fa-f]{2}"
_PCHAR: Final = rf"(?:[{_UNRESERVED}{_SUB_DELIMS}:@]|{_ENCODED})"
_SCHEME: Final = r"[A-Za-z][A-Za-z0-9+\-.]*"
_AUTHORITY: Final = (
    rf"(?:(?:[{_UNRESERVED}{_SUB_DELIMS}:]|{_ENCODED})*@)?"
    rf"(?:\[(?P<literal>[^\[\]]*)\]|(?:[{_UNRESERVED}{_SUB_DELIMS}]|{_ENCODED})*)"
    r"(?::[0-9]*)?"
)
_FUTURE_LITERAL: Final = re.compile(rf"v[0-9A-Fa-f]+\.[{_UNRESERVED}{_SUB_DELIMS}:]+", re.IGNORECASE)
_AUTHORITY_ALONE: Final = re.compile(_AUTHORITY)
_URI: Final = re.compile(
    rf"(?P<scheme>{_SCHEME}):"
    rf"(?://(?P<authority>{_AUTHORITY})(?:/{_PCHAR}*)*|/(?:{_PCHAR}+(?:/{_PCHAR}*)*)?|{_PCHAR}+(?:/{_PCHAR}*)*|)"
    rf"(?:\?(?:{_PCHAR}|[/?])*)?"
    rf"(?:#(?:{_PCHAR}|[/?])*)?"
)

# RFC 3339, section 5.6; its letters may be small.
_DATE_TIME: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:(?P<second>[0-9]{2})(?P<part>\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})",
    re.IGNORECASE,
)

_FIRST: Final = re.compile(
    rf"(?:(?P<scheme>{_SCHEME})://)?(?P<domain>[^\s]+) wants you to sign in with your Ethereum account:"
)
_STATEMENT: Final = re.compile(rf"[{_UNRESERVED}:/?#\[\]@{_SUB_DELIMS} ]+")
_NONCE: Final = re.compile(r"[A-Za-z0-9]{8,}")
_CHAIN_ID: Final = re.compile(r"[0-9]{1,78}")
_REQUEST_ID: Final = re.compile(rf"{_PCHAR}*")

_HEAD_LINES: Final = 4  # who asks, the account, an empty line, and the statement or another empty line


@dataclass(frozen=True)
class SignInMessage:
    """What a wallet was asked to sign. Its times are texts as in RFC 3339, so that they stay as they were written.

    domain is an authority (RFC 3986) and has a port where it is not the scheme's usual one; scheme may be left out.
    """

    domain: str
    address: ChecksumAddress
    uri: str
    chain_id: int
    nonce: str
    issued_at: str
    scheme: str | None = None
    statement: str | None = None
    expiration_time: str | None = None
    not_before: str | None = None
    request_id: str | None = None
    resources: tuple[str, ...] | None = None

    @classmethod
    def parse(cls, text: str) -> "SignInMessage":
        """Reads a message by the EIP's grammar. Raises InvalidSignIn, which names the line that is wrong."""
        if len(text) > MAX_CHARACTERS:
            raise InvalidSignIn(f"The sign-in message has more than {MAX_CHARACTERS} characters; shorten it.")
        return _read(text)

    def text(self) -> str:
        """The message as a wallet shows and signs it. Raises InvalidSignIn for fields that none may have."""
        scheme = "" if self.scheme is None else f"{self.scheme}://"
        lines = [
            f"{scheme}{self.domain} wants you to sign in with your Ethereum account:",
            self.address,
            "",
            *([] if self.statement is None else [self.statement]),
            "",
            f"URI: {self.uri}",
            "Version: 1",
            f"Chain ID: {self.chain_id}",
            f"Nonce: {self.nonce}",
            f"Issued At: {self.issued_at}",
        ]
        optional = (
            ("Expiration Time", self.expiration_time),
            ("Not Before", self.not_before),
            ("Request ID", self.request_id),
        )
        lines += [f"{name}: {value}" for name, value in optional if value is not None]
        if self.resources is not None:
            lines += ["Resources:", *(f"- {resource}" for resource in self.resources)]
        text = "\n".join(lines)
        if self.parse(text) != self:
            raise InvalidSignIn("The fields do not make a sign-in message that says the same; correct them.")
        return text

    def check(
        self,
        *,
        scheme: str,
        domain: str,
        chain_id: int,
        now: datetime,
        max_age_s: int,
        nonce: str | None = None,
    ) -> None:
        """Compares it with what a server expects at `now`. Raises SignInRefused for the first that differs.

        Without nonce the caller compares that. The message's URI lies below scheme and domain.
        """
        if self.domain.lower() != domain.lower() or (self.scheme or scheme).lower() != scheme.lower():
            raise SignInRefused("The message was signed for another site; sign in from the site's own page.")
        found = _URI.fullmatch(self.uri)
        if found is None or (found["scheme"].lower(), (found["authority"] or "").lower()) != (
            scheme.lower(),
            domain.lower(),
        ):
            raise SignInRefused(
                f"The message's URI does not lie below {scheme}://{domain}; ask for a new one."
            )
        if self.chain_id != chain_id:
            raise SignInRefused(
                f"The message is for chain {self.chain_id} and this site uses {chain_id}; switch the wallet's network."
            )
        if nonce is not None and self.nonce != nonce:
            raise SignInRefused("The message's nonce is not the one that was given; ask for a new one.")
        skew = timedelta(seconds=CLOCK_SKEW_S)
        if not now - timedelta(seconds=max_age_s) - skew <= _time(self.issued_at) <= now + skew:
            raise SignInRefused(
                "The message was not issued just now; set the device's clock, and sign in again."
            )
        if self.expiration_time is not None and _time(self.expiration_time) <= now:
            raise SignInRefused("The message has expired; sign in again.")
        if self.not_before is not None and _time(self.not_before) > now + skew:
            raise SignInRefused("The message does not hold yet; sign in later.")


def is_authority(text: str) -> bool:
    """Whether the text is an authority with a host (RFC 3986, section 3.2)."""
    found = _AUTHORITY_ALONE.fullmatch(text)
    return found is not None and bool(re.sub(r"^.*@|:[0-9]*$", "", text)) and _literal_holds(found["literal"])


def is_uri(text: str) -> bool:
    """Whether the text is a URI with a scheme (RFC 3986, section 3)."""
    found = _URI.fullmatch(text)
    return found is not None and _literal_holds(found["literal"])


def _read(text: str) -> SignInMessage:
    lines = text.split("\n")
    first = _FIRST.fullmatch(lines[0])
    if first is None or not is_authority(first["domain"]):
        raise InvalidSignIn(
            "A sign-in message begins with the site's domain and `wants you to sign in with your Ethereum account:`; "
            "write it as EIP-4361 says."
        )
    if len(lines) <= _HEAD_LINES or lines[2] != "":
        raise InvalidSignIn("After the account comes an empty line; write the message as EIP-4361 says.")
    try:
        address = parse_address(lines[1])
    except InvalidAddress as error:
        raise InvalidSignIn(f"The message's second line is no account. {error}") from error
    statement = None
    if lines[3] != "":
        statement = lines[3]
        if _STATEMENT.fullmatch(statement) is None or lines[4] != "":
            raise InvalidSignIn(
                "The statement is one line of ASCII between empty ones; write it as EIP-4361 says."
            )
    rest = _Fields(lines[_HEAD_LINES + (statement is not None) :])
    uri = rest.take("URI")
    version = rest.take("Version")
    chain_id, nonce, issued_at = rest.take("Chain ID"), rest.take("Nonce"), rest.take("Issued At")
    expiration_time, not_before = rest.take_optional("Expiration Time"), rest.take_optional("Not Before")
    request_id, resources = rest.take_optional("Request ID"), rest.take_resources()
    _must(is_uri(uri), "URI", "a URI with its scheme")
    _must(version == "1", "Version", "1")
    _must(_CHAIN_ID.fullmatch(chain_id) is not None, "Chain ID", "a decimal number")
    _must(_NONCE.fullmatch(nonce) is not None, "Nonce", "8 or more letters and digits")
    for name, time in (
        ("Issued At", issued_at),
        ("Expiration Time", expiration_time),
        ("Not Before", not_before),
    ):
        _must(time is None or _parsed_time(time) is not None, name, "a time as in RFC 3339")
    _must(
        request_id is None or _REQUEST_ID.fullmatch(request_id) is not None,
        "Request ID",
        "of a path's letters",
    )
    for resource in resources or ():
        _must(is_uri(resource), "Resources", "a list of URIs")
    return SignInMessage(
        domain=first["domain"],
        scheme=first["scheme"],
        address=address,
        statement=statement,
        uri=uri,
        chain_id=int(chain_id),
        nonce=nonce,
        issued_at=issued_at,
        expiration_time=expiration_time,
        not_before=not_before,
        request_id=request_id,
        resources=resources,
    )


class _Fields:
    """The lines of a message that have names, in their one order."""

    def __init__(self, lines: list[str]) -> None:
        self._lines = lines

    def take(self, name: str) -> str:
        value = self.take_optional(name)
        if value is None:
            raise InvalidSignIn(
                f"The message has no `{name}: ` where EIP-4361 has it; write the lines in the EIP's order."
            )
        return value

    def take_optional(self, name: str) -> str | None:
        if not self._lines or not self._lines[0].startswith(f"{name}: "):
            return None
        return self._lines.pop(0)[len(name) + 2 :]

    def take_resources(self) -> tuple[str, ...] | None:
        """All that is left: resources, or nothing."""
        if not self._lines:
            return None
        if self._lines[0] != "Resources:" or not all(line.startswith("- ") for line in self._lines[1:]):
            raise InvalidSignIn("The message ends with lines that EIP-4361 does not know; leave them out.")
        return tuple(line[2:] for line in self._lines[1:])


def _must(holds: bool, name: str, what: str) -> None:
    if not holds:
        raise InvalidSignIn(f"The message's `{name}` is not {what}; write it as EIP-4361 says.")


def _time(text: str) -> datetime:
    time = _parsed_time(text)
    if time is None:
        raise InvalidSignIn("A time of the message is none; write it as in RFC 3339.")
    return time


def _parsed_time(text: str) -> datetime | None:
    found = _DATE_TIME.fullmatch(text)
    if found is None:
        return None
    leaps = found["second"] == "60"  # RFC 3339 has leap seconds, and Python has none
    written = (
        text[: found.start("second")] + ("59" if leaps else found["second"]) + text[found.end("second") :]
    )
    try:
        # Python reads six digits of a second's parts.
        part = found["part"] or ""
        time = datetime.fromisoformat(written.replace(part, part[:7], 1).upper() if part else written.upper())
        return time.astimezone(UTC) + timedelta(seconds=leaps)
    except (ValueError, OverflowError):
        return None


def _literal_holds(literal: str | None) -> bool:
    """Whether what stands in a host's brackets is an IPv6 address, or what RFC 3986 leaves room for."""
    if literal is None or _FUTURE_LITERAL.fullmatch(literal):
        return True
    try:
        return "%" not in literal and ipaddress.IPv6Address(literal) is not None
    except ValueError:
        return False
