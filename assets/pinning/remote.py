"""A pinning service by the IPFS Pinning Service API 1.0 (Pinata, Filebase and others).

Such a service fetches what it is to keep from IPFS: from its ``origins``, which hold it already, as a Kubo node does.
Source: ipfs.github.io/pinning-services-api-spec.
"""

import json
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import quote

import httpx2

from assets.cid import Cid
from assets.errors import (
    InvalidCid,
    PinLost,
    ServiceFull,
    ServiceRefused,
    ServiceUnavailable,
    WrongContent,
)
from assets.pinning.car_stream import bounded, checked_bytes
from assets.pinning.service import CarParts, PinState, Receipt
from assets.pinning.wording import said

CONNECT_S: Final = 5.0
MAX_ANSWER_BYTES: Final = 1 << 20  # a list of ten pins takes some 20 kB
MAX_ORIGINS: Final = 20  # the specification's
_CAR_TYPE: Final = "application/vnd.ipld.car"
_CAR_BYTES: Final = 1 << 20  # more than the frame of a CAR beside twice its blocks
_ALL_STATES: Final = ",".join(PinState)


class RemotePinning:
    """``url`` is the API's base, as in https://api.pinata.cloud/psa. ``gateway`` is the base of a trustless gateway
    over what the service holds; without one nothing can be read back, and its word is all there is. ``origins`` are
    multiaddresses of who holds the content now. ``timeout_s`` is the silence that is borne, and ten of it the time
    for one whole answer."""

    def __init__(
        self,
        name: str,
        url: str,
        token: str,
        *,
        gateway: str | None = None,
        origins: Sequence[str] = (),
        timeout_s: float = 60.0,
    ) -> None:
        self.name, self._timeout_s = name, timeout_s
        self._url = url.rstrip("/")
        self._gateway = None if gateway is None else gateway.rstrip("/")
        self._origins = list(origins[:MAX_ORIGINS])
        self._headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        self._limits = httpx2.Timeout(timeout_s, connect=CONNECT_S)

    def __repr__(self) -> str:
        return f"RemotePinning({self.name!r})"

    def pin(self, root: Cid, car: CarParts, label: str) -> Receipt:
        """Asks for the pin, unless it was asked for before and has not failed; ``car`` is not sent."""
        receipt = self._listed(root)
        if receipt is not None and receipt.state is not PinState.FAILED:
            return receipt
        return self._receipt(root, self._ask("POST", "/pins", json_body=self._wanted(root, label)))

    def renew(self, root: Cid, car: CarParts, label: str, request_id: str | None) -> Receipt:
        """Replaces the pin that it has. Deleting it first could leave none, where no other is granted."""
        listed = None if request_id is not None else self._listed(root)
        known = request_id if listed is None else listed.request_id
        if known is not None:
            path, wanted = f"/pins/{quote(known, safe='')}", self._wanted(root, label)
            told = self._ask("POST", path, json_body=wanted, absent_is_none=True)
            if told is not None:
                return self._receipt(root, told)
        return self.pin(root, car, label)

    def state(self, root: Cid, request_id: str | None) -> Receipt | None:
        if request_id is None:
            return self._listed(root)
        told = self._ask("GET", f"/pins/{quote(request_id, safe='')}", absent_is_none=True)
        return None if told is None else self._receipt(root, told)

    def read_back(self, root: Cid, most_bytes: int) -> int | None:
        """Fetches the CAR from the gateway."""
        if self._gateway is None:
            return None
        url = f"{self._gateway}/ipfs/{root.as_v1()}"
        with (
            self._network("give the content back"),
            httpx2.Client(timeout=self._limits, follow_redirects=True, max_redirects=3) as client,
            client.stream(
                "GET",
                url,
                params={"format": "car", "dag-scope": "all"},
                headers={"Accept": _CAR_TYPE, "Cache-Control": "no-cache"},
            ) as response,
        ):
            if response.status_code in (404, 410, 412):
                raise PinLost(f"The gateway of {self.name} does not have {root}; it is pinned anew.")
            if response.status_code != 200:
                raise ServiceUnavailable(
                    f"The gateway of {self.name} answered {response.status_code}; it is asked again later."
                )
            limit = 2 * most_bytes + _CAR_BYTES
            parts = bounded(response.iter_bytes(), self.name, limit, 10 * self._timeout_s)
            return checked_bytes(root, parts, self.name)

    def version(self) -> str:
        self._ask("GET", "/pins", query={"limit": "1"})
        can = "" if self._gateway is None else ", read back by its gateway"
        return f"IPFS Pinning Service API{can}"

    def _wanted(self, root: Cid, label: str) -> dict[str, Any]:
        wanted: dict[str, Any] = {
            "cid": str(root.as_v1()),
            "name": label[:255],
            "meta": {"app": "lorespark"},
        }
        return {**wanted, "origins": self._origins} if self._origins else wanted

    def _listed(self, root: Cid) -> Receipt | None:
        """The best of its pins of ``root``: one that is held before one that is under way, then the failed."""
        query = {"cid": str(root.as_v1()), "status": _ALL_STATES, "limit": "10"}
        told = self._ask("GET", "/pins", query=query)
        results = told.get("results") if isinstance(told, Mapping) else None
        if not isinstance(results, list):
            raise self._odd()
        receipts = [self._receipt(root, each) for each in results[:10]]
        order = (PinState.PINNED, PinState.PINNING, PinState.QUEUED, PinState.FAILED)
        return min(receipts, key=lambda receipt: order.index(receipt.state), default=None)

    def _receipt(self, root: Cid, told: Any) -> Receipt:
        try:
            state, request_id, named = PinState(told["status"]), told["requestid"], told["pin"]["cid"]
        except (KeyError, TypeError, ValueError):
            raise self._odd() from None
        if not isinstance(request_id, str) or not 0 < len(request_id) <= 200 or not request_id.isprintable():
            raise self._odd()
        try:
            same = Cid.parse(named).as_v1() == root.as_v1()
        except InvalidCid:
            same = False
        if not same:
            raise WrongContent(
                f"The service {self.name} answers about {said(str(named), 80)}, not {root}; see what it runs."
            )
        info = told.get("info")
        detail = info.get("status_details") if isinstance(info, Mapping) else None
        return Receipt(state, request_id, said(detail) if isinstance(detail, str) else None)

    def _ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        json_body: Any = None,
        absent_is_none: bool = False,
    ) -> Any:
        until = time.monotonic() + 10 * self._timeout_s
        data = bytearray()
        with (
            self._network(f"answer {method}"),
            # No redirect is followed: the token goes where it was meant to go.
            httpx2.Client(timeout=self._limits, headers=self._headers) as client,
            client.stream(method, self._url + path, params=query, json=json_body) as response,
        ):
            for part in response.iter_bytes():
                data += part
                if len(data) > MAX_ANSWER_BYTES or time.monotonic() > until:
                    raise self._odd()
        status = response.status_code
        if status == 404 and absent_is_none:
            return None
        if not 200 <= status < 300:
            raise self._refusal(method, status, bytes(data))
        try:
            return json.loads(data)
        except (ValueError, RecursionError):
            raise self._odd() from None

    def _refusal(self, method: str, status: int, body: bytes) -> ServiceRefused | ServiceUnavailable:
        reason, details = _reason(body)
        if status >= 500 or status in (408, 425, 429) or 300 <= status < 400:
            return ServiceUnavailable(
                f"The service {self.name} answered {status} to {method} ({said(reason)}); it is asked again later."
            )
        if status in (401, 403):
            return ServiceRefused(
                f"The service {self.name} refused its token ({status}); set the variable that token_env names."
            )
        kind = ServiceFull if status in (402, 409, 413) or "FUNDS" in reason else ServiceRefused
        return kind(f"The service {self.name} refused the pin ({status}, {said(reason)}): {said(details)}")

    def _odd(self) -> ServiceUnavailable:
        return ServiceUnavailable(
            f"The service {self.name} does not answer as the IPFS Pinning Service API says; check its url."
        )

    @contextmanager
    def _network(self, what: str) -> Iterator[None]:
        """Translates what the client raises; its own texts may hold the URL."""
        try:
            yield
        except httpx2.TimeoutException:
            raise ServiceUnavailable(
                f"The service {self.name} did not {what} within {self._timeout_s:g} s; it is asked again later."
            ) from None
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ServiceUnavailable(
                f"The service {self.name} cannot be reached ({type(error).__name__}); it is asked again later."
            ) from None


def _reason(body: bytes) -> tuple[str, str]:
    """Reason and details of an error as the specification writes it."""
    try:
        error = json.loads(body)["error"]
        return str(error["reason"]), str(error.get("details") or "no details given")
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "no reason given", "no details given"
