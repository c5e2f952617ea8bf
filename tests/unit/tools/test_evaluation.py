import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tools.evaluation.adherence import Adherence
from tools.evaluation.composition import attributes_of
from tools.evaluation.exactness import apart
from tools.evaluation.fidelity import Fidelity, covered, frechet, halves, scrambled, spread
from tools.evaluation.novelty import Distances, Novelty
from tools.evaluation.report import Report, merge_json
from tools.evaluation.sample import Group, picked_rows
from tools.evaluation.variety import Variety
from tools.sprites.dataset import SpriteSet


def normal(seed: int, mean: float, deviation: float, count: int = 4000) -> np.ndarray:
    return np.random.default_rng(seed).normal(mean, deviation, (count, 6))


def unit(seed: int, count: int, width: int = 8) -> np.ndarray:
    found = np.random.default_rng(seed).normal(size=(count, width))
    return found / np.linalg.norm(found, axis=1, keepdims=True)


def test_frechet_distance_of_normal_samples_is_the_known_one() -> None:
    """Of two round normal distributions: the squared distance of means, and of deviations, summed over axes."""
    found = frechet(normal(0, 0.0, 1.0), normal(1, 0.5, 2.0))
    assert found == pytest.approx(6 * (0.5**2 + 1.0**2), rel=0.05)
    same = normal(0, 0.0, 1.0)
    assert frechet(same, same) == pytest.approx(0, abs=1e-9)


def test_precision_and_recall_tell_missing_from_strange_pictures() -> None:
    real = unit(0, 200)
    few = real[:8] + 1e-4  # all look real, most of the real is missing
    few /= np.linalg.norm(few, axis=1, keepdims=True)
    assert covered(few, real) == 1.0
    assert covered(real, few) < covered(few, real)
    strange = np.zeros((50, 8))
    strange[:, 0] = 1
    assert covered(strange, -np.abs(unit(1, 200))) == 0.0


def test_spread_is_the_mean_distance_of_different_rows() -> None:
    assert spread(np.repeat(unit(0, 1), 5, 0)) == pytest.approx(0, abs=1e-6)
    assert spread(np.eye(3)) == pytest.approx(np.sqrt(2))


def test_scrambled_pictures_keep_their_pixels_in_other_places() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 4), np.uint8)
    mixed = scrambled(pixels)
    assert mixed.shape == pixels.shape
    assert (mixed != pixels).any(-1).mean() > 0.9
    for one, other in zip(pixels, mixed, strict=True):
        assert sorted(map(tuple, one.reshape(-1, 4))) == sorted(map(tuple, other.reshape(-1, 4)))


def group(subjects: list[str]) -> Group:
    count, features = len(subjects), unit(0, len(subjects)).astype(np.float32)
    return Group(
        "items, 32 px",
        "item",
        list(range(count)),
        np.array(subjects),
        np.zeros(count, bool),
        np.zeros((count, 32, 32, 4), np.uint8),
        features,
        features,
        features,
    )


def test_halves_are_alike_in_number_and_share_no_subject() -> None:
    groups = [group([f"a{n // 3}" for n in range(30)]), group([f"b{n}" for n in range(11)])]
    subjects = np.concatenate([one.subjects for one in groups])
    for first, second in halves(groups):
        assert len(first) == len(second)
        assert len(first) > 15
        assert not set(subjects[first]) & set(subjects[second])


def test_each_subject_is_picked_once_before_any_is_picked_twice_and_held_out_ones_first() -> None:
    names = [f"item/{n // 4}" for n in range(40)]
    held = np.array([name in {"item/7", "item/9"} for name in names])
    pictures = SpriteSet(
        np.zeros((40, 32, 32, 4), np.uint8),
        [(f"caption of {name}",) for name in names],
        ["item"] * 40,
        names,
        held,
    )
    rows = picked_rows(pictures, "item", 3)
    subjects = [names[row] for row in rows]
    assert subjects[:2] == ["item/7", "item/9"]
    assert len(set(rows)) == len(rows)
    many = [names[row] for row in picked_rows(pictures, "item", 1000)]
    different = len(set(many))
    assert len(set(many[:different])) == different
    assert len(many) == 4 * different


@pytest.mark.parametrize(
    ("caption", "named"),
    [
        ("elf woman wizard with brown hair, green robe", {"race": "elf", "armour": "robe"}),
        ("goblin character with red elf hair", {"colour": "red"}),
        (
            "orc with blue plate, horned helmet",
            {"race": "orc", "colour": "blue", "armour": "plate", "headgear": "horned helmet"},
        ),
        ("human with short sword, red sword", {"race": "human", "colour": "red"}),
    ],
)
def test_attributes_are_those_that_a_caption_names_once(caption: str, named: dict[str, str]) -> None:
    assert attributes_of(caption, 32) == named


def test_pictures_apart_are_counted_by_pixel_and_by_eye() -> None:
    first = np.full((2, 4, 4, 4), 255, np.uint8)
    second = first.copy()
    second[0, 0, 0, 0] = 250
    second[0, 0, 1, 0] = 100
    found = apart(first, second)
    assert (found.differ, found.visibly, found.worst) == (2 / 32, 1 / 32, 1 / 16)


@pytest.fixture
def report() -> Report:
    one = Adherence(0.3, 0.01, 0.4, 0.01, 64, 50, 32, 0.2, 0.3, 10)
    far = Distances(0.3, 0.2, 0.5, 0.4, 0.01, 64)
    return Report(
        model="m/1",
        weights="ab" * 32,
        judge="cd" * 32,
        steps=16,
        guidance=3.0,
        precision="bf16",
        size_px=32,
        adherence={"items, 32 px": one, "tiles, 32 px": replace(one, generated=0.4)},
        fidelity=Fidelity(256, 0.5, 0.4, 0.9, 1.25, 0.1, 0.6, 0.7, 0.5, 0.6),
        variety=Variety({"a": 0.5}, {"a": 0.7}),
        novelty=Novelty(far, far),
        composition={},
        held_out_loss={"item": 0.2},
        colour_adherence=0.9,
        exactness={},
    )


def test_summary_figures_are_means_over_groups(report: Report) -> None:
    entry = report.to_json()
    assert entry["adherence_ratio"] == pytest.approx((0.75 + 1.0) / 2)
    assert (entry["frechet_ratio"], entry["near_copy_share"]) == (1.25, 0.01)
    assert dict(report.rows())["adherence_ratio"] == "0.875"


def test_new_figures_of_the_same_model_take_the_place_of_the_last(report: Report, tmp_path: Path) -> None:
    path = tmp_path / "evaluation.json"
    merge_json(path, [report])
    merge_json(path, [replace(report, steps=4), replace(report, colour_adherence=0.95)])
    entries = json.loads(path.read_text())["evaluations"]
    assert [(entry["steps"], entry["colour_adherence"]) for entry in entries] == [(16, 0.95), (4, 0.9)]
