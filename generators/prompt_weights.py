"""Weighted words in a prompt: ``a knight with a (red:1.4) cape``."""

import re
from dataclasses import dataclass

from generators.errors import InvalidRecipe

MAX_WEIGHT = 3.0  # beyond it colours burn out and shapes break up
MAX_WEIGHTED = 4  # each weighted phrase costs one more pass of the network a step
_NUMBER = r"-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)"
_WEIGHTED = re.compile(rf"\(([^()]*):\s*({_NUMBER})\s*\)")


@dataclass(frozen=True)
class WeightedPrompt:
    """``text`` without the marks. ``phrases``: for each weighted one, ``text`` without it, and its weight."""

    text: str
    phrases: tuple[tuple[str, float], ...] = ()


def parse_prompt(prompt: str) -> WeightedPrompt:
    """Reads ``(words:1.3)``, where 1 is as usual and 0 as if the words were not there.

    Brackets without a number are words like any others. Raises InvalidRecipe where a weight is not from 0 to 3,
    weighs nothing, or more than four phrases are weighted.
    """
    found = list(_WEIGHTED.finditer(prompt))
    if len(found) > MAX_WEIGHTED:
        raise InvalidRecipe(f"The prompt weighs {len(found)} phrases; weigh at most {MAX_WEIGHTED} of them.")
    for match in found:
        if not 0 <= float(match[2]) <= MAX_WEIGHT:
            raise InvalidRecipe(f"The weight in {match[0]!r} must be from 0 to {MAX_WEIGHT:g}.")
        if not match[1].strip():
            raise InvalidRecipe(f"{match[0]!r} weighs no word; write it as (word:1.3).")
    plain = [match[1] for match in found]
    text = _joined(prompt, found, plain)
    if not text:
        raise InvalidRecipe("The prompt is empty; say what to draw, for example 'a red potion bottle'.")
    phrases = tuple(
        (_joined(prompt, found, [*plain[:at], "", *plain[at + 1 :]]), float(match[2]))
        for at, match in enumerate(found)
        if float(match[2]) != 1.0
    )
    return WeightedPrompt(text, phrases)


def _joined(prompt: str, found: list[re.Match[str]], inside: list[str]) -> str:
    """The prompt with each weighted phrase replaced by what is listed for it."""
    parts, end = [], 0
    for match, words in zip(found, inside, strict=True):
        parts += [prompt[end : match.start()], words]
        end = match.end()
    joined = "".join([*parts, prompt[end:]])
    tidy = re.sub(r"\s+([,.;])", r"\1", " ".join(joined.split()))
    return re.sub(r"(?:[,;]\s*)+([,;])", r"\1", tidy).strip(" ,;")
