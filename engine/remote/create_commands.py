"""``lorespark --server … create``, ``vary`` and ``collection``: drawing at a server."""

from pathlib import Path
from typing import Any

from rich.markup import escape

from engine.collection_command import ACROSS, CELL_PX, asked_kinds
from engine.collection_command import collection as local_collection
from engine.contact_sheet import contact_sheet
from engine.create_commands import create as local_create
from engine.create_commands import tell_made
from engine.create_commands import vary as local_vary
from engine.data_folder import write_whole
from engine.errors import InvalidRequest
from engine.remote.asset_files import AssetFolder, downloaded
from engine.remote.command import OUTPUT, like
from engine.remote.drawing import drawn_with_bar
from engine.sdk import Client, Creation, LoresparkError
from engine.terminal import out, print_json
from generators.collection import plan
from generators.palette_choice import chosen_palette
from generators.recipe import Kind, random_seed

# What a request has of its own; every other option of the local command is one of its controls.
_REQUEST = ("kind", "count", "seed", "model", "tags", "collection", "priority")
_CONTROLS = {"style_name": "style"}


@like(local_create, OUTPUT)
def create(client: Client, **given: Any) -> None:
    as_json, output, prompt = given.pop("as_json"), given.pop("output"), given.pop("prompt")
    if given["palette"] is not None:
        given["palette"] = _palette(given["palette"])
    for name in ("source", "mask"):
        given[name] = _uploaded(client, given[name])
    given = {name: value for name, value in given.items() if value is not None}
    request = {name: given.pop(name) for name in _REQUEST if name in given}
    controls = {_CONTROLS.get(name, name): value for name, value in given.items()}
    accepted = client.creations.create(prompt, **request, controls=controls)
    made = _made(client, accepted, output)
    tell_made(made, as_json)


@like(local_vary, OUTPUT)
def vary(
    client: Client,
    asset_id: str,
    strength: float,
    count: int,
    seed: int | None,
    prompt: str | None,
    as_json: bool,
    output: Path | None,
) -> None:
    recipe = client.assets.recipe(asset_id)
    kind = recipe.get("kind")
    if kind not in (Kind.CHARACTER, Kind.ITEM, Kind.TILE) or recipe.get("drawn_px") is not None:
        raise InvalidRequest(
            f"The asset {asset_id} is no picture of a bundled model, and only these have variations; "
            "create it again with another seed."
        )
    # The style is not named: what it set is in the recipe.
    names = ("negative_prompt", "size", "outline", "background", "seamless")
    controls = {name: recipe[name] for name in names if recipe.get(name) is not None}
    controls |= {"source": asset_id, "strength": strength}
    controls["palette"] = "none" if recipe.get("palette") is None else recipe["palette"]
    first_seed = random_seed() if seed is None else seed
    accepted = client.creations.create(
        prompt or recipe["prompt"], kind=kind, count=count, seed=first_seed, controls=controls
    )
    made = _made(client, accepted, output)
    tell_made(made, as_json)


@like(local_collection, OUTPUT)
def collection(
    client: Client,
    theme: str,
    style_name: str | None,
    count: int,
    seed: int | None,
    kinds: str,
    as_json: bool,
    output: Path | None,
) -> None:
    pieces = plan(theme, asked_kinds(kinds), count, random_seed() if seed is None else seed)
    made = client.collections.create(" ".join(theme.split())[:200])
    controls = {} if style_name is None else {"style": style_name}
    accepted = [
        client.creations.create(
            piece.prompt, kind=piece.kind, seed=piece.seed, controls=controls, collection=made.id
        )
        for piece in pieces
    ]
    assets = [asset for creation in drawn_with_bar(client, accepted) for asset in creation.assets]
    folder = AssetFolder(client, output)
    rows = downloaded(client, assets, output)
    path = folder.sheet(made.id)
    pictures = [folder.picture(asset) for asset in assets]
    write_whole(path, contact_sheet(pictures, ACROSS, CELL_PX))
    if as_json:
        ids = [creation.id for creation in accepted]
        print_json(
            {"collection_id": made.id, "creation_ids": ids, "contact_sheet": str(path), "assets": rows}
        )
        return
    for row in rows:
        out.print(f"[bold]{row['asset_id']}[/]  {row['kind']:<9}  {escape(row['recipe']['prompt'])}")
    out.print(f"The collection [bold]{made.id}[/], and its pictures: [bold]{escape(str(path))}[/]")


def _made(client: Client, accepted: Creation, output: Path | None) -> dict[str, Any]:
    [creation] = drawn_with_bar(client, [accepted])
    if not creation.assets:
        raise LoresparkError(f"The creation {creation.id} has no assets; see the server's log.")
    return {"creation_id": creation.id, "assets": downloaded(client, creation.assets, output)}


def _palette(text: str) -> str | int | tuple[str, ...]:
    """A palette as a request holds it; files are read here, where they are."""
    chosen = chosen_palette(text)
    return "none" if chosen is None else chosen


def _uploaded(client: Client, named: str | Path | None) -> str | None:
    """The id of an asset that is named by its id, or by a picture file, which the server is given."""
    if named is None:
        return None
    try:
        is_file = Path(named).is_file()
    except (OSError, ValueError):  # of a name that no file system takes
        is_file = False
    if is_file:
        return client.assets.upload(Path(named)).id
    if isinstance(named, Path) or str(named).lower().endswith(".png"):
        raise InvalidRequest(f"There is no picture at {named}; name a PNG file.")
    return named
