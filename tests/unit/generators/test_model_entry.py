"""The list of configured models: what it may hold, and one sentence for each mistake."""

from pathlib import Path

import pytest

from generators.device import AMPERE, choose_attention
from generators.errors import InvalidModelEntry
from generators.model_entry import ModelEntry, read_model_entries
from generators.recipe import Quality
from generators.video_family import Video

GOOD = {
    "id": '"own"',
    "path": '"someone/model"',
    "steps": "4",
    "guidance": "0",
    "size": "512",
    "licence": '"Apache-2.0"',
}


def written(folder: Path, *entries: dict[str, str], before: str = "") -> Path:
    rows = ["[[models]]\n" + "\n".join(f"{name} = {value}" for name, value in row.items()) for row in entries]
    path = folder / "models.toml"
    path.write_text(before + "\n\n".join(rows) + "\n", encoding="utf-8")
    return path


def test_no_file_is_no_models(tmp_path: Path) -> None:
    assert read_model_entries(tmp_path / "models.toml") == ()


def test_a_whole_entry_is_read_and_its_paths_belong_to_its_folder(tmp_path: Path) -> None:
    (tmp_path / "weights").mkdir()
    more = {
        "path": '"weights"',
        "dtype": '"bf16"',
        "variant": '"fp16"',
        "offload": '"model"',
        "compile": "true",
        "loras": '[{path = "pixel.safetensors", weight = 0.8}, {path = "/else/b.safetensors"}]',
    }
    (entry,) = read_model_entries(written(tmp_path, GOOD | more))
    assert entry.local == tmp_path / "weights"
    assert entry.hub_id is None
    assert [entry.lora_path(lora) for lora in entry.loras] == [
        tmp_path / "pixel.safetensors",
        Path("/else/b.safetensors"),
    ]
    assert [lora.weight for lora in entry.loras] == [0.8, 1.0]


def test_a_hub_id_is_one_where_no_such_folder_is(tmp_path: Path) -> None:
    (entry,) = read_model_entries(written(tmp_path, GOOD | {"revision": '"v1"'}))
    assert (entry.hub_id, entry.where) == ("someone/model", "hub someone/model@v1")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"steps": "0"}, "'own' has a steps that cannot be used; give a whole number from 1"),
        ({"steps": '"4"'}, "give a whole number"),
        ({"guidance": "nan"}, "give a number from 0"),
        ({"size": "500"}, "a multiple of 8"),
        ({"size": "999999"}, "a multiple of 8"),
        ({"licence": '""'}, "the name of its licence"),
        ({"dtype": '"int8"'}, "auto, bf16, fp16 or fp32"),
        ({"offload": '"disk"'}, "none, model or sequential"),
        ({"compile": '"yes"'}, "true or false"),
        ({"loras": '["a"]'}, "a list such as"),
        ({"loras": '[{path = "a", weight = 9.0}]'}, "weights from -4 to 4"),
        ({"id": '"my model"'}, "use letters, digits"),
        ({"id": "7"}, "number 1 has a id|give text"),
        ({"path": '"/no/such/folder"'}, "there is no folder"),
        ({"step": "4"}, "no option 'step'"),
        ({"folder": '"x"'}, "no option 'folder'"),
        ({"compile": "true", "offload": '"sequential"'}, "exclude each other"),
        ({"id": '"bundled/1"'}, "id of a bundled model"),
        (
            {"pipeline": '"FluxPipeline"'},
            "has an pipeline|is 'FluxPipeline'; use LTXPipeline, .*for pictures",
        ),
        ({"frames": "9"}, "option frames, which is for models that draw clips; .*LTXPipeline"),
        ({"fps": "8"}, "option fps, which is for models that draw clips"),
        ({"tiling": "1"}, "true or false"),
        ({"safety_checker": '"off"'}, "has a safety_checker that cannot be used; give true or false"),
        ({"pipeline": '"WanPipeline"', "fps": "0"}, "frames a second, from 1 to 50"),
        ({"pipeline": '"WanPipeline"', "frames": "10000"}, "whole number from 1 to 257"),
        ({"pipeline": '"WanPipeline"', "frames": "16"}, "has 16 frames, .*frames_step 4 .*121; use 17"),
        ({"pipeline": '"WanPipeline"', "frames": "81", "frames_max": "49"}, "frames_max 49; use 49"),
        ({"pipeline": '"LTXPipeline"', "width": "704"}, "width without a height"),
        (
            {"pipeline": '"LTXPipeline"', "width": "720", "height": "480"},
            "has a size beside its width and height",
        ),
        ({"pipeline": '"LTXPipeline"', "size": "520"}, "520 x 520 px, .* steps of 32 px; use 512 x 512"),
        ({"pipeline": '"LTXPipeline"', "motion_adapter": '"a/b"'}, "which no LTXPipeline takes"),
        ({"motion_adapter": '"/no/such/folder"'}, "there is no folder; give a"),
    ],
)
def test_each_mistake_is_a_sentence_that_names_the_entry(
    tmp_path: Path, change: dict[str, str], words: str
) -> None:
    with pytest.raises(InvalidModelEntry, match=words) as caught:
        read_model_entries(written(tmp_path, GOOD | change), taken=["bundled/1"])
    assert str(caught.value).startswith(f"In {tmp_path / 'models.toml'}, model ")
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", GOOD)
def test_what_is_missing_is_named(tmp_path: Path, name: str) -> None:
    with pytest.raises(InvalidModelEntry, match=f"has no {name}; give "):
        read_model_entries(written(tmp_path, {key: value for key, value in GOOD.items() if key != name}))


@pytest.mark.parametrize(
    "text", ["models = 3\n", "model = []\n", "[[models]\n", "\x00", "[models]\nid = 1\n"]
)
def test_a_file_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidModelEntry, match="The list of models"):
        read_model_entries(written(tmp_path, before=text))


def test_ids_are_there_once(tmp_path: Path) -> None:
    with pytest.raises(InvalidModelEntry, match="'own' is there twice"):
        read_model_entries(written(tmp_path, GOOD, GOOD))


def test_a_revision_belongs_to_a_hub_id(tmp_path: Path) -> None:
    with pytest.raises(InvalidModelEntry, match="revision and a folder"):
        read_model_entries(written(tmp_path, GOOD | {"path": '"."', "revision": '"v1"'}))


def test_a_video_model_at_a_hub_needs_its_pipeline_and_the_rest_is_known(tmp_path: Path) -> None:
    del (row := GOOD | {"pipeline": '"LTXPipeline"', "width": "704", "height": "480"})["size"]
    (entry,) = read_model_entries(written(tmp_path, row))
    assert entry.size == 704
    assert entry.video == Video("own", "LTXPipeline", 161, 257, 8, 25, 704, 480, from_picture=False)


def test_an_entry_may_say_more_than_its_family_knows(tmp_path: Path) -> None:
    more = {"pipeline": '"CogVideoXPipeline"', "frames_max": "81", "frames_step": "8", "fps": "16"}
    (entry,) = read_model_entries(written(tmp_path, GOOD | more))
    assert entry.video is not None
    assert (entry.video.frames, entry.video.fps, entry.video.fits(81)) == (49, 16, True)
    assert entry.video.nearest(75) == 73
    (short,) = read_model_entries(written(tmp_path, GOOD | {"motion_adapter": '"a/b"', "frames_max": "8"}))
    assert short.video is not None
    assert (short.video.pipeline, short.video.frames) == ("AnimateDiffPipeline", 8)


def test_a_folder_says_itself_that_it_draws_clips(tmp_path: Path) -> None:
    index = tmp_path / "weights" / "model_index.json"
    index.parent.mkdir()
    index.write_text('{"_class_name": "AnimateDiffPipeline"}', encoding="utf-8")
    row = GOOD | {"path": '"weights"'}
    (entry,) = read_model_entries(written(tmp_path, row))
    assert entry.video is not None
    assert (entry.video.pipeline, entry.video.frames, entry.video.fps) == ("AnimateDiffPipeline", 16, 8)
    with pytest.raises(InvalidModelEntry, match="its folder holds one already"):
        read_model_entries(written(tmp_path, row | {"motion_adapter": '"a/b"'}))
    index.write_text('{"_class_name": "StableDiffusionPipeline"}', encoding="utf-8")
    (entry,) = read_model_entries(written(tmp_path, row))
    assert entry.video is None


def test_qualities_are_shares_of_the_steps() -> None:
    entry = ModelEntry(id="a", path="b/c", steps=1, guidance=0, size=512, licence="MIT")
    assert [entry.steps_for(quality) for quality in Quality] == [1, 1, 2]


def test_attention_is_xformers_only_where_torch_has_nothing_as_good() -> None:
    assert choose_attention(None, flash=False, xformers=True).name == "SDPA"
    assert choose_attention(AMPERE, flash=True, xformers=True).name == "SDPA"
    assert choose_attention((7, 5), flash=True, xformers=True).name == "xformers"
    assert choose_attention(AMPERE, flash=False, xformers=True).name == "xformers"
    without = choose_attention((7, 5), flash=True, xformers=False)
    assert without.name == "SDPA"
    assert "pip install xformers" in str(without)
