"""The pages of collections and drops, without a browser: what they do, refuse and escape."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from assets.asset import Asset
from engine.app import Application
from engine.database import tables
from engine.database.browsers import form_key
from engine.database.tenants import add_tenant
from engine.server.browser import CSRF_HEADER
from tests.painter import Painter
from tests.unit.engine.server.creating import Worker
from tests.unit.engine.server.wallets import Wallet, sign_in
from tests.unit.engine.server.web.conftest import Visitor, text_of

EVIL = "<script>alert(1)</script>\"'&"
HTMX = {"HX-Request": "true"}
THEME = {
    "theme": "a knight",
    "count": "4",
    "kinds": "character",
    "seed": "7",
    "size": "32",
    "trait-0-name": "Hat",
    "trait-0-values": "crown\nnone = 3",
    "trait-2-name": "Weapon",
    "trait-2-values": "sword\n\naxe = 2",
}


@pytest.fixture
def painter(application: Application, pixels: Callable[..., Any], recipe: Callable[..., Any]) -> Painter:
    vars(application)["generator"] = made = Painter(pixels, recipe)
    return made


@pytest.fixture
def worker(application: Application, painter: Painter) -> Worker:
    return Worker(application)


def post(creator: Visitor, path: str, **form: str) -> Any:
    return creator.post(path, data=form, headers=HTMX)


def collection(creator: Visitor, name: str = "Sea", **more: Any) -> str:
    made: str = creator.post("/v1/collections", json={"name": name, **more}).json()["id"]
    return made


def error(answer: Any) -> tuple[int, str]:
    found = re.search(r'data-pointer="/?([^"]*)"', answer.text)
    return answer.status_code, found[1] if found else answer.text


def no_script(html: str) -> bool:
    return "<script>" not in html and "alert(1)</script" not in html


def test_a_theme_is_drawn_through_the_form_and_watched(creator: Visitor, worker: Worker) -> None:
    made = post(creator, "/collections/theme", **THEME)
    path = made.headers["HX-Redirect"]
    first = creator.get(f"{path}/drawing").text
    assert "0 of 4 drawn, 4 wait" in text_of(first)
    assert f'hx-get="{path}/drawing?looks=1' in first
    worker.work()
    last = creator.get(f"{path}/drawing", params={"drawn": 0})
    assert "collection:grew" in last.headers["HX-Trigger"]
    assert "load delay" not in last.text
    page = creator.get(path).text
    assert "HX-Trigger" not in creator.get(f"{path}/drawing", params={"drawn": 4}).headers
    assert 'aria-label="Hat: ' in page
    assert page.count('class="card"') == 4
    assert "4 assets of a knight, from the seed 7." in text_of(page)


def test_the_prompts_are_the_same_before_and_after(creator: Visitor, application: Application) -> None:
    shown = creator.post("/collections/theme/prompts", data=THEME, headers=HTMX).text
    post(creator, "/collections/theme", **THEME)
    with application.records.database.reading() as connection:
        drawn = [each["prompt"] for each in connection.scalars(select(tables.creations.c.request))]
    assert len(drawn) == 4
    assert all(prompt in text_of(shown) for prompt in drawn)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"theme": ""}, "theme"),
        ({"count": "many"}, "count"),
        ({"count": "0"}, "count"),
        ({"count": "5"}, "trait-0-values"),
        ({"kinds": ""}, "kinds"),
        ({"seed": "-1"}, "seed"),
        ({"look": "palette:none such"}, "look"),
        ({"look": "style:none-such"}, "look"),
        ({"trait-1-values": "x"}, "trait-1-name"),
        ({"trait-1-name": "Pet"}, "trait-1-values"),
        ({"trait-0-values": "crown = much"}, "trait-0-values"),
        ({"trait-0-values": "crown = 0"}, "trait-0-values"),
        ({"trait-0-values": "crown\ncrown"}, "trait-0-values"),
    ],
)
def test_a_form_that_cannot_be_drawn_is_told_at_its_field(
    creator: Visitor, changed: dict[str, str], field: str
) -> None:
    assert error(post(creator, "/collections/theme", **(THEME | changed))) == (422, field)
    assert creator.get("/v1/collections").json()["data"] == [], "nothing was made"


def test_what_is_drawn_is_cancelled_as_a_whole_and_why_some_failed_is_told(
    creator: Visitor, worker: Worker
) -> None:
    path = post(creator, "/collections/theme", **THEME).headers["HX-Redirect"]
    assert "0 of" not in text_of(post(creator, f"{path}/cancel").text)
    states = {each["status"] for each in creator.get("/v1/creations").json()["data"]}
    assert states == {"cancelled"}
    broken = post(creator, "/collections/theme", **(THEME | {"theme": "undrawable <b>"}))
    worker.work()
    told = creator.get(f"{broken.headers['HX-Redirect']}/drawing").text
    assert "4 assets could not be drawn" in text_of(told)
    assert "The painter cannot draw that" in told
    assert "undrawable &lt;b&gt;" in told


def test_a_collection_is_renamed_described_emptied_and_ended(
    creator: Visitor, application: Application, add_asset: Callable[..., Asset]
) -> None:
    one, two = (add_asset(application, seed).asset_id for seed in (1, 2))
    made = post(creator, "/collections", name="Sea", description="salt").headers["HX-Redirect"]
    head = post(creator, made, name=EVIL, description=EVIL).text
    assert no_script(head)
    assert EVIL in creator.get(f"/v1{made}").json()["name"]
    assert no_script(creator.get(made).text)
    assert no_script(creator.get("/collections").text)
    assert error(post(creator, made, name=" "))[1] == "name"
    assert one in creator.get(f"{made}/choice", params={"q": "potion"}).text
    assert no_script(creator.get(f"{made}/choice", params={"q": EVIL}).text)
    added = creator.post(f"{made}/assets", data={"asset": [one, two]}, headers=HTMX)
    assert "Added 2." in added.headers["HX-Trigger"]
    assert error(post(creator, f"{made}/assets")) == (422, "asset")
    creator.delete(f"{made}/assets/{one}", headers=HTMX)
    grid = creator.get(f"{made}/grid").text
    assert (f"card-{one}" in grid, f"card-{two}" in grid) == (False, True)
    assert creator.delete(made, headers=HTMX).headers["HX-Redirect"] == "/collections"
    assert creator.get(made).status_code == 404


def test_every_field_of_the_theme_is_escaped(creator: Visitor, worker: Worker) -> None:
    fields = dict.fromkeys(("theme", "name", "trait-0-name", "trait-0-values"), EVIL)
    wanted = THEME | fields | {"trait-0-name": EVIL[:40], "count": "2"}
    assert no_script(post(creator, "/collections/theme/prompts", **wanted).text)
    path = post(creator, "/collections/theme", **wanted).headers["HX-Redirect"]
    worker.work()
    page = creator.get(path).text
    assert no_script(page)
    assert "alert(1)" in page


def test_minting_counts_states_and_tells_what_is_left_out(
    creator: Visitor, application: Application, add_asset: Callable[..., Asset], pixels: Callable[..., Any]
) -> None:
    good, blank = add_asset(application, 1), add_asset(application, 2, pixels() * 0)
    path = f"/collections/{collection(creator, assets=[good.asset_id, blank.asset_id])}"
    assert error(post(creator, f"{path}/mint", to="0x12"))[1] == "to"
    told = post(creator, f"{path}/mint")
    assert "1 of 2 are left out" in told.headers["HX-Trigger"]
    assert "fails" in text_of(told.text)
    assert "1 wait" in text_of(told.text)
    assert f"{path}/minting?looks=1" in told.text
    forced = post(creator, f"{path}/mint", force="true")
    assert "2 wait" in text_of(forced.text)
    with application.records.database.writing() as connection:
        failed = tables.mints.update().where(tables.mints.c.asset_id == good.asset_id)
        connection.execute(failed.values(status="failed", error=EVIL))
    shown = creator.get(f"{path}/minting").text
    assert "1 failed" in text_of(shown)
    assert no_script(shown)


def test_a_drop_is_opened_changed_and_closed(creator: Visitor) -> None:
    path = f"/collections/{collection(creator)}"
    one, two = Wallet().address, Wallet().address
    wanted = {"starts_at": "2020-01-01T00:00", "ends_at": "2990-01-01T00:00", "per_address": "2"}
    assert error(post(creator, f"{path}/drop", **(wanted | {"ends_at": ""}))) == (422, "ends_at")
    assert error(post(creator, f"{path}/drop", **(wanted | {"ends_at": "soon"}))) == (422, "ends_at")
    assert error(post(creator, f"{path}/drop", **wanted, who="listed")) == (422, "addresses")
    bad = post(creator, f"{path}/drop", **wanted, who="listed", addresses=f"{one}\n{EVIL}")
    assert error(bad) == (422, "addresses")
    assert no_script(bad.text)
    typo = two[:-1] + ("0" if two[-1] != "0" else "1")
    assert "Address 2" in post(creator, f"{path}/drop", **wanted, addresses=f"{one}, {typo}").text
    opened = post(creator, f"{path}/drop", **wanted, who="listed", addresses=f"{one}, {two.lower()};\n{two}")
    assert "nothing left" in text_of(opened.text)
    (drop,) = creator.get("/v1/drops").json()["data"]
    assert (drop["addresses"], drop["per_address"], drop["listed_only"]) == (2, 2, True)
    assert two in opened.text
    post(creator, f"{path}/drop/close")
    assert creator.get("/v1/drops").json()["data"][0]["state"] == "closed"
    assert "Open it again" in creator.get(path).text
    post(creator, f"{path}/drop/reopen")
    assert creator.get("/v1/drops").json()["data"][0]["closed"] is False


def test_a_drops_page_needs_no_creator_and_shows_a_player_what_they_claimed(
    creator: Visitor, application: Application, add_asset: Callable[..., Asset]
) -> None:
    made = collection(creator, EVIL, description=EVIL, assets=[add_asset(application).asset_id])
    wanted = {"collection": made, "ends_at": "2990-01-01T00:00:00Z"}
    drop = creator.post("/v1/drops", json=wanted).json()
    creator.cookies.clear()
    page = creator.get(drop["links"]["page"])
    assert page.status_code == 200
    assert no_script(page.text)
    assert "1 of 1" in text_of(page.text)
    assert "Sign out" not in page.text
    picture = re.search(r'src="(/ipfs/[^"]+)"', page.text)
    assert picture is not None
    assert creator.get(picture[1]).status_code == 200
    wallet = Wallet()
    sign_in(creator, wallet)
    creator.post(f"{drop['links']['self']}/claim")
    mine = creator.get(f"{drop['links']['page']}/mine").text
    assert "Being signed" in mine
    assert "Go on with your claim" in mine
    assert "mine?looks=1" in mine
    assert creator.get("/drops/drop-none").status_code == 404


def test_another_tenants_collection_is_none(creator: Visitor, application: Application) -> None:
    with application.records.database.writing() as connection:
        tenant = add_tenant(connection, "other").id
        row = {
            "id": "collection-other",
            "tenant_id": tenant,
            "name": "x",
            "description": "",
            "created_at": "x",
        }
        connection.execute(tables.collections.insert().values(**row))
    for path in ("", "/grid", "/rarity", "/drawing", "/choice", "/minting"):
        assert creator.get(f"/collections/collection-other{path}").status_code == 404, path
    for path in ("", "/cancel", "/assets", "/mint", "/drop/close"):
        sent = post(creator, f"/collections/collection-other{path}", name="x", asset="x")
        assert sent.status_code == 404, path
    assert creator.delete("/collections/collection-other", headers=HTMX).status_code == 404


def test_without_the_scope_or_the_token_nothing_is_changed(
    creator: Visitor, application: Application
) -> None:
    path = f"/collections/{collection(creator)}"
    with application.records.database.writing() as connection:
        key = tables.api_keys.update().where(tables.api_keys.c.id == form_key(connection))
        connection.execute(key.values(scopes=["read"]))
    for where in (
        "/collections",
        "/collections/theme",
        path,
        f"{path}/cancel",
        f"{path}/mint",
        f"{path}/drop",
    ):
        assert post(creator, where, **THEME, name="x").status_code == 403, where
    creator.headers.pop(CSRF_HEADER)
    assert post(creator, "/collections", name="x").status_code == 403
