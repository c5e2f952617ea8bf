"""How a browser gets a session, and what its cookie may and may not be used for."""

from dataclasses import replace

import pytest

from engine.api.account import NewKey, Scope
from engine.app import Application
from engine.database.browsers import add_entry, form_key
from engine.database.tables import LOCAL_TENANT, browser_sessions, entry_links
from engine.database.tenants import add_key, revoke_key
from engine.server.app import server
from engine.server.browser import CSRF_HEADER, csrf_token
from engine.settings import Settings
from tests.unit.engine.server.web.conftest import SITE, Visitor, text_of

COOKIE = "lorespark_creator"


def entry(application: Application) -> str:
    with application.records.database.writing() as connection:
        return add_entry(connection)


def test_a_link_is_good_once_and_for_the_api_of_the_local_tenant(
    visitor: Visitor, application: Application
) -> None:
    token = entry(application)
    first = visitor.get("/enter", params={"token": token})
    assert (first.status_code, first.headers["Location"]) == (303, "/create")
    cookie = first.headers["Set-Cookie"].lower()
    assert all(part in cookie for part in ("httponly", "samesite=lax", "path=/"))
    assert visitor.get("/v1/me").json()["tenant"] == "local"
    visitor.cookies.clear()
    again = visitor.get("/enter", params={"token": token})
    assert again.status_code == 403
    assert "used before" in text_of(again.text)


def test_who_is_signed_in_may_follow_a_used_link_again(creator: Visitor, application: Application) -> None:
    assert creator.get("/enter", params={"token": "used"}).status_code == 303


def test_a_link_that_expired_signs_nobody_in(visitor: Visitor, application: Application) -> None:
    token = entry(application)
    with application.records.database.writing() as connection:
        connection.execute(entry_links.update().values(expires_at_ms=1))
    assert visitor.get("/enter", params={"token": token}).status_code == 403


def test_a_session_that_expired_is_over(creator: Visitor, application: Application) -> None:
    with application.records.database.writing() as connection:
        connection.execute(browser_sessions.update().values(expires_at_ms=1))
    assert creator.get("/v1/me").status_code == 401


@pytest.mark.parametrize("header", ["missing", "wrong", "of another session"])
def test_a_change_without_the_pages_token_is_refused(creator: Visitor, header: str) -> None:
    del creator.headers[CSRF_HEADER]
    if header != "missing":
        creator.headers[CSRF_HEADER] = "0" * 64 if header == "wrong" else csrf_token("another")
    refused = creator.post("/v1/keys", json={"name": "stolen"})
    assert (refused.status_code, refused.json()["type"]) == (403, "urn:lorespark:problem:origin-refused")


@pytest.mark.parametrize("origin", ["http://evil.example", "null", None])
def test_a_change_that_another_site_asks_for_is_refused(creator: Visitor, origin: str | None) -> None:
    del creator.headers["Origin"]
    if origin is not None:
        creator.headers["Origin"] = origin
    assert creator.post("/v1/keys", json={"name": "stolen"}).status_code == 403


def test_another_host_name_gets_nothing_by_the_cookie(creator: Visitor) -> None:
    rebound = creator.get("/v1/me", headers={"Host": "evil.example"})
    assert rebound.status_code == 403


def test_a_change_from_the_page_is_done(creator: Visitor) -> None:
    assert creator.post("/v1/keys", json={"name": "mine"}).status_code == 201


def test_an_authorization_header_goes_before_the_cookie(creator: Visitor) -> None:
    assert creator.get("/v1/me", headers={"Authorization": "Bearer lsk_wrong"}).status_code == 401


def test_an_api_key_signs_in_and_its_end_ends_the_session(visitor: Visitor, application: Application) -> None:
    with application.records.database.writing() as connection:
        key = add_key(connection, LOCAL_TENANT, NewKey(name="mine", scopes=(Scope.READ,)))
    signed = visitor.post(
        "/sign-in", data={"key": f" {key.secret} ", "next": "/gallery"}, headers={"Origin": SITE}
    )
    assert (signed.status_code, signed.headers["Location"]) == (303, "/gallery")
    assert visitor.get("/v1/me").json()["key"]["id"] == key.id
    with application.records.database.writing() as connection:
        form_key(connection)  # so that it is not the last with admin
        revoke_key(connection, LOCAL_TENANT, key.id)
    assert visitor.get("/v1/me").status_code == 401


def test_a_wrong_key_says_what_to_do(visitor: Visitor) -> None:
    refused = visitor.post("/sign-in", data={"key": "lsk_no"}, headers={"Origin": SITE})
    assert refused.status_code == 403
    assert "no living API key" in text_of(refused.text)
    assert COOKIE not in refused.headers.get("Set-Cookie", "")


def test_a_sign_in_that_another_site_asks_for_is_refused(visitor: Visitor) -> None:
    refused = visitor.post("/sign-in", data={"key": "lsk_no"}, headers={"Origin": "http://evil.example"})
    assert refused.status_code == 403
    assert "Origin" in text_of(refused.text)


@pytest.mark.parametrize("next", ["//evil.example/", "https://evil.example", "/\\evil.example", "x", "/a\nb"])
def test_no_link_leads_to_another_site(visitor: Visitor, application: Application, next: str) -> None:
    entered = visitor.get("/enter", params={"token": entry(application), "next": next})
    assert entered.headers["Location"] == "/create"


def test_signing_out_ends_the_session_for_good(creator: Visitor) -> None:
    secret = creator.cookies[COOKIE]
    assert creator.post("/sign-out", headers={"HX-Request": "true"}).headers["HX-Redirect"] == "/sign-in"
    creator.cookies.set(COOKIE, secret)
    assert creator.get("/v1/me").status_code == 401


def test_many_tries_from_one_address_are_slowed_down(visitor: Visitor) -> None:
    answers = [visitor.get("/enter", params={"token": f"guess{each}"}) for each in range(130)]
    assert answers[-1].status_code == 429
    assert "wait" in text_of(answers[-1].text)


def test_over_https_only_the_cookie_that_no_neighbour_can_plant_counts(settings: Settings) -> None:
    secured = replace(settings, public_url="https://create.example")
    with (
        Application.open(secured) as application,
        Visitor(server(application), base_url="https://create.example", follow_redirects=False) as visitor,
    ):
        entered = visitor.get("/enter", params={"token": entry(application)})
        cookie = entered.headers["Set-Cookie"]
        assert cookie.startswith(f"__Host-{COOKIE}=")
        assert "secure" in cookie.lower()
        assert visitor.get("/v1/me").json()["tenant"] == "local"
        secret = visitor.cookies[f"__Host-{COOKIE}"]
        visitor.cookies.clear()
        visitor.cookies.set(COOKIE, secret)
        assert visitor.get("/v1/me").status_code == 401
