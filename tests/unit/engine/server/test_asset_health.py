"""Who holds an asset: told to its tenant in full, and to anybody on a page without names of tenants or faults."""

from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from sqlalchemy import insert, select
from starlette.testclient import TestClient

from assets.asset import Asset
from assets.cid import raw_cid
from engine.app import Application
from engine.database import tables
from engine.settings import Settings
from tests import pinning_simulators as simulators
from tests.pinning_simulators import Simulator

Authorised = Callable[..., dict[str, str]]


@pytest.fixture
def node() -> Iterator[Simulator]:
    with simulators.kubo() as node:
        yield node


@pytest.fixture
def settings(tmp_path: Path, node: Simulator) -> Settings:
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "pinning.toml").write_text(
        f'[[services]]\nname = "home"\nkind = "kubo"\nurl = "{node.url}"\ntimeout_s = 2\n'
    )
    return Settings.from_environment({"LORESPARK_DATA_DIR": str(folder)})


@pytest.fixture
def studio(headers: Authorised) -> dict[str, str]:
    return headers()


@pytest.fixture
def own(
    application: Application,
    add_asset: Callable[..., Asset],
    studio: dict[str, str],
    tenant_of: Callable[[dict[str, str]], str],
) -> Asset:
    return add_asset(application, 1, tenant_id=tenant_of(studio))


def test_it_says_who_holds_what_and_since_when(
    client: TestClient, application: Application, studio: dict[str, str], own: Asset
) -> None:
    application.pins.go_on(own.asset_id)
    application.pins.go_on(own.asset_id)
    answer = client.get(f"/v1/assets/{own.asset_id}/health", headers=studio)
    told = answer.json()
    assert answer.status_code == 200
    assert (told["asset"], told["whole"], told["fault"]) == (own.asset_id, True, None)
    assert told["root"] == str(application.files.package(own).root)
    [holder] = told["holders"]
    assert (holder["service"], holder["status"], holder["bytes"]) == ("home", "pinned", told["bytes"])
    assert None not in (holder["pinned_at"], holder["checked_at"], holder["read_at"])
    for cid in (told["root"], told["metadata_cid"]):
        assert client.get(f"/v1/assets/{cid}/health", headers=studio).json() == told


def test_an_asset_that_nobody_else_holds_has_no_holders(
    client: TestClient, studio: dict[str, str], own: Asset
) -> None:
    told = client.get(f"/v1/assets/{own.asset_id}/health", headers=studio).json()
    assert (told["holders"], told["root"], told["whole"]) == ([], None, True)
    assert "page" not in told["links"]
    assert told["bytes"] > 0


@pytest.mark.parametrize("part", ["metadata_cid", "media_cid", "image_cid"])
def test_a_store_that_is_not_whole_is_told(
    client: TestClient, application: Application, studio: dict[str, str], own: Asset, part: str
) -> None:
    cid = getattr(own, part)
    application.blocks.delete(cid)
    told = client.get(f"/v1/assets/{own.asset_id}/health", headers=studio).json()
    assert told["whole"] is False
    assert str(cid) in told["fault"]


def test_a_cid_of_another_tenants_asset_is_as_one_that_does_not_exist(
    client: TestClient, application: Application, headers: Authorised, own: Asset
) -> None:
    root = application.pins.go_on(own.asset_id)[0].root
    other = headers()
    for name in (own.asset_id, str(own.metadata_cid), str(root), str(raw_cid(b"nothing")), "bafk"):
        answer = client.get(f"/v1/assets/{name}/health", headers=other)
        assert answer.status_code == 404
        assert answer.json()["type"] == "urn:lorespark:problem:unknown-asset"


def test_an_upload_is_pinned_from_its_transaction_on(
    client: TestClient, application: Application, studio: dict[str, str]
) -> None:
    data = BytesIO()
    Image.new("RGBA", (16, 16), (255, 0, 0, 255)).save(data, "PNG")
    sent = {"Content-Type": "image/png"} | studio
    made = client.post("/v1/assets?name=Red", content=data.getvalue(), headers=sent).json()
    [pin] = application.pins.of(made["id"])
    assert (pin.service, pin.status) == ("home", "queued")
    assert (
        client.get(f"/v1/assets/{made['id']}/health", headers=studio).json()["holders"][0]["status"]
        == "queued"
    )
    assert application.pins.go_on(made["id"])[0].status == "pinned"


def test_the_page_names_services_and_times_and_nothing_else(
    client: TestClient,
    application: Application,
    own: Asset,
    node: Simulator,
    tenant_of: Callable[..., str],
    studio: dict[str, str],
) -> None:
    application.pins.go_on(own.asset_id)
    node.fault = "500"
    [pin] = application.pins.go_on(own.asset_id)
    assert pin.error is not None
    for cid in (own.metadata_cid, pin.root):
        page = client.get(f"/health/{cid}")
        assert page.status_code == 200
        assert page.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "default-src 'none'" in page.headers["Content-Security-Policy"]
        assert "<td>home<td>holds it" in page.text
        assert (pin.pinned_at or "") in page.text
        assert str(cid) in page.text
        for hidden in (own.asset_id, tenant_of(studio), "studio", pin.error, node.url, "<script"):
            assert hidden not in page.text


def test_what_was_lost_is_said_on_the_page(
    client: TestClient, application: Application, own: Asset, node: Simulator
) -> None:
    application.pins.go_on(own.asset_id)
    node.forget()
    node.fault = "full"
    application.pins.go_on(own.asset_id)
    assert "<td>home<td>does not hold it now" in client.get(f"/health/{own.metadata_cid}").text


def test_a_minted_asset_has_a_page_before_it_is_pinned(
    client: TestClient, application: Application, own: Asset, node: Simulator
) -> None:
    assert client.get(f"/health/{own.metadata_cid}").status_code == 404
    node.fault = "500"
    application.mint(own.asset_id, force=True)
    page = client.get(f"/health/{own.metadata_cid}").text
    assert "A token names this content" in page
    assert "No pinning service" in page


@pytest.mark.parametrize(("cid", "status"), [(str(raw_cid(b"nothing")), 404), ("nonsense<script>", 400)])
def test_what_is_neither_minted_nor_pinned_has_no_page(client: TestClient, cid: str, status: int) -> None:
    assert client.get(f"/health/{cid}").status_code == status


def test_force_lets_a_mint_go_on_that_was_asked_for_without(
    client: TestClient, application: Application, studio: dict[str, str], own: Asset, node: Simulator
) -> None:
    node.fault = "500"
    mint = client.post(f"/v1/assets/{own.asset_id}/mint", json={}, headers=studio).json()["id"]
    application.jobs.finish("mint", mint, once=True)
    told = client.get(f"/v1/mints/{mint}", headers=studio).json()
    assert told["status"] == "prepared"
    assert told["error"].startswith("The mint waits until a pinning service holds")
    again = client.post(f"/v1/assets/{own.asset_id}/mint", json={"force": True}, headers=studio).json()
    assert again["id"] == mint
    application.jobs.mint(mint)
    assert client.get(f"/v1/mints/{mint}", headers=studio).json()["status"] == "confirmed"
    with application.records.database.reading() as connection:
        assert list(connection.scalars(select(tables.pin_waivers.c.mint_id))) == [mint]


def test_what_one_asset_lost_and_another_of_the_same_content_holds_is_held(
    client: TestClient, application: Application, own: Asset
) -> None:
    """The pin that was asked for last had the last word."""
    application.pins.go_on(own.asset_id)
    with application.records.database.writing() as connection:
        row = connection.execute(select(tables.pins)).one()
        twin = dict(connection.execute(select(tables.assets)).one()._mapping) | {
            "id": "asset-twin",
            "position": 1,
        }
        connection.execute(insert(tables.assets).values(**twin))
        later = {"pinned_at": "2999-01-01T00:00:00Z", "checked_at": "2999-01-01T00:00:00Z"}
        lost = dict(row._mapping) | {"id": "pin-twin", "asset_id": "asset-twin", "status": "lost"} | later
        connection.execute(insert(tables.pins).values(**lost))
    assert "<td>home<td>holds it" in client.get(f"/health/{own.metadata_cid}").text
