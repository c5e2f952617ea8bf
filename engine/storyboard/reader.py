"""A storyboard read from YAML and checked down to its assets and pictures, or one sentence with line and field."""

import reprlib
from collections.abc import Callable
from pathlib import Path

from pydantic import ValidationError

from assets.asset import Asset, AssetKind
from engine.errors import InvalidStoryboard
from engine.storyboard.letters import Letters
from engine.storyboard.script import MAX_STAGE_PX, MIN_SIDE_PX, Member, Storyboard
from engine.storyboard.yaml_document import MAX_BYTES, Document, Place, read_yaml
from engine.upload import side_px
from generators.errors import InvalidPicture
from generators.source_picture import read_bytes, read_picture

FindAsset = Callable[[str], Asset | None]
MAX_FIGURE_PX = 2048  # of a cast member's side after scaling; larger than any stage shows

_SIZE = f"a size such as 320x180: even numbers of pixels, {MIN_SIDE_PX} or more"
_COLOUR = "a colour in quotes, such as '#223344', in lower case"
_TEXT = "a text of 1 to 240 characters"
_POINT = "a point such as [160, 150], in whole pixels from -4096 to 4096"
_VIEW = "at and zoom, as in {at: [160, 90], zoom: 1.5}"
_WANTED = {
    "title": _TEXT,
    "subtitle": _TEXT + ", or a list of 1 to 40 lines with from, to and text",
    "text": _TEXT,
    "size": _SIZE,
    "stage": _SIZE,
    "scale": "a whole number from 1 to 16",
    "fps": "a whole number from 1 to 60",
    "font": "a font file",
    "seed": "a whole number from 0 to 2^53 - 1",
    "shots": "a list of 1 to 100 shots",
    "seconds": "a number from 0.1 to 60",
    "background": "an asset's id, a picture file, or " + _COLOUR,
    "sky": _COLOUR,
    "ground": "a whole number of pixels from 0 to 4096",
    "cast": "a list of at most 16 assets with what they do",
    "asset": "an asset's id",
    "action": "the name of an action",
    "then": "the name of an action",
    "direction": "right, left, down or up",
    "path": "a list of 2 to 32 points such as [[40, 150], [200, 150]]",
    "at": _POINT,
    "camera": "from and to, each with at and zoom",
    "from": "a number of seconds from 0 to 60",
    "to": "a number of seconds from 0 to 60",
    "zoom": "a number from 1 to 8",
}


def read_storyboard(path: Path, find: FindAsset) -> Storyboard:
    """The storyboard of a YAML file, with all that it names there and readable.

    Paths of pictures are relative to the file. Raises InvalidStoryboard, which begins with the file's name.
    """
    try:
        if not path.is_file():
            raise InvalidStoryboard("there is no such file; give the path of a storyboard in YAML.")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
        return checked_storyboard(data, path.parent, find)
    except InvalidStoryboard as error:
        raise InvalidStoryboard(f"{path}: {error}") from error
    except (OSError, ValueError) as error:  # ValueError of a NUL in the path
        reason = (getattr(error, "strerror", None) or "it cannot be opened").lower()
        raise InvalidStoryboard(f"{path}: it cannot be read ({reason}); check the path.") from error


def checked_storyboard(data: bytes, folder: Path, find: FindAsset) -> Storyboard:
    """As ``read_storyboard``, from the bytes of a file that lies in ``folder``."""
    document = read_yaml(data)
    if not isinstance(document.value, dict):
        raise document.problem((), "a storyboard has a title and shots; docs/storyboards.md shows one.")
    try:
        board = Storyboard.model_validate(document.value)
    except ValidationError as error:
        raise _told(document, error) from error
    if board.font is not None:
        try:
            Letters.read(file_beside(folder, board.font))
        except InvalidStoryboard as error:
            raise document.problem(("font",), str(error)) from error
    for index, shot in enumerate(board.shots):
        place: Place = ("shots", index)
        width, height = board.stage_size(shot)
        if width < board.size[0] or height < board.size[1] or width * height > MAX_STAGE_PX:
            least = f"{board.size[0]}x{board.size[1]}"
            raise document.problem(
                (*place, "stage"),
                f"a stage of {width}x{height} cannot be filmed; it has the film's own {least} pixels or more, up to "
                f"{MAX_STAGE_PX:,} in all.",
            )
        if shot.ground is not None and shot.ground >= height:
            raise document.problem(
                (*place, "ground"), f"the floor at {shot.ground} is below the stage, which is {height} high."
            )
        _check_background(document, (*place, "background"), shot.background, folder, find)
        for number, member in enumerate(shot.cast):
            _check_member(document, (*place, "cast", number), member, find)
    return board


def file_beside(folder: Path, name: str) -> Path:
    """The file that a storyboard in ``folder`` names."""
    return folder / name


def names_asset(background: str, find: FindAsset) -> Asset | None:
    """The asset that a background names, or None where it is a colour or a file."""
    return None if background.startswith("#") else find(background)


def _check_background(
    document: Document, place: Place, background: str, folder: Path, find: FindAsset
) -> None:
    if background.startswith("#"):
        if len(background) != 7 or any(digit not in "0123456789abcdef" for digit in background[1:]):
            raise document.problem(place, f"{reprlib.repr(background)} is no colour; write {_COLOUR}.")
        return
    if find(background) is not None:
        return
    if background.startswith("asset-"):
        raise document.problem(place, _no_asset(background))
    try:
        path = file_beside(folder, background)
        if not path.is_file():
            raise document.problem(
                place, f"there is neither an asset nor a picture file {background[:200]!r}; check the name."
            )
        read_picture(read_bytes(path), f"the picture {background[:200]!r}")
    except InvalidPicture as error:
        raise document.problem(place, str(error)) from error
    except (OSError, ValueError) as error:  # of a name that no file can have
        raise document.problem(
            place, f"{background[:80]!r} is no file's name; {_WANTED['background']}."
        ) from error


def _check_member(document: Document, place: Place, member: Member, find: FindAsset) -> None:
    asset = find(member.asset)
    if asset is None:
        raise document.problem((*place, "asset"), _no_asset(member.asset))
    side = side_px(asset) * member.scale
    if side > MAX_FIGURE_PX:
        raise document.problem(
            (*place, "scale"), f"the asset would be {side} pixels high; it may have {MAX_FIGURE_PX}."
        )
    if asset.kind is AssetKind.ILLUSTRATION and member.action is not None:
        raise document.problem(
            (*place, "action"), "an illustration cannot move; cast a character, an item, a tile or a clip."
        )


def _no_asset(asset_id: str) -> str:
    return f"there is no asset {asset_id[:80]!r}; `lorespark list` shows those there are."


def _told(document: Document, error: ValidationError) -> InvalidStoryboard:
    """The first thing that is wrong, in one sentence."""
    first = error.errors(include_url=False)[0]
    parts = list(first["loc"])
    if "subtitle" in parts[:-1]:  # which form it was read as is no field
        del parts[parts.index("subtitle") + 1]
    place: Place = tuple(parts)
    names = [part for part in place if isinstance(part, str)]
    wanted = _wanted(place, names)
    match first["type"]:
        case "value_error":
            reason = str(first["ctx"]["error"])
            return document.problem(place, f"{reason}.")
        case "missing":
            return document.problem(place, f"it is missing; give {wanted}.")
        case "extra_forbidden":
            return document.problem(place, "there is no such field; remove it, or see docs/storyboards.md.")
        case _:
            value = list(first["input"]) if isinstance(first["input"], tuple) else first["input"]
            given = "empty (a # begins a comment)" if value is None else reprlib.repr(value)
            return document.problem(place, f"it must be {wanted}, not {given}.")


def _wanted(place: Place, names: list[str]) -> str:
    """What the value at that place must be."""
    field, within = (names[-1] if names else ""), isinstance(place[-1] if place else 0, int)
    if within and field in ("", "shots", "cast", "subtitle"):
        return "fields and their values, as docs/storyboards.md shows"
    if within and field == "path":
        return _POINT
    if "camera" in names and field in ("from", "to"):
        return _VIEW
    if "cast" in names and field == "scale":
        return "a whole number from 1 to 8"
    return _WANTED.get(field, "fields and their values")
