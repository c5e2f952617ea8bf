"""Films as decoders see them."""

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from engine.errors import ExportFailed
from engine.storyboard.cut import write_film

SIZE = (64, 48)


def pictures(count: int, size: tuple[int, int] = SIZE) -> Iterator[NDArray[np.uint8]]:
    """Flat blocks of 8 pixels whose colours change with each picture."""
    for index in range(count):
        blocks = np.random.default_rng(index).integers(0, 256, (size[1] // 8, size[0] // 8, 3), np.uint8)
        yield blocks.repeat(8, 0).repeat(8, 1)


@pytest.mark.parametrize("fps", [1, 12, 24, 60])
def test_an_mp4_has_every_picture_at_its_exact_time(tmp_path: Path, fps: int) -> None:
    path = tmp_path / "film.mp4"
    write_film(path, pictures(30), 30, SIZE, fps)
    with av.open(str(path)) as film:
        stream = film.streams.video[0]
        assert (stream.codec_context.name, stream.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (stream.width, stream.height, stream.average_rate, stream.frames) == (*SIZE, fps, 30)
        assert stream.duration * stream.time_base == pytest.approx(30 / fps)
        frames = list(film.decode(stream))
    assert [frame.pts * stream.time_base * fps for frame in frames] == list(range(30))
    for frame, picture in zip(frames, pictures(30), strict=True):
        apart = np.abs(frame.to_ndarray(format="rgb24").astype(int) - picture).mean()
        assert apart < 12  # of 255: colours are kept at half the resolution
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")


def test_flat_colours_come_back_as_they_were(tmp_path: Path) -> None:
    colours = np.array([(200, 30, 40), (40, 160, 60), (30, 40, 200), (250, 240, 200)], np.uint8)
    picture = colours[None].repeat(48, 0).repeat(16, 1)
    write_film(tmp_path / "film.mp4", iter([picture] * 3), 3, SIZE, 12)
    with av.open(str(tmp_path / "film.mp4")) as film:
        frame = next(film.decode(film.streams.video[0]))
        assert (frame.colorspace, frame.color_range) == (1, 1)
        seen = frame.reformat(format="rgb24", src_colorspace="ITU709").to_ndarray()
    assert np.abs(seen[24, 8::16].astype(int) - colours).max() <= 6


def test_a_webp_has_every_picture_to_the_bit_and_times_that_add_up(tmp_path: Path) -> None:
    write_film(tmp_path / "film.webp", pictures(30), 30, SIZE, 12)
    durations = []
    with Image.open(tmp_path / "film.webp") as film:
        assert (film.format, film.size, film.n_frames, film.info["loop"]) == ("WEBP", SIZE, 30, 0)
        for index, picture in enumerate(pictures(30)):
            film.seek(index)
            film.load()
            durations.append(film.info["duration"])
            assert np.array_equal(np.asarray(film.convert("RGB")), picture)
    assert sum(durations) == 2500
    assert set(durations) == {83, 84}


@pytest.mark.parametrize("name", ["film.mp4", "film.webp"])
def test_one_picture_makes_a_film_and_the_same_pictures_the_same_bytes(tmp_path: Path, name: str) -> None:
    write_film(tmp_path / name, pictures(1), 1, SIZE, 12)
    assert (tmp_path / name).stat().st_size > 0
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        write_film(tmp_path / folder / name, pictures(20), 20, SIZE, 12)
    assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


@pytest.mark.parametrize("name", ["film.mp4", "film.webp"])
def test_a_film_that_breaks_off_leaves_the_old_one(tmp_path: Path, name: str) -> None:
    def broken() -> Iterator[NDArray[np.uint8]]:
        yield from pictures(5)
        raise RuntimeError("the source broke")

    (tmp_path / name).write_bytes(b"old")
    with pytest.raises(RuntimeError):
        write_film(tmp_path / name, broken(), 10, SIZE, 12)
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [(name, b"old")]


@pytest.mark.parametrize("name", ["a: b%d.mp4", "file:x.mp4", "ü.MP4"])
def test_names_mean_files_whatever_they_hold(tmp_path: Path, name: str) -> None:
    write_film(tmp_path / name, pictures(2), 2, SIZE, 12)
    assert [path.name for path in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["film.avi", "film", "no/film.mp4", "no/film.webp", "folder.mp4"])
def test_where_no_film_can_be_written_is_one_sentence(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(ExportFailed, match=r"name"):
        write_film(tmp_path / name, pictures(2), 2, SIZE, 12)


@pytest.mark.parametrize("name", ["film.mp4", "film.webp"])
def test_a_film_is_never_held_whole(tmp_path: Path, name: str) -> None:
    size, count = (640, 360), 60
    tracemalloc.start()
    try:
        write_film(tmp_path / name, pictures(count, size), count, size, 12)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 640 * 360 * 3 * 12


def test_a_full_disk_is_told_and_leaves_nothing(disk: Callable[[str], Path]) -> None:
    small = disk("size=64k")
    noise = (np.random.default_rng(i).integers(0, 256, (480, 640, 3), np.uint8) for i in range(20))
    with pytest.raises(ExportFailed, match="no space left on device"):
        write_film(small / "film.mp4", noise, 20, (640, 480), 12)
    assert list(small.iterdir()) == []
