"""Which sequences the clip judge never sees."""

from collections.abc import Sequence

from tools.clips.dataset import Row
from tools.judge.split import reserved


def root(row: Row) -> str:
    """The subject, without the number of its recolouring where it has one: those are too like one another to part."""
    recoloured = row.kind == "tile" or row.action == "open"
    return row.subject.rsplit("/", 1)[0] if recoloured else row.subject


def group_of(row: Row) -> str:
    """``training``, or how a sequence is new: ``subject`` and ``pair`` are held out from the clip network too, by
    subject and by subject and action; a ``reserved`` subject, one in twelve of the others, is new to the judges alone.
    """
    if row.held_out:
        return "subject"
    if row.held_out_pair:
        return "pair"
    return "reserved" if reserved(root(row)) else "training"


def unseen(rows: Sequence[Row]) -> list[Row]:
    """The sequences that the judge was not trained on."""
    return [row for row in rows if group_of(row) != "training"]
