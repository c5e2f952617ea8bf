"""Unsigned variable-length integers, as CIDs, CAR sections and protobuf lengths use them."""

# Nine bytes carry 63 bits, the limit of the multiformats specification; no supported format needs more.
MAX_VARINT_BYTES = 9


def encode(value: int) -> bytes:
    """``value`` (>= 0, < 2**63) as an unsigned LEB128 varint in its shortest form.

    Raises ValueError outside that range. Source: multiformats unsigned-varint.
    """
    if not 0 <= value < 1 << 7 * MAX_VARINT_BYTES:
        raise ValueError(f"{value} does not fit a varint of {MAX_VARINT_BYTES} bytes")
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def decode(data: bytes, offset: int = 0) -> tuple[int, int]:
    """The varint at ``offset`` bytes into ``data``, and the offset just after it.

    Raises ValueError if it is cut short, longer than nine bytes, or not in its shortest form.
    Source: multiformats unsigned-varint, "Practical maximum" and "canonical".
    """
    value = 0
    for index in range(MAX_VARINT_BYTES):
        if offset + index >= len(data):
            raise ValueError("varint is cut short")
        byte = data[offset + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            if byte == 0 and index:
                raise ValueError("varint is not in its shortest form")
            return value, offset + index + 1
    raise ValueError(f"varint is longer than {MAX_VARINT_BYTES} bytes")
