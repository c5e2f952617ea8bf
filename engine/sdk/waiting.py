"""How long to wait before a mint is asked after again."""

from collections.abc import Iterator

from engine.api.asset import Mint
from engine.sdk.errors import MintFailed

_FIRST_S, _LONGEST_S = 0.1, 2.0  # a mint on the embedded chain takes a moment, on a public one half a minute


def pauses_s() -> Iterator[float]:
    """Ever longer, up to 2 s."""
    pause_s = _FIRST_S
    while True:
        yield pause_s
        pause_s = min(pause_s * 1.5, _LONGEST_S)


def confirmed(mint: Mint) -> Mint | None:
    """The mint where it is on the chain, None where it is on its way. Raises MintFailed."""
    if mint.status == "failed":
        raise MintFailed(mint)
    return mint if mint.status == "confirmed" else None
