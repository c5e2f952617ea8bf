"""A film in the making: what is drawn, what is kept, and what is drawn again."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from assets.asset import Asset
from assets.canonical_json import JsonObject
from engine.storyboard.production import Production
from engine.storyboard.script import Storyboard
from engine.storyboard.shot_store import ShotStore
from tests.clip_simulator import SimulatedClips

Assets = dict[str, Asset]
WALK = {"asset": "asset-a1", "path": [[20, 60], [90, 60]]}
STAND = {"asset": "asset-a2", "at": [60, 60], "direction": "left"}


def storyboard(*shots: dict[str, Any], **more: Any) -> Storyboard:
    usual = {"seconds": 0.5, "background": "#336699"}
    return Storyboard.model_validate(
        {"title": "x", "size": [128, 72], "shots": [usual | shot for shot in shots], **more}
    )


@pytest.fixture
def store(tmp_path: Path) -> ShotStore:
    return ShotStore(tmp_path / "storyboards")


def test_a_film_has_its_frames_in_its_size(
    assets: Assets, clips: SimulatedClips, store: ShotStore, tmp_path: Path
) -> None:
    board = storyboard(
        {"cast": [WALK], "subtitle": "Hello."}, {"background": "asset-c1", "ground": 40}, scale=2
    )
    heard: list[str] = []
    production = Production(board, tmp_path, assets.get, clips, store)
    assert production.draw(lambda: heard.append("drawn")) == 2
    pictures = list(production.pictures(burn=False, on_frame=lambda: heard.append("cut")))
    assert [picture.shape for picture in pictures] == [(144, 256, 3)] * 12
    assert (heard.count("drawn"), heard.count("cut")) == (12, 12)
    burnt = list(production.pictures(burn=True))
    assert all((x != y).any() for x, y in zip(burnt[:6], pictures[:6], strict=True))
    assert all((x == y).all() for x, y in zip(burnt[6:], pictures[6:], strict=True))


def test_each_clip_is_asked_for_once_as_the_cast_moves(
    assets: Assets, clips: SimulatedClips, store: ShotStore, tmp_path: Path
) -> None:
    back = {"asset": "asset-a1", "path": [[20, 60], [90, 60], [20, 61]]}
    hit = {"asset": "asset-a2", "action": "attack", "then": "idle", "at": [9, 60]}
    potion, tile = {"asset": "asset-b1"}, {"asset": "asset-c1", "action": "water", "at": [5, 5]}
    still = {"asset": "asset-a1", "action": "still", "at": [5, 60]}
    board = storyboard({"cast": [WALK, STAND, still]}, {"cast": [back, hit, potion, tile]})
    Production(board, tmp_path, assets.get, clips, store).draw()
    assert sorted(clips.asked, key=str) == [
        ("asset-a1", "walk", "left"),
        ("asset-a1", "walk", "right"),
        ("asset-a2", "attack", None),
        ("asset-a2", "idle", "left"),
        ("asset-a2", "idle", None),
        ("asset-c1", "water", None),
    ]


def test_a_shot_that_was_drawn_is_not_drawn_again(
    assets: Assets, clips: SimulatedClips, store: ShotStore, tmp_path: Path
) -> None:
    first, second = {"cast": [WALK]}, {"cast": [STAND]}
    Production(storyboard(first), tmp_path, assets.get, clips, store).draw()
    clips.asked.clear()
    near = {"camera": {"from": {"zoom": 2}}, "subtitle": "Nearer."}
    again = Production(storyboard(first | near, second), tmp_path, assets.get, clips, store)
    assert again.draw() == 1
    assert [asset for asset, _, _ in clips.asked] == ["asset-a2"]
    assert len(list(again.pictures(burn=True))) == 12


def test_a_killed_film_goes_on_with_the_next_shot(
    assets: Assets, clips: SimulatedClips, store: ShotStore, tmp_path: Path
) -> None:
    board = storyboard({"cast": [WALK]}, {"cast": [STAND]}, {"cast": [WALK, STAND]})
    heard = 0

    def stop_in_the_second_shot() -> None:
        nonlocal heard
        heard += 1
        if heard == 9:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Production(board, tmp_path, assets.get, clips, store).draw(stop_in_the_second_shot)
    production = Production(board, tmp_path, assets.get, clips, store)
    assert production.draw() == 2
    whole = ShotStore(tmp_path / "other")
    other = Production(board, tmp_path, assets.get, clips, whole)
    assert other.draw() == 3
    both = zip(production.pictures(True), other.pictures(True), strict=True)
    assert all(np.array_equal(x, y) for x, y in both)


def test_a_damaged_shot_is_drawn_again(
    assets: Assets, clips: SimulatedClips, store: ShotStore, tmp_path: Path
) -> None:
    board = storyboard({"cast": [WALK]}, {"cast": [STAND]})
    production = Production(board, tmp_path, assets.get, clips, store)
    production.draw()
    path = store.path(production.digest(board.shots[1]))
    path.write_bytes(path.read_bytes()[:-9])
    assert production.draw() == 1
    assert len(list(production.pictures(True))) == 12


def test_whatever_decides_a_shot_makes_another_of_it(
    assets: Assets, clips: SimulatedClips, store: ShotStore, tmp_path: Path
) -> None:
    Image.fromarray(np.zeros((72, 128, 3), np.uint8)).save(tmp_path / "hill.png")
    shot = {"cast": [WALK], "background": "hill.png"}

    def digest(known: Assets = assets, **more: Any) -> str:
        board = storyboard(shot | more.pop("shot", {}), **more)
        return Production(board, tmp_path, known.get, clips, store).digest(board.shots[0])

    before = digest()
    assert digest() == before
    assert digest(scale=2) == before
    redrawn = assets | {
        "asset-a1": replace(assets["asset-a1"], recipe=JsonObject({"prompt": "other", "size": 16}))
    }
    others = [
        digest(redrawn),
        digest(fps=10),
        digest(seed=1),
        digest(size=[128, 74]),
        digest(shot={"seconds": 0.6}),
        digest(shot={"ground": 30}),
        digest(shot={"stage": [200, 72]}),
        digest(shot={"cast": [STAND]}),
        digest(shot={"background": "#000000"}),
    ]
    clips.clip_model = "simulated/2"
    others.append(digest())
    clips.clip_model = "simulated/1"
    Image.fromarray(np.ones((72, 128, 3), np.uint8)).save(tmp_path / "hill.png")
    others.append(digest())
    assert len({before, *others}) == len(others) + 1


def test_who_has_no_place_stands_in_the_middle_of_the_floor(
    assets: Assets, clips: SimulatedClips, store: ShotStore, tmp_path: Path
) -> None:
    board = storyboard({"cast": [{"asset": "asset-b1"}], "ground": 40, "seconds": 0.1}, scale=1)
    production = Production(board, tmp_path, assets.get, clips, store)
    production.draw()
    (picture,) = production.pictures(burn=False)
    rows, columns = np.nonzero(picture[..., 0] == 200)
    assert rows.max() == (40 + 72) // 2
    assert columns.max() == 63
