"""The schema's revisions, and the way to the newest one."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from engine.errors import DatabaseUnusable

MIGRATIONS = Path(__file__).with_name("migrations")


def migrate(connection: Connection) -> None:
    """Brings the schema to the newest revision, all at once or not at all.

    Raises DatabaseUnusable where it is newer than this program.
    """
    if connection.dialect.name == "sqlite":
        # The driver begins a transaction before INSERT, UPDATE and DELETE only; without this, a process that is
        # killed between two CREATE TABLEs would leave a schema that fits no revision.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    script = ScriptDirectory.from_config(config)
    current = MigrationContext.configure(connection).get_current_revision()
    if current == script.get_current_head():
        return
    if current is not None and current not in {revision.revision for revision in script.walk_revisions()}:
        raise DatabaseUnusable(
            f"The records were written by a newer Lorespark (schema {current}); install that version or newer."
        )
    command.upgrade(config, "head")
