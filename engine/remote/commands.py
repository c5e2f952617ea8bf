"""``lorespark --server …``: what a server can be asked for, by the names and with the answers of the local commands."""

import itertools
from functools import cache
from pathlib import Path
from typing import Any, Final

import typer
from rich.markup import escape
from rich.table import Table

from assets.asset import AssetKind
from assets.car import read_car
from engine.animate_command import check_folder
from engine.animate_command import sheet as local_sheet
from engine.api.model import MAX_PAGE
from engine.data_folder import write_whole
from engine.errors import InvalidRequest
from engine.list_commands import list_assets as local_list
from engine.list_commands import models as local_models
from engine.remote.asset_files import AssetFolder, asset_json
from engine.remote.command import like
from engine.remote.create_commands import collection, create, vary
from engine.sdk import Client, LoresparkError, Mint
from engine.sdk.asset_calls import SheetFormat
from engine.terminal import out, print_json
from engine.token_commands import export as local_export
from engine.token_commands import mint as local_mint

# How `lorespark sheet` calls what each program reads.
_SHEET_FILES: Final[dict[str, SheetFormat]] = {
    "sheet.json": "aseprite",
    "sheet.tres": "godot",
    "sheet.tsx": "tiled",
}


@like(local_list)
def list_assets(client: Client, limit: int, as_json: bool) -> None:
    listed = list(itertools.islice(client.assets.list(page_size=min(limit, MAX_PAGE)), limit))
    folder = AssetFolder(client, None)
    rows: list[dict[str, Any]] = []
    for asset in listed if as_json else ():
        place = folder.place(asset)
        token_id = None if asset.token is None else int(asset.token.token_id)
        told = asset_json(client, asset, str(place) if place.exists() else None, {})
        rows.append(told | {"token_id": token_id})
    if as_json:
        print_json({"assets": rows})
        return
    if not listed:
        out.print("No assets yet. Draw one: [bold]lorespark create 'a red potion bottle' --kind item[/]")
        return
    table = Table("asset", "kind", "name", "token", box=None, pad_edge=False)
    for asset in listed:
        token = "" if asset.token is None else asset.token.token_id
        table.add_row(escape(asset.id), escape(asset.kind), escape(asset.name), escape(token))
    out.print(table)


@like(local_models)
def models(client: Client, as_json: bool) -> None:
    listed = client.models()
    if as_json:
        print_json({"models": [model.model_dump(mode="json") for model in listed]})
        return
    table = Table("model", "draws", "px", "where", "online", box=None, pad_edge=False)
    for model in listed:
        table.add_row(
            escape(model.id),
            escape(", ".join(model.kinds)),
            ", ".join(map(str, model.sizes)) or "any",
            "bundled" if model.bundled else "configured",
            "yes" if model.online else "no",
        )
    out.print(table)


@like(local_mint)
def mint(client: Client, asset_id: str, to: str | None, force: bool, as_json: bool) -> None:
    begun = client.mints.mint(asset_id, to=to, force=force)
    done = begun if begun.status == "confirmed" else client.mints.wait(begun.id)
    asset = client.assets.get(asset_id)
    told = _mint_json(done) | {
        "token_uri": f"ipfs://{asset.metadata_cid}",
        "owner": asset.owner or done.to,
        "status": done.status,
        "already_minted": begun.status == "confirmed",
    }
    if as_json:
        print_json(told)
        return
    was = "was minted before" if told["already_minted"] else "minted"
    out.print(f"Token [bold]{told['token_id']}[/] {was}, owned by {escape(told['owner'])}.")
    if to is not None and to.lower() != done.to.lower():
        out.print(f"An asset has one token, and its mint began before: nothing was minted to {to}.")
    out.print(f"  {escape(told['token_uri'])}")
    out.print(f"  contract {escape(str(done.contract))} on chain {done.chain_id}")


@like(local_export)
def export(client: Client, asset_id: str, car: Path, as_json: bool) -> None:
    client.assets.car(asset_id, car)
    with car.open("rb") as file:
        roots, blocks = read_car(file)
        for _ in blocks:
            """Each is hashed as it is read."""
    size, root = car.stat().st_size, ", ".join(map(str, roots))
    if as_json:
        print_json({"root": root, "car": str(car.absolute()), "bytes": size})
        return
    out.print(f"{escape(str(car))} ({size:,d} bytes), root [bold]{root}[/]")


@like(local_sheet)
def sheet(client: Client, clip_ids: list[str], folder: Path, as_json: bool) -> None:
    check_folder(folder)
    [clip_id, *more] = dict.fromkeys(clip_ids)
    if more:
        raise InvalidRequest(
            "A server makes a sheet of one clip at a time; name one, or download a collection's sheet."
        )
    clip = client.assets.get(clip_id)
    if clip.kind != AssetKind.CLIP:
        raise InvalidRequest(f"The asset {clip_id} is no clip; draw one with `lorespark create --kind clip`.")
    contents = {"sheet.png": client.assets.sheet(clip_id)}
    contents |= {name: client.assets.sheet_file(clip_id, format) for name, format in _SHEET_FILES.items()}
    written = {name: folder / name for name in contents}
    for name, path in written.items():
        write_whole(path, contents[name])
    if as_json:
        print_json({"sheet": {name: str(path) for name, path in written.items()}})
    else:
        others = ", ".join(sorted(set(written) - {"sheet.png"}))
        out.print(f"The sheet: {escape(str(written['sheet.png']))}, with {others}")


def _mint_json(mint: Mint) -> dict[str, Any]:
    if mint.token_id is None:
        raise LoresparkError(f"The server confirmed the mint {mint.id} and named no token; see its log.")
    return {
        "token_id": int(mint.token_id),
        "contract": mint.contract,
        "chain_id": mint.chain_id,
        "tx_hash": mint.tx_hash,
        "block_number": mint.block_number,
    }


@cache
def remote_commands() -> dict[str, Any]:
    """Each command by its name."""
    app = typer.Typer(pretty_exceptions_enable=False)
    for command in (create, vary, collection, mint, export, sheet, models):
        app.command()(command)
    app.command(name="list")(list_assets)
    return dict(typer.main.get_group(app).commands)
