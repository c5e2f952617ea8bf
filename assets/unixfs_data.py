"""The UnixFS message inside a dag-pb node: what kind of thing the node is, and how large."""

from dataclasses import dataclass
from enum import IntEnum

from assets import varint
from assets.errors import InvalidUnixFs
from assets.protobuf import bytes_field, fields, varint_field

# Fields of UnixFS 1.5 that carry a mode and a time; they do not change what the content is.
_IGNORED_FIELDS = (7, 8)


class NodeType(IntEnum):
    """What a node is. Source: UnixFS specification, "dag-pb Node", DataType."""

    RAW = 0
    DIRECTORY = 1
    FILE = 2
    METADATA = 3
    SYMLINK = 4
    HAMT_SHARD = 5


@dataclass(frozen=True, slots=True)
class UnixFsData:
    """The UnixFS message of one node.

    ``data`` is inline content (a file), a target (a symlink) or a bitfield (a shard); ``file_size`` and
    ``block_sizes`` are bytes of content, in all and below each link; ``hash_type`` (a multihash code) and
    ``fanout`` (children per shard) belong to shards.
    """

    type: NodeType
    data: bytes | None = None
    file_size: int | None = None
    block_sizes: tuple[int, ...] = ()
    hash_type: int | None = None
    fanout: int | None = None

    def encode(self) -> bytes:
        """The message with its fields in ascending order, absent ones left out, as Kubo writes it."""
        parts = [varint_field(1, self.type)]
        if self.data is not None:
            parts.append(bytes_field(2, self.data))
        if self.file_size is not None:
            parts.append(varint_field(3, self.file_size))
        parts.extend(varint_field(4, size) for size in self.block_sizes)
        if self.hash_type is not None:
            parts.append(varint_field(5, self.hash_type))
        if self.fanout is not None:
            parts.append(varint_field(6, self.fanout))
        return b"".join(parts)

    @classmethod
    def decode(cls, message: bytes) -> "UnixFsData":
        """The message encoded as ``message``. Raises InvalidUnixFs when it is not one."""
        numbers: dict[int, int] = {}
        data: bytes | None = None
        sizes: list[int] = []
        try:
            for number, value in fields(message):
                if number == 2 and isinstance(value, bytes) and data is None:
                    data = value
                elif number == 4:
                    sizes.extend([value] if isinstance(value, int) else _packed(value))
                elif number in (1, 3, 5, 6) and isinstance(value, int) and number not in numbers:
                    numbers[number] = value
                elif number not in _IGNORED_FIELDS:
                    raise ValueError(f"unexpected field {number}")
            if 1 not in numbers:
                raise ValueError("the type is missing")
            kind = NodeType(numbers[1])
        except ValueError as error:
            raise InvalidUnixFs(f"The node is not UnixFS ({error}); check what the CID addresses.") from error
        return cls(kind, data, numbers.get(3), tuple(sizes), numbers.get(5), numbers.get(6))


def _packed(value: bytes) -> list[int]:
    """The varints in a packed repeated field."""
    found = []
    offset = 0
    while offset < len(value):
        number, offset = varint.decode(value, offset)
        found.append(number)
    return found
