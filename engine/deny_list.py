"""Lists of what is not drawn: terms and patterns, one a line."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

# RE2 and not Python's own: its patterns take time in proportion to the text, whatever the list's author wrote.
import re2

from engine.errors import InvalidSettings
from engine.plain_text import plain, readings

DEFAULT: Final = Path(__file__).with_name("deny_list.txt")
MAX_FILE_BYTES: Final = 1_000_000
MAX_LINE_CHARACTERS: Final = 1_000
MAX_PATTERNS: Final = 500  # each is searched for in every reading of every prompt
MAX_TERM_WORDS: Final = 8
_PATTERN_MEMORY_BYTES: Final = 8_000_000  # a longer pattern than that is refused
_WORD: Final = re.compile(r"\w+")
_TERM: Final = re.compile(r"[\w\s'’-]+")


@dataclass(frozen=True)
class DenyList:
    """``terms`` are words in a row, ``patterns`` compiled ones; each with the number of its line. ``name`` is for
    people."""

    name: str
    terms: dict[tuple[str, ...], int]
    patterns: Sequence[tuple[Any, int]]

    @classmethod
    def read(cls, path: Path, name: str) -> Self:
        """Reads a UTF-8 file: a term or a /pattern/ a line; a line that begins with # is a comment.

        Raises InvalidSettings, which names the line.
        """
        try:
            with path.open("rb") as file:
                data = file.read(MAX_FILE_BYTES + 1)
            if len(data) > MAX_FILE_BYTES:
                raise InvalidSettings(f"The deny list {path} is larger than 1 MB; shorten it.")
            lines = data.decode("utf-8-sig").splitlines()
        except OSError as error:
            reason = (error.strerror or "it cannot be read").lower()
            raise InvalidSettings(f"The deny list {path} cannot be read ({reason}); fix it.") from error
        except UnicodeDecodeError as error:
            raise InvalidSettings(f"The deny list {path} is not UTF-8 text; save it as such.") from error
        terms: dict[tuple[str, ...], int] = {}
        patterns: list[tuple[Any, int]] = []
        for number, line in enumerate(map(str.strip, lines), 1):
            if not line or line.startswith("#"):
                continue
            try:
                if len(line) > MAX_LINE_CHARACTERS:
                    raise ValueError(f"is longer than {MAX_LINE_CHARACTERS} characters; shorten it")
                if len(line) > 2 and line[0] == line[-1] == "/":
                    patterns.append((_pattern(line[1:-1]), number))
                else:
                    terms |= dict.fromkeys(_term(line), number)
            except ValueError as error:
                raise InvalidSettings(f"Line {number} of the deny list {path} {error}.") from error
        if len(patterns) > MAX_PATTERNS:
            raise InvalidSettings(
                f"The deny list {path} has more than {MAX_PATTERNS} patterns; write terms, which cost nothing."
            )
        return cls(name, terms, patterns)

    def line(self, text: str) -> int | None:
        """The number of the first line found that refuses ``text``, None where none does."""
        for reading in readings(text):
            words = _WORD.findall(reading)
            for begin in range(len(words)):
                for end in range(begin + 1, min(begin + MAX_TERM_WORDS, len(words)) + 1):
                    if (number := self.terms.get(tuple(words[begin:end]))) is not None:
                        return number
            for pattern, number in self.patterns:
                if pattern.search(reading):
                    return number
        return None


def _term(line: str) -> list[tuple[str, ...]]:
    """The words of a term in every reading that a prompt may have of it."""
    found = [tuple(_WORD.findall(reading)) for reading in readings(line)]
    if not _TERM.fullmatch(plain(line)):
        raise ValueError("holds signs that a term cannot have; write it as a /pattern/")
    if max(map(len, found)) > MAX_TERM_WORDS:
        raise ValueError(f"has more than {MAX_TERM_WORDS} words; shorten it")
    return found


def _pattern(text: str) -> Any:
    options = re2.Options()
    options.max_mem = _PATTERN_MEMORY_BYTES
    options.log_errors = False
    try:
        pattern = re2.compile(text, options)
    except re2.error as error:
        said = error.args[0] if error.args else error
        reason = said.decode(errors="replace") if isinstance(said, bytes) else str(said)
        raise ValueError(f"is no pattern that RE2 reads ({reason[:200]}); correct it") from error
    if pattern.search(""):
        raise ValueError("fits every text; give a pattern that needs a letter")
    return pattern
