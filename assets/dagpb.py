"""dag-pb: the node format under UnixFS, a list of named links and some bytes."""

from dataclasses import dataclass

from assets.cid import Cid
from assets.errors import InvalidCid, InvalidUnixFs
from assets.protobuf import bytes_field, fields, varint_field


@dataclass(frozen=True, slots=True)
class PbLink:
    """A link to the block ``cid``; ``tsize`` is the bytes of all blocks below it, each occurrence counted."""

    cid: Cid
    name: str
    tsize: int


@dataclass(frozen=True, slots=True)
class PbNode:
    """A node: its links in order, and its own bytes.

    Source: DAG-PB specification (ipld.io), "Logical Format" and "Serial Format".
    """

    links: tuple[PbLink, ...]
    data: bytes

    def encode(self) -> bytes:
        """The one canonical encoding: links before data, and in each link hash, name, tsize."""
        parts = [
            bytes_field(
                2,
                bytes_field(1, bytes(link.cid))
                + bytes_field(2, link.name.encode("utf-8"))
                + varint_field(3, link.tsize),
            )
            for link in self.links
        ]
        parts.append(bytes_field(1, self.data))
        return b"".join(parts)

    @classmethod
    def decode(cls, block: bytes) -> "PbNode":
        """The node encoded as ``block``. Raises InvalidUnixFs when it is not a dag-pb node."""
        links: list[PbLink] = []
        data: bytes | None = None
        seen: list[int] = []
        try:
            for number, value in fields(block):
                if number not in (1, 2) or not isinstance(value, bytes):
                    raise ValueError(f"unexpected field {number}")
                if number != (seen[-1] if seen else None):
                    if number in seen:  # links must lie together: a second run would have two readings
                        raise ValueError("links and data are interleaved")
                    seen.append(number)
                elif number == 1:
                    raise ValueError("data occurs twice")
                if number == 1:
                    data = value
                else:
                    links.append(_decode_link(value))
        except (ValueError, InvalidCid) as error:
            raise InvalidUnixFs(f"The block is not a dag-pb node ({error}); check its codec.") from error
        return cls(tuple(links), data or b"")


def _decode_link(message: bytes) -> PbLink:
    found: dict[int, int | bytes] = {}
    for number, value in fields(message):
        if number not in (1, 2, 3) or isinstance(value, int) != (number == 3):
            raise ValueError(f"unexpected field {number} in a link")
        if found and number <= max(found):
            raise ValueError("the fields of a link are out of order")
        found[number] = value
    cid, name, tsize = found.get(1), found.get(2, b""), found.get(3, 0)
    if not isinstance(cid, bytes) or not isinstance(name, bytes) or not isinstance(tsize, int):
        raise ValueError("a link has no hash")
    return PbLink(Cid.from_bytes(cid), name.decode("utf-8"), tsize)
