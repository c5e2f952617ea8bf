"""Tags as people write them, made into tags as they are kept."""

import re
from typing import Final

from engine.api.asset import MAX_TAGS
from engine.errors import InvalidField

_TAG: Final = re.compile(r"[a-z0-9][a-z0-9._:-]{0,63}")


def plain_tag(text: str, pointer: str = "/tags") -> str:
    """``Forest level`` as ``forest-level``. Raises InvalidField where that is no tag."""
    tag = "-".join(text.lower().split())
    if _TAG.fullmatch(tag) is None:
        raise InvalidField(
            f"{text.strip()[:64]!r} is no tag; use up to 64 letters a to z, digits and . _ : - only, "
            "and begin with a letter or digit.",
            pointer,
        )
    return tag


def plain_tags(text: str, pointer: str = "/tags") -> tuple[str, ...]:
    """The tags of a list with commas between. Raises InvalidField."""
    tags = tuple(dict.fromkeys(plain_tag(part, pointer) for part in text.split(",") if part.strip()))
    if len(tags) > MAX_TAGS:
        raise InvalidField(f"An asset has {MAX_TAGS} tags at most; leave some out.", pointer)
    return tags
