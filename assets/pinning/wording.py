"""What a service says, made fit for our own messages."""

from typing import Final

MAX_SAID_CHARS: Final = 200


def said(text: str, most: int = MAX_SAID_CHARS) -> str:
    """The printable part of a service's own words, at most ``most`` characters, closed like a sentence."""
    plain = "".join(letter if letter.isprintable() else " " for letter in text).strip() or "no reason given"
    if len(plain) > most:
        plain = plain[: most - 1].rstrip() + "…"
    return plain
