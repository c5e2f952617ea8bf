"""The gallery: what it shows, and what is done with many assets at once."""

import io
import re
import zipfile
from collections.abc import Callable
from typing import Any

import pytest

from assets.asset import Asset
from engine.api.account import NewKey, Scope
from engine.app import Application
from engine.database.assets import set_favourite, set_tags
from engine.database.tables import LOCAL_TENANT
from engine.database.tenants import add_key, add_tenant
from engine.server.browser import CSRF_HEADER, csrf_token
from tests.painter import Painter
from tests.unit.engine.server.creating import Worker
from tests.unit.engine.server.web.conftest import SITE, Visitor, text_of

PART = {"HX-Request": "true"}
EVIL = "<script>alert('\"')</script>"
Add = Callable[..., Asset]


def shown(html: str) -> list[str]:
    return re.findall(r'data-asset="([^"]+)"', html)


@pytest.fixture
def three(application: Application, add_asset: Add) -> list[str]:
    """Ids of three assets, all made in one second."""
    return sorted(add_asset(application, seed).asset_id for seed in (1, 2, 3))


@pytest.fixture
def painted(creator: Visitor, painter: Painter, worker: Worker) -> Callable[[str], str]:
    """Makes an asset of a prompt through the API; its id."""

    def painted(prompt: str) -> str:
        asked = creator.post("/v1/creations", json={"kind": "item", "prompt": prompt, "tags": ["new"]})
        assert asked.status_code == 202, asked.text
        worker.work()
        (asset,) = creator.get(asked.json()["links"]["self"]).json()["assets"]
        return str(asset["id"])

    return painted


def test_an_empty_gallery_says_where_to_begin(creator: Visitor) -> None:
    page = creator.get("/gallery")
    assert page.status_code == 200
    assert 'href="/create"' in page.text
    assert "Nothing here yet" in text_of(page.text)


def test_all_assets_are_shown_and_a_changed_filter_gets_the_results_alone(
    creator: Visitor, three: list[str]
) -> None:
    assert sorted(shown(creator.get("/gallery").text)) == three
    part = creator.get("/gallery", params={"kind": "item", "q": "", "tag": ""}, headers=PART)
    assert part.headers["HX-Push-Url"] == "/gallery?kind=item"
    assert part.text.lstrip().startswith('<div id="results"')
    assert sorted(shown(part.text)) == three
    again = creator.get("/gallery", headers={**PART, "HX-History-Restore-Request": "true"})
    assert "<!doctype html>" in again.text


def test_filters_narrow_what_is_shown(creator: Visitor, application: Application, three: list[str]) -> None:
    with application.records.database.writing() as connection:
        set_favourite(connection, three[0], True)
        set_tags(connection, three[1], ["forest-level"])
    assert shown(creator.get("/gallery?favourite=yes").text) == [three[0]]
    assert shown(creator.get("/gallery?tag=Forest%20Level").text) == [three[1]]
    assert shown(creator.get("/gallery?kind=clip").text) == []
    assert shown(creator.get("/gallery?chain=yes").text) == []
    assert shown(creator.get("/gallery?made=uploaded").text) == []
    assert len(shown(creator.get("/gallery?made=drawn&chain=no").text)) == 3


def test_what_follows_is_a_link_without_a_script(
    creator: Visitor, application: Application, add_asset: Add, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.server.web.gallery.PAGE", 2)
    made = {add_asset(application, seed).asset_id for seed in (1, 2, 3)}
    first = creator.get("/gallery?kind=item").text
    link = re.search(r'class="button" href="(/gallery\?kind=item&amp;cursor=[^"]+)"', first)
    part = re.search(r'hx-get="(/gallery/more\?kind=item&amp;cursor=[^"]+)"', first)
    assert link
    assert part
    rest = creator.get(part[1].replace("&amp;", "&"), headers=PART).text
    assert set(shown(first)) | set(shown(rest)) == made
    assert shown(creator.get(link[1].replace("&amp;", "&")).text) == shown(rest)
    assert "/gallery/more" not in rest


def test_a_wrong_tag_or_cursor_says_what_to_do(creator: Visitor) -> None:
    refused = creator.get("/gallery", params={"tag": EVIL}, headers=PART)
    assert refused.status_code == 422
    assert 'data-pointer="/tag"' in refused.text
    assert "<script" not in refused.text
    assert creator.get("/gallery?cursor=nonsense", headers=PART).status_code == 400


def test_what_people_wrote_is_shown_as_text(creator: Visitor, painted: Callable[[str], str]) -> None:
    asset = painted(EVIL)
    assert creator.post("/v1/collections", json={"name": EVIL, "assets": [asset]}).status_code == 201
    for path in ("/gallery", f"/assets/{asset}", f"/mint?asset={asset}", f"/gallery?collection={EVIL}"):
        page = creator.get(path).text
        assert "<script>alert" not in page, path
        assert "&lt;script&gt;alert" in page, path


def test_many_are_tagged_at_once_and_their_cards_come_back(creator: Visitor, three: list[str]) -> None:
    data = {"asset": three[:2], "tags": "Forest Level, boss", "how": "add"}
    changed = creator.post("/gallery/tag", data=data, headers=PART)
    assert changed.status_code == 200, changed.text
    assert sorted(shown(changed.text)) == three[:2]
    assert changed.text.count('hx-swap-oob="true"') == 2
    assert "2 assets have: forest-level, boss." in changed.headers["HX-Trigger"]
    assert creator.get(f"/v1/assets/{three[0]}").json()["tags"] == ["boss", "forest-level"]
    creator.post("/gallery/tag", data={"asset": three, "tags": "boss", "how": "remove"}, headers=PART)
    assert creator.get(f"/v1/assets/{three[1]}").json()["tags"] == ["forest-level"]
    refused = creator.post("/gallery/tag", data={"asset": three, "tags": EVIL}, headers=PART)
    assert (refused.status_code, "<script" in refused.text) == (422, False)


def test_many_go_into_a_new_collection_and_into_one_that_is_there(creator: Visitor, three: list[str]) -> None:
    made = creator.post("/gallery/collect", data={"asset": three[:2], "name": EVIL}, headers=PART)
    assert made.status_code == 200, made.text
    (collection,) = creator.get("/v1/collections").json()["data"]
    assert (collection["name"], collection["asset_count"]) == (EVIL, 2)
    more = creator.post(
        "/gallery/collect", data={"asset": three, "collection": collection["id"]}, headers=PART
    )
    assert more.status_code == 200
    assert len(shown(creator.get(f"/gallery?collection={collection['id']}").text)) == 3
    assert "<script>alert" not in creator.get("/gallery").text
    assert creator.post("/gallery/collect", data={"asset": three}, headers=PART).status_code == 422


def test_deleting_takes_cards_away_and_says_what_stays(
    creator: Visitor, application: Application, three: list[str]
) -> None:
    assert creator.post(f"/v1/assets/{three[0]}/mint", json={}).status_code == 202
    answer = creator.post("/gallery/delete", data={"asset": three}, headers=PART)
    assert answer.status_code == 200, answer.text
    assert [f'id="card-{each}" hx-swap-oob="delete"' in answer.text for each in three] == [False, True, True]
    told = answer.headers["HX-Trigger"]
    assert "2 assets deleted." in told
    assert "being minted" in told
    assert shown(creator.get("/gallery").text) == [three[0]]


def test_another_tenants_assets_are_neither_shown_nor_changed(
    creator: Visitor, application: Application, add_asset: Add, three: list[str]
) -> None:
    with application.records.database.writing() as connection:
        other = add_tenant(connection, "another studio").id
    foreign = add_asset(application, 9, tenant_id=other).asset_id
    assert foreign not in creator.get("/gallery").text
    for path in ("/gallery/tag", "/gallery/collect", "/gallery/delete", "/mint"):
        data = {"asset": [three[0], foreign], "tags": "x", "name": "x"}
        assert creator.post(path, data=data, headers=PART).status_code == 404, path
    for path in ("", "/quality", "/kept", "/verify", "/tags", "/mint"):
        assert creator.get(f"/assets/{foreign}{path}", headers=PART).status_code == 404, path
    assert creator.get(f"/gallery?like={foreign}").status_code == 404
    assert creator.get("/v1/assets").json()["data"][0]["tags"] == []
    assert application.records.asset(foreign) is not None


def test_a_key_that_only_reads_changes_nothing(
    visitor: Visitor, application: Application, three: list[str]
) -> None:
    with application.records.database.writing() as connection:
        key = add_key(connection, LOCAL_TENANT, NewKey(name="reader", scopes=(Scope.READ,)))
    assert visitor.post("/sign-in", data={"key": key.secret}, headers={"Origin": SITE}).status_code == 303
    visitor.headers.update({"Origin": SITE, CSRF_HEADER: csrf_token(visitor.cookies["lorespark_creator"])})
    page = visitor.get("/gallery").text
    assert "Delete…" not in page
    assert "Mint…" not in page
    data = {"asset": three, "tags": "x", "name": "x", "marked": "yes"}
    for path in ("/gallery/tag", "/gallery/collect", "/gallery/delete", "/mint"):
        assert visitor.post(path, data=data, headers=PART).status_code == 403, path
    for path in ("tags", "favourite", "verify", "delete"):
        assert visitor.post(f"/assets/{three[0]}/{path}", data=data, headers=PART).status_code == 403, path


def zipped(answer: Any) -> zipfile.ZipFile:
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Disposition"].startswith("attachment")
    return zipfile.ZipFile(io.BytesIO(answer.content))


def test_several_assets_are_exported_as_one_file(creator: Visitor, three: list[str]) -> None:
    def exported(kind: str) -> Any:
        return creator.get("/v1/assets/export", params={"asset": three, "format": kind})

    pictures = zipped(exported("png"))
    assert pictures.testzip() is None
    assert sorted(pictures.namelist()) == [f"a-red-potion-bottle-{each}.png" for each in three]
    name = pictures.namelist()[0]
    own = name.removeprefix("a-red-potion-bottle-").removesuffix(".png")
    assert pictures.read(name) == creator.get(f"/v1/assets/{own}/media").content
    for kind, file in (("aseprite", "sheet.json"), ("godot", "sheet.tres"), ("tiled", "sheet.tsx")):
        assert zipped(exported(kind)).namelist() == ["sheet.png", file]
    assert zipped(exported("sheet")).namelist() == ["sheet.png"]
    assert exported("car").headers["Content-Type"].startswith("application/vnd.ipld.car")
    assert creator.get("/v1/assets/export", params={"asset": "asset-none"}).status_code == 404
