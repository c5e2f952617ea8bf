"""A short film from assets and motions that the bundled models drew, decoded and looked at."""

import json
from pathlib import Path

import av
import numpy as np
import pytest
from typer.testing import CliRunner

from engine import cli
from engine.app import Application
from engine.settings import Settings
from generators.recipe import Kind, Quality

STORYBOARD = """\
title: A walk in the meadow
size: 160x90
scale: 4
shots:
  - seconds: 1.5
    background: {tile}
    ground: 40
    cast: [{{asset: {knight}, path: [[30, 80], [130, 80]]}}]
    subtitle: The knight walks.
  - seconds: 1
    background: {tile}
    cast: [{{asset: {knight}, action: attack, then: idle, direction: left, at: [80, 70]}}]
    camera: {{from: {{zoom: 1}}, to: {{at: [80, 45], zoom: 1.5}}}}
"""


def test_two_shots_of_drawn_assets_become_a_film(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LORESPARK_DATA_DIR", str(settings.data_dir))
    with Application.open(settings) as application:
        recipes = [
            application.generator.recipe("a knight with a sword", Kind.CHARACTER, 1, quality=Quality.DRAFT),
            application.generator.recipe("grass tile", Kind.TILE, 1, quality=Quality.DRAFT, seamless=True),
        ]
        drawn = application.records.assets_of(application.create(recipes))
        knight, tile = (
            next(asset.asset_id for asset in drawn if asset.kind == kind) for kind in ("character", "tile")
        )
    path = tmp_path / "film.yaml"
    path.write_text(STORYBOARD.format(knight=knight, tile=tile))

    result = CliRunner().invoke(cli.app, ["storyboard", str(path), "--json"])
    assert result.exit_code == 0, (result.output, result.exception)
    assert json.loads(result.stdout)["shots_drawn"] == 2
    with av.open(str(path.with_suffix(".mp4"))) as film:
        stream = film.streams.video[0]
        assert (stream.width, stream.height, stream.average_rate) == (640, 360, 12)
        assert stream.duration * stream.time_base == 2.5
        frames = [frame.to_ndarray(format="rgb24").astype(int) for frame in film.decode(stream)]
    assert len(frames) == 18 + 12
    # The knight is elsewhere at the end of its walk, and the sky above it is as it was.
    assert np.abs(frames[0][180:300] - frames[17][180:300]).mean() > 3
    assert np.abs(frames[0][:100] - frames[17][:100]).mean() < 3
    assert np.abs(frames[17] - frames[18]).mean() > 10  # the cut

    first = path.with_suffix(".mp4").read_bytes()
    again = CliRunner().invoke(cli.app, ["storyboard", str(path), "--json"])
    assert json.loads(again.stdout)["shots_drawn"] == 0
    assert path.with_suffix(".mp4").read_bytes() == first
