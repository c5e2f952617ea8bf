"""Frames as a video network's autoencoder decoded them -> crisp, steady pixel art in one palette."""

import numpy as np
from numpy.typing import NDArray

from generators.clip_redrawing import costs, places, redrawn, steady
from generators.colour_choice import fitted, important_colours
from generators.errors import InvalidPicture
from generators.finishing import on_background
from generators.outline import draw_outline, remove_outline
from generators.palette import nearest, nearest_indices, rgb_values
from generators.recipe import DEFAULT_COLOURS, Recipe
from generators.silhouette import SURE_ALPHA, silhouettes

MAX_CLIP_COLOURS = 255  # of a recipe without a palette: a GIF still holds them, and clear, exactly
# New colours, which the reference does not have, such as a flame's. A pixel asks for one where it and nearly all of
# the nine in and around it are so far from the reference's colours (distances of clip_redrawing). With these, decoded
# pixels of such colours are drawn a quarter nearer than without, and clips that need none lose 0.2 % of right pixels.
MAX_NEW_COLOURS = 8
NEW_COLOUR_COST = 0.06
NEW_GROUP = 8
MIN_NEW_SHARE = 1 / 4000  # of all pixels: 16 in 16 frames of 64 px; fewer are noise
ALIKE = (
    0.03  # squared distance of premultiplied values, alpha too, in 0 to 1: pixels of one colour, with noise
)

LEAST_SPREAD = 40.0  # of 255: the standard deviation of a channel; most sprites have more
MOST_GAIN = 6.0  # beyond, noise of the autoencoder would count as motion


def finished_frames(
    drawn: NDArray[np.uint8], reference: NDArray[np.uint8], recipe: Recipe
) -> NDArray[np.uint8]:
    """Frames (f h w 4, uint8, alpha 0 or 255, clear pixels all zero) of ``drawn`` (f h w 4, straight alpha).

    ``reference`` (h w 4) is the finished picture that moves, of few colours. Where ``recipe.size`` is half of their
    size, both are art drawn at 2x and are brought to it. All frames have one palette: the reference's colours and, as
    far as ``recipe.palette`` has room, new ones that the frames need; or the recipe's own. Where that is a number
    smaller than the reference's, or colours that it does not have, all frames are reduced together. Outline and
    background are added as in ``finishing.finished_pixels``, and keep their colours beside the palette. Nothing is
    moved: a jump stays a jump.

    The same values give the same frames, always. Meant for pixel art: time and memory grow with the colours.

    Raises InvalidPicture where the shapes do not fit one another or the recipe.
    """
    _check(drawn, reference, recipe)
    if drawn.shape[1] == 2 * recipe.size:
        drawn, reference = halved(drawn), halved(reference[None])[0]
    figure = reference[..., 3] > 127
    opaque = silhouettes(drawn[..., 3], figure)
    if not opaque.any():
        return np.stack([_outlined(frame, recipe) for frame in np.zeros_like(drawn)])
    filled = opaque & (drawn[..., 3] < 127 - SURE_ALPHA)  # their own colours were not meant to be seen
    rgb = np.where(filled[..., None], reference[..., :3], drawn[..., :3])
    lines = (recipe.outline, recipe.background)
    kept = rgb_values(tuple(colour for colour in lines if colour not in (None, "none"))).reshape(-1, 3)
    colours = clip_colours(rgb, opaque, reference[figure][:, :3], recipe.palette, kept)
    indices = np.full(figure.shape, len(colours))
    if figure.any():
        indices[figure] = nearest_indices(places(reference[figure][:, :3]), places(colours))
    seen, shown = stretched(rgb, colours, reference[figure][:, :3])
    made = steady(redrawn(seen, opaque, indices, shown), seen, shown)
    table = np.zeros((len(colours) + 1, 4), np.uint8)
    table[:-1, :3] = reduced(colours, made[opaque], recipe.palette, kept)
    table[:-1, 3] = 255
    return np.stack([_outlined(frame, recipe) for frame in table[made]])


def stretched(
    rgb: NDArray[np.uint8], colours: NDArray[np.uint8], known: NDArray[np.uint8]
) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Frames (f h w 3) and colours (n 3) with the contrast that moves are told apart at, by that of ``known`` (m 3).

    A dark sea differs from itself, moved, by less than moves cost. Pictures of some contrast stay as they are.
    """
    spread = float(known.astype(np.float32).std(0).max()) if len(known) else LEAST_SPREAD
    if spread >= LEAST_SPREAD:
        return rgb, colours
    gain, centre = min(LEAST_SPREAD / max(spread, 1.0), MOST_GAIN), known.astype(np.float32).mean(0)
    first, second = (
        ((each.astype(np.float32) - centre) * gain + centre).clip(0, 255).astype(np.uint8)
        for each in (rgb, colours)
    )
    return first, second


def halved(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Frames (f h w 4) of art drawn at 2x -> f h/2 w/2 4: of each cell of four pixels the one that the other three
    are nearest to, evened with those that are like it. Nothing is mixed across an edge."""
    count, height, width = pixels.shape[:3]
    cells = pixels.reshape(count, height // 2, 2, width // 2, 2, 4).swapaxes(2, 3)
    cells = cells.reshape(count, height // 2, width // 2, 4, 4).astype(np.float32) / 255
    seen = np.concatenate([cells[..., :3] * cells[..., 3:], cells[..., 3:]], -1)
    apart = ((seen[..., :, None, :] - seen[..., None, :, :]) ** 2).sum(-1)
    middle = apart.sum(-1).argmin(-1)[..., None, None]
    alike = np.take_along_axis(apart, middle, -2)[..., 0, :] < ALIKE
    shares = (alike / alike.sum(-1, keepdims=True))[..., None]
    alpha = (cells[..., 3:] * shares).sum(-2)
    colour = (cells[..., :3] * cells[..., 3:] * shares).sum(-2) / np.maximum(alpha, 1e-3)
    return (np.concatenate([colour, alpha], -1) * 255).round().clip(0, 255).astype(np.uint8)


def clip_colours(
    rgb: NDArray[np.uint8],
    opaque: NDArray[np.bool_],
    reference: NDArray[np.uint8],
    palette: int | tuple[str, ...] | None,
    kept: NDArray[np.uint8],
) -> NDArray[np.uint8]:
    """The colours (n 3) that frames (``rgb``: f h w 3, ``opaque``: f h w) are drawn with.

    Those of a fixed palette and the ``kept`` ones (k 3) where the ``reference``'s opaque pixels (m 3) have no others;
    else the reference's and new ones as far as there is room.
    """
    if len(reference):
        own = important_colours(reference, MAX_CLIP_COLOURS)
    else:  # what moves only appears later
        own = important_colours(rgb[opaque], DEFAULT_COLOURS)
    if isinstance(palette, tuple):
        fixed = np.unique(np.concatenate([rgb_values(palette), kept]), axis=0)
        if _among(own, fixed).all():
            return fixed
    counted = len(own) - int(_among(own, kept).sum())
    limit = palette if isinstance(palette, int) else MAX_CLIP_COLOURS
    return np.concatenate([own, new_colours(rgb, opaque, own, min(limit - counted, MAX_NEW_COLOURS))])


def new_colours(
    rgb: NDArray[np.uint8], opaque: NDArray[np.bool_], known: NDArray[np.uint8], most: int
) -> NDArray[np.uint8]:
    """At most ``most`` colours (n 3) that frames (``rgb``: f h w 3, ``opaque``: f h w) show in groups of pixels and
    that are unlike the ``known`` ones (m 3)."""
    none = np.zeros((0, 3), np.uint8)
    if most <= 0 or not len(known):
        return none
    shown = places(known)
    least = [
        costs(places(frame), seen, shown)[..., :-1].min(-1) for frame, seen in zip(rgb, opaque, strict=True)
    ]
    unlike = opaque & (np.stack(least) > NEW_COLOUR_COST)
    asking = unlike & (_around(unlike) >= NEW_GROUP)
    if asking.sum() < opaque.size * MIN_NEW_SHARE:
        return none
    return important_colours(rgb[asking], most)


def _around(field: NDArray[np.bool_]) -> NDArray[np.int16]:
    """How many of the nine pixels in and around each (f h w) are true."""
    height, width = field.shape[1:]
    padded = np.pad(field.astype(np.int16), ((0, 0), (1, 1), (1, 1)))
    rows = sum(padded[:, y : y + height] for y in range(3))
    return sum(rows[:, :, x : x + width] for x in range(3))


def reduced(
    colours: NDArray[np.uint8],
    used: NDArray[np.int64],
    palette: int | tuple[str, ...] | None,
    kept: NDArray[np.uint8],
) -> NDArray[np.uint8]:
    """For each of ``colours`` (n 3) the one (n 3) that the palette has for it, over all pixels of all frames at once:
    ``used`` (m) are their indices. The ``kept`` colours (k 3) stay."""
    out, free = colours.copy(), ~_among(colours, kept)
    places_used = used[free[used]]
    pixels = colours[places_used]
    if palette is None or not len(pixels):
        return out
    if isinstance(palette, int):
        if len(np.unique(places_used)) > palette:
            out[free] = nearest(colours[free], important_colours(pixels, palette))
    elif not _among(pixels, rgb_values(palette)).all():
        out[places_used] = fitted(pixels, rgb_values(palette))
    return out


def _among(colours: NDArray[np.uint8], others: NDArray[np.uint8]) -> NDArray[np.bool_]:
    return (colours[:, None] == others).all(-1).any(1)


def _outlined(frame: NDArray[np.uint8], recipe: Recipe) -> NDArray[np.uint8]:
    if recipe.outline == "none":
        frame = remove_outline(frame)
    elif recipe.outline is not None:
        frame = draw_outline(frame, recipe.outline)
    return frame if recipe.background is None else on_background(frame, recipe.background)


def _check(drawn: NDArray[np.uint8], reference: NDArray[np.uint8], recipe: Recipe) -> None:
    if drawn.ndim != 4 or drawn.shape[1:] != reference.shape or reference.shape[-1] != 4:
        raise InvalidPicture(
            f"Frames of {_size(drawn[0])} do not fit a picture of {_size(reference)}; give both in one size."
        )
    side = reference.shape[0]
    if reference.shape[1] != side or side not in (recipe.size, 2 * recipe.size):
        raise InvalidPicture(
            f"Frames of {_size(reference)} do not give a clip of {recipe.size} pixels; draw them at that size, or at "
            "twice that."
        )


def _size(pixels: NDArray[np.uint8]) -> str:
    return f"{pixels.shape[1]} x {pixels.shape[0]} pixels"
