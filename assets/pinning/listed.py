"""The list of pinning services that a user keeps: ``pinning.toml``, read once and checked whole."""

import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import urlsplit

from assets.errors import InvalidPinning
from assets.pinning.remote import RemotePinning
from assets.pinning.service import PinningService

Kind = Literal["kubo", "pinning-api"]
MAX_SERVICES: Final = 16
CHECK_HOURS: Final = 24.0
_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_VARIABLE: Final = re.compile(r"[A-Z][A-Z0-9_]{0,127}")  # capitals, so that a pasted token is not repeated
_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,8000}")
_FIELDS: Final = frozenset({"name", "kind", "url", "token_env", "gateway", "origins", "timeout_s"})


@dataclass(frozen=True)
class ListedService:
    """``url`` and ``token`` show in no repr: either may let its reader in."""

    name: str
    kind: Kind
    url: str = field(repr=False)
    token: str | None = field(default=None, repr=False)
    gateway: str | None = field(default=None, repr=False)
    origins: tuple[str, ...] = ()
    timeout_s: float = 60.0

    def opened(self) -> PinningService:
        """Ready to be asked. Raises InvalidPinning."""
        if self.kind == "kubo":
            # It imports requests and multiaddr, a tenth of a second that only who has a node should wait for.
            from assets.pinning.kubo import KuboService  # noqa: PLC0415

            return KuboService(self.name, self.url, self.token, self.timeout_s)
        return RemotePinning(
            self.name,
            self.url,
            self.token or "",
            gateway=self.gateway,
            origins=self.origins,
            timeout_s=self.timeout_s,
        )


@dataclass(frozen=True)
class PinningList:
    """``check_every_s`` is how long after it was last looked at a pin is read back."""

    services: tuple[ListedService, ...] = ()
    check_every_s: float = CHECK_HOURS * 3600


def read_pinning_list(path: Path, environment: Mapping[str, str]) -> PinningList:
    """The list in the TOML file ``path``; nothing is listed where there is none. Tokens come from ``environment``.

    Raises InvalidPinning, which names the field and repeats no URL or token.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return PinningList()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise InvalidPinning(
            f"{path} cannot be read ({reason}); correct it, or remove it to pin nowhere."
        ) from error
    if odd := sorted(set(document) - {"services", "check_hours"}):
        raise InvalidPinning(
            f"{path} has an unknown field {odd[0][:40]!r}; it has check_hours and [[services]]."
        )
    hours = document.get("check_hours", CHECK_HOURS)
    if not _is_number(hours) or not 0 < hours <= 8760:
        raise InvalidPinning(f"check_hours in {path} is not a number of hours up to 8760; set it, as in 24.")
    listed = document.get("services", [])
    if (
        not isinstance(listed, list)
        or len(listed) > MAX_SERVICES
        or not all(isinstance(each, dict) for each in listed)
    ):
        raise InvalidPinning(
            f"services in {path} is not a list of at most {MAX_SERVICES} [[services]]; correct it."
        )
    services = tuple(
        _service(each, f"service {number} in {path}", environment) for number, each in enumerate(listed, 1)
    )
    names = [service.name for service in services]
    if len(set(names)) != len(names):
        raise InvalidPinning(f"Two services in {path} have one name; give each its own.")
    return PinningList(services, float(hours) * 3600)


def _service(given: dict[str, Any], where: str, environment: Mapping[str, str]) -> ListedService:
    def refuse(name: str, must: str) -> InvalidPinning:
        return InvalidPinning(f"{name} of {where} must be {must}; correct it.")

    if odd := sorted(set(given) - _FIELDS):
        raise InvalidPinning(
            f"{where} has an unknown field {odd[0][:40]!r}; its fields are {', '.join(sorted(_FIELDS))}."
        )
    name, kind, url = given.get("name"), given.get("kind"), given.get("url")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise refuse("name", "1 to 64 small letters, digits, dots, dashes and underscores")
    if kind not in ("kubo", "pinning-api"):
        raise refuse("kind", "kubo or pinning-api")
    if not isinstance(url, str) or not _is_url(url):
        raise refuse("url", "an http:// or https:// address without user and password")
    gateway, origins = given.get("gateway"), given.get("origins", [])
    if gateway is not None and not _is_url(gateway):
        raise refuse("gateway", "an http:// or https:// address without user and password")
    if not isinstance(origins, list) or not all(
        isinstance(each, str) and each.startswith("/") for each in origins
    ):
        raise refuse("origins", "a list of multiaddresses, as in /dnsaddr/node.example/p2p/…")
    if kind == "kubo" and (gateway is not None or origins):
        raise InvalidPinning(
            f"{where} is a Kubo node, which needs neither gateway nor origins; leave them out."
        )
    timeout_s = given.get("timeout_s", ListedService.timeout_s)
    if not _is_number(timeout_s) or not 0 < timeout_s <= 600:
        raise refuse("timeout_s", "a number of seconds up to 600")
    token = _token(given.get("token_env"), kind, where, environment)
    return ListedService(name, kind, url, token, gateway, tuple(origins), float(timeout_s))


def _token(variable: Any, kind: str, where: str, environment: Mapping[str, str]) -> str | None:
    if variable is None:
        if kind == "pinning-api":
            raise InvalidPinning(
                f"{where} has no token_env; name the environment variable that holds its token."
            )
        return None
    if not isinstance(variable, str) or not _VARIABLE.fullmatch(variable):
        raise InvalidPinning(
            f"token_env of {where} is no name of an environment variable; it is never the token itself."
        )
    token = environment.get(variable, "").strip()
    if not _TOKEN.fullmatch(token):
        raise InvalidPinning(f"{variable}, which {where} names, is not set to a token; set it.")
    return token


def _is_url(url: Any) -> bool:
    if not isinstance(url, str) or not re.fullmatch(r"https?://[\x21-\x7e]+", url):
        return False
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and "@" not in parts.netloc and (parts.port or 1) > 0
    except ValueError:
        return False


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
