import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch

from generators.motion import ACTIONS, Direction
from tools.clip_dataset import sequences
from tools.clips import moves
from tools.clips.batches import ClipBatches, chosen_frames
from tools.clips.dataset import Row, read_set, write_set
from tools.clips.ninja import ninja_sequences
from tools.clips.sequence import Sequence, on_canvas
from tools.clips.stills import still_sequences
from tools.clips.units import change, unit_sequences
from tools.sprites.picture import Report
from tools.sprites.text_cache import read_text_cache, write_text_cache


@pytest.fixture
def figure() -> np.ndarray:
    """A figure of three colours on a clear 32 px canvas."""
    pixels = np.zeros((32, 32, 4), np.uint8)
    pixels[8:14, 12:20] = (200, 160, 120, 255)
    pixels[14:24, 10:22] = (40, 60, 200, 255)
    pixels[24:32, 11:21] = (90, 60, 30, 255)
    return pixels


def test_units_stand_where_they_rest_and_lunge_from_there(art: Path) -> None:
    with zipfile.ZipFile(art / "duelyst-cc0.zip") as archive:
        made = list(unit_sequences(archive, Report()))
    idle, attack = made[:2]
    assert [each.action for each in made[:2]] == ["idle", "attack"]
    assert np.array_equal(idle.references[0], idle.frames[0])
    assert np.array_equal(idle.references[0], attack.references[0])
    columns = [np.flatnonzero((each.frames[0][..., 3] > 0).any(0)) for each in (idle, attack)]
    assert columns[0].mean() != columns[1].mean(), "the body moves, the anchor does not"
    assert idle.captions[0] == "a knight in red armour, standing"
    assert attack.direction is Direction.RIGHT


def test_ninjas_walk_in_three_directions_from_the_picture_that_is_given(art: Path) -> None:
    report = Report()
    with zipfile.ZipFile(art / "superpowers-cc0.zip") as archive:
        made = list(ninja_sequences(archive, report))
    assert report.dropped["sheet of another layout"] == 1
    walks = [each for each in made if each.action == "walk" and each.art_px == 4]
    assert [each.direction for each in walks] == [Direction.DOWN, Direction.UP, Direction.RIGHT]
    down, up, right = walks
    assert np.array_equal(down.references, up.references), "seen from the front beforehand"
    assert len(right.references) == 2
    assert np.array_equal(right.references[0], right.frames[0])
    assert down.frames.shape == (4, 64, 64, 4)
    reds = [int(each.frames[0][63, 20, 0]) for each in walks]
    assert reds == [60, 100, 180], "columns 0, 1 and 3"


def test_still_pictures_are_set_in_motion_by_their_kind(art: Path) -> None:
    with (
        zipfile.ZipFile(art / "crawl-tiles-cc0.zip") as crawl,
        zipfile.ZipFile(art / "superpowers-cc0.zip") as packs,
    ):
        made = list(still_sequences(crawl, packs, Report(), {"item": 8, "monster": 4, "doll": 6}))
    kinds = {each.kind for each in made}
    assert kinds == {"item", "monster", "doll"}
    for each in made:
        assert each.frames.shape == (16, 64, 64, 4)
        assert ACTIONS[each.action].words in each.captions[0]
        assert (each.direction is None) == (each.kind == "item")
        blocks = each.frames.reshape(16, 32, 2, 32, 2, 4)
        assert (blocks == blocks[:, :, :1, :, :1]).all(), "32 px art at twice its size"


@pytest.mark.parametrize(
    "move", [moves.breathing, moves.stepping, moves.hopping, moves.floating, moves.spinning, moves.glowing]
)
def test_loops_join_and_move(move: moves.Move, figure: np.ndarray) -> None:
    frames = move(figure, 16)
    assert frames.shape == (16, 32, 32, 4)
    steps = [np.abs(frames[k].astype(int) - frames[(k + 1) % 16]).mean() for k in range(16)]
    assert max(steps) > 0
    assert steps[-1] <= max(steps[:-1]), "going over into the first frame is no larger a step than any other"


@pytest.mark.parametrize("move", [moves.lunging, moves.recoiling])
def test_blows_begin_and_end_at_rest(move: moves.Move, figure: np.ndarray) -> None:
    frames = move(figure, 16)
    assert np.array_equal(frames[0], figure)
    assert np.array_equal(frames[-1], figure)
    assert not np.array_equal(frames[5], figure)


def test_dying_ends_lower_than_it_begins(figure: np.ndarray) -> None:
    frames = moves.falling(figure, 16)
    tops = [np.flatnonzero((frame[..., 3] > 0).any(1))[0] for frame in (frames[0], frames[-1])]
    assert tops[1] > tops[0] + 8


def test_liquids_and_flames_differ_by_their_noise_and_repeat_for_the_same(figure: np.ndarray) -> None:
    tile = np.random.default_rng(1).integers(0, 255, (32, 32, 4), np.uint8)
    for move, picture in ((moves.flowing, tile), (moves.burning, figure)):
        first, again, other = (move(picture, 16, np.random.default_rng(seed)) for seed in (1, 1, 2))
        assert np.array_equal(first, again)
        assert not np.array_equal(first, other)
        assert change(first) > 0.02


def row(action: str, frames: int) -> Row:
    return Row(tuple(range(frames)), (0,), action, None, ("x",), "unit", "s", 1, False, False)


def test_clips_show_a_loop_once_around_and_a_blow_from_end_to_end() -> None:
    assert chosen_frames(row("run", 8), 8).tolist() == list(range(8))
    assert chosen_frames(row("run", 8), 16).tolist() == [k // 2 for k in range(16)]
    assert chosen_frames(row("attack", 15), 8).tolist() == [0, 2, 4, 6, 8, 10, 12, 14]
    assert chosen_frames(row("hurt", 3), 8).tolist()[0] == 0
    assert chosen_frames(row("hurt", 3), 8).tolist()[-1] == 2


def moving(subject: str, action: str, kind: str = "item") -> Sequence:
    frames = np.random.default_rng(int(subject.split()[1])).integers(0, 255, (4, 32, 32, 4), np.uint8)
    return Sequence(
        on_canvas(frames), on_canvas(frames[:1]), action, None, (f"{subject}, {action}",), kind, subject, 1
    )


@pytest.fixture
def written(tmp_path: Path) -> Path:
    made = [moving(f"subject {n}", action) for n in range(60) for action in ("float", "spin")]
    write_set(tmp_path, made, Report())
    write_text_cache(tmp_path, 64, [each.captions for each in made])
    return tmp_path


def test_written_set_keeps_each_picture_once_and_holds_subjects_out_whole(written: Path) -> None:
    made = read_set(written)
    assert len(made.rows) == 120
    assert len(made.pixels) <= 60 * 4
    for subject in {row.subject for row in made.rows}:
        assert len({row.held_out for row in made.rows if row.subject == subject}) == 1
    assert 0 < sum(row.held_out for row in made.rows) < 20
    first = made.rows[0]
    assert np.array_equal(made.pixels[first.frames[0]], made.pixels[first.references[0]])


def test_batches_are_of_training_sequences_and_the_same_for_a_step(written: Path) -> None:
    made = read_set(written)
    marked = torch.arange(len(made.pixels), dtype=torch.float32)[:, None, None, None].expand(-1, 16, 16, 16)
    batches = ClipBatches(made, marked, read_text_cache(written, 64), seed=0, shares={"item": 1.0})
    kept_out = {frame for row in made.rows if row.held_out for frame in row.frames}
    lengths = set()
    for step in range(12):
        batch, again = batches.batch(step), batches.batch(step)
        assert torch.equal(batch.clean, again.clean)
        assert torch.equal(batch.reference, again.reference)
        assert not kept_out & set(batch.clean[:, :, 0, 0, 0].flatten().int().tolist())
        lengths.add(batch.clean.shape[1])
        assert batch.clean.shape[0] * batch.clean.shape[1] == 64
        assert batch.scenes.shape[:2] == batch.clean.shape[:2]
    assert lengths == {8, 16}


def test_everything_in_the_archives_is_read(art: Path) -> None:
    report = Report()
    kinds = {each.kind for each in sequences(art, report)}
    assert kinds == {"unit", "ninja", "item", "monster", "doll"}
    assert report.dropped["door or chest that is not in the archive"] == 10
