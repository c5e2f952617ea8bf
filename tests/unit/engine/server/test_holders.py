"""Who holds an asset in the game, as the studio says."""

from starlette.testclient import TestClient

from assets.asset import Asset
from engine.app import Application
from tests.unit.engine.server.promising import claim, hold, problem
from tests.unit.engine.server.wallets import Wallet, sign_in


def test_a_studio_says_who_holds_an_asset(
    client: TestClient, browser: TestClient, asset: Asset, studio: dict[str, str]
) -> None:
    path, player = f"/v1/assets/{asset.asset_id}", sign_in(browser, Wallet())
    assert client.get(path, headers=studio).json()["holder"] is None
    for holder in ({"player": player}, {"reference": "account 42"}):
        told = hold(client, asset.asset_id, studio, **holder).json()
        assert told == {"player": None, "reference": None} | holder
        assert client.get(path, headers=studio).json()["holder"] == told
    hold(client, asset.asset_id, studio)
    assert client.get(path, headers=studio).json()["holder"] is None


def test_a_holder_is_one_that_there_is(client: TestClient, asset: Asset, studio: dict[str, str]) -> None:
    assert problem(hold(client, asset.asset_id, studio, player="player-none")) == (404, "unknown-record")
    both = hold(client, asset.asset_id, studio, player="a", reference="b")
    assert problem(both) == (422, "invalid-fields")
    assert problem(hold(client, asset.asset_id, studio, reference="a\nb")) == (422, "invalid-fields")


def test_the_holder_of_what_is_promised_or_minted_stays(
    client: TestClient, application: Application, asset: Asset, studio: dict[str, str]
) -> None:
    made = claim(client, asset.asset_id, studio).json()
    assert problem(hold(client, asset.asset_id, studio, reference="a")) == (409, "conflict")
    client.delete(made["links"]["self"], headers=studio)
    assert hold(client, asset.asset_id, studio, reference="a").status_code == 200
    client.post(f"/v1/assets/{asset.asset_id}/mint", json={}, headers=studio)
    assert problem(hold(client, asset.asset_id, studio, reference="b")) == (409, "conflict")
