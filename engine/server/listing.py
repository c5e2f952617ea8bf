"""A directory as a plain page of links."""

from collections.abc import Iterator
from html import escape
from itertools import chain, islice
from urllib.parse import quote

from assets.block import BlockReader
from assets.unixfs import list_directory
from engine.server.content import Content


def listing(content: Content, blocks: BlockReader) -> Iterator[bytes]:
    """The page, an entry at a time: its name, and the bytes of all blocks below it.

    Raises InvalidUnixFs, BlockMissing, BlockDamaged.
    """
    entries = list_directory(content.cid, blocks)
    first = list(islice(entries, 1))  # read before the page begins: what is wrong with it becomes an answer
    title = escape("/".join(("/ipfs", str(content.cids[0]), *content.names)))
    yield (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{title}</title>'
        f'<h1>{title}</h1><p><a href="{content.path}?format=car">As a CAR</a></p><table>\n'
    ).encode()
    for entry in chain(first, entries):
        address = f"{content.path}/{quote(entry.name, safe='')}"
        yield f'<tr><td><a href="{address}">{escape(entry.name)}</a><td>{entry.tsize} B\n'.encode()
    yield b"</table></html>\n"
