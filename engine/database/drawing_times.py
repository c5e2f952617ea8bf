"""How long drawing took, by model and kind: what estimates are made of."""

from statistics import median

from sqlalchemy import Connection, delete, func, insert, select

from engine.database.tables import drawing_times

KEPT = 50  # of each model and kind; what is older says little about today's machine


def add_time(connection: Connection, model: str, kind: str, assets: int, steps: int, ms: int) -> None:
    """One draw of ``assets`` assets, which took ``steps`` steps in all and ``ms`` milliseconds, waiting included."""
    table = drawing_times
    connection.execute(insert(table).values(model=model, kind=kind, assets=assets, steps=steps, ms=ms))
    same = (table.c.model == model) & (table.c.kind == kind)
    newest = select(table.c.number).where(same).order_by(table.c.number.desc()).offset(KEPT).limit(1)
    if (oldest := connection.scalar(newest)) is not None:
        connection.execute(delete(table).where(same, table.c.number <= oldest))


def ms_per_step(connection: Connection, model: str, kind: str) -> float | None:
    """The median milliseconds of a step of one asset; None where none was measured."""
    table = drawing_times
    query = select(table.c.ms, table.c.steps).where(table.c.model == model, table.c.kind == kind)
    times = [row.ms / row.steps for row in connection.execute(query)]
    return median(times) if times else None


def ms_per_asset(connection: Connection) -> float | None:
    """The median over all models and kinds; None where nothing was measured."""
    table = drawing_times
    newest = select(table.c.ms, table.c.assets).order_by(table.c.number.desc()).limit(KEPT)
    times = [row.ms / row.assets for row in connection.execute(newest)]
    return median(times) if times else None


def models_of(connection: Connection, kind: str) -> list[str]:
    """The models that drew ``kind``, the last one first."""
    table = drawing_times
    query = select(table.c.model).where(table.c.kind == kind).group_by(table.c.model)
    return list(connection.scalars(query.order_by(func.max(table.c.number).desc())))
