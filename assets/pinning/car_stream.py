"""A CAR that passes between us and a service: read like a file, within bounds, and checked once it is here."""

import time
from collections.abc import Iterator
from typing import BinaryIO, cast

from assets.block import MemoryBlocks
from assets.car import export_dag, read_car
from assets.cid import Cid
from assets.errors import (
    AssetsError,
    BlockMissing,
    InvalidCar,
    PinLost,
    PinningFailed,
    ServiceUnavailable,
    WrongContent,
)


class CarStream:
    """``parts`` as a file that is read front to back."""

    def __init__(self, parts: Iterator[bytes]) -> None:
        self._parts, self._rest = parts, b""
        self.has_begun = False  # whether any byte came

    def read(self, size: int = -1) -> bytes:
        """At most ``size`` bytes, all that are left where it is negative; nothing at the end only."""
        if size < 0:
            given, self._rest = self._rest + b"".join(self._parts), b""
            return given
        while not self._rest and size:
            part = next(self._parts, None)
            if part is None:
                break
            self.has_begun |= bool(part)
            self._rest = part
        given, self._rest = self._rest[:size], self._rest[size:]
        return given


def bounded(parts: Iterator[bytes], service: str, most_bytes: int, whole_s: float) -> Iterator[bytes]:
    """``parts`` as they come, at most ``most_bytes`` and for at most ``whole_s`` seconds.

    Raises WrongContent for more, ServiceUnavailable for later.
    """
    until, size = time.monotonic() + whole_s, 0
    for part in parts:
        size += len(part)
        if size > most_bytes:
            raise WrongContent(
                f"The service {service} answers with more than {most_bytes} bytes; it sends something else."
            )
        if time.monotonic() > until:
            raise ServiceUnavailable(
                f"The service {service} took longer than {whole_s:g} s; it is asked again later."
            )
        yield part


def checked_bytes(root: Cid, parts: Iterator[bytes], service: str) -> int:
    """The bytes of all blocks below ``root`` in a CAR, each hashed. What passes through ``parts`` is not translated.

    Raises PinLost where blocks are missing, WrongContent where the CAR is about something else or damaged,
    ServiceUnavailable where it is no CAR at all: a page of some proxy says nothing about what is held behind it.
    """
    held, stream = MemoryBlocks(), CarStream(parts)
    try:
        try:
            _, blocks = read_car(cast(BinaryIO, stream))
        except InvalidCar as error:
            if not stream.has_begun:
                raise PinLost(
                    f"The service {service} gives back nothing of {root}; it is pinned anew."
                ) from error
            raise ServiceUnavailable(
                f"The service {service} answers with something else than a CAR; see what it runs."
            ) from error
        for cid, data in blocks:
            held.put(cid, data)
        return sum(len(data) for _, data in export_dag([root], held))
    except PinningFailed:
        raise
    except BlockMissing as error:
        raise PinLost(
            f"The service {service} does not give back all of {root}; it is pinned anew."
        ) from error
    except AssetsError as error:
        raise WrongContent(f"The service {service} gives back damaged content: {error}") from error
