"""The command line against a server: what it asks, writes and tells."""

import json
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

import tests.api_samples as samples
from assets.car import write_car
from assets.cid import raw_cid
from engine import cli
from engine.api.creation import CreationRequest
from tests.scripted_server import Answer, Scripted, serving

STEP = '{"step": 1, "steps": 2, "done": 0, "of": 1}'
ENDED = Answer(
    200,
    samples.events((1, "queued", "{}"), (2, "step", STEP), (3, "succeeded", "{}")),
    {"Content-Type": "text/event-stream"},
)
RECIPE = {
    "kind": "item",
    "prompt": "a red potion bottle",
    "seed": 7,
    "size": 32,
    "palette": ["#000000", "#ffffff"],
}


def png() -> bytes:
    buffer = BytesIO()
    Image.new("RGBA", (32, 32), "red").save(buffer, "PNG")
    return buffer.getvalue()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Scripted]:
    """A server that draws whatever it is asked for as asset-1 of creation-1."""
    script = Scripted(
        by_path={
            "POST /v1/creations": Answer(202, samples.creation()),
            "GET /v1/creations/creation-1/events": ENDED,
            "GET /v1/creations/creation-1": Answer(200, samples.creation("succeeded")),
            "GET /v1/assets/asset-1": Answer(200, samples.asset()),
            "GET /v1/assets/asset-1/media": Answer(200, png()),
            "GET /v1/assets/asset-1/recipe": Answer(200, RECIPE),
        },
        answers=[Answer(404, samples.problem(404, "unknown-record"))],
    )
    monkeypatch.setenv("LORESPARK_DATA_DIR", str(tmp_path / "data"))
    monkeypatch.setenv("LORESPARK_API_KEY", "lsk_secret")
    with serving(script):
        monkeypatch.setenv("LORESPARK_SERVER", script.url)
        yield script


def run(*arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(cli.app, list(arguments))
    assert result.exit_code == code, (result.output, result.exception)
    return result


def refused(*arguments: str) -> str:
    """The one sentence that the command ends with."""
    result = run(*arguments, code=1)
    assert result.stdout == ""
    [line] = result.stderr.strip().splitlines()
    assert line.endswith(".")
    return line


def requested(server: Scripted) -> CreationRequest:
    [asked] = [asked for asked in server.asked if (asked.method, asked.path) == ("POST", "/v1/creations")]
    return CreationRequest.model_validate_json(asked.body)


def test_create_asks_with_its_options_and_writes_the_picture(server: Scripted, tmp_path: Path) -> None:
    options = [
        "--kind",
        "item",
        "--count",
        "2",
        "--seed",
        "5",
        "--steps",
        "9",
        "--palette",
        "4",
        "--negative",
        "blur",
    ]
    result = run("create", "a red potion bottle", *options, "--json")
    path = tmp_path / "data" / "media" / "asset-1.png"
    assert path.read_bytes() == png()
    told = json.loads(result.stdout)
    assert told["creation_id"] == "creation-1"
    [asset] = told["assets"]
    assert (asset["asset_id"], asset["media_path"], asset["recipe"]) == ("asset-1", str(path), RECIPE)
    assert set(asset) == {
        "asset_id",
        "kind",
        "name",
        "media_path",
        "files",
        "media_cid",
        "image_cid",
        "metadata_cid",
        "recipe_hash",
        "recipe",
        "quality",
    }
    request = requested(server)
    assert (request.prompt, request.kind, request.count, request.seed) == (
        "a red potion bottle",
        "item",
        2,
        5,
    )
    assert (request.controls.steps, request.controls.palette) == (9, 4)
    assert request.controls.negative_prompt == "blur"
    assert all(asked.headers["authorization"] == "Bearer lsk_secret" for asked in server.asked)


def test_the_option_goes_before_the_environment(server: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    address = server.url
    monkeypatch.setenv("LORESPARK_SERVER", "http://127.0.0.1:1")
    assert "asset-1" in run("--server", address, "create", "a potion", "--kind", "item").stdout


def test_pictures_go_where_they_are_wanted(server: Scripted, tmp_path: Path) -> None:
    run("create", "a potion", "--output", str(tmp_path / "out"))
    assert (tmp_path / "out" / "asset-1.png").read_bytes() == png()
    assert not (tmp_path / "data").exists()


def test_a_picture_on_this_machine_is_brought_to_the_server(server: Scripted, tmp_path: Path) -> None:
    path = tmp_path / "photo.png"
    path.write_bytes(png())
    server.by_path["POST /v1/assets?name=photo"] = Answer(201, samples.asset(9))
    run("create", "a potion", "--from", str(path))
    assert requested(server).controls.source == "asset-9"
    assert server.asked[0].body == png()


def test_a_picture_that_is_not_there_is_told_before_anything_is_sent(
    server: Scripted, tmp_path: Path
) -> None:
    assert "no picture" in refused("create", "a potion", "--from", str(tmp_path / "none.png"))
    assert "no picture" in refused(
        "create", "a potion", "--from", "asset-1", "--mask", str(tmp_path / "none")
    )
    assert server.asked == []


def test_variations_have_the_recipes_own_controls(server: Scripted) -> None:
    run("vary", "asset-1", "--count", "3", "--strength", "0.4", "--seed", "1")
    request = requested(server)
    assert (request.prompt, request.kind, request.count, request.seed) == (
        "a red potion bottle",
        "item",
        3,
        1,
    )
    controls = request.controls
    assert (controls.source, controls.strength, controls.size) == ("asset-1", 0.4, 32)
    assert controls.palette == ("#000000", "#ffffff")


def test_a_clip_has_no_variations(server: Scripted) -> None:
    server.by_path["GET /v1/assets/asset-1/recipe"] = Answer(200, RECIPE | {"kind": "clip"})
    assert "variations" in refused("vary", "asset-1")


def test_a_collection_is_made_of_a_creation_for_each_piece(server: Scripted, tmp_path: Path) -> None:
    made = {"id": "c-1", "name": "n", "description": "", "asset_count": 0, "created_at": "now", "links": {}}
    server.by_path["POST /v1/collections"] = Answer(201, made)
    told = json.loads(run("collection", "a frozen kingdom", "--count", "3", "--seed", "1", "--json").stdout)
    bodies = [
        CreationRequest.model_validate_json(asked.body)
        for asked in server.asked
        if (asked.method, asked.path) == ("POST", "/v1/creations")
    ]
    assert [(body.kind, body.seed, body.collection) for body in bodies] == [
        ("character", 1, "c-1"),
        ("item", 2, "c-1"),
        ("tile", 3, "c-1"),
    ]
    assert told["collection_id"] == "c-1"
    assert told["contact_sheet"] == str(tmp_path / "data" / "collections" / "c-1.png")
    with Image.open(told["contact_sheet"]) as sheet:
        assert sheet.size == (3 * 192, 192)


def test_a_list_is_as_long_as_was_asked(server: Scripted) -> None:
    page = {"data": [samples.asset(1), samples.asset(2, token=TOKEN)], "next": "more"}
    server.by_path["GET /v1/assets?limit=2"] = Answer(200, page)
    server.by_path["GET /v1/assets/asset-2/recipe"] = Answer(200, RECIPE)
    told = json.loads(run("list", "--limit", "2", "--json").stdout)
    assert [(row["asset_id"], row["token_id"], row["media_path"]) for row in told["assets"]] == [
        ("asset-1", None, None),
        ("asset-2", 12, None),
    ]
    assert "asset-2" in run("list", "--limit", "2").stdout


TOKEN = {"chain_id": 1, "contract": "0x" + "ab" * 20, "token_id": "12"}


def test_a_mint_is_waited_for(server: Scripted) -> None:
    server.by_path["POST /v1/assets/asset-1/mint"] = Answer(202, samples.mint())
    server.by_path["GET /v1/mints/mint-1"] = Answer(200, samples.mint("confirmed"))
    told = json.loads(run("mint", "asset-1", "--json").stdout)
    assert (told["token_id"], told["status"], told["already_minted"]) == (1, "confirmed", False)
    assert told["token_uri"] == "ipfs://bafkmeta"
    server.by_path["POST /v1/assets/asset-1/mint"] = Answer(200, samples.mint("confirmed"))
    assert json.loads(run("mint", "asset-1", "--json").stdout)["already_minted"]
    assert "was minted before" in run("mint", "asset-1").stdout


def test_an_export_is_checked_block_by_block(server: Scripted, tmp_path: Path) -> None:
    content, car = b"a block", BytesIO()
    write_car(car, [raw_cid(content)], [(raw_cid(content), content)])
    path = tmp_path / "asset.car"
    server.by_path["GET /v1/assets/asset-1/car"] = Answer(200, car.getvalue())
    told = json.loads(run("export", "asset-1", "--car", str(path), "--json").stdout)
    assert told == {"root": str(raw_cid(content)), "car": str(path), "bytes": len(car.getvalue())}
    server.by_path["GET /v1/assets/asset-1/car"] = Answer(200, car.getvalue()[:-1] + b"?")
    assert "byte" in refused("export", "asset-1", "--car", str(path))


def test_a_clips_sheet_is_written_with_what_reads_it(server: Scripted, tmp_path: Path) -> None:
    server.by_path["GET /v1/assets/asset-1"] = Answer(200, samples.asset(kind="clip"))
    sheet = "GET /v1/assets/asset-1/sheet"
    server.by_path |= {sheet: Answer(200, png())}
    server.by_path |= {
        f"{sheet}?format={name}": Answer(200, name.encode()) for name in ("aseprite", "godot", "tiled")
    }
    run("sheet", "asset-1", "--out", str(tmp_path / "sheet"))
    written = {path.name: path.read_bytes() for path in (tmp_path / "sheet").iterdir()}
    assert written == {
        "sheet.png": png(),
        "sheet.json": b"aseprite",
        "sheet.tres": b"godot",
        "sheet.tsx": b"tiled",
    }
    assert "one clip" in refused("sheet", "asset-1", "asset-2", "--out", str(tmp_path / "sheet"))


@pytest.mark.parametrize(
    "arguments",
    [
        ["serve", "--port", "0"],
        ["doctor", "--json"],
        ["check", "asset-1"],
        ["verify", "1"],
        ["demo"],
        ["animate", "--help"],
        ["style", "list"],
        ["api-key", "create", "--nonsense"],
    ],
)
def test_what_makes_no_sense_at_a_server_says_so(
    server: Scripted, arguments: list[str], tmp_path: Path
) -> None:
    told = refused(*arguments)
    assert told == (
        f"`lorespark {arguments[0]}` works on this machine alone; leave out --server and LORESPARK_SERVER."
    )
    assert server.asked == []
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize(
    "names",
    [{"id": "../../etc/passwd"}, {"id": ".hidden"}, {"kind": "clip", "files": {"../evil.sh": samples.FILE}}],
)
def test_a_server_writes_nothing_outside_the_folder(
    server: Scripted, names: dict[str, Any], tmp_path: Path
) -> None:
    bad = samples.creation("succeeded", assets=[samples.asset(1, **names)])
    server.by_path["GET /v1/creations/creation-1"] = Answer(200, bad)
    out = tmp_path / "out"
    assert "no name for a file" in refused("create", "a potion", "--output", str(out))
    assert not list(tmp_path.glob("**/*.sh"))
    assert not list(out.glob("*.sh"))


def test_a_creation_that_fails_is_told_in_the_servers_words(server: Scripted) -> None:
    failed = samples.creation("failed", error="The model does not draw tiles.")
    server.by_path["GET /v1/creations/creation-1"] = Answer(200, failed)
    assert refused("create", "a potion") == "The creation creation-1 failed: The model does not draw tiles."
    server.by_path["POST /v1/creations"] = Answer(422, samples.problem(422, "prompt-refused"))
    assert refused("create", "a potion") == "Something is wrong; correct it."


def test_help_names_the_same_options_with_and_without_a_server(
    server: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    remote = run("create", "--help").stdout
    monkeypatch.delenv("LORESPARK_SERVER")
    local = run("create", "--help").stdout
    assert "--output" in remote
    assert "--output" not in local
    assert all(
        option in remote and option in local for option in ("--negative", "--from", "--style", "--json")
    )
    assert server.asked == []
