"""One asset's page: its tags, checks, mint and verification."""

from collections.abc import Callable

import pytest

from assets.asset import Asset
from engine.app import Application
from tests.painter import Painter
from tests.unit.engine.server.web.conftest import Visitor, text_of

PART = {"HX-Request": "true"}
Add = Callable[..., Asset]
OTHER = "0x" + "ab" * 20


@pytest.fixture
def asset_id(application: Application, add_asset: Add) -> str:
    return add_asset(application).asset_id


def test_the_page_tells_the_recipe_the_hashes_and_what_can_be_done(creator: Visitor, asset_id: str) -> None:
    page = creator.get(f"/assets/{asset_id}")
    assert page.status_code == 200
    view = creator.get(f"/v1/assets/{asset_id}").json()
    for part in (
        *(view["media"]["cid"], view["metadata_cid"], view["recipe_hash"], "ab" * 32),
        *("a red potion bottle", "any/1", f"/create?from={asset_id}", f"/create?source={asset_id}"),
        *(f"/gallery?like={asset_id}", f"/v1/assets/{asset_id}/car", f"/v1/assets/{asset_id}/recipe"),
    ):
        assert part in page.text, part


def test_an_unknown_asset_is_a_page_that_says_so(creator: Visitor) -> None:
    assert creator.get("/assets/asset-none").status_code == 404


def test_tags_are_edited_in_place_as_people_write_them(creator: Visitor, asset_id: str) -> None:
    form = creator.get(f"/assets/{asset_id}/tags?edit=1", headers=PART).text
    assert 'name="tags"' in form
    kept = creator.post(f"/assets/{asset_id}/tags", data={"tags": "Forest Level, boss ,boss"}, headers=PART)
    assert kept.status_code == 200
    assert text_of(kept.text).startswith("boss forest-level")
    assert creator.get(f"/v1/assets/{asset_id}").json()["tags"] == ["boss", "forest-level"]
    assert 'value="boss, forest-level"' in creator.get(f"/assets/{asset_id}/tags?edit=1", headers=PART).text
    refused = creator.post(f"/assets/{asset_id}/tags", data={"tags": '"><script>'}, headers=PART)
    assert (refused.status_code, "<script" in refused.text) == (422, False)
    creator.post(f"/assets/{asset_id}/tags", data={"tags": ""}, headers=PART)
    assert creator.get(f"/v1/assets/{asset_id}").json()["tags"] == []


def test_a_favourite_is_kept_and_ended(creator: Visitor, asset_id: str) -> None:
    marked = creator.post(f"/assets/{asset_id}/favourite", data={"marked": "yes"}, headers=PART)
    assert 'aria-pressed="true"' in marked.text
    assert creator.get("/v1/assets?favourite=true").json()["data"][0]["favourite"] is True
    ended = creator.patch(f"/v1/assets/{asset_id}", json={"favourite": False})
    assert ended.json()["favourite"] is False
    assert 'aria-pressed="false"' in creator.get(f"/assets/{asset_id}").text


def test_the_gate_says_what_it_looked_at(creator: Visitor, asset_id: str) -> None:
    told = text_of(creator.get(f"/assets/{asset_id}/quality", headers=PART).text)
    assert "may be minted" in told
    assert "Novelty" in told


def test_where_it_is_kept_is_read_anew_and_damage_is_told(
    creator: Visitor, application: Application, asset_id: str
) -> None:
    assert "Whole here" in text_of(creator.get(f"/assets/{asset_id}/kept", headers=PART).text)
    asset = application.asset(asset_id)
    application.blocks.delete(asset.media_cid)
    assert "Not whole here" in text_of(creator.get(f"/assets/{asset_id}/kept", headers=PART).text)
    assert creator.get(f"/assets/{asset_id}").status_code == 200


def test_deleting_leads_back_to_the_gallery(
    creator: Visitor, application: Application, asset_id: str
) -> None:
    gone = creator.post(f"/assets/{asset_id}/delete", headers=PART)
    assert gone.headers["HX-Redirect"] == "/gallery"
    assert creator.get(f"/assets/{asset_id}").status_code == 404


def test_a_mint_says_what_it_costs_before_anything_is_signed(creator: Visitor, asset_id: str) -> None:
    form = creator.get(f"/mint?asset={asset_id}", headers=PART).text
    assert 'name="whose"' in form
    told = text_of(creator.get(f"/mint/estimate?asset={asset_id}", headers=PART).text)
    assert "at most" in told
    assert "costs nothing real" in told
    assert "this first mint deploys" in told
    assert creator.get("/v1/mints").json()["data"] == []
    estimate = creator.get("/v1/mints/estimate", params={"asset": asset_id, "to": OTHER}).json()
    assert int(estimate["cost_wei"]) == estimate["gas"] * int(estimate["max_fee_per_gas_wei"])
    wrong = {"asset": asset_id, "whose": "other", "to": "0x12"}
    assert "failed" in creator.get("/mint/estimate", params=wrong, headers=PART).text
    refused = creator.post("/mint", data=wrong, headers=PART)
    assert (refused.status_code, 'data-pointer="/to"' in refused.text) == (422, True)


def test_a_mint_is_followed_until_it_is_confirmed(
    creator: Visitor, application: Application, asset_id: str
) -> None:
    data = {"asset": asset_id, "whose": "other", "to": OTHER}
    asked = creator.post("/mint", data=data, headers=PART)
    assert asked.status_code == 200, asked.text
    assert f'hx-get="/mint/watch?asset={asset_id}&amp;polls=0"' in asked.text
    assert "HX-Trigger" not in asked.headers
    assert "On its way" in creator.get(f"/assets/{asset_id}").text
    (mint,) = creator.get("/v1/mints").json()["data"]
    application.jobs.mint(mint["id"])
    done = creator.get(f"/mint/watch?asset={asset_id}&polls=3", headers=PART)
    assert "hx-trigger" not in done.text
    assert "lorespark:minted" in done.headers["HX-Trigger"]
    panel = creator.get(f"/assets/{asset_id}/mint", headers=PART).text
    assert "confirmed" in text_of(panel)
    assert f'title="{mint["to"]}"' in panel
    again = creator.get("/v1/mints/estimate", params={"asset": asset_id}).json()
    assert again["deploys"] is False
    assert "on the chain already" in creator.get(f"/mint?asset={asset_id}", headers=PART).text


def test_a_page_does_not_ask_for_ever_how_far_a_mint_is(creator: Visitor, asset_id: str) -> None:
    creator.post("/mint", data={"asset": asset_id}, headers=PART)
    late = creator.get(f"/mint/watch?asset={asset_id}&polls=150", headers=PART).text
    assert "hx-trigger" not in late
    assert "Look again" in late


def test_the_gates_refusal_asks_whether_to_mint_all_the_same(
    creator: Visitor, application: Application, add_asset: Add, pixels: Callable[..., object]
) -> None:
    empty = pixels(5)
    empty[..., 3] = 0  # type: ignore[index]
    bad = add_asset(application, 5, empty).asset_id
    refused = creator.post("/mint", data={"asset": bad}, headers=PART)
    assert refused.status_code == 200
    assert 'name="force"' in refused.text
    assert creator.get("/v1/mints").json()["data"] == []
    forced = creator.post("/mint", data={"asset": bad, "force": "yes"}, headers=PART)
    assert "/mint/watch" in forced.text


def verified(creator: Visitor, application: Application, asset_id: str) -> str:
    asked = creator.post(f"/assets/{asset_id}/verify", headers=PART)
    assert asked.status_code == 200, asked.text
    assert "hx-trigger" in asked.text
    application.jobs.finish("verify", asset_id)
    return creator.get(f"/assets/{asset_id}/verify", headers=PART).text


def test_verifying_draws_again_and_counts_no_pixel_that_differs(
    creator: Visitor, application: Application, painter: Painter, asset_id: str
) -> None:
    assert creator.get(f"/v1/assets/{asset_id}/verification").status_code == 404
    told = text_of(verified(creator, application, asset_id))
    assert "0 differing pixels. All 1,024 are equal." in told
    assert "4 of 4 checks hold" in told
    found = creator.get(f"/v1/assets/{asset_id}/verification").json()
    assert (found["status"], found["ok"], found["differing"]) == ("done", True, 0)
    for name in ("original", "regenerated", "difference"):
        picture = creator.get(found["links"][name])
        assert picture.headers["Content-Type"] == "image/png"
        assert picture.content.startswith(b"\x89PNG")


def test_verifying_shows_how_far_another_drawing_is_apart(
    creator: Visitor, application: Application, painter: Painter, asset_id: str, pixels: Callable[..., object]
) -> None:
    painter._pixels = lambda seed: pixels(seed + 1)
    told = text_of(verified(creator, application, asset_id))
    assert "0 differing pixels" not in told
    assert "differing pixels. Of 1,024" in told
    assert creator.get(f"/v1/assets/{asset_id}/verification").json()["ok"] is False


def test_of_a_minted_asset_the_whole_chain_is_checked(
    creator: Visitor, application: Application, painter: Painter, asset_id: str
) -> None:
    creator.post("/mint", data={"asset": asset_id}, headers=PART)
    (mint,) = creator.get("/v1/mints").json()["data"]
    application.jobs.mint(mint["id"])
    told = text_of(verified(creator, application, asset_id))
    assert "5 of 5 checks hold" in told
    assert "0 differing pixels" in told


def test_a_verification_that_is_under_way_goes_on(creator: Visitor, asset_id: str) -> None:
    first = creator.post(f"/v1/assets/{asset_id}/verification").json()
    assert creator.post(f"/v1/assets/{asset_id}/verification").json() == first
    late = creator.get(f"/assets/{asset_id}/verify?polls=200", headers=PART).text
    assert "hx-trigger" not in late


def test_what_cannot_be_drawn_is_told(creator: Visitor, application: Application, asset_id: str) -> None:
    """Without the painter: no model here is called any/1."""
    told = text_of(verified(creator, application, asset_id))
    assert "any/1" in told
    assert creator.get(f"/v1/assets/{asset_id}/verification").json()["ok"] is False
