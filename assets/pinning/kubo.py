"""A Kubo node by its RPC API: it gets our own CAR, so addresses never depend on how the node is set.

Source: Kubo RPC API v0 (docs.ipfs.tech/reference/kubo/rpc), ``dag/import``, ``dag/export``, ``pin/ls``.
"""

import ipaddress
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

# The client otherwise replaces parts of urllib3 with copies from 2020, which warn at each call; they only serve Unix
# sockets and forced address families, which are not offered here.
os.environ.setdefault("PY_IPFS_HTTP_CLIENT_PATCH_REQUESTS", "no")

import ipfshttpclient
import requests
from ipfshttpclient import exceptions
from urllib3.exceptions import ReadTimeoutError

from assets.cid import Cid
from assets.errors import (
    AssetsError,
    InvalidCid,
    InvalidPinning,
    PinLost,
    ServiceFull,
    ServiceRefused,
    ServiceSilent,
    ServiceUnavailable,
    WrongContent,
)
from assets.pinning.car_stream import CarStream, bounded, checked_bytes
from assets.pinning.service import CarParts, PinState, Receipt
from assets.pinning.wording import said

CONNECT_S: Final = 5.0
_FULL: Final = ("no space left", "storage limit", "disk quota", "exceeds storage")
_UNPINNED: Final = ("not pinned", "no pinned")
_ABSENT: Final = ("not found", "could not find", "not have")
_DAMAGED: Final = ("different hash", "hash mismatch")  # told by a node that hashes what it reads
_CAR_OVERHEAD: Final = 2  # times the blocks' bytes is more than any CAR of them takes
_CAR_BYTES: Final = 1 << 20  # and this beside it for the many small blocks of a directory


class KuboService:
    """``url`` is the node's address, as in http://127.0.0.1:5001; ``timeout_s`` the silence that is borne, and ten of
    it the time for one whole transfer."""

    def __init__(self, name: str, url: str, token: str | None = None, timeout_s: float = 60.0) -> None:
        """Asks nothing yet. Raises InvalidPinning for a URL that names no host."""
        self.name, self._timeout_s = name, timeout_s
        address, base = _multiaddr(name, url)
        headers = {} if token is None else {"Authorization": f"Bearer {token}"}
        # Never ipfshttpclient.connect: it refuses every node newer than 0.8.
        self._client = ipfshttpclient.Client(address, base, headers=headers, timeout=(CONNECT_S, timeout_s))

    def __repr__(self) -> str:
        return f"KuboService({self.name!r})"

    def pin(self, root: Cid, car: CarParts, label: str) -> Receipt:
        """Imports the CAR, which pins its root, and looks whether the node lists the pin."""
        with self._asking(f"take {root}"):
            parts = bounded(car(), self.name, sys.maxsize, 10 * self._timeout_s)
            told = self._client.dag.imprt(CarStream(parts), opts={"pin-roots": "true"})
        taken = _member(_member(told, "Root"), "Cid")
        self._check_root(root, _member(taken, "/"))
        if fault := _member(_member(told, "Root"), "PinErrorMsg"):
            raise self._refusal(f"pin {root}", str(fault))
        receipt = self.state(root, None)
        if receipt is None:
            raise PinLost(
                f"The service {self.name} took {root} and does not list its pin; it is asked again."
            )
        return receipt

    def renew(self, root: Cid, car: CarParts, label: str, request_id: str | None) -> Receipt:
        """As :meth:`pin`, which hands over every block whatever the node lists."""
        return self.pin(root, car, label)

    def state(self, root: Cid, request_id: str | None) -> Receipt | None:
        try:
            with self._asking(f"list its pin of {root}"):
                told = self._client.pin.ls(str(root.as_v1()), type="recursive")
        except ServiceRefused as error:
            if any(word in str(error).lower() for word in _UNPINNED):
                return None
            raise
        keys = _member(told, "Keys")
        listed = [_cid(key) for key in keys] if isinstance(keys, Mapping) else []
        return Receipt(PinState.PINNED) if root.as_v1() in listed else None

    def read_back(self, root: Cid, most_bytes: int) -> int:
        """Exports the CAR again, of what the node itself has: it fetches nothing from others for it.

        A node that searches the network all the same, as js-ipfs does, says nothing until it has found the block; one
        that is silent about this and answers at once when it is asked who it is does not have it.
        """
        try:
            with self._asking(f"give {root} back"):
                answer = self._client.dag.export(str(root.as_v1()), stream=True, offline=True)
                with closing(answer):
                    limit = _CAR_OVERHEAD * most_bytes + _CAR_BYTES
                    parts = bounded(iter(answer), self.name, limit, 10 * self._timeout_s)
                    return checked_bytes(root, parts, self.name)
        except ServiceSilent as error:
            self.version()
            raise PinLost(
                f"The service {self.name} answers, and gives back nothing more of {root}; it is pinned anew."
            ) from error
        except ServiceRefused as error:
            if any(word in str(error).lower() for word in _ABSENT):
                raise PinLost(
                    f"The service {self.name} no longer has all of {root}; it is pinned anew."
                ) from error
            if any(word in str(error).lower() for word in _DAMAGED):
                raise WrongContent(
                    f"The service {self.name} holds {root} damaged; it is pinned anew."
                ) from error
            raise

    def version(self) -> str:
        with self._asking("tell its version"):
            return f"Kubo RPC {said(str(_member(self._client.version(), 'Version')), 40)}"

    def _check_root(self, root: Cid, told: object) -> None:
        if _cid(told) != root.as_v1():
            raise WrongContent(
                f"The service {self.name} calls the content {said(str(told), 80)}, not {root}; see what it runs."
            )

    def _refusal(self, what: str, reason: str) -> ServiceRefused:
        kind = ServiceFull if any(word in reason.lower() for word in _FULL) else ServiceRefused
        return kind(f"The service {self.name} did not {what}: {said(reason)}")

    def _silence(self, what: str) -> ServiceSilent:
        return ServiceSilent(
            f"The service {self.name} gave no answer within {self._timeout_s:g} s when it was to {what}; it is "
            "asked again later."
        )

    def _broken(self, what: str, error: Exception) -> ServiceUnavailable:
        return ServiceUnavailable(
            f"The service {self.name} cannot be reached, or broke off ({type(error).__name__}), when it was to "
            f"{what}; it is asked again later."
        )

    @contextmanager
    def _asking(self, what: str) -> Iterator[None]:
        """Translates what the client and what it stands on raise; their own texts hold the node's URL."""
        try:
            yield
        except exceptions.ErrorResponse as error:
            raise self._refusal(what, str(error.args[0]) if error.args else "no reason given") from None
        except exceptions.StatusError as error:
            status = getattr(getattr(error.original, "response", None), "status_code", None)
            if status in (401, 403):
                raise ServiceRefused(
                    f"The service {self.name} refused its token ({status}); set the variable that token_env names."
                ) from None
            raise ServiceUnavailable(
                f"The service {self.name} answered {status} when it was to {what}; it is asked again later."
            ) from None
        except (exceptions.TimeoutError, requests.Timeout):
            raise self._silence(what) from None
        except requests.ConnectionError as error:
            # So requests tells of a silence in the middle of an answer.
            if any(isinstance(each, ReadTimeoutError) for each in error.args):
                raise self._silence(what) from None
            raise self._broken(what, error) from None
        except (exceptions.Error, requests.RequestException, OSError) as error:
            raise self._broken(what, error) from None
        except AssetsError:
            raise
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:  # of another shape
            raise ServiceUnavailable(
                f"The service {self.name} answered in no known form ({type(error).__name__}); check its url."
            ) from None


def _member(value: Any, name: str) -> Any:
    return value[name] if isinstance(value, Mapping) and name in value else None


def _cid(text: object) -> Cid | None:
    try:
        return Cid.parse(str(text)).as_v1()
    except InvalidCid:
        return None


def _multiaddr(name: str, url: str) -> tuple[str, str]:
    """The client's spelling of the URL, and the path of its API."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port or (443 if parts.scheme == "https" else 80)
    except ValueError:
        host, port = None, 0
    if host is None or parts.scheme not in ("http", "https"):
        raise InvalidPinning(f"The url of the service {name} is no http:// or https:// address; correct it.")
    try:
        kind = f"ip{ipaddress.ip_address(host).version}"
    except ValueError:
        kind = "dns"
    path = parts.path.rstrip("/")
    base = path if path.endswith("/api/v0") else f"{path}/api/v0"
    return f"/{kind}/{host}/tcp/{port}/{parts.scheme}", base.lstrip("/")
