"""``lorespark check``: the quality gate's report on an asset or on any PNG file."""

from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from numpy.typing import NDArray
from rich.markup import escape

from engine.answers import quality_json
from engine.data_folder import write_whole
from engine.errors import InvalidRequest
from engine.terminal import AsJson, errors, opened_application, out, print_json
from generators.finishing import finished_pixels, png_bytes, read_png
from generators.quality_gate import PictureRules, QualityCheck, Rules, failed, inspect
from generators.recipe import MAX_SIZE_PX, Kind
from generators.source_picture import read_bytes


def check(
    what: Annotated[str, typer.Argument(help="An asset's id, or a PNG file.")],
    kind: Annotated[
        Kind, typer.Option(help="What a PNG file that holds no recipe shows; assets know.")
    ] = Kind.ITEM,
    repair: Annotated[
        Path | None, typer.Option(help="Write a PNG file with everything mended that can be.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Say what the quality gate finds before a mint does. Exits 1 where a check fails."""
    with errors():
        path = Path(what)
        if what.lower().endswith(".png") or path.is_file():
            pixels, rules, data = _read(path, kind)
            checks = inspect(pixels, rules)
            if repair is not None:
                mended = finished_pixels(pixels, rules)
                recipe = read_png(data)[1]
                write_whole(repair, png_bytes(mended, recipe if np.array_equal(mended, pixels) else None))
        else:
            if repair is not None:
                raise InvalidRequest(
                    "An asset's picture is what its recipe draws and stays as it is; draw it again to have it mended, "
                    "or give a PNG file to --repair."
                )
            with opened_application() as application:
                checks = application.gate.inspect(application.asset(what))
    _tell(checks, as_json)


def _read(path: Path, kind: Kind) -> tuple[NDArray[np.uint8], PictureRules, bytes]:
    data = read_bytes(path)
    pixels, recipe = read_png(data)
    if recipe is not None and len(pixels) > recipe.size and len(pixels) % recipe.size == 0:
        scale = len(pixels) // recipe.size  # the image that stands for an asset; its media is checked
        pixels = pixels[::scale, ::scale]
    if max(pixels.shape[:2]) > MAX_SIZE_PX:
        raise InvalidRequest(
            f"The picture {path.name} is larger than {MAX_SIZE_PX} pixels a side; scale it down."
        )
    return pixels, recipe or Rules(kind), data


def _tell(checks: list[QualityCheck], as_json: bool) -> None:
    broken = failed(checks)
    if as_json:
        print_json(quality_json(checks))
    else:
        for one in checks:
            mark = "[green]ok    [/]" if one.ok else "[red]failed[/]"
            mend = "" if one.ok else " (can be mended)" if one.repairable else " (draw it again)"
            out.print(f"{mark} {one.name:<12} {escape(one.detail)}{mend}")
    if broken:
        raise typer.Exit(1)
