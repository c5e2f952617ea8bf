"""The arena's pages: a duel is begun, drawn, judged once, and the ranking follows."""

import re
from collections.abc import Callable

import pytest

from engine.app import Application
from tests.unit.engine.server.creating import Worker
from tests.unit.engine.server.web.conftest import Visitor, text_of

FORM = {"HX-Request": "true"}


@pytest.fixture
def announced(application: Application, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every installed model counts as one that a worker runs."""
    installed = application.catalogue.installed()
    monkeypatch.setattr(
        type(application.catalogue),
        "models",
        lambda self, connection: tuple(each.model_copy(update={"online": True}) for each in installed),
    )


@pytest.fixture
def begin(creator: Visitor, announced: None) -> Callable[..., str]:
    def begin(prompt: str = "a knight", kind: str = "character") -> str:
        begun = creator.post("/arena", data={"prompt": prompt, "kind": kind}, headers=FORM)
        assert begun.status_code == 204, begun.text
        return begun.headers["HX-Redirect"]

    return begin


def models_of(application: Application) -> set[str]:
    return {each.id for each in application.catalogue.installed() if "character" in each.kinds}


def test_both_models_get_the_same_prompt_and_seed(
    creator: Visitor, begin: Callable[..., str], application: Application
) -> None:
    begin("a knight in red")
    made = creator.get("/v1/creations").json()["data"]
    assert len(made) == 2
    assert {each["prompt"] for each in made} == {"a knight in red"}
    assert len({each["seed"] for each in made}) == 1
    assert {each["model"] for each in made} == models_of(application)


def test_no_model_is_named_before_the_verdict(
    creator: Visitor, begin: Callable[..., str], worker: Worker, application: Application
) -> None:
    path = begin()
    assert "in the queue" in text_of(creator.get(path).text)
    worker.work()
    page = creator.get(path).text
    assert "Left is better" in page
    assert not any(model in page for model in models_of(application))
    judged = creator.post(f"{path}/verdict", data={"verdict": "left"}, headers=FORM).text
    assert all(model in judged for model in models_of(application))


def test_a_verdict_moves_the_ranking_and_holds(
    creator: Visitor, begin: Callable[..., str], worker: Worker
) -> None:
    path = begin()
    worker.work()
    for _ in range(2):  # a second click is the same as one
        assert creator.post(f"{path}/verdict", data={"verdict": "right"}, headers=FORM).status_code == 200
    refused = creator.post(f"{path}/verdict", data={"verdict": "left"}, headers=FORM)
    assert refused.status_code == 409
    assert "decided before" in text_of(refused.text)
    first, second = creator.get("/v1/arena/ranking").json()["data"]
    assert (first["won"], first["lost"], second["won"], second["lost"]) == (1, 0, 0, 1)
    assert first["points"] > 1000 > second["points"]
    assert creator.get("/v1/arena/ranking", params={"kind": "tile"}).json()["data"] == []
    assert first["model"] in creator.get("/arena").text


def test_neither_moves_no_rating(creator: Visitor, begin: Callable[..., str], worker: Worker) -> None:
    path = begin()
    worker.work()
    creator.post(f"{path}/verdict", data={"verdict": "neither"}, headers=FORM)
    assert creator.get("/v1/arena/ranking").json()["data"] == []


def test_nothing_is_judged_before_it_is_drawn(creator: Visitor, begin: Callable[..., str]) -> None:
    refused = creator.post(f"{begin()}/verdict", data={"verdict": "left"}, headers=FORM)
    assert refused.status_code == 504
    assert "no two pictures yet" in text_of(refused.text)


def test_a_side_that_failed_is_told_and_another_duel_offered(
    creator: Visitor, begin: Callable[..., str], worker: Worker
) -> None:
    path = begin()
    lost = creator.get("/v1/creations").json()["data"][0]
    creator.delete(f"/v1/creations/{lost['id']}")
    worker.work()
    page = text_of(creator.get(path).text)
    assert "cancelled" in page
    assert "Draw it again" in page


def test_a_kind_that_one_model_draws_is_refused_with_what_to_do(creator: Visitor, announced: None) -> None:
    refused = creator.post("/arena", data={"prompt": "a fire", "kind": "clip"}, headers=FORM)
    assert refused.status_code == 422
    assert "Fewer than two models" in text_of(refused.text)
    assert re.search(r'value="clip"[^>]*disabled', creator.get("/arena").text)


@pytest.mark.parametrize("prompt", ["", "   ", "x" * 5_000])
def test_a_prompt_that_cannot_be_drawn_is_refused(creator: Visitor, announced: None, prompt: str) -> None:
    refused = creator.post("/arena", data={"prompt": prompt, "kind": "item"}, headers=FORM)
    assert refused.status_code == 422
    assert creator.get("/v1/creations").json()["data"] == []


def test_a_prompt_is_shown_as_text(creator: Visitor, begin: Callable[..., str]) -> None:
    path = begin("<script>alert(1)</script>\"'")
    for page in (creator.get(path).text, creator.get("/arena").text):
        assert "<script>alert" not in page
        assert "&lt;script&gt;alert(1)" in page


def test_another_tenants_duel_is_not_there(
    creator: Visitor, begin: Callable[..., str], visitor: Visitor, headers: Callable[..., dict[str, str]]
) -> None:
    path = begin()
    creator.cookies.clear()
    assert creator.get(path, headers=headers()).status_code == 404
