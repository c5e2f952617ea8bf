"""A story becomes a storyboard by rules."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from assets.asset import Asset
from assets.canonical_json import JsonObject
from engine.errors import InvalidRequest
from engine.storyboard.camera import window
from engine.storyboard.reader import checked_storyboard
from engine.storyboard.role import Role, named_assets
from engine.storyboard.story import plan, sentences
from engine.storyboard.yaml_document import write_yaml

Assets = dict[str, Asset]
STORY = (
    "A knight walks through the meadow at night. He finds a red potion that glows. An orc runs out of the forest! "
    "The orc attacks the knight. “No!” The knight slays the orc, and the potion burns."
)


def roles(assets: Assets) -> list[Role]:
    return [Role.of(asset) for asset in assets.values()]


def played(shot: dict[str, Any]) -> list[tuple[str, str | None]]:
    return [(member["asset"], member.get("action")) for member in shot["cast"]]


def test_each_sentence_is_a_shot_that_can_be_filmed(assets: Assets) -> None:
    made = plan(STORY, roles(assets))
    assert [shot["subtitle"] for shot in made["shots"]] == [
        "A knight walks through the meadow at night.",
        "He finds a red potion that glows.",
        "An orc runs out of the forest!",
        "The orc attacks the knight.",
        "“No!”",
        "The knight slays the orc, and the potion burns.",
    ]
    board = checked_storyboard(write_yaml(made).encode(), Path(), assets.get)
    assert len(board.shots) == 6
    assert all(2.5 <= shot.seconds <= 9 for shot in board.shots)
    assert made == plan(STORY, roles(assets))


def test_the_cast_does_what_the_words_say(assets: Assets) -> None:
    shots = plan(STORY, roles(assets))["shots"]
    knight, orc, potion = "asset-a1", "asset-a2", "asset-b1"
    assert [played(shot) for shot in shots] == [
        [(knight, "walk")],
        [(knight, "idle"), (potion, "glow")],
        [(orc, "run")],
        [(orc, "attack"), (knight, "hurt")],
        [(orc, "idle")],
        [(knight, "attack"), (orc, "die"), (potion, "burn")],
    ]
    (start, end) = shots[0]["cast"][0]["path"]
    assert start[0] < end[0]
    assert [member.get("direction") for member in shots[3]["cast"]] == ["right", "left"]


def test_the_place_is_the_one_that_was_named_last(assets: Assets) -> None:
    players = [role for role in roles(assets) if role.asset_id != "asset-c1"]
    shots = plan("The knight stands in the snow. He waits. The sea is near. The orc waits.", players)["shots"]
    skies = [shot["sky"] for shot in shots]
    assert skies[0] == skies[1] != skies[2] == skies[3]
    assert {shot["background"] for shot in plan(STORY, roles(assets))["shots"]} == {"asset-c1"}


def test_the_camera_does_something_else_in_each_shot_and_keeps_the_figure_in_sight(assets: Assets) -> None:
    made = plan(STORY, roles(assets))
    assert all(a["camera"] != b["camera"] for a, b in pairwise(made["shots"]))
    board = checked_storyboard(write_yaml(made).encode(), Path(), assets.get)
    for shot in board.shots:
        path = shot.cast[0].path or (shot.cast[0].at or (0, 0),) * 2
        for progress, (x, y) in ((0.0, path[0]), (1.0, path[-1])):
            left, top, pixel = window(shot.camera, progress, board.size, board.size, 4)
            assert left < x < left + 1280 / pixel
            assert top < y - 40 < y < top + 720 * 0.83 / pixel  # above the subtitles


def test_a_given_name_is_known(assets: Assets) -> None:
    cast = [Role.of(assets["asset-a1"], "Mira"), Role.of(assets["asset-a2"], "Ugh")]
    shots = plan("Ugh sleeps. Mira chases Ugh. Mira's sword glows.", cast)["shots"]
    assert [[asset for asset, _ in played(shot)] for shot in shots] == [
        ["asset-a2"],
        ["asset-a1", "asset-a2"],
        ["asset-a1"],
    ]


@pytest.mark.parametrize(
    ("word", "action"),
    [
        ("running", "run"),
        ("chased", "run"),
        ("flees", "run"),
        ("fighting", "attack"),
        ("dies", "die"),
        ("stabbed", "attack"),
        ("casts", "cast"),
        ("hurries", "run"),
        ("waits", "idle"),
    ],
)
def test_verbs_are_known_in_their_forms(word: str, action: str, assets: Assets) -> None:
    (shot,) = plan(f"The knight is {word} now.", roles(assets))["shots"]
    assert played(shot) == [("asset-a1", action)]


def test_long_sentences_are_cut_to_what_can_be_read() -> None:
    pieces = sentences("The knight, " + "who walks and walks, " * 40 + "stops.")
    assert len(pieces) > 3
    assert all(len(piece) <= 240 for piece in pieces)
    assert sentences("x" * 500) == ["x" * 240, "x" * 240, "x" * 20]


@pytest.mark.parametrize(
    ("story", "words"),
    [
        ("", "empty"),
        (" \n ", "empty"),
        ("... !", "empty"),
        ("a\x07b", "control characters"),
        ("\ud800", "control characters"),
        ("x" * 6001, "6,001 characters"),
        ("Go. " * 101, "101 sentences"),
    ],
)
def test_what_is_no_story_is_one_sentence(story: str, words: str, assets: Assets) -> None:
    with pytest.raises(InvalidRequest, match=words):
        plan(story, roles(assets))


def test_a_story_needs_someone_to_play_it(assets: Assets) -> None:
    with pytest.raises(InvalidRequest, match="nobody to play"):
        plan("A knight walks.", [Role.of(assets["asset-c1"])])


@pytest.mark.parametrize("prompt", ["a red", "x", "with a sword", "12", "ü"])
def test_any_prompt_makes_a_role(prompt: str, assets: Assets) -> None:
    odd = replace(assets["asset-a1"], recipe=JsonObject({"prompt": prompt}))
    assert len(plan("The knight x walks.", [Role.of(odd)])["shots"]) == 1


def test_a_cast_is_read_from_ids_with_or_without_names() -> None:
    assert named_assets("asset-1, Mira=asset-2") == [(None, "asset-1"), ("Mira", "asset-2")]
    for text in ("", "a,,b", "Mira=", "two words=asset-1", "1=asset-1"):
        with pytest.raises(InvalidRequest, match="--cast"):
            named_assets(text)
