"""``lorespark api-key …``: keys of the asset API, made on the machine that has its records."""

# SQLAlchemy and Alembic take a third of a second to import, for which no other command should wait.
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer
from pydantic import ValidationError
from rich.markup import escape
from rich.table import Table

from engine.api.account import MAX_CONCURRENT, MAX_PER_DAY, MAX_PER_MINUTE, Key, Limits, NewKey, Scope
from engine.data_folder import records_path
from engine.errors import InvalidRequest, UnknownRecord
from engine.settings import Settings
from engine.terminal import AsJson, errors, out, print_json

if TYPE_CHECKING:  # see opened_records
    from engine.database.database import Database

api_key_app = typer.Typer(
    name="api-key", help="Make, list and revoke keys of the asset API.", no_args_is_help=True
)
_USUAL = Limits()
OneTenant = Annotated[str | None, typer.Option(help="Of this tenant alone.")]


@api_key_app.command(name="create")
def create_key(
    name: Annotated[str, typer.Option(help="By which people know the key.")] = "default",
    tenant: Annotated[
        str,
        typer.Option(help="Whose key it is, made if it is new; `local` owns what this command line makes."),
    ] = "local",
    scopes: Annotated[
        str, typer.Option(help="What it may do, with commas: create, mint, read, admin.")
    ] = "create,mint,read,admin",
    per_minute: Annotated[
        int, typer.Option(min=1, max=MAX_PER_MINUTE, help="Requests a minute.")
    ] = _USUAL.per_minute,
    per_day: Annotated[int, typer.Option(min=0, max=MAX_PER_DAY, help="Assets a day.")] = _USUAL.per_day,
    concurrent: Annotated[
        int, typer.Option(min=1, max=MAX_CONCURRENT, help="Creations that have not ended.")
    ] = _USUAL.concurrent,
    as_json: AsJson = False,
) -> None:
    """Make a key and show it once. Works while the server runs."""
    from engine.database.tenants import add_key, add_tenant, tenant_named  # noqa: PLC0415

    with errors():
        limits = Limits(per_minute=per_minute, per_day=per_day, concurrent=concurrent)
        wanted = _wanted(name, scopes, limits)
        if not 1 <= len(tenant) <= 200 or not tenant.isprintable():
            raise InvalidRequest("A tenant's name has 1 to 200 printable characters; give another --tenant.")
        with opened_records() as database, database.writing() as connection:
            try:
                owner = tenant_named(connection, tenant)
            except UnknownRecord:
                owner = add_tenant(connection, tenant)
            key = add_key(connection, owner.id, wanted)
    if as_json:
        print_json({"tenant": owner.name, **key.model_dump(mode="json")})
        return
    out.print(f"[bold]{key.secret}[/]")
    out.print(
        f"This is shown once. The key {key.id} of {escape(owner.name)} may {', '.join(key.scopes)}; "
        "send it as [bold]Authorization: Bearer lsk_…[/]."
    )


@api_key_app.command(name="list")
def list_keys(tenant: OneTenant = None, as_json: AsJson = False) -> None:
    """Show the keys, newest first, without their secrets."""
    from engine.database.tenants import all_keys, keys_of, tenant_named  # noqa: PLC0415

    with errors(), opened_records() as database, database.reading() as connection:
        found = (
            all_keys(connection)
            if tenant is None
            else [(tenant, key) for key in keys_of(connection, tenant_named(connection, tenant).id)]
        )
    if as_json:
        print_json({"keys": [{"tenant": owner, **key.model_dump(mode="json")} for owner, key in found]})
        return
    if not found:
        out.print("No keys yet. Make one: [bold]lorespark api-key create[/]")
        return
    table = Table("key", "tenant", "name", "begins", "scopes", "limits", "state", box=None, pad_edge=False)
    for owner, key in found:
        table.add_row(*map(escape, _row(owner, key)))
    out.print(table)


@api_key_app.command(name="revoke")
def revoke(key_id: Annotated[str, typer.Argument(metavar="KEY")], as_json: AsJson = False) -> None:
    """End a key's life at once, also that of a tenant's last. Works while the server runs."""
    from engine.database.tenants import revoke_key, tenant_of_key  # noqa: PLC0415

    with errors(), opened_records() as database, database.writing() as connection:
        owner = tenant_of_key(connection, key_id)
        key = revoke_key(connection, owner.id, key_id, even_last_admin=True)
    if as_json:
        print_json({"tenant": owner.name, **key.model_dump(mode="json")})
    else:
        out.print(f"The key {key.id} of {escape(owner.name)} is revoked.")


@contextmanager
def opened_records() -> "Iterator[Database]":
    """The records alone, which a running server may use meanwhile: its lock is on the data folder, not on them.

    Raises DataFolderUnusable, DatabaseUnusable.
    """
    from engine.database.database import Database  # noqa: PLC0415

    settings = Settings.from_environment()
    url = settings.database_url
    database = Database.open(records_path(settings.data_dir)) if url is None else Database.connect(url)
    try:
        yield database
    finally:
        database.close()


def _wanted(name: str, scopes: str, limits: Limits) -> NewKey:
    given: Any = tuple(dict.fromkeys(part.strip() for part in scopes.split(",") if part.strip()))
    if wrong := [part for part in given if part not in tuple(Scope)]:
        raise InvalidRequest(
            f"There is no scope {wrong[0][:40]!r}; --scopes takes {', '.join(Scope)}, with commas between them."
        )
    if not name.isprintable():
        raise InvalidRequest("A key's name has printable characters only; give another --name.")
    try:
        return NewKey(name=name, scopes=given, limits=limits)
    except ValidationError as error:
        raise InvalidRequest(
            "A key has a name of 1 to 200 characters and at least one scope; correct --name or --scopes."
        ) from error


def _row(tenant: str, key: Key) -> tuple[str, ...]:
    limits = f"{key.limits.per_minute}/min, {key.limits.per_day}/day, {key.limits.concurrent} at once"
    state = "living" if key.revoked_at is None else f"revoked {key.revoked_at[:10]}"
    return key.id, tenant, key.name, key.prefix, ",".join(key.scopes), limits, state
