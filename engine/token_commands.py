"""``lorespark mint``, ``verify`` and ``export``: an asset on the chain, back from it, and as a file."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from engine.answers import checks_json, mint_json
from engine.errors import InvalidRequest
from engine.terminal import AsJson, errors, fail, opened_application, out, print_json

if TYPE_CHECKING:  # it imports web3, which takes a second
    from engine.verification import Check

MAX_TOKEN_ID = 2**256 - 1  # a uint256


def mint(
    asset_id: Annotated[str, typer.Argument(help="An asset's id, as `create` and `list` print it.")],
    to: Annotated[str | None, typer.Option(help="Who gets the token; your own signer if left out.")] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Mint what fails the quality gate too; the token's metadata says so."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Bring an asset onto the chain. Asked again, it answers with the same token."""
    with errors(), opened_application() as application:
        minted = application.mint(asset_id, to, force)
    if as_json:
        print_json(mint_json(minted))
        return
    told = "was minted before" if minted.already_minted else "minted"
    out.print(f"Token [bold]{minted.mint.token_id}[/] {told}, owned by {minted.owner}.")
    if to is not None and to.lower() != minted.mint.recipient.lower():
        out.print(f"An asset has one token, and its mint began before: nothing was minted to {to}.")
    out.print(f"  {minted.token_uri}")
    out.print(f"  contract {minted.mint.contract} on chain {minted.mint.chain_id}")
    out.print(f"Check it with [bold]lorespark verify {minted.mint.token_id}[/].")


def verify(
    token_id: Annotated[str, typer.Argument(help="A token's number.")], as_json: AsJson = False
) -> None:
    """Follow a token from the chain to its pixels, and draw them again. Exits 1 where a check fails."""
    with errors():
        if not re.fullmatch(r"[0-9]{1,78}", token_id) or int(token_id) > MAX_TOKEN_ID:
            raise InvalidRequest(
                f"{token_id[:80]!r} is not a token's number; `lorespark list` shows the tokens."
            )
        with opened_application() as application:
            checks = application.verify(int(token_id))
    if as_json:
        print_json(checks_json(checks))
    else:
        for check in checks:
            mark = "[green]ok    [/]" if check.ok else "[red]failed[/]"
            out.print(f"{mark} {check.name:<16} {escape(check.detail)}")
    if not all_hold(checks):
        failed = next(check for check in checks if not check.ok)
        fail(f"Token {token_id} is not proven: its check {failed.name} failed. {_sentence(failed.detail)}")


def export(
    asset_id: Annotated[str, typer.Argument(help="An asset's id.")],
    car: Annotated[Path, typer.Option(help="The CAR file to write.")],
    as_json: AsJson = False,
) -> None:
    """Write an asset's metadata and pictures as a CAR file, which any IPFS node imports."""
    with errors(), opened_application() as application:
        root = application.export(asset_id, car)
    if as_json:
        print_json({"root": root, "car": str(car.absolute()), "bytes": car.stat().st_size})
        return
    out.print(f"{escape(str(car))} ({car.stat().st_size:,d} bytes), root [bold]{root}[/]")


def all_hold(checks: "list[Check]") -> bool:
    return all(check.ok for check in checks)


def _sentence(detail: str) -> str:
    return detail[:1].upper() + detail[1:].rstrip(".") + "."
