"""A large drawing -> true pixel art: one cell a pixel, outlines kept, no colours between colours."""

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from generators.palette import oklab
from generators.pixel_grid import sample, shared_grid

MAX_SUBCELLS = (
    8  # points a side that a cell's colour is found from; more change nothing and cost their square
)
MIN_CONTRAST = 0.06  # Oklab distance below which a cell is of one colour
LINE_SHARE = 0.3  # of a cell that a thin dark line must cover to be kept where the line would else break
_ROUNDS = 4  # of two-means; the shares stand still after three


def pixelise(pixels: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8]:
    """``pixels`` (h w 4, uint8) as pixel art of ``size_px`` a side (size size 4, uint8, alpha 0 or 255).

    Where the drawing already is pixel art that was drawn large, as diffusion models draw it, its own grid is found
    and its cells become the pixels; they are centred in the size asked for. Elsewhere see ``shrink``.
    """
    return pixelise_frames(pixels[None], size_px)[0]


def pixelise_frames(frames: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8]:
    """The frames of a clip (f h w 4, uint8) as pixel art of ``size_px`` a side (f size size 4, uint8).

    All of them on one grid, with one margin, or all of them shrunk: what stands still in the clip stays where it is.
    """
    grid = shared_grid(frames)
    if grid is not None:
        fitted = fit_frames(np.stack([sample(frame, grid) for frame in frames]), size_px)
        if fitted is not None:
            return fitted
    return np.stack([shrink(frame, size_px) for frame in frames])


def fit(native: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8] | None:
    """Pixel art (h w 4) in a square of ``size_px`` without changing a pixel: its margin is cut or added.

    Art of half the size or less is repeated a whole number of times. None where the motif itself is too large.
    """
    fitted = fit_frames(native[None], size_px)
    return None if fitted is None else fitted[0]


def fit_frames(native: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8] | None:
    """``fit`` for the frames of a clip (f h w 4), whose motif is all that is on any of them."""
    repeat = max(1, size_px // max(native.shape[1:3]))
    native = native.repeat(repeat, 1).repeat(repeat, 2)
    edges = (native[:, 0], native[:, -1], native[:, :, 0], native[:, :, -1])
    ground = (
        np.median(np.concatenate([edge.reshape(-1, 4) for edge in edges]), axis=0).round().astype(np.uint8)
    )
    motif = np.any([_apart(frame, ground) for frame in native], axis=0)
    for axis in (0, 1):
        surplus = motif.shape[axis] - size_px
        if surplus <= 0:
            continue
        used = np.flatnonzero(motif.any(1 - axis))
        first, last = (int(used[0]), int(used[-1])) if len(used) else (0, 0)
        if last - first >= size_px:
            return None
        begin = int(np.clip((first + last + 1 - size_px) // 2, 0, surplus))
        kept = range(begin, begin + size_px)
        native, motif = np.take(native, kept, axis + 1), np.take(motif, kept, axis)
    out = np.empty((len(native), size_px, size_px, 4), np.uint8)
    out[:] = ground
    top, left = ((size_px - length) // 2 for length in native.shape[1:3])
    out[:, top : top + native.shape[1], left : left + native.shape[2]] = native
    out[out[..., 3] == 0] = 0
    return out


def shrink(pixels: NDArray[np.uint8], size_px: int) -> NDArray[np.uint8]:
    """A drawing without a grid (h w 4, uint8) at ``size_px`` a side.

    Each cell's colours are parted in two in Oklab (two-means). The cell takes the larger part's mean, so that no
    colour arises that lies between two; but it takes the darker part where that is a line thinner than a cell,
    which would else break: it covers ``LINE_SHARE`` and is stronger than in the cells on both its sides.
    """
    cells, alpha = _cells(pixels, size_px)
    solid = alpha.sum(-1) * 2 >= alpha.shape[-1]
    weight = alpha + 1e-6
    dark, light, share = _parts(cells, weight)
    lab_dark, lab_light = oklab_of(dark), oklab_of(light)
    contrast = np.sqrt(((lab_dark - lab_light) ** 2).sum(-1))
    line = _is_line(share * contrast) & (share >= LINE_SHARE)
    chosen = np.where(((share >= 0.5) | line)[..., None], dark, light)
    mean = (cells * weight[..., None]).sum(-2) / weight.sum(-1, keepdims=True)
    colours = np.where((contrast < MIN_CONTRAST)[..., None], mean, chosen)
    out = np.zeros((size_px, size_px, 4), np.uint8)
    out[..., :3] = np.where(solid[..., None], colours.round().clip(0, 255), 0)
    out[..., 3] = np.where(solid, 255, 0)
    return out


def oklab_of(colours: NDArray[np.float32]) -> NDArray[np.float32]:
    """sRGB of any shape (… 3, 0 to 255) -> Oklab."""
    return oklab(colours.reshape(-1, 3)).reshape(colours.shape)


def _cells(pixels: NDArray[np.uint8], size_px: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Colours (size size n 3) and alpha in [0, 1] (size size n) of the points of each cell."""
    points = int(np.clip(round(min(pixels.shape[:2]) / size_px), 2, MAX_SUBCELLS))
    side = size_px * points
    if pixels.shape[:2] != (side, side):
        # Clear pixels carry no colour, so colours are resized with their alpha multiplied in.
        resized = Image.fromarray(pixels, "RGBA").convert("RGBa").resize((side, side), Image.Resampling.BOX)
        pixels = np.asarray(resized.convert("RGBA"))
    split = pixels.reshape(size_px, points, size_px, points, 4).transpose(0, 2, 1, 3, 4)
    split = split.reshape(size_px, size_px, points * points, 4).astype(np.float32)
    return split[..., :3], split[..., 3] / 255


def _parts(
    cells: NDArray[np.float32], weight: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Mean colours of each cell's darker and lighter part (size size 3), and the darker one's share (size size)."""
    lab = oklab_of(cells)
    order = lab[..., 0].argsort(-1)
    count = order.shape[-1]
    darkest, lightest = (order[..., int(count * at)] for at in (0.1, 0.9))
    centres = [np.take_along_axis(lab, at[..., None, None], 2)[..., 0, :] for at in (darkest, lightest)]
    for _ in range(_ROUNDS):
        distances = [((lab - centre[..., None, :]) ** 2).sum(-1) for centre in centres]
        nearer = distances[0] <= distances[1]
        parts = [weight * nearer, weight * ~nearer]
        centres = [_mean(lab, part, centre) for part, centre in zip(parts, centres, strict=True)]
    swapped = centres[0][..., 0] > centres[1][..., 0]
    colours = [_mean(cells, part, cells.mean(-2)) for part in parts]
    share = parts[0].sum(-1) / weight.sum(-1)
    dark = np.where(swapped[..., None], colours[1], colours[0])
    light = np.where(swapped[..., None], colours[0], colours[1])
    return dark, light, np.where(swapped, 1 - share, share)


def _mean(
    values: NDArray[np.float32], weight: NDArray[np.float32], otherwise: NDArray[np.float32]
) -> NDArray[np.float32]:
    total = weight.sum(-1, keepdims=True)
    return np.where(total > 1e-3, (values * weight[..., None]).sum(-2) / np.maximum(total, 1e-6), otherwise)


def _is_line(strength: NDArray[np.float32]) -> NDArray[np.bool_]:
    """Where ``strength`` (h w) is larger than on both sides, across or down."""
    padded = np.pad(strength, 1)
    middle = padded[1:-1, 1:-1] * 0.8
    across = (middle > padded[1:-1, :-2]) & (middle > padded[1:-1, 2:])
    down = (middle > padded[:-2, 1:-1]) & (middle > padded[2:, 1:-1])
    return across | down


def _apart(pixels: NDArray[np.uint8], ground: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """h w: which pixels are not the ground's colour, or not clear where it is."""
    if ground[3] == 0:
        return pixels[..., 3] > 0
    lab = oklab_of(pixels[..., :3].astype(np.float32))
    return ((lab - oklab_of(ground[None, :3].astype(np.float32))[0]) ** 2).sum(-1) > MIN_CONTRAST**2
