"""What a creation leaves behind: assets, mints, tags and places in collections, once."""

import pytest
from sqlalchemy import select
from starlette.testclient import TestClient

from engine.app import Application
from engine.database.tables import (
    asset_tags,
    assets,
    collection_assets,
    creation_events,
    jobs,
    mints,
    usage,
)
from tests.painter import Painter
from tests.unit.engine.server.creating import Worker, asked, own_collection, read, rows, sent_events


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("undrawable", "The painter cannot draw that; ask for something else."),
        ("broken", "The brush broke; ask again."),
    ],
)
def test_what_only_the_worker_finds_out_fails_with_its_sentence_and_gives_the_quota_back(
    client: TestClient, key: dict[str, str], worker: Worker, application: Application, prompt: str, said: str
) -> None:
    made = asked(client, key, prompt=prompt, count=5)
    worker.work()
    failed = read(client, key, made["id"])
    assert (failed["status"], failed["error"], failed["resumable"]) == ("failed", said, False)
    assert [row.assets for row in rows(application, select(usage))] == [0]
    event = sent_events(client.get(f"/v1/creations/{made['id']}/events", headers=key).text)[-1]
    assert (event.type, event.data) == ("failed", {"error": said})


def test_tags_collection_and_mints_are_done_with_the_recording(
    client: TestClient, key: dict[str, str], worker: Worker, application: Application
) -> None:
    to = "0x" + "11" * 20
    collection = own_collection(application)
    made = asked(client, key, count=2, tags=["shop", "red", "shop"], collection=collection, mint={"to": to})
    asked(client, key, collection=collection)
    worker.work()
    done = read(client, key, made["id"])
    ids = [asset["id"] for asset in done["assets"]]
    assert [asset["tags"] for asset in done["assets"]] == [["red", "shop"]] * 2
    assert [asset["collections"] for asset in done["assets"]] == [[collection]] * 2
    placed = rows(application, select(collection_assets).order_by(collection_assets.c.position))
    assert [row.position for row in placed] == [0, 1, 2]
    assert len(rows(application, select(asset_tags))) == 4
    asked_for = rows(application, select(mints).order_by(mints.c.id))
    assert {(row.asset_id, row.recipient, row.status) for row in asked_for} == {
        (i, to, "prepared") for i in ids
    }
    assert sorted(done["mints"]) == [row.id for row in asked_for]
    waiting = rows(application, select(jobs.c.record_id).where(jobs.c.queue == "mint"))
    assert sorted(row.record_id for row in waiting) == [row.id for row in asked_for]
    assert [(row.assets, row.steps, row.mints) for row in rows(application, select(usage))] == [(3, 9, 2)]


def test_an_asset_that_fails_the_gate_is_not_minted_and_the_event_says_so(
    client: TestClient, key: dict[str, str], worker: Worker, painter: Painter, application: Application
) -> None:
    good = painter._pixels
    painter._pixels = lambda seed: (
        good(seed) if seed == 1 else good(seed) * 0
    )  # a clear picture has no subject
    made = asked(client, key, count=2, seed=0, mint={})
    worker.work()
    event = sent_events(client.get(f"/v1/creations/{made['id']}/events", headers=key).text)[-1]
    bad, fine = event.data["assets"]
    (kept,) = event.data["not_minted"]
    assert kept["asset"] == bad
    assert "is not minted, because it fails" in kept["reason"]
    assert [row.asset_id for row in rows(application, select(mints))] == [fine]
    assert [row.recipient for row in rows(application, select(mints))] == [application.signer.address]


def test_recording_again_changes_nothing(
    client: TestClient, key: dict[str, str], worker: Worker, application: Application
) -> None:
    made = asked(client, key, tags=["a"], mint={})
    job, kept = application.creation_job, []
    plain = job.record
    vars(job)["record"] = lambda *given: (kept.append(given), plain(*given))
    worker.work()
    before = [rows(application, select(table)) for table in (assets, mints, usage, creation_events, jobs)]
    plain(*kept[0])
    job.fail(made["id"], "too late")
    assert job.batches(made["id"]) == 0
    assert [
        rows(application, select(table)) for table in (assets, mints, usage, creation_events, jobs)
    ] == before


def test_recipes_once_made_are_never_made_again(
    client: TestClient, key: dict[str, str], worker: Worker, painter: Painter, application: Application
) -> None:
    made = asked(client, key, count=2)
    assert application.creation_job.batches(made["id"]) == 1
    assert application.creation_job.batches(made["id"]) == 1
    worker.work()
    assert painter.planned == 2
    types = [
        event.type
        for event in sent_events(client.get(f"/v1/creations/{made['id']}/events", headers=key).text)
    ]
    assert types.count("started") == 1


def test_assets_that_a_full_collection_does_not_take_are_kept_and_the_event_says_so(
    client: TestClient,
    key: dict[str, str],
    worker: Worker,
    application: Application,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("engine.database.collections.MAX_ASSETS", 1)
    made = asked(client, key, count=2, collection=own_collection(application))
    worker.work()
    assert len(read(client, key, made["id"])["assets"]) == 2
    event = sent_events(client.get(f"/v1/creations/{made['id']}/events", headers=key).text)[-1]
    assert "begin another" in event.data["not_collected"]
