"""What every page has: its policy, its files, and errors that a person can read."""

import gzip
import re

import pytest

from engine.server.web.static_files import bundle
from tests.unit.engine.server.web.conftest import Visitor, text_of

BROWSER = {"Accept": "text/html,application/xhtml+xml"}


def test_a_page_lets_no_inline_script_run_and_nothing_frame_it(visitor: Visitor) -> None:
    policy = visitor.get("/sign-in").headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy


def test_every_file_that_a_page_names_is_there_and_may_be_kept(visitor: Visitor) -> None:
    page = visitor.get("/sign-in").text
    named = re.findall(r'(?:src|href)="(/static/[^"]+)"', page)
    assert len(named) >= 4
    for path in named:
        answer = visitor.get(path)
        assert answer.status_code == 200, path
        assert "immutable" in answer.headers["Cache-Control"]
        assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_file_comes_compressed_to_who_takes_it_so(visitor: Visitor) -> None:
    path = bundle().url("lorespark.css")
    packed = visitor.get(path, headers={"Accept-Encoding": "gzip"})
    plain = visitor.get(path, headers={"Accept-Encoding": "identity"})
    assert packed.headers["Content-Encoding"] == "gzip"
    assert packed.text == plain.text
    assert int(packed.headers["Content-Length"]) < len(plain.content)
    assert gzip.decompress(bundle().files["lorespark.css"].compressed or b"") == plain.content


def test_an_older_page_gets_todays_file_and_does_not_keep_it(visitor: Visitor) -> None:
    answer = visitor.get("/static/0123456789abcdef/lorespark.js")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")


@pytest.mark.parametrize("name", ["nothing.js", "../page.py", "..%2fpage.py", "vendor"])
def test_nothing_else_is_served_as_a_file(visitor: Visitor, name: str) -> None:
    assert visitor.get(f"/static/{bundle().digest}/{name}").status_code == 404


def test_what_is_nowhere_is_a_page_to_a_browser_and_a_problem_to_a_program(visitor: Visitor) -> None:
    page = visitor.get("/nowhere<script>", headers=BROWSER)
    assert (page.status_code, page.headers["Content-Type"]) == (404, "text/html; charset=utf-8")
    assert "Nothing is served here" in text_of(page.text)
    assert "<script>" not in page.text.replace("<script src", "").replace('<script type="module"', "")
    assert visitor.get("/nowhere").headers["Content-Type"] == "application/problem+json"
    assert visitor.get("/v1/nowhere", headers=BROWSER).headers["Content-Type"] == "application/problem+json"
