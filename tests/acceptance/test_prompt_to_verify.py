"""From a prompt to a verified token with the installed command, as a person or a script would use it."""

import json
from pathlib import Path

from PIL import Image

from assets.blockstore import BlockStore
from assets.cid import Cid
from assets.package import import_asset_car, read_package
from engine.verification import CHECKS
from tests.acceptance.shell import Shell

ASSET_KEYS = {
    *("asset_id", "kind", "name", "media_path", "media_cid", "image_cid", "metadata_cid"),
    *("recipe_hash", "recipe", "files"),
    "quality",
}
MINT_KEYS = {
    *("token_id", "contract", "chain_id", "tx_hash", "block_number", "token_uri", "owner", "status"),
    "already_minted",
}


def test_a_clip_of_an_asset_is_minted_and_verified(shell: Shell, tmp_path: Path) -> None:
    create = ["create", "an iron helmet", "--kind", "item", "--steps", "2", "--seed", "4", "--json"]
    helmet = shell.run(*create).json["assets"][0]["asset_id"]
    clip = shell.run(
        *("create", "an iron helmet", "--kind", "clip", "--from", helmet, "--action", "float"),
        *("--frames", "8", "--fps", "10", "--steps", "3", "--seed", "4", "--json"),
    ).json["assets"][0]
    assert (clip["kind"], clip["recipe"]["source"], clip["recipe"]["frame_ms"]) == ("clip", helmet, 100)
    assert set(clip["files"]) >= {"clip.mp4", "clip.gif", "clip.webp", "sheet.png", "sheet.json"}
    for file in clip["files"].values():
        assert Path(file["path"]).stat().st_size > 100
    token = shell.run("mint", clip["asset_id"], "--force", "--json").json
    checks = shell.run("verify", str(token["token_id"]), "--json").json
    assert [check["name"] for check in checks["checks"]] == list(CHECKS)
    assert checks["ok"]
    assert "all 8,192 pixels are equal" in checks["checks"][-1]["detail"]
    car = tmp_path / "clip.car"
    shell.run("export", clip["asset_id"], "--car", car)
    with car.open("rb") as file:
        elsewhere = BlockStore(tmp_path / "elsewhere")
        package = import_asset_car(file, elsewhere)
    assert str(package.media_cid) == clip["media_cid"]
    assert elsewhere.get(Cid.parse(clip["files"]["clip.gif"]["cid"]))[:6] == b"GIF89a"


def test_from_a_prompt_to_a_verified_token(shell: Shell, tmp_path: Path) -> None:
    create = ["create", "a tiny [red] café potion", "--kind", "item", "--steps", "2", "--seed", "41"]
    palette = tmp_path / "four.hex"
    palette.write_text("#000000\n#ff0000\n#00ff00\n#0000ff\n")
    options = ["--count", "2", "--guidance", "2.5", "--palette", str(palette), "--json"]
    created = shell.run(*create, *options).json
    assert set(created) == {"creation_id", "assets"}
    assert len(created["assets"]) == 2
    for index, asset in enumerate(created["assets"]):
        assert set(asset) == ASSET_KEYS
        recipe = asset["recipe"]
        assert asset["kind"] == "item"
        assert (recipe["seed"], recipe["steps"], recipe["guidance"], recipe["size"]) == (
            41 + index,
            2,
            2.5,
            32,
        )
        assert recipe["prompt"] == "a tiny [red] café potion"
        with Image.open(asset["media_path"]) as picture:
            assert picture.size == (32, 32)
            colours = picture.convert("RGBA").getcolors() or []
        assert {rgba[:3] for _, rgba in colours if rgba[3]} <= {
            (0, 0, 0), (255, 0, 0), (0, 255, 0), (0, 0, 255)
        }  # fmt: skip
    asset = created["assets"][0]

    owner = "0x" + "11" * 20
    minted = shell.run("mint", asset["asset_id"], "--to", owner, "--json").json
    assert set(minted) == MINT_KEYS
    assert (minted["token_id"], minted["status"], minted["owner"]) == (256, "confirmed", owner)
    assert minted["token_uri"] == f"ipfs://{asset['metadata_cid']}"
    assert not minted["already_minted"]

    again = shell.run("mint", asset["asset_id"], "--json").json
    assert again == minted | {"already_minted": True}
    assert "Token 256 was minted before" in shell.run("mint", asset["asset_id"]).out

    verified = shell.run("verify", "256", "--json").json
    assert set(verified) == {"ok", "checks"}
    assert verified["ok"] is True
    assert [check["name"] for check in verified["checks"]] == list(CHECKS)
    assert all(set(check) == {"name", "ok", "detail"} and check["ok"] for check in verified["checks"])

    car = tmp_path / "asset.car"
    exported = shell.run("export", asset["asset_id"], "--car", car, "--json").json
    assert exported["bytes"] == car.stat().st_size
    elsewhere = BlockStore(tmp_path / "elsewhere")
    with car.open("rb") as file:
        package = import_asset_car(file, elsewhere)
    assert str(package.root) == exported["root"]
    assert package == read_package(Cid.parse(exported["root"]), elsewhere)
    assert str(package.media_cid) == asset["media_cid"]
    assert str(package.image_cid) == asset["image_cid"]
    assert str(package.metadata_cid) == asset["metadata_cid"]

    listed = shell.run("list", "--json").json["assets"]
    assert {row["asset_id"]: row["token_id"] for row in listed} == {
        created["assets"][0]["asset_id"]: 256,
        created["assets"][1]["asset_id"]: None,
    }
    assert "A tiny [red] café potion" in shell.run("list").out

    doctor = shell.run("doctor", "--json").json
    assert doctor["ok"], doctor
    assert all(set(check) == {"name", "ok", "detail", "remedy"} for check in doctor["checks"])

    shell.run("verify", "257", "--json").assert_sentence("has no token 257")
    damage(shell, asset["media_cid"])
    failed = shell.run("verify", "256", "--json")
    assert failed.code == 1
    assert [check["ok"] for check in json.loads(failed.out)["checks"]] == [True, True, False, False, False]
    assert failed.err.startswith("Token 256 is not proven: its check media_cid failed.")
    assert len(failed.err.splitlines()) == 1


def test_the_demo_makes_mints_and_verifies_one_of_each_kind(shell: Shell) -> None:
    shown = shell.run("demo", "--json").json
    assert shown["ok"], shown
    assert [(row["kind"], row["recipe"]["size"]) for row in shown["assets"]] == [
        ("character", 64),
        ("item", 32),
        ("tile", 32),
    ]
    for number, row in enumerate(shown["assets"], start=1):
        assert set(row["mint"]) == MINT_KEYS
        assert row["mint"]["token_id"] == 256 * number
        assert [check["name"] for check in row["verify"]["checks"]] == list(CHECKS)
        assert row["verify"]["ok"]
    with Image.open(shown["contact_sheet"]) as sheet:
        assert sheet.size == (768, 256)


def damage(shell: Shell, cid: str) -> None:
    next((shell.folder / "blocks").rglob(cid)).write_bytes(b"damaged")
