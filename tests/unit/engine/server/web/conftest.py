"""A browser of the local tenant, asked without a network."""

import re
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from engine.app import Application
from engine.database.browsers import add_entry
from engine.server.app import server
from engine.server.browser import CSRF_HEADER, csrf_token

SITE = "http://localhost:8000"


class Visitor(TestClient):
    """Follows no redirect; what it changes comes with the headers that a page of its session sends."""

    def enter(self, application: Application) -> None:
        with application.records.database.writing() as connection:
            token = add_entry(connection)
        answer = self.get("/enter", params={"token": token})
        assert answer.status_code == 303, answer.text
        secret = self.cookies["lorespark_creator"]
        self.headers.update({"Origin": SITE, CSRF_HEADER: csrf_token(secret)})


@pytest.fixture
def visitor(application: Application) -> Iterator[Visitor]:
    """A browser that nobody signed in."""
    with Visitor(server(application), base_url=SITE, follow_redirects=False) as made:
        yield made


@pytest.fixture
def creator(visitor: Visitor, application: Application) -> Visitor:
    """A browser that followed the server's link."""
    visitor.enter(application)
    return visitor


def text_of(html: str) -> str:
    """What a person reads of a page."""
    return " ".join(re.sub(r"<[^>]+>", " ", html).split())
