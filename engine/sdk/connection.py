"""Where a server is and who asks: checked once, for both clients."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from engine.sdk.attempts import FIRST_RETRY_S, MAX_RETRIES
from engine.sdk.errors import LoresparkError

TIMEOUT_S: Final = 60.0
_CONNECT_S: Final = 10.0
_KEY = re.compile(r"[\x21-\x7e]{1,200}")


@dataclass(frozen=True)
class Connection:
    """``address`` has no path /v1; ``api_key`` shows nowhere."""

    address: str
    api_key: str | None = field(repr=False)
    timeout_s: float = TIMEOUT_S  # between two parts of an answer
    max_retries: int = MAX_RETRIES
    first_retry_s: float = FIRST_RETRY_S

    @classmethod
    def make(
        cls,
        base_url: str | None,
        api_key: str | None,
        environment: Mapping[str, str] = os.environ,
        **more: Any,
    ) -> "Connection":
        """With LORESPARK_SERVER and LORESPARK_API_KEY where these are left out. Raises LoresparkError."""
        url = (base_url or environment.get("LORESPARK_SERVER", "")).strip()
        key = (api_key or environment.get("LORESPARK_API_KEY", "")).strip() or None
        if key is not None and not _KEY.fullmatch(key):
            raise LoresparkError("The API key holds characters that no key has; copy it again.")
        return cls(_address(url), key, **more)

    def options(self) -> dict[str, Any]:
        """What either of httpx2's clients is made with."""
        headers = {"User-Agent": f"lorespark-python/{_version()}", "Accept": "application/json, */*;q=0.5"}
        if self.api_key is not None:
            headers["Authorization"] = f"Bearer {self.api_key}"
        timeout = httpx2.Timeout(self.timeout_s, connect=min(_CONNECT_S, self.timeout_s))
        return {"base_url": self.address, "headers": headers, "timeout": timeout, "follow_redirects": False}


def _address(url: str) -> str:
    if not url:
        raise LoresparkError("No server is named; give its address, or set LORESPARK_SERVER to it.")
    try:
        parts = urlsplit(url)
        sound = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        plain = parts.username is None and parts.password is None and not parts.query and not parts.fragment
    except ValueError:
        sound = plain = False
    if not (sound and plain and url.isprintable() and url.isascii()):
        raise LoresparkError(  # it may hold a password, so it is not repeated
            "The server's address is none; write it as http://host:port or https://host, without a user or a query."
        )
    return url.rstrip("/").removesuffix("/v1").rstrip("/")


def _version() -> str:
    try:
        return version("lorespark")
    except PackageNotFoundError:  # run from its folder without having been installed
        return "0"
