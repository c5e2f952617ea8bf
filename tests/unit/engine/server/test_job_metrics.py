"""What /metrics says of the jobs."""

from starlette.testclient import TestClient

from engine.app import Application
from engine.database.jobs import claim, enqueue
from engine.database.tables import LOCAL_TENANT


def test_queues_are_counted_by_state_with_the_age_of_the_oldest(
    client: TestClient, application: Application
) -> None:
    with application.records.database.writing() as connection:
        for number in range(3):
            enqueue(connection, "mint", f"mint-{number}", LOCAL_TENANT, after_s=-100)
        enqueue(connection, "deliver", "delivery-1", LOCAL_TENANT, after_s=100)
        claim(connection, "mint", "worker-1", ())
    lines = client.get("/metrics").text.splitlines()
    assert 'lorespark_jobs{queue="mint",state="queued"} 2.0' in lines
    assert 'lorespark_jobs{queue="mint",state="running"} 1.0' in lines
    assert 'lorespark_jobs{queue="generate",state="queued"} 0.0' in lines
    ages = {
        line.split()[0]: float(line.split()[1]) for line in lines if "oldest_due" in line and line[0] != "#"
    }
    assert ages['lorespark_jobs_oldest_due_seconds{queue="mint"}'] >= 100
    assert ages['lorespark_jobs_oldest_due_seconds{queue="deliver"}'] == 0
    assert "lorespark_workers 0.0" in lines


def test_a_database_that_does_not_answer_takes_no_other_metric_away(
    client: TestClient, application: Application
) -> None:
    with application.records.database.writing() as connection:
        connection.exec_driver_sql("DROP TABLE jobs")
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert "lorespark_jobs" not in answer.text
    assert "process_cpu_seconds_total" in answer.text
