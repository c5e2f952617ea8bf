"""The making of a film: each shot is drawn once and kept, then all are cut together."""

import hashlib
import json
from collections.abc import Callable, Iterator
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from assets.asset import Asset, AssetKind
from engine.storyboard.backdrop import colour_backdrop, picture_backdrop, tile_backdrop
from engine.storyboard.camera import shot_through
from engine.storyboard.clip_source import ClipSource
from engine.storyboard.letters import BUILT_IN, Letters
from engine.storyboard.reader import FindAsset, file_beside, names_asset
from engine.storyboard.script import STILL, Member, Point, Shot, Storyboard
from engine.storyboard.shot_store import ShotStore
from engine.storyboard.stage import Actor, Figure, Stage, leg_direction
from engine.storyboard.subtitles import Subtitler, shown
from generators.animation import MAX_FRAME_MS, Animation
from generators.motion import ACTIONS, FRAME_COUNTS, Direction
from generators.source_picture import read_bytes, read_picture

STAGING = 1  # the version of the rules by which stages are drawn: raise it when the same shot looks different
CLIP_FRAMES = max(FRAME_COUNTS)
KEPT_CLIPS = 64  # of 16 frames at 64 px, a quarter of a megabyte each
FLOOR = 5 / 6  # of the stage's height: where one stands who has no place, on a stage without a floor line
Listener = Callable[[], None]


class Production:
    """One storyboard on its way to a film. ``folder`` is where its pictures are."""

    def __init__(
        self, board: Storyboard, folder: Path, find: FindAsset, source: ClipSource, store: ShotStore
    ) -> None:
        self._board, self._folder, self._find, self._store = board, folder, find, store
        self._source = source
        self._clip = lru_cache(maxsize=KEPT_CLIPS)(self._drawn_clip)

    def draw(self, on_frame: Listener = lambda: None) -> int:
        """Draws the shots that are not kept already; how many it drew. ``on_frame`` hears of each frame of the film.

        What was kept before stays when this is killed, and is not drawn again. Raises what the source raises,
        InvalidPicture, DataFolderUnusable.
        """
        drawn, fps = 0, self._board.fps
        digests = self._digests
        self._store.prune(digests)
        for shot, digest in zip(self._board.shots, digests, strict=True):
            count = shot.frames(fps)
            if self._store.holds(digest, count):
                for _ in range(count):
                    on_frame()
                continue
            self._store.put(digest, self._staged(shot, on_frame))
            drawn += 1
        self._store.prune(digests)
        return drawn

    def pictures(self, burn: bool, on_frame: Listener = lambda: None) -> Iterator[NDArray[np.uint8]]:
        """The film's pictures (h w 3, uint8) of the shots that ``draw`` drew, with subtitles where ``burn`` says so."""
        board = self._board
        subtitler = Subtitler(board.output_size, letters_of(board, self._folder))
        for shot, digest in zip(board.shots, self._digests, strict=True):
            count, lines = shot.frames(board.fps), shot.lines(board.fps) if burn else ()
            for index, frame in enumerate(self._store.frames(digest)):
                progress = index / (count - 1) if count > 1 else 0.0
                picture = shot_through(frame, shot.camera, progress, board.size, board.output_scale)
                text = shown(lines, index / board.fps)
                yield picture if text is None else subtitler.burn(picture, text)
                on_frame()

    @cached_property
    def _digests(self) -> list[str]:
        return [self.digest(shot) for shot in self._board.shots]

    def digest(self, shot: Shot) -> str:
        """The sha256 of all that decides a shot's stage: its camera and subtitles come later and do not."""
        named = {asset.asset_id: asset.recipe_hash for asset in self._assets(shot)}
        picture = self._picture_file(shot)
        decides = {
            "staging": STAGING,
            "shot": shot.model_dump(mode="json", exclude={"camera", "subtitle"}),
            "size": self._board.stage_size(shot),
            "fps": self._board.fps,
            "seed": self._board.seed,
            "assets": named,
            "picture": None if picture is None else hashlib.sha256(read_bytes(picture)).hexdigest(),
            "clip_model": self._source.clip_model,
        }
        return hashlib.sha256(json.dumps(decides, sort_keys=True).encode()).hexdigest()

    def _staged(self, shot: Shot, on_frame: Listener) -> Iterator[NDArray[np.uint8]]:
        stage = Stage(self._backdrop(shot), tuple(self._actor(shot, member) for member in shot.cast))
        count = shot.frames(self._board.fps)
        for index in range(count):
            yield stage.frame(index, count, self._board.fps)
            on_frame()

    def _assets(self, shot: Shot) -> list[Asset]:
        found = [names_asset(shot.background, self._find), *(self._find(one.asset) for one in shot.cast)]
        return [asset for asset in found if asset is not None]

    def _picture_file(self, shot: Shot) -> Path | None:
        if shot.background.startswith("#") or self._find(shot.background) is not None:
            return None
        return file_beside(self._folder, shot.background)

    def _backdrop(self, shot: Shot) -> NDArray[np.uint8]:
        size = self._board.stage_size(shot)
        asset, path = names_asset(shot.background, self._find), self._picture_file(shot)
        if path is not None:
            return picture_backdrop(read_picture(read_bytes(path), f"The picture {path}"), size)
        if asset is None:
            return colour_backdrop(shot.background, size, shot.ground, shot.sky)
        picture = self._source.picture(asset.asset_id)
        if asset.kind is AssetKind.TILE:
            return tile_backdrop(picture, size, shot.ground, shot.sky)
        return picture_backdrop(picture, size)

    def _actor(self, shot: Shot, member: Member) -> Actor:
        asset = self._find(member.asset)
        assert asset is not None, "the storyboard was read with all its assets there"
        action = member.action or _usual_action(asset.kind, member)
        path = member.path or (member.at or self._usual_place(shot),)
        faces = asset.kind is AssetKind.CHARACTER and action != STILL
        turns = faces and member.direction is None
        facing: set[Direction | None] = {member.direction}
        if turns:
            facing = {leg_direction(path, leg) for leg in range(max(1, len(path) - 1))}
        return Actor(
            path=path,
            figures={way: self._figure(asset, action, way) for way in facing},
            then={}
            if member.then is None
            else {way: self._figure(asset, member.then, way) for way in facing},
            direction=member.direction,
            turns=turns,
            scale=member.scale,
            shadow=asset.kind in (AssetKind.CHARACTER, AssetKind.ITEM, AssetKind.CLIP),
        )

    def _usual_place(self, shot: Shot) -> Point:
        width, height = self._board.stage_size(shot)
        floor = int(height * FLOOR) if shot.ground is None else (shot.ground + height) // 2
        return width // 2, floor

    def _figure(self, asset: Asset, action: str, direction: Direction | None) -> Figure:
        if asset.kind is AssetKind.CLIP:
            action = str(asset.recipe.get("action") or "idle")
        hops = action != STILL and ACTIONS[action].subject != "character"
        if action == STILL:
            picture = self._source.picture(asset.asset_id)
            return Figure.of(Animation(STILL, picture[None], MAX_FRAME_MS, loops=True), hops)
        return Figure.of(self._clip(asset.asset_id, action, direction), hops)

    def _drawn_clip(self, asset_id: str, action: str, direction: Direction | None) -> Animation:
        way = None if direction is None else direction.value
        return self._source.animation(asset_id, action, way, CLIP_FRAMES, self._board.seed)


def letters_of(board: Storyboard, folder: Path) -> Letters:
    """The font of a storyboard in ``folder``. Raises InvalidStoryboard."""
    return BUILT_IN if board.font is None else Letters.read(file_beside(folder, board.font))


def _usual_action(kind: AssetKind, member: Member) -> str:
    if kind is not AssetKind.CHARACTER:
        return STILL
    return "walk" if member.path else "idle"
