"""Sequences made by rule from single 32 px pictures (Dungeon Crawl Stone Soup, CC0): items, monsters, dolls, tiles."""

import random
import re
import zipfile
from collections.abc import Iterator
from collections.abc import Sequence as Many

import numpy as np

from generators.motion import ACTIONS, Direction
from tools.clips import moves
from tools.clips.sequence import Sequence, enlarged, on_canvas
from tools.sprites.crawl import crawl_pictures, load_canvas
from tools.sprites.dolls import compose_dolls, doll_parts
from tools.sprites.picture import Picture, Report

FRAMES = 16
TIMES = 2  # 32 px art on the 64 px canvas
MONSTER_ACTIONS = ("idle", "walk", "attack", "hurt", "die", "cast")
ITEM_ACTIONS = ("float", "spin", "burn", "glow")
LIQUIDS = {"water": re.compile(r"water|sea|swamp"), "lava": re.compile(r"lava|magma")}
# Pairs of pictures of one thing, shut and open.
OPENINGS = (
    ("dngn/doors/closed_door.png", "dngn/doors/open_door.png", "wooden door"),
    ("dngn/doors/closed_clear_door.png", "dngn/doors/open_clear_door.png", "crystal door"),
    ("dngn/doors/closed_door_crypt.png", "dngn/doors/open_door_crypt.png", "stone door"),
    ("dngn/doors/gate_closed_left.png", "dngn/doors/gate_open_left.png", "left gate"),
    ("dngn/doors/gate_closed_middle.png", "dngn/doors/gate_open_middle.png", "gate"),
    ("dngn/doors/gate_closed_right.png", "dngn/doors/gate_open_right.png", "right gate"),
    ("dngn/doors/runed_door.png", "dngn/doors/open_door.png", "magic door"),
    ("dngn/doors/sealed_door.png", "dngn/doors/open_door.png", "sealed door"),
)
CHESTS = (
    (
        "medieval-fantasy/items/gold-chest-close.png",
        "medieval-fantasy/items/gold-chest-open.png",
        "golden chest",
    ),
    (
        "medieval-fantasy/items/wood-chest-close.png",
        "medieval-fantasy/items/wood-chest-open.png",
        "wooden chest",
    ),
)
HUES = 6  # recolourings of the few things that open and flow, so that their colours are not learnt by heart


def still_sequences(
    crawl: zipfile.ZipFile, packs: zipfile.ZipFile, report: Report, limits: dict[str, int]
) -> Iterator[Sequence]:
    """``limits``: how many pictures of each kind (item, monster, doll) are set in motion."""
    draw = random.Random(6)
    pictures: dict[str, list[Picture]] = {"item": [], "monster": [], "tile": []}
    for picture in crawl_pictures(crawl, Report()):
        if picture.kind in pictures:
            pictures[picture.kind].append(picture)
    pictures["doll"] = list(compose_dolls(doll_parts(crawl, Report()), limits["doll"], seed=7))
    for kind, actions in (("item", ITEM_ACTIONS), ("monster", MONSTER_ACTIONS), ("doll", MONSTER_ACTIONS)):
        chosen = draw.sample(pictures[kind], min(limits[kind], len(pictures[kind])))
        for number, picture in enumerate(chosen):
            for action in draw.sample(actions, 2):
                yield _moving(picture, kind, action, number)
    for picture in pictures["tile"]:
        for action, wanted in LIQUIDS.items():
            if wanted.search(picture.subject.rsplit("/", 1)[-1]) and (picture.pixels[..., 3] > 0).all():
                yield from _recoloured(picture.pixels, picture.captions[0], action, picture.subject)
    for pairs, archive in ((OPENINGS, crawl), (CHESTS, packs)):
        present = set(archive.namelist())
        for closed, opened, noun in pairs:
            if not {closed, opened} <= present:
                report.drop("door or chest that is not in the archive")
                continue
            shut, open_ = load_canvas(archive, closed), load_canvas(archive, opened)
            if shut is None or open_ is None:
                report.drop("door or chest of another size")
                continue
            for hue in range(HUES):
                colour = np.random.default_rng(hue)
                both = _hue(np.concatenate([shut, open_]), colour.random() if hue else 0.0)
                frames = moves.opening(both[:32], both[32:], FRAMES)
                yield _sequence(
                    frames, both[:32], "open", (f"{noun}, opening",), "item", f"opens/{closed}/{hue}"
                )


def _moving(picture: Picture, kind: str, action: str, number: int) -> Sequence:
    noise = np.random.default_rng((number, len(action)))
    pixels = picture.pixels
    if kind != "item" and noise.random() < 0.5:
        pixels = np.ascontiguousarray(pixels[:, ::-1])
    made = {
        "float": lambda: moves.floating(pixels, FRAMES),
        "spin": lambda: moves.spinning(pixels, FRAMES),
        "burn": lambda: moves.burning(pixels, FRAMES, noise),
        "glow": lambda: moves.glowing(pixels, FRAMES),
        "idle": lambda: moves.breathing(pixels, FRAMES, 1 + number % 2),
        "walk": lambda: moves.stepping(pixels, FRAMES) if kind == "doll" else moves.hopping(pixels, FRAMES),
        "attack": lambda: moves.lunging(pixels, FRAMES),
        "hurt": lambda: moves.recoiling(pixels, FRAMES),
        "die": lambda: moves.falling(pixels, FRAMES),
        "cast": lambda: moves.casting(pixels, FRAMES, noise),
    }[action]()
    captions = tuple(f"{caption}, {ACTIONS[action].words}" for caption in picture.captions[:3])
    facing = None if kind == "item" else Direction.DOWN if action == "walk" else Direction.RIGHT
    return _sequence(made, pixels, action, captions, kind, picture.subject, facing)


def _recoloured(pixels: moves.Pixels, caption: str, action: str, subject: str) -> Iterator[Sequence]:
    for hue in range(HUES):
        noise = np.random.default_rng((hue, len(subject)))
        coloured = _hue(pixels, noise.random() * (0.3 if action == "lava" else 1.0) if hue else 0.0)
        frames = moves.flowing(coloured, FRAMES, noise)
        yield _sequence(
            frames, coloured, action, (f"{caption}, {ACTIONS[action].words}",), "tile", f"{subject}/{hue}"
        )


def _sequence(
    frames: moves.Pixels,
    reference: moves.Pixels,
    action: str,
    captions: Many[str],
    kind: str,
    subject: str,
    facing: Direction | None = None,
) -> Sequence:
    return Sequence(
        frames=on_canvas(enlarged(frames, TIMES)),
        references=on_canvas(enlarged(reference[None], TIMES)),
        action=action,
        direction=facing,
        captions=tuple(captions),
        kind=kind,
        subject=subject,
        art_px=TIMES,
    )


def _hue(pixels: moves.Pixels, turn: float) -> moves.Pixels:
    """Colours turned by ``turn`` of the circle about the grey axis (a rotation matrix in RGB)."""
    if turn == 0:
        return pixels
    cos, sin = np.cos(2 * np.pi * turn), np.sin(2 * np.pi * turn)
    third, root = (1 - cos) / 3, np.sqrt(1 / 3) * sin
    matrix = np.array(
        [
            [cos + third, third - root, third + root],
            [third + root, cos + third, third - root],
            [third - root, third + root, cos + third],
        ]
    )
    out = pixels.copy()
    out[..., :3] = np.clip(pixels[..., :3] @ matrix.T, 0, 255).astype(np.uint8)
    return out
