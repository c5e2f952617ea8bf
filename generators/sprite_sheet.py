"""Animations -> one sheet of frames, and what Aseprite's readers, Godot and Tiled need to play it."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from xml.etree import ElementTree

import numpy as np
from numpy.typing import NDArray

from generators.animation import ANIMATION_NAME, Animation
from generators.errors import InvalidPicture
from generators.png import encode_png

MAX_SHEET_PX = 16_384  # the longest side of a texture that current graphics cards take
TSX_VERSION = "1.10"  # of Tiled's format; later versions read it


def sheet_files(animations: Sequence[Animation], name: str) -> dict[str, bytes]:
    """File name -> bytes of ``NAME.png``, ``.json``, ``.tres`` and ``.tsx``; keep them in one folder.

    All cells have the frames' size. Each animation begins a row, from its first frame at the left, and takes further
    rows where one would be longer than 16,384 px.

    Raises InvalidPicture where there are no animations, their frames differ in size, two have one name, a name is
    not of letters, digits and dashes, or the sheet would be higher than 16,384 px.
    """
    _check_names(animations, name)
    layout = _layout(animations)
    png = f"{name}.png"
    return {
        png: encode_png(_sheet(animations, layout), 1, {}),
        f"{name}.json": _aseprite(animations, layout, name).encode(),
        f"{name}.tres": _godot(animations, layout, png).encode(),
        f"{name}.tsx": _tiled(animations, layout, name),
    }


@dataclass(frozen=True)
class _Layout:
    """``cells``: for each animation the number of each frame's cell, counted along the rows."""

    cell_width: int
    cell_height: int
    columns: int
    cells: tuple[range, ...]

    @property
    def width(self) -> int:
        return self.columns * self.cell_width

    @property
    def rows(self) -> int:
        return -(-self.cells[-1].stop // self.columns)

    @property
    def height(self) -> int:
        return self.rows * self.cell_height

    def corner(self, cell: int) -> tuple[int, int]:
        """x and y of the cell's first pixel."""
        return cell % self.columns * self.cell_width, cell // self.columns * self.cell_height


def _layout(animations: Sequence[Animation]) -> _Layout:
    sizes = {animation.frames.shape[1:3] for animation in animations}
    if len(sizes) > 1:
        listed = " and ".join(f"{width} x {height}" for height, width in sorted(sizes))
        raise InvalidPicture(f"A sheet has frames of one size, not of {listed} pixels; make a sheet of each.")
    height, width = sizes.pop()
    columns = min(max(len(animation.frames) for animation in animations), max(1, MAX_SHEET_PX // width))
    cells, first = [], 0
    for animation in animations:
        cells.append(range(first, first + len(animation.frames)))
        first += -(-len(animation.frames) // columns) * columns
    layout = _Layout(width, height, columns, tuple(cells))
    if max(layout.width, layout.height) > MAX_SHEET_PX:
        raise InvalidPicture(
            f"The sheet would be {layout.width:,d} x {layout.height:,d} pixels, and graphics cards take "
            f"{MAX_SHEET_PX:,d}; put fewer animations or frames on it."
        )
    return layout


def _check_names(animations: Sequence[Animation], name: str) -> None:
    if not animations:
        raise InvalidPicture("A sheet needs at least one animation; give one.")
    names = [animation.name for animation in animations]
    for each in (name, *names):
        if not ANIMATION_NAME.fullmatch(each):
            raise InvalidPicture(
                f"A sheet cannot hold the name {each[:60]!r}; use letters, digits and dashes, 60 at most."
            )
    if len(set(names)) < len(names):
        twice = next(each for each in names if names.count(each) > 1)
        raise InvalidPicture(f"Two animations of the sheet are called {twice}; name them apart.")


def _sheet(animations: Sequence[Animation], layout: _Layout) -> NDArray[np.uint8]:
    """All frames (h w 4); cells without a frame are clear."""
    sheet = np.zeros((layout.height, layout.width, 4), np.uint8)
    for animation, cells in zip(animations, layout.cells, strict=True):
        for frame, cell in zip(animation.frames, cells, strict=True):
            x, y = layout.corner(cell)
            sheet[y : y + layout.cell_height, x : x + layout.cell_width] = frame
    return sheet


def _aseprite(animations: Sequence[Animation], layout: _Layout, name: str) -> str:
    """As ``aseprite --format json-array --list-tags`` exports (DocExporter::createDataFile in Aseprite 1.3).

    Tags count frames through the list; one that repeats forever has no ``repeat``, and the number is a string there.
    """
    size = {"w": layout.cell_width, "h": layout.cell_height}
    frames: list[dict[str, Any]] = []
    tags = []
    for animation, cells in zip(animations, layout.cells, strict=True):
        first = len(frames)
        for number, (x, y) in enumerate(map(layout.corner, cells)):
            frames.append(
                {
                    "filename": f"{name} #{animation.name} {number}.aseprite",
                    "frame": {"x": x, "y": y, **size},
                    "rotated": False,
                    "trimmed": False,
                    "spriteSourceSize": {"x": 0, "y": 0, **size},
                    "sourceSize": size,
                    "duration": animation.frame_ms,
                }
            )
        once = {} if animation.loops else {"repeat": "1"}
        tag = {"name": animation.name, "from": first, "to": len(frames) - 1, "direction": "forward"}
        tags.append(tag | once)
    meta = {
        "app": "https://www.aseprite.org/",  # readers look for it to know the format
        "version": "1.3",
        "image": f"{name}.png",
        "format": "RGBA8888",
        "size": {"w": layout.width, "h": layout.height},
        "scale": "1",
        "frameTags": tags,
    }
    return json.dumps({"frames": frames, "meta": meta}, indent=1) + "\n"


def _godot(animations: Sequence[Animation], layout: _Layout, png: str) -> str:
    """A SpriteFrames resource in Godot 4's text format (format=3), with one AtlasTexture for each frame.

    The sheet's path is relative to the resource, which Godot resolves, so that both may lie in any folder.
    """
    textures, listed = [], []
    for animation, cells in zip(animations, layout.cells, strict=True):
        frames = []
        for x, y in map(layout.corner, cells):
            texture = f"AtlasTexture_{len(textures) + 1}"
            textures.append(
                f'[sub_resource type="AtlasTexture" id="{texture}"]\natlas = ExtResource("1_sheet")\n'
                f"region = Rect2({x}, {y}, {layout.cell_width}, {layout.cell_height})\n"
            )
            # The duration is in units of 1 / speed seconds.
            frames.append(f'{{\n"duration": 1.0,\n"texture": SubResource("{texture}")\n}}')
        loop = "true" if animation.loops else "false"
        listed.append(
            f'{{\n"frames": [{", ".join(frames)}],\n"loop": {loop},\n"name": &"{animation.name}",\n'
            f'"speed": {1000 / animation.frame_ms!r}\n}}'
        )
    steps = len(textures) + 2  # the sheet, the textures and the resource itself
    head = f'[gd_resource type="SpriteFrames" load_steps={steps} format=3]\n'
    sheet = f'[ext_resource type="Texture2D" path="{png}" id="1_sheet"]\n'
    body = f"[resource]\nanimations = [{', '.join(listed)}]\n"
    return "\n".join([head, sheet, *textures, body])


def _tiled(animations: Sequence[Animation], layout: _Layout, name: str) -> bytes:
    """A tileset of Tiled (TMX map format, <tileset>, <tile>, <animation>), where the tile of each animation's first
    frame is animated and has the animation's name as its class. Tiled repeats every animation."""
    size = {"tilewidth": str(layout.cell_width), "tileheight": str(layout.cell_height)}
    counts = {"tilecount": str(layout.rows * layout.columns), "columns": str(layout.columns)}
    root = ElementTree.Element("tileset", {"version": TSX_VERSION, "name": name, **size, **counts})
    image = {"source": f"{name}.png", "width": str(layout.width), "height": str(layout.height)}
    ElementTree.SubElement(root, "image", image)
    for animation, cells in zip(animations, layout.cells, strict=True):
        tile = ElementTree.SubElement(root, "tile", {"id": str(cells[0]), "type": animation.name})
        moving = ElementTree.SubElement(tile, "animation")
        for cell in cells:
            ElementTree.SubElement(
                moving, "frame", {"tileid": str(cell), "duration": str(animation.frame_ms)}
            )
    ElementTree.indent(root, " ")
    return ElementTree.tostring(root, encoding="UTF-8", xml_declaration=True) + b"\n"
