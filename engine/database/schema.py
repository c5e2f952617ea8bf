"""The schema's revisions, and the way to the newest one."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Engine, text

from engine.errors import DatabaseUnusable

MIGRATIONS = Path(__file__).with_name("migrations")


def migrate(engine: Engine) -> None:
    """Brings the schema to the newest revision, all at once or not at all, while no other process does.

    Raises DatabaseUnusable where it is newer than this program.
    """
    with engine.connect() as connection:
        sqlite = connection.dialect.name == "sqlite"
        if sqlite:
            # A table is changed by making it anew, which must not take along the rows that refer to it; and the
            # switch does nothing within a transaction.
            connection.exec_driver_sql("PRAGMA foreign_keys=OFF")
            # The driver begins a transaction before INSERT, UPDATE and DELETE only; without this, a process that
            # is killed between two CREATE TABLEs would leave a schema that fits no revision.
            connection.exec_driver_sql("BEGIN IMMEDIATE")
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('lorespark schema', 0))"))
        try:
            _upgrade(connection)
            if sqlite and (broken := connection.exec_driver_sql("PRAGMA foreign_key_check").first()):
                raise DatabaseUnusable(
                    f"The records cannot be brought to this version: rows of {broken[0]} refer to what is gone; "
                    "restore a backup."
                )
            connection.commit()
        finally:
            connection.rollback()  # nothing where it was committed
            if sqlite:
                connection.exec_driver_sql("PRAGMA foreign_keys=ON")


def _upgrade(connection: Connection) -> None:
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
