"""The create page: its form, what it makes of it, and the cards of what was made."""

import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image
from sqlalchemy import update

from engine.api.account import Limits, Model, NewKey, Scope
from engine.app import Application
from engine.database.tables import LOCAL_TENANT, creations
from engine.database.tenants import add_key
from engine.model_catalogue import ModelCatalogue
from engine.server.web.static_files import bundle
from generators.recipe import MAX_TOKENS
from tests.unit.engine.server.creating import Worker
from tests.unit.engine.server.web.conftest import SITE, Visitor, text_of

PART = {"HX-Request": "true"}
NASTY = """"><script>alert('x')</script>"""


def png(side_px: int = 16, form: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (side_px, side_px), (200, 30, 30)).save(buffer, form)
    return buffer.getvalue()


def send(creator: Visitor, **fields: str) -> Any:
    return creator.post("/create", data={"prompt": "a red potion", "kind": "item"} | fields, headers=PART)


def made(answer: Any) -> str:
    assert answer.status_code == 200, answer.text
    found = re.search(r'id="(creation-[0-9a-f]+)"', answer.text)
    assert found is not None
    return found[1]


def request_of(application: Application, creation_id: str) -> dict[str, Any]:
    found = application.records.creation(creation_id)
    assert found is not None
    assert found.request is not None
    return found.request


def field(page: str, name: str) -> str:
    """The value of a named text or number field of the page."""
    found = re.search(rf'<input[^>]*name="{name}"[^>]*value="([^"]*)"', page)
    assert found is not None, name
    return found[1]


def chosen(page: str, name: str) -> str:
    found = re.search(rf'<input type="radio" name="{name}" value="([^"]*)" checked', page)
    assert found is not None, name
    return found[1]


def test_the_page_holds_the_form_and_no_inline_script(creator: Visitor) -> None:
    page = creator.get("/create")
    assert page.status_code == 200
    assert "What to draw" in text_of(page.text)
    assert re.search(r"<[a-z][^>]* style=", page.text) is None
    assert re.search(r"<script(?![^>]*src=)", page.text) is None
    assert re.search(r"<[a-z][^>]* on[a-z]+=", page.text) is None


def test_who_is_not_signed_in_is_asked_to(visitor: Visitor) -> None:
    asked = visitor.get("/create?from=asset-1")
    assert asked.headers["Location"] == "/sign-in?next=%2Fcreate%3Ffrom%3Dasset-1"


def test_illustrations_wait_for_a_model_that_draws_them(creator: Visitor) -> None:
    page = creator.get("/create").text
    assert re.search(r'name="kind" value="illustration"[^>]* disabled', page)
    assert not re.search(r'name="kind" value="clip"[^>]* disabled', page)


def test_every_field_reaches_the_request(creator: Visitor, application: Application) -> None:
    creation_id = made(
        send(
            creator,
            kind="tile",
            count="3",
            seed_mode="locked",
            seed="42",
            size="32",
            quality="high",
            steps="12",
            guidance="2,5",
            negative_prompt="moss",
            palette="own",
            own_colours="#1a1c2c, #f4f4f4 38b764",
            outline="colour",
            outline_colour="#101010",
            background="colour",
            background_colour="#fefefe",
            seamless="1",
        )
    )
    request = request_of(application, creation_id)
    controls = request["controls"]
    assert (request["kind"], request["count"], request["seed"]) == ("tile", 3, 42)
    assert (controls["size"], controls["quality"], controls["steps"], controls["guidance"]) == (
        32,
        "high",
        12,
        2.5,
    )
    assert (controls["negative_prompt"], controls["seamless"]) == ("moss", True)
    assert controls["palette"] == ["#1a1c2c", "#f4f4f4", "38b764"]
    assert (controls["outline"], controls["background"]) == ("#101010", "#fefefe")


def test_a_clip_has_its_movement(creator: Visitor, application: Application) -> None:
    request = request_of(
        application, made(send(creator, kind="clip", action="walk", direction="left", frames="8", fps="12.5"))
    )
    controls = request["controls"]
    assert (controls["action"], controls["direction"], controls["frames"], controls["fps"]) == (
        *("walk", "left"),
        *(8, 12.5),
    )


@pytest.mark.parametrize(
    ("palette", "sent", "kept"),
    [("", {}, None), ("none", {}, "none"), ("pico-8", {}, "pico-8"), ("number", {"colours": "7"}, 7)],
)
def test_a_palette_is_a_name_a_number_or_left_out(
    creator: Visitor, application: Application, palette: str, sent: dict[str, str], kept: Any
) -> None:
    request = request_of(application, made(send(creator, palette=palette, **sent)))
    assert request["controls"]["palette"] == kept


def test_a_seed_is_random_unless_it_is_locked(creator: Visitor, application: Application) -> None:
    seeds = {
        request_of(application, made(send(creator, seed_mode="random", seed="5")))["seed"] for _ in range(2)
    }
    assert len(seeds) == 2


@pytest.mark.parametrize(
    ("wrong", "name", "words"),
    [
        ({"prompt": "  "}, "prompt", "empty"),
        ({"prompt": "x" * 1001}, "prompt", "1,001 characters"),
        ({"prompt": "a (red:9) cat"}, "prompt", "from 0 to 3"),
        ({"count": "0"}, "count", "whole number from 1 to 256"),
        ({"count": "many"}, "count", "'many'"),
        ({"seed_mode": "locked", "seed": "x"}, "seed", "whole number"),
        ({"seed_mode": "locked", "seed": ""}, "seed", "needs its number"),
        ({"steps": "900"}, "steps", "1 to 200"),
        ({"guidance": "inf"}, "guidance", "from 0 to 30"),
        ({"size": "48"}, "size", "32 or 64"),
        ({"palette": "own", "own_colours": "#fff"}, "own_colours", "two colours"),
        ({"palette": "own", "own_colours": "red blue"}, "palette", "#rrggbb"),
        ({"palette": "number", "colours": ""}, "colours", "how many colours"),
        ({"palette": "no such"}, "palette", "use one of"),
        ({"model": "nobody/nothing"}, "model", "There is no model"),
        ({"source": "asset-none"}, "source", "no asset"),
        ({"quality": "best"}, "quality", "cannot be used"),
        ({"kind": "illustration"}, "model", "no illustrations"),
    ],
)
def test_what_cannot_be_is_said_at_its_field(
    creator: Visitor, wrong: dict[str, str], name: str, words: str
) -> None:
    refused = send(creator, **wrong)
    assert refused.status_code == 422
    pointer = re.search(r'data-pointer="([^"]*)"', refused.text)
    assert pointer is not None
    assert pointer[1].rpartition("/")[2] == name
    assert words in refused.text.replace("&#39;", "'")


def test_what_is_typed_is_shown_as_text(creator: Visitor, application: Application) -> None:
    answer = send(creator, prompt=NASTY, negative_prompt=NASTY)
    creation_id = made(answer)
    refill = creator.get("/create", params={"again": creation_id})
    refused = send(creator, count=NASTY)
    checked = creator.post("/create/check", data={"prompt": NASTY, "steps": NASTY}, headers=PART)
    found = creator.get("/create/pictures", params={"q": "", "cursor": ""}, headers=PART)
    for page in (answer, refill, refused, checked, found):
        assert "<script>alert" not in page.text
    assert "&lt;script&gt;alert" in refill.text


def test_the_same_key_makes_one_creation(creator: Visitor) -> None:
    fields, headers = {"prompt": "a key", "kind": "item"}, PART | {"Idempotency-Key": "one click"}
    answers = [creator.post("/create", data=fields, headers=headers) for _ in range(2)]
    assert made(answers[0]) == made(answers[1])
    assert len(creator.get("/v1/creations").json()["data"]) == 1
    other = creator.post("/create", data=fields | {"count": "2"}, headers=headers)
    assert other.status_code == 422


def test_a_key_that_may_only_read_makes_nothing(visitor: Visitor, application: Application) -> None:
    with application.records.database.writing() as connection:
        key = add_key(connection, LOCAL_TENANT, NewKey(name="r", scopes=(Scope.READ,), limits=Limits()))
    visitor.post("/sign-in", data={"key": key.secret}, headers={"Origin": SITE})
    page = visitor.get("/create")
    assert "may only read" in text_of(page.text)
    token = re.search(r'"X-CSRF-Token": "([0-9a-f]+)"', page.text)
    assert token is not None
    visitor.headers.update({"Origin": SITE, "X-CSRF-Token": token[1]})
    assert send(visitor).status_code == 403
    assert visitor.post("/create/pictures", content=png()).status_code == 403


def test_another_tenants_things_are_not_there(
    creator: Visitor, application: Application, headers: Callable[..., dict[str, str]], visitor: Visitor
) -> None:
    theirs = headers()
    creation = visitor.post("/v1/creations", json={"prompt": "secret thing"}, headers=theirs).json()["id"]
    asset = visitor.post(
        "/v1/assets?name=hidden", content=png(), headers=theirs | {"Content-Type": "image/png"}
    ).json()["id"]
    assert "secret thing" not in creator.get("/create").text
    assert "secret thing" not in creator.get("/create/beat", params={"shown": f"{creation}:x"}).text
    for path in (
        *(f"/create?from={asset}", f"/create?source={asset}"),
        *(f"/create?again={creation}", f"/create/jobs/{creation}"),
    ):
        assert creator.get(path).status_code == 404, path
    assert creator.delete(f"/create/jobs/{creation}").status_code == 404
    assert creator.post(f"/create/jobs/{creation}/again").status_code == 404
    assert asset not in creator.get("/create/pictures").text
    assert send(creator, source=asset).status_code == 422


@pytest.mark.parametrize(
    ("prompt", "count", "over"), [("a (red:1.4) cat", 5, False), ("word " * 40, 42, True), ("", 0, False)]
)
def test_tokens_are_counted_as_the_model_reads_them(
    creator: Visitor, prompt: str, count: int, over: bool
) -> None:
    checked = creator.post("/create/check", data={"prompt": prompt, "kind": "item"}, headers=PART)
    assert f"{count} of {MAX_TOKENS} tokens" in text_of(checked.text)
    assert ("reads only the first" in checked.text) is over


def test_the_estimate_tells_time_queue_and_quota_or_what_is_wrong(
    creator: Visitor, application: Application, worker: Worker
) -> None:
    send(creator)
    checked = creator.post("/create/check", data={"prompt": "a cat", "kind": "item"}, headers=PART)
    assert text_of(checked.text).startswith("No time measured yet 1 creation before it 999,999 left today")
    assert len(creator.get("/v1/creations").json()["data"]) == 1  # nothing was made
    wrong = creator.post("/create/check", data={"prompt": "a cat", "count": "x"}, headers=PART)
    assert wrong.status_code == 200
    assert "whole number" in wrong.text


def test_the_recent_creations_come_back_with_the_page(creator: Visitor, worker: Worker) -> None:
    first, second = made(send(creator)), made(send(creator, prompt="a broken pot"))
    assert creator.get("/create").text.index(second) < creator.get("/create").text.index(first)
    worker.work()
    page = creator.get("/create").text
    assert "The brush broke; ask again." in page
    assert f"/create?again={second}" in page
    assert re.search(r'href="/create\?from=asset-[0-9a-f]+"', page)


def test_the_beat_tells_what_changed_and_what_is_new(creator: Visitor, worker: Worker) -> None:
    shown = made(send(creator))
    mark = f"{shown}:queued:1"
    assert creator.get("/create/beat", params={"shown": mark}, headers=PART).text.strip() == ""
    fresh = made(send(creator))
    told = creator.get("/create/beat", params={"shown": mark}, headers=PART).text
    assert 'hx-swap-oob="afterbegin:#cards"' in told
    assert fresh in told
    assert f'id="{shown}"' not in told
    worker.work()
    told = creator.get("/create/beat", params={"shown": [mark, f"{fresh}:watched"]}, headers=PART).text
    assert told.count('hx-swap-oob="true"') == told.count('data-status="succeeded"') == 2


def test_the_beat_tells_what_began_and_ended_elsewhere_since(creator: Visitor, worker: Worker) -> None:
    before = made(send(creator))
    worker.work()
    newest = re.search(r'data-made="([^"]+)"', creator.get("/create").text)
    assert newest is not None
    seen = {"after": newest[1], "shown": f"{before}:succeeded:"}
    assert creator.get("/create/beat", params=seen, headers=PART).text.strip() == ""
    elsewhere = made(send(creator))
    worker.work()
    told = creator.get("/create/beat", params=seen, headers=PART).text
    assert elsewhere in told
    assert before not in told


def test_a_creation_is_cancelled_and_asked_for_again(creator: Visitor, application: Application) -> None:
    first = made(send(creator, seed_mode="locked", seed="7"))
    cancelled = creator.delete(f"/create/jobs/{first}", headers=PART)
    assert 'data-status="cancelled"' in cancelled.text
    again = made(creator.post(f"/create/jobs/{first}/again", headers=PART))
    assert again != first
    assert request_of(application, again)["seed"] != 7
    assert request_of(application, again)["prompt"] == "a red potion"
    headers = PART | {"Idempotency-Key": "one click"}
    twice = {made(creator.post(f"/create/jobs/{first}/again", headers=headers)) for _ in range(2)}
    assert len(twice) == 1


def test_what_was_not_set_aside_is_not_resumed(creator: Visitor) -> None:
    refused = creator.post(f"/create/jobs/{made(send(creator))}/resume", headers=PART)
    assert refused.status_code == 409


def test_a_failed_creation_fills_the_form_again(creator: Visitor, application: Application) -> None:
    creation_id = made(
        send(creator, kind="clip", prompt="a knight", action="run", count="2", palette="game-boy", steps="9")
    )
    with application.records.database.writing() as connection:
        connection.execute(update(creations).values(status="failed", error="No paint was left."))
    page = creator.get("/create", params={"again": creation_id}).text
    assert "No paint was left." in text_of(page)
    assert ">a knight</textarea>" in page
    assert chosen(page, "kind") == "clip"
    assert chosen(page, "palette") == "game-boy"
    assert (field(page, "count"), field(page, "steps")) == ("2", "9")
    assert re.search(r'<option value="run"[^>]* selected', page)
    assert "data-filled" in page


def test_a_remix_fills_the_form_from_the_recipe(creator: Visitor, worker: Worker) -> None:
    send(creator, seed_mode="locked", seed="77", negative_prompt="cork", outline="none")
    worker.work()
    asset = creator.get("/v1/assets").json()["data"][0]
    page = creator.get("/create", params={"from": asset["id"]}).text
    assert ">a red potion</textarea>" in page
    assert chosen(page, "kind") == "item"
    assert chosen(page, "seed_mode") == "locked"
    assert (field(page, "seed"), field(page, "negative_prompt")) == (str(asset["seed"]), "cork")
    assert re.search(r'<option value="none" selected', page)


def test_a_picture_to_start_from_is_named_and_the_rest_stays(
    creator: Visitor, application: Application
) -> None:
    asset = creator.post("/create/pictures?kind=item&name=mine.png", content=png(), headers=PART).json()
    page = creator.get("/create", params={"source": asset["id"]}).text
    assert f'data-source="{asset["id"]}" data-source-kind="item"' in page
    assert "data-filled" not in page
    remixed = creator.get("/create", params={"from": asset["id"]}).text
    assert field(remixed, "source") == asset["id"]


@pytest.mark.parametrize("form", ["PNG", "JPEG", "WEBP", "BMP", "GIF"])
def test_any_picture_is_written_anew_as_png(creator: Visitor, form: str) -> None:
    brought = creator.post("/create/pictures?name=a.jpg&kind=tile", content=png(20, form), headers=PART)
    assert brought.status_code == 201, brought.text
    asset = brought.json()
    assert (asset["name"], asset["kind"], asset["size"]) == ("a", "tile", 20)
    assert creator.get(asset["media"]["url"]).content.startswith(b"\x89PNG")


def test_what_a_picture_says_of_itself_is_not_kept(creator: Visitor) -> None:
    buffer = io.BytesIO()
    image = Image.new("RGB", (16, 16))
    exif = image.getexif()
    exif[0x010E] = "taken at home"
    image.save(buffer, "JPEG", exif=exif)
    asset = creator.post("/create/pictures", content=buffer.getvalue(), headers=PART).json()
    assert b"taken at home" not in creator.get(asset["media"]["url"]).content


@pytest.mark.parametrize("data", [b"", b"<svg/>", b"\x89PNG\r\n\x1a\nnothing"])
def test_what_is_no_picture_is_refused_in_words(creator: Visitor, data: bytes) -> None:
    refused = creator.post("/create/pictures", content=data, headers=PART)
    assert refused.status_code == 422
    assert "not a readable picture" in text_of(refused.text)


def test_masks_are_kept_apart_from_pictures(creator: Visitor, application: Application) -> None:
    mask = creator.post("/create/pictures?mask=true&name=Mask", content=png(), headers=PART).json()
    assert mask["tags"] == ["mask"]
    other = creator.post("/create/pictures?name=Barrel", content=png(18), headers=PART).json()
    found = creator.get("/create/pictures", headers=PART).text
    assert other["id"] in found
    assert mask["id"] not in found


def test_pictures_to_start_from_come_page_by_page_without_clips(
    creator: Visitor, application: Application
) -> None:
    for number in range(26):
        creator.post(f"/create/pictures?name=n{number}", content=png(), headers=PART)
    first = creator.get("/create/pictures", headers=PART).text
    following = re.search(r'hx-get="(/create/pictures\?cursor=[^"]+)"', first)
    assert following is not None
    assert first.count("data-pick=") == 24
    rest = creator.get(following[1], headers=PART).text
    assert rest.count("data-pick=") == 2
    assert "<ul" not in rest


def test_a_picture_starts_a_drawing_within_a_mask(creator: Visitor, application: Application) -> None:
    source, mask = (
        creator.post(f"/create/pictures?name={name}", content=png(), headers=PART).json()["id"]
        for name in ("source", "mask")
    )
    controls = request_of(application, made(send(creator, source=source, mask=mask, strength="0.35")))[
        "controls"
    ]
    assert (controls["source"], controls["mask"], controls["strength"]) == (source, mask, 0.35)
    without = request_of(application, made(send(creator, mask=mask)))["controls"]
    assert without["mask"] is None


def test_a_model_of_ones_own_can_be_chosen(
    creator: Visitor, application: Application, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = ModelCatalogue.models

    def models(self: ModelCatalogue, connection: Any) -> tuple[Model, ...]:
        own = Model(id="own/<model>", kinds=("illustration",), sizes=(), bundled=False, online=False)
        return (*known(self, connection), own)

    monkeypatch.setattr(ModelCatalogue, "models", models)
    page = creator.get("/create").text
    assert not re.search(r'name="kind" value="illustration"[^>]* disabled', page)
    assert (
        '<option value="own/&lt;model&gt;" data-kinds="illustration">own/&lt;model&gt; (not running: it waits)'
        in page
    )
    request = request_of(
        application, made(send(creator, kind="illustration", model="own/<model>", size_px="512", cutout="1"))
    )
    assert (request["model"], request["controls"]["size"], request["controls"]["cutout"]) == (
        "own/<model>",
        512,
        True,
    )
    checked = creator.post("/create/check", data={"prompt": "a cat", "model": "own/<model>"}, headers=PART)
    assert "tokens" not in text_of(checked.text)


def test_the_page_is_light(creator: Visitor) -> None:
    own = ("create.css", "create.js", "creation_cards.js", "start_picture.js", "easel.js")
    assert sum(len(bundle().files[name].compressed or b"") for name in own) < 20_000
