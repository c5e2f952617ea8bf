"""A worker's hold on a job: what it writes counts only as long as nobody took the job over."""

from dataclasses import dataclass

from sqlalchemy import Connection, select

from engine.database.tables import jobs
from engine.errors import HoldLost


@dataclass(frozen=True)
class Hold:
    """Job ``number`` in the hands of ``worker_id``."""

    number: int
    worker_id: str

    def confirm(self, connection: Connection) -> None:
        """Within a transaction: from here to its end nobody takes the job over.

        Raises HoldLost where somebody has, as after this process stood still for too long: then nothing may be written.
        """
        table = jobs
        query = select(table.c.worker_id).where(table.c.number == self.number).with_for_update()
        if connection.scalar(query) != self.worker_id:
            raise HoldLost("Another worker took the job over; this one leaves it alone.")
