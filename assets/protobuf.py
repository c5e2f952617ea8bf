"""The two protobuf wire types that dag-pb and UnixFS use: varints (0) and length-delimited bytes (2)."""

from collections.abc import Iterator

from assets import varint

_VARINT = 0
_BYTES = 2


def varint_field(number: int, value: int) -> bytes:
    """Field ``number`` holding the unsigned integer ``value``."""
    return varint.encode(number << 3 | _VARINT) + varint.encode(value)


def bytes_field(number: int, value: bytes) -> bytes:
    """Field ``number`` holding ``value``."""
    return varint.encode(number << 3 | _BYTES) + varint.encode(len(value)) + value


def fields(message: bytes) -> Iterator[tuple[int, int | bytes]]:
    """The number and value of each field of ``message``, in the order of the bytes.

    Raises ValueError for a message that is cut short or uses another wire type.
    Source: Protocol Buffers, "Encoding", sections "Message Structure" and "Length-Delimited Records".
    """
    offset = 0
    while offset < len(message):
        key, offset = varint.decode(message, offset)
        number, wire_type = key >> 3, key & 7
        value, offset = varint.decode(message, offset)
        if wire_type == _VARINT:
            yield number, value
        elif wire_type == _BYTES:
            if value > len(message) - offset:
                raise ValueError(f"field {number} is cut short")
            yield number, message[offset : offset + value]
            offset += value
        else:
            raise ValueError(f"field {number} has the unsupported wire type {wire_type}")
