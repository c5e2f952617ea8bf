"""What a signed-in player has: assets that they hold in the game, tokens of their account, vouchers for it."""

from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

from assets.asset import Asset
from chain.address import ZERO_ADDRESS
from engine.app import Application
from tests.unit.engine.server.chain_rows import ANN, minted, moved, write
from tests.unit.engine.server.promising import Headers, claim, hold, problem, promised, send
from tests.unit.engine.server.wallets import Wallet, sign_in

PATHS = ("/v1/wallet/assets", "/v1/wallet/tokens", "/v1/wallet/vouchers")


def pages(browser: TestClient, path: str, limit: int) -> list[Any]:
    found: list[Any] = []
    cursor: dict[str, str] = {}
    for _ in range(20):
        answer = browser.get(path, params={"limit": limit, **cursor}).json()
        assert len(answer["data"]) <= limit
        found += answer["data"]
        if answer["next"] is None:
            return found
        cursor = {"cursor": answer["next"]}
    pytest.fail("the pages have no end")


@pytest.fixture
def several(
    application: Application,
    studio: dict[str, str],
    tenant_of: Callable[[dict[str, str]], str],
    add_asset: Callable[..., Asset],
) -> list[Asset]:
    return [add_asset(application, seed, tenant_id=tenant_of(studio)) for seed in range(1, 6)]


def test_a_player_sees_what_they_hold_in_every_studios_game_and_nothing_else(
    client: TestClient,
    browser: TestClient,
    application: Application,
    studio: dict[str, str],
    several: list[Asset],
    headers: Headers,
    tenant_of: Callable[[dict[str, str]], str],
    add_asset: Callable[..., Asset],
) -> None:
    player, other = sign_in(browser, Wallet()), headers()
    elsewhere = add_asset(application, 9, tenant_id=tenant_of(other))
    hold(client, elsewhere.asset_id, other, player=player)
    for asset in several[:3]:
        hold(client, asset.asset_id, studio, player=player)
    hold(client, several[3].asset_id, studio, reference="somebody else")
    found = pages(browser, "/v1/wallet/assets", 2)
    wanted = {elsewhere.asset_id, *(each.asset_id for each in several[:3])}
    assert len(found) == len(wanted)
    assert {each["id"] for each in found} == wanted
    assert all(each["claimable"] and each["voucher"] is None and each["token"] is None for each in found)
    assert client.get(found[0]["links"]["image"]).status_code == 200, "anybody sees the picture"


def test_what_is_promised_or_minted_is_told_as_such(
    client: TestClient,
    browser: TestClient,
    application: Application,
    studio: dict[str, str],
    several: list[Asset],
) -> None:
    wallet = Wallet()
    player = sign_in(browser, wallet)
    for asset in several[:3]:
        hold(client, asset.asset_id, studio, player=player)
    own = claim(browser, several[0].asset_id, to=wallet.address).json()
    claim(client, several[1].asset_id, studio)  # the studio's, for another account
    client.post(f"/v1/assets/{several[2].asset_id}/mint", json={}, headers=studio)
    found = {each["id"]: each for each in browser.get("/v1/wallet/assets").json()["data"]}
    first, second, third = (found[asset.asset_id] for asset in several[:3])
    assert (first["voucher"]["id"], first["links"]["voucher"]) == (own["id"], own["links"]["self"])
    assert (second["voucher"]["status"], "voucher" in second["links"]) == ("prepared", False)
    assert (third["mint"], third["voucher"]) == ("prepared", None)
    assert not any(each["claimable"] or "claim" in each["links"] for each in (first, second, third))


def test_what_was_claimed_is_among_the_players_tokens_once_the_chain_was_read(
    client: TestClient, browser: TestClient, application: Application, asset: Asset, studio: dict[str, str]
) -> None:
    wallet = Wallet()
    hold(client, asset.asset_id, studio, player=sign_in(browser, wallet))
    made = claim(browser, asset.asset_id, to=wallet.address).json()
    application.jobs.finish("voucher", made["id"])
    send(application, browser.get(made["links"]["self"]).json()["promise"]["transaction"])
    follower = application.follower
    assert follower is not None
    application.claims.settle(follower.follow().head_block)
    (held,) = browser.get("/v1/wallet/assets").json()["data"]
    assert (held["owner"], held["token"]["token_id"], held["mint"]) == (wallet.address, "256", "confirmed")
    (token,) = browser.get("/v1/wallet/tokens").json()["data"]
    assert (token["owner"], token["token_id"], token["asset"]) == (wallet.address, "256", None)
    assert token["metadata_cid"] == held["metadata_cid"]


def test_tokens_of_the_account_are_paged_and_those_of_others_are_not_there(
    browser: TestClient, application: Application
) -> None:
    wallet = Wallet()
    sign_in(browser, wallet)
    own = range(256, 261)
    write(
        application,
        0,
        9,
        tokens=[*(minted(1, each, wallet.address) for each in own), minted(2, 300, ANN)],
        transfers=[moved(1, each, ZERO_ADDRESS, wallet.address) for each in own],
    )
    assert [each["token_id"] for each in pages(browser, "/v1/wallet/tokens", 2)] == [
        str(each) for each in reversed(own)
    ]


def test_vouchers_of_a_player_are_paged_and_told_without_what_claims_them(
    client: TestClient,
    browser: TestClient,
    application: Application,
    studio: dict[str, str],
    several: list[Asset],
) -> None:
    wallet = Wallet()
    player = sign_in(browser, wallet)
    hold(client, several[0].asset_id, studio, player=player)
    own = promised(browser, application, several[0].asset_id, None)
    given = [claim(client, each.asset_id, studio, to=wallet.address).json()["id"] for each in several[1:4]]
    claim(client, several[4].asset_id, studio)
    found = pages(browser, "/v1/wallet/vouchers", 3)
    assert {each["id"] for each in found} == {own["id"], *given}
    assert len(found) == 4
    assert all(each["promise"] is None for each in found)


@pytest.mark.parametrize("path", PATHS)
def test_nobody_sees_anything_without_a_session(
    client: TestClient, browser: TestClient, studio: dict[str, str], path: str
) -> None:
    assert problem(browser.get(path)) == (401, "not-signed-in")
    assert problem(browser.get(path, headers=studio)) == (401, "not-signed-in"), "a key is no player"
    sign_in(browser, Wallet())
    assert browser.get(path).json() == {"data": [], "next": None}
    assert browser.get(path).headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("cursor", ["x", "W10", "WyJhIiwgImIiLCAiYyJd", "WzEsMl0x"])
def test_a_cursor_that_no_list_gave_is_refused(browser: TestClient, path: str, cursor: str) -> None:
    sign_in(browser, Wallet())
    assert browser.get(path, params={"cursor": cursor}).status_code == 400
