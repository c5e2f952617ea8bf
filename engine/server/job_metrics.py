"""What waits and who works, as Prometheus reads it: asked of the records each time."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from engine.database.database import Database
from engine.database.jobs import QUEUES, lengths
from engine.database.workers import living
from engine.errors import DatabaseUnusable

_STATES = ("queued", "running", "set_aside")


class JobMetrics(Collector):
    """Gauges over the jobs of a database; none while it does not answer."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def describe(self) -> list[Metric]:
        """Nothing is asked only to be listed."""
        return []

    def collect(self) -> Iterator[Metric]:
        try:
            with self._database.reading() as connection:
                found, workers = lengths(connection), living(connection)
        except DatabaseUnusable:
            return
        jobs = GaugeMetricFamily("lorespark_jobs", "Jobs by queue and state.", labels=("queue", "state"))
        oldest = GaugeMetricFamily(
            "lorespark_jobs_oldest_due_seconds",
            "For how long the longest waiting job could have been begun.",
            labels=("queue",),
        )
        for queue in QUEUES:
            for state in _STATES:
                jobs.add_metric((queue, state), found.counts.get((queue, state), 0))
            oldest.add_metric((queue,), found.oldest_due_s.get(queue, 0.0))
        yield jobs
        yield oldest
        yield GaugeMetricFamily(
            "lorespark_workers", "Worker processes that give signs of life.", value=workers
        )
