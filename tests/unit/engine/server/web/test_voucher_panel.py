"""A voucher made, seen and cancelled on an asset's page."""

from collections.abc import Callable

import pytest

from assets.asset import Asset
from engine.app import Application
from engine.server.web.voucher_panel import MAX_POLLS
from tests.unit.engine.server.web.conftest import Visitor, text_of

PART = {"HX-Request": "true"}
OTHER = "0x" + "ab" * 20
CHECKSUMMED = "0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB"
Add = Callable[..., Asset]


@pytest.fixture
def asset_id(application: Application, add_asset: Add) -> str:
    return add_asset(application).asset_id


def vouchers(creator: Visitor, asset_id: str) -> list[dict[str, str]]:
    found: list[dict[str, str]] = creator.get("/v1/vouchers", params={"asset": asset_id}).json()["data"]
    return found


def test_a_voucher_for_an_account_is_made_once_and_followed(creator: Visitor, asset_id: str) -> None:
    path = f"/assets/{asset_id}/voucher"
    assert "Promise it to somebody" in creator.get(path, headers=PART).text
    for _ in range(2):  # a double click
        made = creator.post(path, data={"to": f" {OTHER} ", "price": "0.25", "days": "30"}, headers=PART)
        assert made.status_code == 200, made.text
    assert "is being signed" in text_of(made.text)
    assert 'hx-trigger="load delay:2s"' in made.text
    (voucher,) = vouchers(creator, asset_id)
    assert (voucher["to"], voucher["price_wei"]) == (CHECKSUMMED, str(25 * 10**16))
    later = creator.get(path, params={"polls": MAX_POLLS}, headers=PART).text
    assert "Look again" in later
    assert "load delay" not in later


def test_a_voucher_for_whoever_has_it_names_nobody(creator: Visitor, asset_id: str) -> None:
    made = creator.post(f"/assets/{asset_id}/voucher", data={"whose": "bearer"}, headers=PART)
    assert "whoever has it" in text_of(made.text)
    assert [(each["to"], each["price_wei"]) for each in vouchers(creator, asset_id)] == [(None, "0")]


def test_a_voucher_is_cancelled_and_another_can_be_made(creator: Visitor, asset_id: str) -> None:
    path = f"/assets/{asset_id}/voucher"
    creator.post(path, data={"to": OTHER}, headers=PART)
    (voucher,) = vouchers(creator, asset_id)
    ended = creator.delete(f"{path}/{voucher['id']}", headers=PART)
    assert "cancelled" in text_of(ended.text)
    assert "Promise it to somebody" in ended.text
    assert creator.post(path, data={"whose": "bearer"}, headers=PART).status_code == 200
    assert len(vouchers(creator, asset_id)) == 2


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("to", "", "no account"),
        ("to", "bob<script>", "no account"),
        ("to", "0x" + "aB" * 20, "checksum"),
        ("price", "-1", "no price"),
        ("price", "free", "no price"),
        ("price", "1e-19", "no price"),
        ("price", "1e70", "no price"),
        ("price", "NaN", "no price"),
        ("days", "0", "greater than or equal to 1"),
    ],
)
def test_what_cannot_be_promised_is_told_and_nothing_is_made(
    creator: Visitor, asset_id: str, field: str, value: str, said: str
) -> None:
    refused = creator.post(f"/assets/{asset_id}/voucher", data={"to": OTHER, field: value}, headers=PART)
    assert refused.status_code == 422
    assert said in text_of(refused.text)
    assert "<script>" not in refused.text
    assert vouchers(creator, asset_id) == []


def test_another_studios_asset_cannot_be_promised(
    creator: Visitor, application: Application, add_asset: Add, headers: Callable[..., dict[str, str]]
) -> None:
    stranger = headers()
    asset_id = add_asset(application).asset_id
    creator.cookies.clear()
    path = f"/assets/{asset_id}/voucher"
    assert creator.post(path, data={"to": OTHER}, headers={**PART, **stranger}).status_code == 404
    assert creator.get(path, headers={**PART, **stranger}).status_code == 404
