"""OpenAI's own client, unchanged, against a real server on a loopback socket."""

import base64
import io
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from PIL import Image
from sqlalchemy import select
from uvicorn import Config, Server

from engine.api.account import Limits, NewKey, Scope
from engine.app import Application
from engine.database.tables import creations
from engine.database.tenants import add_key, add_tenant
from engine.serve_command import address, listening
from engine.server.app import server
from engine.settings import Settings
from generators.recipe import Recipe
from tests.painter import Painter
from tests.unit.engine.server.creating import Worker


@pytest.fixture
def application(settings: Settings) -> Iterator[Application]:
    with Application.open(settings) as application:
        yield application


@pytest.fixture
def painter(application: Application, pixels: Callable[..., Any], recipe: Callable[..., Recipe]) -> Painter:
    vars(application)["generator"] = made = Painter(pixels, recipe)
    return made


@pytest.fixture
def url(application: Application) -> Iterator[str]:
    """The address of a server over the application, with a worker that looks for jobs all the time."""
    with listening("127.0.0.1", 0) as listener:
        app = server(application)
        config = Config(app, lifespan="off", ws="none", log_config=None, access_log=False)
        running = Server(config)
        serving = threading.Thread(target=lambda: running.run(sockets=[listener]))
        serving.start()
        ended, worker = threading.Event(), Worker(application)
        _ = application.jobs

        def work() -> None:
            while not ended.wait(0.05):
                worker.work()

        working = threading.Thread(target=work)
        working.start()
        yield address(listener)
        ended.set()
        app.state.event_feed.close()
        running.should_exit = True
        for thread in (serving, working):
            thread.join(timeout=60)
            assert not thread.is_alive()


@pytest.fixture
def secret(application: Application) -> str:
    with application.records.database.writing() as connection:
        wanted = NewKey(name="openai", scopes=(Scope.CREATE,), limits=Limits(per_day=30))
        return add_key(connection, add_tenant(connection, "studio").id, wanted).secret


@pytest.fixture
def client(url: str, secret: str) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{url}/v1", api_key=secret, max_retries=0) as client:
        yield client


def picture(content: bytes) -> tuple[str | None, tuple[int, int]]:
    with Image.open(io.BytesIO(content)) as image:
        return image.format, image.size


def test_pictures_come_as_base64_and_by_address(painter: Painter, client: openai.OpenAI) -> None:
    answer = client.images.generate(
        prompt="a red potion bottle",
        n=2,
        size="32x32",
        quality="high",
        background="transparent",
        output_format="png",
        moderation="low",
        style="vivid",
        user="someone",
        extra_body={"kind": "item", "seed": 3},
    )
    assert answer.data is not None
    assert len(answer.data) == 2
    for each in answer.data:
        content = base64.b64decode(each.b64_json or "")
        assert picture(content) == ("PNG", (32, 32))
        assert httpx2.get(each.url or "").content == content
    (only,) = client.images.generate(prompt="a knight", response_format="url").data or ()
    assert (only.b64_json, only.url is None) == (None, False)
    (other,) = client.images.generate(prompt="a knight", response_format="b64_json", size="auto").data or ()
    assert (other.b64_json is None, other.url) == (False, None)


@pytest.mark.parametrize(
    ("wanted", "error", "code", "param", "said"),
    [
        ({"size": "64x32"}, openai.BadRequestError, "invalid-fields", "size", "squares"),
        ({"size": "big"}, openai.BadRequestError, "invalid-fields", "size", "64x64"),
        ({"size": "1024x1024"}, openai.BadRequestError, "invalid-fields", "size", "32 or 64"),
        ({"n": 99}, openai.BadRequestError, "invalid-fields", "n", "16"),
        ({"prompt": ""}, openai.BadRequestError, "invalid-fields", "prompt", "at least 1"),
        ({"output_format": "webp"}, openai.BadRequestError, "invalid-fields", "output_format", "png"),
        ({"stream": True}, openai.BadRequestError, "invalid-fields", "stream", "False"),
        ({"model": "gpt-image-1"}, openai.NotFoundError, "model_not_found", "model", "There is no model"),
        ({"n": 16}, openai.RateLimitError, "quota-exceeded", None, "a day"),
        ({"prompt": "undrawable"}, openai.BadRequestError, "job-failed", None, "The painter cannot draw"),
    ],
)
def test_errors_have_the_form_that_openais_client_reads(
    painter: Painter,
    client: openai.OpenAI,
    wanted: dict[str, Any],
    error: type[openai.APIStatusError],
    code: str,
    param: str | None,
    said: str,
) -> None:
    if code == "quota-exceeded":
        client.images.generate(prompt="a knight", n=16)
    with pytest.raises(error) as raised:
        client.images.generate(**{"prompt": "a knight"} | wanted)
    assert isinstance(raised.value.body, dict)
    assert (raised.value.code, raised.value.param) == (code, param)
    assert said in raised.value.body["message"]


def test_a_wrong_key_and_a_body_that_is_none_are_told_alike(
    url: str, client: openai.OpenAI, secret: str
) -> None:
    with pytest.raises(openai.AuthenticationError) as raised:
        client.with_options(api_key="lsk_wrong").images.generate(prompt="a knight")
    assert raised.value.code == "invalid_api_key"
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    answer = httpx2.post(f"{url}/v1/images/generations", content=b"{", headers=headers)
    assert answer.status_code == 400
    assert set(answer.json()["error"]) == {"message", "type", "code", "param"}


def test_the_models_are_listed_and_read(painter: Painter, client: openai.OpenAI) -> None:
    assert "lorespark-sprite-64/2" in {model.id for model in client.models.list()}
    model = client.models.retrieve("lorespark-sprite-64/2")
    assert (model.object, model.owned_by) == ("model", "lorespark")


def test_the_same_idempotency_key_leads_back_to_the_same_pictures(
    painter: Painter, client: openai.OpenAI, application: Application
) -> None:
    again = {"Idempotency-Key": "one"}
    first, second = (client.images.generate(prompt="a knight", extra_headers=again).data for _ in range(2))
    assert first == second
    assert painter.drawn == 1


def test_who_leaves_cancels_the_drawing_unless_a_key_leads_back_to_it(
    painter: Painter, client: openai.OpenAI, application: Application
) -> None:
    painter.steps, painter.step_s = 100, 0.25
    for extra, ends in (({}, "cancelled"), ({"Idempotency-Key": "two"}, "succeeded")):
        painter.began.clear()
        impatient = client.with_options(timeout=2.0)
        with pytest.raises(openai.APITimeoutError):
            impatient.images.generate(prompt="a knight", extra_headers=extra)
        assert painter.began.wait(timeout=30)
        if ends == "succeeded":
            painter.step_s = 0.0
            client.images.generate(prompt="a knight", extra_headers=extra)
        newest = select(creations.c.status).order_by(creations.c.started_at.desc()).limit(1)
        for _ in range(1200):
            with application.records.database.reading() as connection:
                if (status := connection.scalar(newest)) != "running":
                    break
            painter.began.wait(0.05)
            threading.Event().wait(0.05)
        assert status == ends


def test_the_bundled_model_draws_for_openais_client(client: openai.OpenAI, tmp_path: Path) -> None:
    answer = client.images.generate(
        model="lorespark-sprite-32/2",
        prompt="a red potion bottle",
        quality="low",
        background="opaque",
        extra_body={"kind": "item", "seed": 1},
    )
    content = base64.b64decode((answer.data or [])[0].b64_json or "")
    assert picture(content) == ("PNG", (32, 32))
    with Image.open(io.BytesIO(content)) as image:
        assert image.convert("RGBA").getpixel((0, 0)) == (255, 255, 255, 255)
