"""What a picture must keep before it is minted; each rule is named, and says in one sentence what is wrong."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from generators.outline import outline_share
from generators.palette import rgb_values
from generators.recipe import Kind
from generators.repair import groups, hover_px, hovers, specks
from generators.seamless_check import edge_mismatch

# Set so that the training art passes each check in at least 95 % of its pictures; docs/styles.md has the figures.
LEAST_DRAWN = 0.03  # share of the canvas; the smallest picture of the training set has as much
LEAST_SUBJECT = 0.75  # share of the opaque pixels in the largest group
MOST_CUT = 0.6  # share of a side of the canvas that a figure may touch; of the bottom, where it stands, any
MOST_LINE_LEFT = 0.05  # share of the edge that may still be a dark line where the outline was removed
MOST_SEAM = (
    1.6  # see seamless_check.edge_mismatch; three in four floors of the training art have 1.24 or less
)


class PictureRules(Protocol):
    """What is asked of one picture; a recipe is one."""

    @property
    def kind(self) -> Kind: ...
    @property
    def palette(self) -> int | tuple[str, ...] | None: ...
    @property
    def outline(self) -> str | None: ...
    @property
    def background(self) -> str | None: ...
    @property
    def seamless(self) -> bool: ...


@dataclass(frozen=True)
class Rules:
    """The rules for a picture that no recipe came with."""

    kind: Kind
    palette: int | tuple[str, ...] | None = None
    outline: str | None = None
    background: str | None = None
    seamless: bool = False


class NearCopies(Protocol):
    """Tells a near copy of a picture that a model was trained on (h w 4, uint8)."""

    def is_near_copy(self, pixels: NDArray[np.uint8]) -> bool: ...


@dataclass(frozen=True)
class QualityCheck:
    """``repairable``: whether finishing mends it (recipes of version 2 are always mended)."""

    name: str
    ok: bool
    detail: str
    repairable: bool


def inspect(
    pixels: NDArray[np.uint8], rules: PictureRules, near_copies: NearCopies | None = None
) -> list[QualityCheck]:
    """Every check that ``rules`` call for, of a finished picture (h w 4, uint8); novelty only with ``near_copies``."""
    figure = _figure(pixels, rules.background)
    return [check(pixels, figure, rules) for check in _checks(rules)] + (
        [_not_near_copy(pixels, near_copies)] if near_copies is not None else []
    )


def failed(checks: list[QualityCheck]) -> list[QualityCheck]:
    return [check for check in checks if not check.ok]


_Check = Callable[[NDArray[np.uint8], NDArray[np.uint8], PictureRules], QualityCheck]


def _checks(rules: PictureRules) -> list[_Check]:
    checks: list[_Check] = [_alpha, _palette, _not_empty]
    if rules.kind is not Kind.ILLUSTRATION:
        checks.append(_specks)
        if rules.outline is not None:
            checks.append(_outline)
    if rules.kind in (Kind.CHARACTER, Kind.ITEM):
        checks += [_one_subject, _not_cut_off]
    if rules.kind is Kind.CHARACTER:
        checks.append(_baseline)
    if rules.seamless:
        checks.append(_seamless)
    return checks


def _figure(pixels: NDArray[np.uint8], background: str | None) -> NDArray[np.uint8]:
    """``pixels`` with the background's colour cleared."""
    if background is None:
        return pixels
    out = pixels.copy()
    out[(pixels[..., :3] == rgb_values((background,))[0]).all(-1)] = 0
    return out


def _alpha(pixels: NDArray[np.uint8], _: NDArray[np.uint8], rules: PictureRules) -> QualityCheck:
    clear = 0 if rules.background is None else 255
    soft = int(((pixels[..., 3] != clear) & (pixels[..., 3] != 255)).sum())
    wanted = "opaque or clear" if rules.background is None else "opaque"
    detail = f"every pixel is {wanted}" if soft == 0 else f"{soft} pixels are not fully {wanted}"
    return QualityCheck("alpha", soft == 0, detail, True)


def _palette(pixels: NDArray[np.uint8], figure: NDArray[np.uint8], rules: PictureRules) -> QualityCheck:
    beside = [colour for colour in (rules.outline, rules.background) if colour not in (None, "none")]
    used = {tuple(rgb) for rgb in np.unique(figure[figure[..., 3] > 0][:, :3], axis=0).tolist()}
    used -= {tuple(rgb) for rgb in rgb_values(tuple(beside)).tolist()} if beside else set()
    if isinstance(rules.palette, tuple):
        odd = len(used - {tuple(rgb) for rgb in rgb_values(rules.palette).tolist()})
        detail = f"{odd} colours are not of the palette" if odd else "every colour is of the palette"
        return QualityCheck("palette", odd == 0, detail, True)
    most = rules.palette or len(used)
    detail = f"{len(used)} colours" + (f", where {most} were asked for" if len(used) > most else "")
    return QualityCheck("palette", len(used) <= most, detail, True)


def _not_empty(_: NDArray[np.uint8], figure: NDArray[np.uint8], rules: PictureRules) -> QualityCheck:
    share = float((figure[..., 3] > 0).mean())
    flat = share == 1 and len(np.unique(figure[..., :3].reshape(-1, 3), axis=0)) == 1
    detail = "the picture is one flat colour" if flat else f"{share:.0%} of the canvas is drawn"
    return QualityCheck("not_empty", share >= LEAST_DRAWN and not flat, detail, False)


def _specks(_: NDArray[np.uint8], figure: NDArray[np.uint8], rules: PictureRules) -> QualityCheck:
    count = int(specks(figure[..., 3] > 0).sum())
    detail = f"{count} pixels lie apart from the figure as specks" if count else "nothing lies about"
    return QualityCheck("specks", count == 0, detail, True)


def _outline(_: NDArray[np.uint8], figure: NDArray[np.uint8], rules: PictureRules) -> QualityCheck:
    assert rules.outline is not None
    share = outline_share(figure, rules.outline)
    if rules.outline == "none":
        detail = f"{1 - share:.0%} of the edge is a dark line, where there was to be none"
        return QualityCheck("outline", 1 - share <= MOST_LINE_LEFT, detail, True)
    return QualityCheck("outline", share == 1, f"{share:.0%} of the edge is of {rules.outline}", True)


def _one_subject(_: NDArray[np.uint8], figure: NDArray[np.uint8], rules: PictureRules) -> QualityCheck:
    sizes = groups(figure[..., 3] > 0)[1][1:]
    share = float(sizes.max() / sizes.sum()) if sizes.sum() else 0.0
    ok = share >= LEAST_SUBJECT
    detail = f"the main figure has {share:.0%} of what is drawn" + ("" if ok else ": it fell into pieces")
    return QualityCheck("one_subject", ok, detail, False)


def _not_cut_off(_: NDArray[np.uint8], figure: NDArray[np.uint8], rules: PictureRules) -> QualityCheck:
    opaque = figure[..., 3] > 0
    sides = {"top": opaque[0], "left": opaque[:, 0], "right": opaque[:, -1]}
    name, touched = max(
        ((name, float(side.mean())) for name, side in sides.items()), key=lambda side: side[1]
    )
    ok = touched <= MOST_CUT
    detail = (
        "the figure lies within the canvas"
        if ok
        else f"the figure is cut off along {touched:.0%} of the {name}"
    )
    return QualityCheck("not_cut_off", ok, detail, False)


def _baseline(_: NDArray[np.uint8], figure: NDArray[np.uint8], rules: PictureRules) -> QualityCheck:
    opaque = figure[..., 3] > 0
    ok = not hovers(opaque)
    detail = (
        "the feet are near the bottom" if ok else f"the feet hang {hover_px(opaque)} pixels above the bottom"
    )
    return QualityCheck("baseline", ok, detail, True)


def _seamless(pixels: NDArray[np.uint8], _: NDArray[np.uint8], rules: PictureRules) -> QualityCheck:
    seam = edge_mismatch(pixels)
    detail = f"the step over the edge is {seam:.1f} times those inside the tile"
    return QualityCheck("seamless", seam <= MOST_SEAM, detail, False)


def _not_near_copy(pixels: NDArray[np.uint8], near_copies: NearCopies) -> QualityCheck:
    copied = near_copies.is_near_copy(pixels)
    detail = (
        "a picture of the training art is nearly the same"
        if copied
        else "no picture of the training art is near"
    )
    return QualityCheck("novelty", not copied, detail, False)
