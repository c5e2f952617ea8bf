"""A worker over SQLite goes on saying that it lives, so that its models stay among those that can be drawn with."""

import time
from pathlib import Path

import pytest
from sqlalchemy import select, update

from engine.database.database import Database
from engine.database.tables import workers
from engine.jobs import presence
from engine.jobs.presence import Presence
from engine.model_catalogue import ModelCatalogue

WAIT_S = 30


def test_a_lone_worker_stays_online_for_as_long_as_it_runs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(presence, "LONE_BEAT_S", 0.01)
    database, catalogue = Database.open(tmp_path / "records.db"), ModelCatalogue(tmp_path / "none.toml")
    here = Presence(database, on_lost=lambda: None)
    here.enter(("generate",), [model.model_dump() for model in catalogue.installed()])
    try:
        with database.writing() as connection:
            connection.execute(update(workers).values(beat_at_ms=0))  # half a minute later
        end = time.monotonic() + WAIT_S
        while not _beat_at_ms(database) and time.monotonic() < end:
            time.sleep(0.01)
        with database.reading() as connection:
            assert all(model.online for model in catalogue.models(connection))
    finally:
        here.leave()
        with database.reading() as connection:
            assert not any(model.online for model in catalogue.models(connection))
        database.close()


def _beat_at_ms(database: Database) -> int:
    with database.reading() as connection:
        return connection.execute(select(workers.c.beat_at_ms)).scalar_one()
