"""``lorespark keys``: the keys that sign on the chain. Those of the API are ``lorespark api-key``."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape
from rich.table import Table

from engine.data_folder import records_path
from engine.errors import InvalidRequest
from engine.settings import Settings
from engine.terminal import AsJson, errors, opened_application, out, print_json

if TYPE_CHECKING:  # it imports eth_account, which takes half a second
    from chain.key_folder import KeyFolder
    from chain.signer import KeystoreSigner

keys_app = typer.Typer(
    help="Make, list, import and rotate the keys that sign on the chain.", no_args_is_help=True
)
PasswordFile = Annotated[
    Path | None,
    typer.Option(help="A file with the password; LORESPARK_KEY_PASSWORD_FILE, or a question, if left out."),
]


@keys_app.command()
def make(password_file: PasswordFile = None, as_json: AsJson = False) -> None:
    """Make a key, in an encrypted file of the data folder. It signs nothing before `rotate`."""
    with errors():
        folder = _folder()
        signer = folder.make(_password(password_file, new=True))
        _tell(folder, signer, "made", as_json)


@keys_app.command(name="import")
def import_key(
    key_file: Annotated[
        Path | None, typer.Option(help="A file with the key's 64 hexadecimal digits; a question if left out.")
    ] = None,
    password_file: PasswordFile = None,
    as_json: AsJson = False,
) -> None:
    """Keep a key that there is, in an encrypted file of the data folder. It signs nothing before `rotate`."""
    from chain.key_folder import read_password  # noqa: PLC0415

    with errors():
        folder = _folder()
        key = read_password(key_file) if key_file else typer.prompt("The key", hide_input=True, err=True)
        signer = folder.add(key, _password(password_file, new=True))
        _tell(folder, signer, "stored", as_json)


@keys_app.command(name="list")
def list_keys(as_json: AsJson = False) -> None:
    """Show the keys of the data folder and which one signs."""
    with errors():
        found = _folder().list()
        settings = Settings.from_environment()
    elsewhere = settings.private_key is not None or settings.signer_url is not None
    if as_json:
        told = [
            {"address": key.address, "file": str(key.path), "signs": key.is_active and not elsewhere}
            for key in found
        ]
        print_json({"keys": told})
        return
    if elsewhere:
        out.print("LORESPARK_PRIVATE_KEY or LORESPARK_SIGNER_URL says who signs; the keys here do not.")
    if not found:
        out.print("No keys yet: the first is made with the first mint, or by [bold]lorespark keys make[/].")
        return
    table = Table("address", "signs", "file", box=None, pad_edge=False)
    for key in found:
        table.add_row(key.address, "yes" if key.is_active and not elsewhere else "", escape(str(key.path)))
    out.print(table)


@keys_app.command()
def rotate(
    address: Annotated[
        str, typer.Argument(help="Whose key signs from now on, as `make` and `list` print it.")
    ],
    password_file: PasswordFile = None,
    leaked: Annotated[
        bool, typer.Option("--leaked", help="End what the old key promised, because others may have it.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Let another key sign: it gets the roles of the old one on the chain, which then loses them.

    May be done again where it broke off. A server that runs signs with the old key until it is started again.
    """
    from chain.address import parse_recipient  # noqa: PLC0415

    with errors():
        settings = Settings.from_environment()
        if settings.private_key is not None or settings.signer_url is not None:
            raise InvalidRequest(
                "LORESPARK_PRIVATE_KEY or LORESPARK_SIGNER_URL says who signs; leave both out to rotate the data "
                "folder's keys."
            )
        wanted, folder = parse_recipient(address), _folder()
        with opened_application() as application:
            from engine.key_rotation import Rotation  # noqa: PLC0415  as opened_application says

            now = application.signer
            if now.address != wanted:
                new = folder.open(wanted, _password_of(folder, wanted, password_file))
                rotation = Rotation(application, new)
                done = rotation.hand_over(now)
                folder.activate(new.address, now.address)
                done += rotation.take_back(now.address, leaked)
            else:
                former = folder.former()
                if former is None:
                    raise InvalidRequest(f"The key of {wanted} signs already; name another.")
                done = Rotation(application, now).take_back(former, leaked)
    if as_json:
        print_json({"address": wanted, "done": done})
        return
    out.print(f"The key of [bold]{wanted}[/] signs. Start servers again that run.")
    for sentence in done:
        out.print(escape(sentence))


def _folder() -> "KeyFolder":
    from chain.key_folder import KeyFolder  # noqa: PLC0415
    from chain.signer import keep_out_of_cores  # noqa: PLC0415

    keep_out_of_cores()
    root = records_path(Settings.from_environment().data_dir).parent  # makes it where it is missing
    return KeyFolder(root / "keys")


def _password(given: Path | None, *, new: bool) -> str:
    from chain.key_folder import read_password  # noqa: PLC0415

    path = given or Settings.from_environment().key_password_file
    if path is not None:
        return read_password(path)
    password: str = typer.prompt("The key's password", hide_input=True, confirmation_prompt=new, err=True)
    return password


def _password_of(folder: "KeyFolder", address: str, given: Path | None) -> str | None:
    """None for the key whose password lies beside it."""
    own = any(key.address == address and key.path.name == "signer.json" for key in folder.list())
    return None if own else _password(given, new=False)


def _tell(folder: "KeyFolder", signer: "KeystoreSigner", what: str, as_json: bool) -> None:
    path = next(key.path for key in folder.list() if key.address == signer.address)
    if as_json:
        print_json({"address": signer.address, "file": str(path)})
        return
    out.print(f"The key of [bold]{signer.address}[/] is {what}, in {escape(str(path))}.")
    out.print(f"Keep its password. Let it sign with [bold]lorespark keys rotate {signer.address}[/].")
