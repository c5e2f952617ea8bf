import json
import sys
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from generators.recipe import MAX_TOKENS
from generators.text_encoder import STATE_WIDTH, load_text_encoder
from tools import sprite_dataset
from tools.sprites.batches import KIND_SHARES, Batches
from tools.sprites.crawl import crawl_pictures
from tools.sprites.dataset import SpriteSet, read_set, write_set
from tools.sprites.dolls import LAYERS, compose_dolls, doll_parts
from tools.sprites.picture import HELD_OUT_PARTS, Picture, Report, clean
from tools.sprites.text_cache import TextCache, read_text_cache, write_text_cache
from tools.sprites.units import icon_pictures, unit_pictures

Pictures = Callable[..., list[Picture]]
RED, GREEN, BLUE, YELLOW = [200, 28, 28, 255], [44, 150, 44, 255], [40, 70, 210, 255], [248, 232, 72, 255]


def empty(subject: str) -> Picture:
    return Picture(np.zeros((32, 32, 4), np.uint8), ("x",), "item", subject)


def test_one_subject_in_forty_is_held_out_and_always_the_same_ones() -> None:
    held = [n for n in range(4_000) if empty(f"unit/{n}").held_out]
    assert held[:4] == [23, 149, 214, 292]
    assert 0.6 < len(held) * HELD_OUT_PARTS / 4_000 < 1.4


def test_pictures_of_one_subject_share_a_side(pictures: Pictures) -> None:
    for n in range(50):
        sides = {Picture(p.pixels, p.captions, p.kind, f"s/{n}").held_out for p in pictures(2)}
        assert len(sides) == 1


def test_mirror_image_has_the_same_fingerprint(pictures: Pictures) -> None:
    first, second = pictures(1)[:2]
    mirrored = Picture(first.pixels[:, ::-1], ("other",), "tile", "other")
    upside_down = Picture(first.pixels[::-1], ("other",), "tile", "other")
    assert mirrored.fingerprint == first.fingerprint
    assert len({first.fingerprint, second.fingerprint, upside_down.fingerprint}) == 3


def test_clean_zeroes_clear_pixels_of_a_copy() -> None:
    pixels = np.array([[[9, 9, 9, 7], [9, 9, 9, 8]]], np.uint8)
    assert clean(pixels).tolist() == [[[0, 0, 0, 0], [9, 9, 9, 8]]]
    assert pixels[0, 0].any()


def test_set_is_read_as_it_was_written_without_repeats(tmp_path: Path, pictures: Pictures) -> None:
    made, report = pictures(3), Report()
    mirrored = Picture(made[0].pixels[:, ::-1], ("mirrored",), "item", "other")
    assert write_set(tmp_path, 32, [*made, mirrored, made[1]], report) == len(made)
    read = read_set(tmp_path, 32)
    assert np.array_equal(read.pixels, np.stack([p.pixels for p in made]))
    assert read.captions == [p.captions for p in made]
    assert read.kinds == [p.kind for p in made]
    assert read.subjects == [p.subject for p in made]
    assert read.held_out.tolist() == [p.held_out for p in made]
    assert report.dropped == {"the same pixels, or their mirror image, already kept": 2}
    assert sum(report.kept.values()) == len(made)
    assert "      2  the same pixels" in report.table()


def test_single_pictures_are_captioned_and_junk_is_counted(art: Path) -> None:
    report = Report()
    with zipfile.ZipFile(art / "crawl-tiles-cc0.zip") as archive:
        made = {picture.subject: picture for picture in crawl_pictures(archive, report)}
    assert report.dropped == {
        "folder of interface scraps, segments or parts": 2,
        "label glyph, not a picture of a thing": 1,
        "overlay, border, marker or segment": 1,
        "nearly empty": 1,
        "does not fit a 32 px canvas": 1,
        "named after a character": 1,
    }
    sword = made["crawl/item/weapon/great_sword"]
    assert (sword.kind, sword.captions[:3]) == (
        "item",
        ("blue great sword weapon", "great sword weapon", "blue weapon"),
    )
    assert made["crawl/mon/animals/wolf"].captions[0] == "green wolf animal monster"
    assert made["crawl/dngn/floor/stone_red"].captions[0] == "red stone floor tile"
    assert {made[s].kind for s in made if "/dngn/" in s} == {"tile"}
    assert all(picture.pixels.shape == (32, 32, 4) for picture in made.values())
    assert not any("sigmund" in caption for picture in made.values() for caption in picture.captions)


def test_doll_layers_lie_in_the_games_order(art: Path) -> None:
    report = Report()
    with zipfile.ZipFile(art / "crawl-tiles-cc0.zip") as archive:
        parts = doll_parts(archive, report)
    assert {layer: [name for name, _ in parts[layer]] for layer in LAYERS if parts[layer]} == {
        "base": ["elf woman", "human man"],
        "body": ["blue robe"],
        "cloak": ["green cloak"],
        "hand1": ["staff"],
    }
    assert report.dropped == {
        "doll part named after a character": 1,
        "doll part that does not fit a 32 px canvas": 1,
    }
    dolls = list(compose_dolls(parts, 300))
    full = next(d for d in dolls if all(f"{layer}=" in d.subject for layer in ("cloak", "body", "hand1")))
    assert full.pixels[20, 26].tolist() == GREEN  # the cloak, beside the body
    assert full.pixels[20, 16].tolist() == BLUE  # the robe over the base over the cloak
    assert full.pixels[5, 16].tolist() == RED  # the base above the robe
    assert full.pixels[20, 5].tolist() == YELLOW  # the staff over the cloak
    assert "robe" in " ".join(full.captions)
    assert "green cloak" in " ".join(full.captions)
    again = list(compose_dolls(parts, 300))
    assert [d.captions for d in again] == [d.captions for d in dolls]
    assert len({d.subject for d in dolls}) > 8


def test_units_stand_on_their_feet_and_junk_is_counted(art: Path) -> None:
    report = Report()
    with zipfile.ZipFile(art / "duelyst-cc0.zip") as archive:
        resting, attacking = list(unit_pictures(archive, report))
    assert report.dropped == {
        "unit from another company's game": 1,
        "unit not in the archive": 1,
        "unit without a resting pose, or one larger than a 64 px canvas": 1,
        "unit frame nearly empty": 1,
    }
    assert resting.captions[0] == "a knight in red armour"
    assert attacking.captions[0] == "a knight in red armour, attacking"
    assert resting.subject == attacking.subject == "unit/knight_one"
    rows, columns = np.nonzero(resting.pixels[..., 3])
    assert (rows.max(), columns.min(), columns.max()) == (62, 22, 41)
    # The lunge lies 10 px off the resting place, because the canvas stays.
    assert np.nonzero(attacking.pixels[..., 3])[1].min() == 12


def test_icons_are_centred_and_named_for_what_they_show(art: Path) -> None:
    report = Report()
    with zipfile.ZipFile(art / "duelyst-cc0.zip") as archive:
        (icon,) = icon_pictures(archive, report)
    assert report.dropped == {"icon empty or larger than 64 px": 1}
    assert icon.captions[:2] == ("yellow magic sword", "magic sword")
    assert (icon.pixels[20:44, 20:44] == YELLOW).all()
    assert (icon.pixels[..., 3] > 0).sum() == 24 * 24


def test_whole_dataset_is_made_from_the_archives(
    art: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "set"
    monkeypatch.setattr(
        sys, "argv", ["sprite_dataset", "--art", str(art), "--out", str(out), "--dolls", "20"]
    )
    sprite_dataset.main()
    assert capsys.readouterr().out.endswith((out / "report.txt").read_text())
    for size in (32, 64):
        made, text = read_set(out, size), read_text_cache(out, size)
        assert made.pixels.shape == (len(made.captions), size, size, 4)
        assert set(text.index) == {caption for row in made.captions for caption in row} | {""}
        assert (out / f"sheet-{size}.png").stat().st_size > 100
    small = read_set(out, 32)
    assert set(small.kinds) == {"doll", "item", "monster", "tile", "effect"}
    assert len({p.tobytes() for p in small.pixels}) == len(small.pixels)


def test_missing_archive_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["sprite_dataset", "--art", str(tmp_path)])
    with pytest.raises(SystemExit):
        sprite_dataset.main()
    assert "crawl-tiles-cc0.zip is missing; see the top of tools/sprite_dataset.py" in capsys.readouterr().err


def cached(captions: list[tuple[str, ...]]) -> TextCache:
    """A cache in memory: each caption is one token, whose state is its row's number."""
    texts = sorted({text for row in captions for text in row} | {""})
    states = np.arange(len(texts), dtype=np.float16)[:, None].repeat(STATE_WIDTH, 1)
    return TextCache(states, np.arange(len(texts) + 1), {text: row for row, text in enumerate(texts)})


def in_memory(made: list[Picture], held_out: list[bool]) -> SpriteSet:
    return SpriteSet(
        pixels=np.stack([p.pixels for p in made]),
        captions=[p.captions for p in made],
        kinds=[p.kind for p in made],
        subjects=[p.subject for p in made],
        held_out=np.array(held_out),
    )


def test_batch_of_a_step_is_always_the_same(pictures: Pictures) -> None:
    made = in_memory(pictures(3), [False] * 15)
    first = Batches(made, cached(made.captions), 32, seed=1)
    first.batch(0, 8)
    again, other = (Batches(made, cached(made.captions), 32, seed=seed) for seed in (1, 2))
    assert torch.equal(first.batch(5, 8).clean, again.batch(5, 8).clean)
    assert torch.equal(first.batch(5, 8).states, again.batch(5, 8).states)
    assert not torch.equal(first.batch(5, 8).clean, first.batch(6, 8).clean)
    assert not torch.equal(first.batch(5, 8).clean, other.batch(5, 8).clean)


def test_kinds_are_drawn_by_their_shares_and_held_out_pictures_never(pictures: Pictures) -> None:
    made = pictures(2) + pictures(30, ("item",))
    held_out = [n % 2 == 0 for n in range(len(made))]
    for picture, held in zip(made, held_out, strict=True):
        picture.pixels[:] = 0 if held else 255
    batches = Batches(in_memory(made, held_out), cached([p.captions for p in made]), 32, seed=3)
    counts: Counter[str] = Counter()
    for step in range(20):
        batch = batches.batch(step, 100)
        counts.update(batch.kinds)
        assert (batch.clean == 1).all()  # a held-out picture would be -1
    for kind, share in KIND_SHARES[32].items():
        assert abs(counts[kind] / 2_000 - share) < 0.05


def test_smallest_and_largest_draw_fall_on_training_pictures(
    pictures: Pictures, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A draw of 0.0 once fell on the first picture, held out or not."""
    made = pictures(3, ("item",))
    made[0].pixels[:] = made[2].pixels[:] = 0
    made[1].pixels[:] = 255
    batches = Batches(in_memory(made, [True, False, True]), cached([p.captions for p in made]), 32, seed=0)

    class Extremes:
        def random(self, size: int | None = None) -> np.ndarray | float:
            return 0.5 if size is None else np.array([0.0, np.nextafter(1.0, 0.0)])

        def integers(self, low: int, high: int) -> int:
            return low

    monkeypatch.setattr(np.random, "default_rng", lambda _: Extremes())
    assert (batches.batch(0, 2).clean == 1).all()


def test_mirrored_pictures_and_latents_are_drawn_alike(pictures: Pictures) -> None:
    made = in_memory(pictures(2, ("item",)), [False] * 2)
    from_pixels = Batches(made, cached(made.captions), 32, seed=1).batch(0, 12)
    latents, mirrored = torch.ones(2, 16, 16, 16).half(), -torch.ones(2, 16, 16, 16).half()
    with_latents = Batches(made, cached(made.captions), 32, seed=1)
    with_latents.use_latents(latents, mirrored)
    batch = with_latents.batch(0, 12)
    assert batch.clean.dtype == torch.float32
    signs = batch.clean.mean((1, 2, 3)).tolist()
    assert set(signs) == {1.0, -1.0}
    assert from_pixels.clean.shape == batch.clean.shape == (12, 16, 16, 16)
    assert torch.equal(from_pixels.states, batch.states)


def test_some_captions_are_left_out(pictures: Pictures) -> None:
    made = in_memory(pictures(2), [False] * 10)
    text = cached(made.captions)
    batch = Batches(made, text, 32, seed=1).batch(0, 600)
    rows = batch.states[:, 0, 0].tolist()
    left_out = sum(row == text.index[""] for row in rows) / len(rows)
    assert 0.05 < left_out < 0.16
    assert len(set(rows)) == len(text.index)


def test_cached_captions_are_those_of_the_text_encoder(tmp_path: Path) -> None:
    captions = [("red potion", "potion"), ("a very long caption " * 12, "red potion")]
    write_text_cache(tmp_path, 32, captions)
    cache = read_text_cache(tmp_path, 32)
    assert json.loads((tmp_path / "text-32.json").read_text())[0] == ""
    wanted = ["", "red potion", "potion", captions[1][0]]
    states, mask = cache.batch(np.array([cache.index[text] for text in wanted]))
    assert states.shape == (4, MAX_TOKENS, STATE_WIDTH)
    assert mask.sum(1).tolist() == [2, 4, 3, MAX_TOKENS]
    encoder = load_text_encoder()
    for at, text in enumerate(wanted):
        tokens = encoder.tokenizer([text], truncation=True, max_length=MAX_TOKENS, return_tensors="pt")
        exact = encoder.model(**tokens).last_hidden_state[0]
        found = states[at, : len(exact)]
        assert torch.nn.functional.cosine_similarity(found, exact).min() > 0.999
        assert not states[at, len(exact) :].any()
