"""In which form a content is asked for."""

import pytest

from engine.errors import InvalidRequest
from engine.server.content_format import ContentFormat, wanted_format

RAW, CAR = "application/vnd.ipld.raw", "application/vnd.ipld.car"


@pytest.mark.parametrize(
    ("query", "accept", "wanted"),
    [
        (None, "", ContentFormat.DESERIALISED),
        (None, "*/*", ContentFormat.DESERIALISED),
        (None, "text/html,image/webp,*/*;q=0.8", ContentFormat.DESERIALISED),
        (None, RAW, ContentFormat.RAW),
        (None, RAW.upper(), ContentFormat.RAW),
        (None, f"{CAR};version=1;order=dfs", ContentFormat.CAR),
        (None, f"{RAW};q=0.2, {CAR};q=0.9", ContentFormat.CAR),
        (None, f"{RAW};q=0.2, text/html", ContentFormat.DESERIALISED),
        (None, f"{RAW};q=0.2, */*", ContentFormat.RAW),
        (None, f"{RAW};q=0", ContentFormat.DESERIALISED),
        (None, f"{RAW};q=nan", ContentFormat.DESERIALISED),
        (None, f"{RAW};q=often", ContentFormat.DESERIALISED),
        ("car", RAW, ContentFormat.CAR),
        ("raw", "text/html", ContentFormat.RAW),
    ],
)
def test_the_query_goes_before_the_header_and_weights_decide_in_it(
    query: str | None, accept: str, wanted: ContentFormat
) -> None:
    assert wanted_format(query, accept)[0] is wanted


def test_the_parameters_of_the_chosen_type_come_along() -> None:
    assert wanted_format(None, f'{CAR}; version=1; dups="y"; q=0.5')[1] == {"version": "1", "dups": "y"}
    assert wanted_format("raw", f"{CAR}; version=2")[1] == {}


@pytest.mark.parametrize("query", ["", "tar", "dag-json", "RAW"])
def test_an_unknown_format_is_refused(query: str) -> None:
    with pytest.raises(InvalidRequest, match="raw or car"):
        wanted_format(query, "")
