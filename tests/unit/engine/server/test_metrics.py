"""What is counted of the requests."""

from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient

from assets.cid import raw_cid
from engine.app import Application
from engine.server.app import server


def counted(client: TestClient, name: str) -> dict[tuple[str, ...], float]:
    """Label values, in the order of the label names, to the value of the samples of ``name``."""
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name == name
    }


def test_requests_are_counted_by_route_method_and_status(client: TestClient) -> None:
    for n in range(3):
        client.get(f"/ipfs/{raw_cid(b'%d' % n)}/below")
    client.head(f"/ipfs/{raw_cid(b'x')}")
    client.get("/healthz")
    found = counted(client, "lorespark_http_requests_total")
    assert found == {
        ("GET", "/ipfs/{cid}/{path:path}", "404"): 3,
        ("HEAD", "/ipfs/{cid}", "404"): 1,
        ("GET", "/healthz", "200"): 1,
    }
    assert counted(client, "lorespark_http_request_seconds_count")["GET", "/healthz"] == 1


def test_invented_paths_and_methods_share_one_series(client: TestClient) -> None:
    for n in range(5):
        client.request(f"INVENTED{n}", f"/invented/{n}")
    assert counted(client, "lorespark_http_requests_total") == {("other", "none", "404"): 5}


def test_two_servers_count_apart(client: TestClient, application: Application) -> None:
    client.get("/healthz")
    with TestClient(server(application)) as other:
        assert counted(other, "lorespark_http_requests_total") == {}
