"""A model that tells which texts are harmful, behind an OpenAI-compatible service."""

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

import httpx2
from pydantic_core import from_json

from engine.errors import ModerationUnavailable

TIMEOUT_S: Final = 10.0  # for a whole answer; who asks for a creation waits for it
MAX_ANSWER_BYTES: Final = 1_000_000
MAX_CATEGORIES: Final = 5
_CATEGORY: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9/_ -]{0,30}")


class Classifier(Protocol):
    """Says what is wrong with texts."""

    def refused(self, texts: Sequence[str]) -> list[str | None]:
        """For each text the categories that it falls into, None where it is harmless. Raises ModerationUnavailable."""


@dataclass(frozen=True)
class ModerationService:
    """``url`` is the base of the API, as in https://host/v1; it and the key stay out of every message."""

    url: str = field(repr=False)
    model: str | None = None
    key: str | None = field(default=None, repr=False)
    timeout_s: float = TIMEOUT_S

    def refused(self, texts: Sequence[str]) -> list[str | None]:
        """Asks for all at once. Source: OpenAI API reference, "Create moderation"."""
        body: dict[str, Any] = {"input": list(texts)}
        if self.model is not None:
            body["model"] = self.model
        try:
            results = from_json(self._answer(body))["results"]
            verdicts = [_verdict(result) for result in results]
        except (ValueError, LookupError, TypeError) as error:
            raise ModerationUnavailable(
                "The service that checks prompts answered with something else than verdicts; try again later."
            ) from error
        if len(verdicts) != len(texts):
            raise ModerationUnavailable("The service that checks prompts left some out; try again later.")
        return verdicts

    def _answer(self, body: dict[str, Any]) -> bytes:
        headers = {} if self.key is None else {"Authorization": f"Bearer {self.key}"}
        ends = time.monotonic() + self.timeout_s
        late = ModerationUnavailable(
            f"The service that checks prompts gave no answer within {self.timeout_s:g} s; try again later."
        )
        data = b""
        try:
            with (
                httpx2.Client(timeout=self.timeout_s) as client,
                client.stream(
                    "POST", f"{self.url.rstrip('/')}/moderations", json=body, headers=headers
                ) as response,
            ):
                if response.status_code != 200:
                    raise ModerationUnavailable(
                        f"The service that checks prompts answered {response.status_code}; try again later."
                    )
                for part in response.iter_bytes():  # the client's own timeout is for each part
                    data += part
                    if len(data) > MAX_ANSWER_BYTES:
                        raise ModerationUnavailable(
                            "The answer of the service that checks prompts is too long."
                        )
                    if time.monotonic() > ends:
                        raise late
        except httpx2.TimeoutException as error:
            raise late from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:  # its text may hold the URL
            raise ModerationUnavailable(
                "The service that checks prompts cannot be reached; try again later."
            ) from error
        return data


def _verdict(result: Any) -> str | None:
    flagged, categories = result["flagged"], result.get("categories") or {}
    if not isinstance(flagged, bool) or not isinstance(categories, dict):
        raise TypeError("a verdict is true or false")
    if not flagged:
        return None
    names = [name for name, hit in categories.items() if hit is True and _CATEGORY.fullmatch(name)]
    return ", ".join(sorted(names)[:MAX_CATEGORIES]) or "harmful"
