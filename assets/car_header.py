"""The header of a CAR file: the dag-cbor value ``{"roots": [CID, …], "version": 1}`` in its only encoding."""

from collections.abc import Sequence

from assets.cid import Cid
from assets.errors import InvalidCid

_UNSIGNED, _BYTES, _TEXT, _ARRAY, _MAP, _TAG = 0, 2, 3, 4, 5, 6
_CID_TAG = 42


def encode_header(roots: Sequence[Cid]) -> bytes:
    """The dag-cbor bytes. Source: CARv1 specification, "Header"; DAG-CBOR, "Strictness"."""
    parts = [_head(_MAP, 2), _text("roots"), _head(_ARRAY, len(roots))]
    for root in roots:
        link = b"\0" + bytes(root)
        parts += [_head(_TAG, _CID_TAG), _head(_BYTES, len(link)), link]
    parts += [_text("version"), _head(_UNSIGNED, 1)]
    return b"".join(parts)


def decode_header(data: bytes) -> tuple[Cid, ...]:
    """The roots. Raises ValueError, with the reason, for anything but a CARv1 header with roots."""
    if data == _head(_MAP, 1) + _text("version") + _head(_UNSIGNED, 2):
        raise ValueError("it is a CARv2, and only CARv1 is supported")
    start = _head(_MAP, 2) + _text("roots")
    if not data.startswith(start):
        raise ValueError("it is not a map of roots and version")
    major, count, offset = _read_head(data, len(start))
    if major != _ARRAY or count == 0:
        raise ValueError("it has no roots")
    roots = []
    for _ in range(count):
        major, tag, offset = _read_head(data, offset)
        if (major, tag) != (_TAG, _CID_TAG):
            raise ValueError("a root is not a link")
        major, length, offset = _read_head(data, offset)
        link = data[offset : offset + length]
        if major != _BYTES or len(link) != length or link[:1] != b"\0":
            raise ValueError("a root is not a link")
        try:
            roots.append(Cid.from_bytes(link[1:]))
        except InvalidCid as error:
            raise ValueError(str(error)) from error
        offset += length
    if data[offset:] != _text("version") + _head(_UNSIGNED, 1):
        raise ValueError("its version is not 1, or bytes follow it")
    return tuple(roots)


def _head(major: int, value: int) -> bytes:
    """A CBOR head in its shortest form. Source: RFC 8949, section 3."""
    if value < 24:
        return bytes([major << 5 | value])
    for info, size in ((24, 1), (25, 2), (26, 4)):
        if value < 1 << 8 * size:
            return bytes([major << 5 | info]) + value.to_bytes(size, "big")
    raise ValueError(f"{value} is too large for a CAR header")


def _read_head(data: bytes, offset: int) -> tuple[int, int, int]:
    """The major type and value of the head at ``offset``, and the offset after it. Raises ValueError."""
    if offset >= len(data):
        raise ValueError("it is cut short")
    major, info = data[offset] >> 5, data[offset] & 31
    if info < 24:
        return major, info, offset + 1
    if info > 26:
        raise ValueError("it holds an unsupported CBOR value")
    end = offset + 1 + (1 << info - 24)
    value = int.from_bytes(data[offset + 1 : end], "big")
    if end > len(data) or _head(major, value) != data[offset:end]:
        raise ValueError("a CBOR length is cut short or not in its shortest form")
    return major, value, end


def _text(value: str) -> bytes:
    return _head(_TEXT, len(value)) + value.encode("ascii")
