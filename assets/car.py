"""CARv1 files: blocks in one stream, with the roots that they belong to.

Source: CARv1 specification (ipld.io), "Format Description".
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import BinaryIO, Final

from assets import varint
from assets.block import MAX_BLOCK_BYTES, BlockReader, check_block
from assets.car_header import decode_header, encode_header
from assets.cid import DAG_PB, RAW, Cid
from assets.dagpb import PbNode
from assets.errors import AssetsError, InvalidCar, InvalidCid, InvalidUnixFs

# Room for some 1500 roots; the files we write have one.
MAX_HEADER_BYTES: Final = 64 * 1024
# A block and the longest CID that can stand before it.
MAX_SECTION_BYTES: Final = MAX_BLOCK_BYTES + 64


def write_car(file: BinaryIO, roots: Sequence[Cid], blocks: Iterable[tuple[Cid, bytes]]) -> int:
    """Writes a CARv1 with ``roots`` (one or more) and ``blocks`` in their order; the bytes written.

    ``file`` takes all of what it is given, as buffered files do.

    Raises what :func:`encode_car` raises; errors of ``file`` pass through.
    """
    written = 0
    for part in encode_car(roots, blocks):
        file.write(part)
        written += len(part)
    return written


def encode_car(roots: Sequence[Cid], blocks: Iterable[tuple[Cid, bytes]]) -> Iterator[bytes]:
    """The bytes of a CARv1 with ``roots`` (one or more) and ``blocks`` in their order, at most a block at a time.

    Raises InvalidCar without roots, BlockDamaged or BlockTooLarge for a bad block, of which no byte is given.
    """
    if not roots:
        raise InvalidCar("A CAR file needs at least one root; give the CID it is about.")
    header = encode_header(roots)
    if len(header) > MAX_HEADER_BYTES:
        raise InvalidCar(f"{len(roots)} roots do not fit a CAR header; put them into a directory.")
    yield varint.encode(len(header)) + header
    for cid, data in blocks:
        check_block(cid, data)
        address = bytes(cid)
        yield varint.encode(len(address) + len(data)) + address
        yield data


def read_car(file: BinaryIO) -> tuple[tuple[Cid, ...], Iterator[tuple[Cid, bytes]]]:
    """The roots of a CARv1, and its blocks as they are read, each hashed before it is given.

    Raises InvalidCar, now for the header and during iteration for a block, naming the byte offset of the
    fault: a length that is malformed or above 2 MiB, a file that is cut short, a CID of another hash, bytes
    that do not match their CID. Errors of ``file`` pass through. Whether every block of the DAG is there is
    for the caller to check.
    """
    source = _Source(file)
    length = source.varint()
    if length is None:
        raise InvalidCar("The CAR file is empty; export it again.")
    if not 0 < length <= MAX_HEADER_BYTES:
        raise InvalidCar(f"The CAR header at byte 0 claims {length} bytes; the file is not a CARv1.")
    try:
        roots = decode_header(source.read(length))
    except ValueError as error:
        raise InvalidCar(f"The CAR header at byte 0 is not valid: {error}; export a CARv1.") from error
    return roots, _sections(source)


def export_dag(roots: Iterable[Cid], blocks: BlockReader) -> Iterator[tuple[Cid, bytes]]:
    """Every block below ``roots`` once, each node before its children and these in link order, depth first.

    The order depends on the DAG alone. Raises InvalidUnixFs for a block that is neither dag-pb nor raw, and
    BlockMissing or BlockDamaged from ``blocks``.
    """
    seen: set[Cid] = set()
    waiting = list(roots)[::-1]
    while waiting:
        cid = waiting.pop()
        if cid.as_v1() in seen:
            continue
        seen.add(cid.as_v1())
        if cid.codec not in (RAW, DAG_PB):
            raise InvalidUnixFs(
                f"Block {cid} has codec {cid.codec:#x}, whose links are unknown; leave it out."
            )
        data = blocks.get(cid)
        yield cid, data
        if cid.codec == DAG_PB:
            waiting.extend(link.cid for link in reversed(PbNode.decode(data).links))


class _Source:
    """A stream read front to back, which knows how far it has come."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.offset = 0

    def varint(self) -> int | None:
        """The next length in bytes, or None at the end of the file. Raises InvalidCar."""
        start = self.offset
        data = b""
        while byte := self._file.read(1):
            data += byte
            self.offset += 1
            if byte[0] < 0x80 or len(data) >= varint.MAX_VARINT_BYTES:
                break
        if not data:
            return None
        try:
            return varint.decode(data)[0]
        except ValueError as error:
            raise InvalidCar(f"The length at byte {start} of the CAR file is not valid: {error}.") from error

    def read(self, length: int) -> bytes:
        """The next ``length`` bytes. Raises InvalidCar when the file ends before."""
        start = self.offset
        parts = []
        while length and (part := self._file.read(length)):
            parts.append(part)
            length -= len(part)
            self.offset += len(part)
        if length:
            raise InvalidCar(
                f"The CAR file is cut short at byte {self.offset}, inside what began at {start}."
            )
        return b"".join(parts)


def _sections(source: _Source) -> Iterator[tuple[Cid, bytes]]:
    while True:
        start = source.offset
        length = source.varint()
        if length is None:
            return
        if not 0 < length <= MAX_SECTION_BYTES:
            raise InvalidCar(
                f"The section at byte {start} claims {length} bytes, not 1 to {MAX_SECTION_BYTES}."
            )
        section = source.read(length)
        try:
            cid, end = Cid.read(section)
            data = section[end:]
            check_block(cid, data)
        except InvalidCid as error:
            raise InvalidCar(f"The section at byte {start} has no valid CID: {error}") from error
        except AssetsError as error:
            raise InvalidCar(f"The section at byte {start} holds a bad block: {error}") from error
        yield cid, data
