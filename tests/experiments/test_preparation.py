"""Data as a run sees it: its rows by split, its loaders, and a digest that knows when they change."""

import shutil

import numpy as np
import pytest
import torch
from PIL import Image
from tiny import save

from seg_helpers.classes import VOID
from seg_helpers.config import DataConfig, ExperimentConfig, project_root
from seg_helpers.datasets import Cache, DatasetError, DatasetWarning, read_image
from seg_helpers.experiments.preparation import prepare_data

pytestmark = pytest.mark.usefixtures("at_work")


@pytest.fixture
def config(laboratory):
    def build(**data) -> ExperimentConfig:
        plain = {"root": laboratory.data} | data
        return ExperimentConfig(name="run", model={"name": "unet"}, batch_size=4, workers=0, data=DataConfig(**plain))

    return build


def test_rows_are_those_of_the_split(config, laboratory):
    data = prepare_data(config().data)
    counts = {split: len(list((laboratory.data / split).iterdir())) for split in ("train", "val", "test")}
    assert {split: len(data.rows(split)) for split in counts} == counts
    assert sorted(row for split in counts for row in data.rows(split)) == list(range(24))
    for split in counts:
        assert set(data.names(split)) == {f"{split}/{path.stem}" for path in (laboratory.data / split).iterdir()}
    assert data.rows("train") == [row for row in range(24) if data.frames["split"].iloc[row] == "train"]


def test_pixels_are_counted_on_the_training_split(config):
    data = prepare_data(config().data)
    labels = [data.cache.native_label(row) for row in data.rows("train")]
    assert (data.train_pixels() == np.bincount(np.concatenate(labels, axis=None), minlength=256)[:11]).all()
    assert data.pixel_counts.sum() == 24 * 64 * 96


def test_frames_without_a_label_are_no_rows(config, laboratory, tmp_path):
    shutil.copytree(laboratory.data, tmp_path / "sample")
    label = sorted((tmp_path / "sample" / "testannot").iterdir())[0]
    label.unlink()
    with pytest.warns(DatasetWarning, match="1 images and 0 labels of this name"):
        data = prepare_data(config(root=tmp_path / "sample").data)
    assert f"test/{label.stem}" not in data.names("test")
    assert len(data.dataset.problems) == 1


def test_a_label_that_does_not_fit_its_picture_is_suspect(config, laboratory, tmp_path):
    assert prepare_data(config().data).suspects == []
    shutil.copytree(laboratory.data, tmp_path / "sample")
    label = sorted((tmp_path / "sample" / "trainannot").glob("Market_*"))[2]
    save(label, np.roll(np.asarray(Image.open(label)), 30, axis=1))
    data = prepare_data(config(root=tmp_path / "sample").data)
    assert data.suspects == [data.find(f"train/{label.stem}")]


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_split_without_a_scored_pixel_is_said_at_once(config, laboratory, tmp_path, split):
    shutil.copytree(laboratory.data, tmp_path / "sample")
    labels = sorted((tmp_path / "sample" / f"{split}annot").iterdir())
    for label in labels:
        Image.fromarray(np.full((64, 96), VOID, np.uint8)).save(label)
    said = rf"sample: none of the {len(labels)} {split} labels has a pixel of a class.*class set camvid11, name the one"
    with pytest.raises(DatasetError, match=said):
        prepare_data(config(root=tmp_path / "sample").data)
    one = np.full((64, 96), VOID, np.uint8)
    one[0, 0] = 3
    Image.fromarray(one).save(labels[0])  # one pixel can be scored
    assert len(prepare_data(config(root=tmp_path / "sample").data).rows(split)) == len(labels)


def test_without_test_frames_val_is_all_there_is(config, laboratory, tmp_path):
    shutil.copytree(laboratory.data, tmp_path / "sample")
    for folder in ("test", "testannot"):
        shutil.rmtree(tmp_path / "sample" / folder)
    assert prepare_data(config(root=tmp_path / "sample").data).rows("test") == []


def test_a_frame_is_found_by_its_name(config):
    data = prepare_data(config().data)
    row = data.rows("test")[1]
    name = data.names("test")[1]
    assert data.find(name) == row
    assert (data.image(name) == read_image(data.frames["image"].iloc[row])).all()
    assert (data.label(name) == data.cache.native_label(row)).all()
    with pytest.raises(DatasetError, match="no frame 'test/elsewhere'"):
        data.find("test/elsewhere")


def test_scored_frames_are_as_they_lie(config):
    data = prepare_data(config(size=(32, 48)).data)
    batches = list(data.frames_of("val"))
    assert [int(batch["index"]) for batch in batches] == data.rows("val")
    for batch, row in zip(batches, data.rows("val"), strict=True):
        assert batch["image"].shape == (1, 3, 32, 48)  # at the training size
        assert torch.equal(batch["label"][0], torch.from_numpy(data.cache.native_label(row).astype(np.int64)))
        assert batch["label"].shape == (1, 64, 96)  # at the files' own
    some = data.rows("test")[:2]
    assert [int(batch["index"]) for batch in data.frames_of("test", some)] == some


def test_frames_are_scored_together_as_far_as_their_labels_are_of_one_size(config, monkeypatch):
    data = prepare_data(config(size=(32, 48)).data)
    rows = data.rows("train")[:7]
    native = Cache.native_label
    monkeypatch.setattr(Cache, "native_label", lambda cache, row: native(cache, row)[: 32 if row == rows[4] else None])
    batches = list(data.frames_of("train", rows, pixels=3 * 64 * 96 + 1))
    assert [batch["index"].tolist() for batch in batches] == [rows[:3], rows[3:4], rows[4:5], rows[5:]]


def test_training_batches_are_whole_and_of_the_training_split(config):
    data = prepare_data(config().data)
    loader = data.train_loader(config())
    rows = torch.cat([batch["index"] for batch in loader]).tolist()
    assert len(loader) == len(data.rows("train")) // 4
    assert set(rows) <= set(data.rows("train"))
    assert len(rows) == len(set(rows)) == 4 * len(loader)
    for batch in loader:
        assert batch["image"].shape == (4, 3, 64, 96)
        assert ((batch["label"] < 11) | (batch["label"] == VOID)).all()


def test_a_training_split_smaller_than_a_batch_is_one_batch(config):
    data = prepare_data(config().data)
    large = config().model_copy(update={"batch_size": 64})
    assert [len(batch["index"]) for batch in data.train_loader(large)] == [data.batch_size(large)] == [16]


def test_expansion_repeats_training_frames_with_other_draws(config):
    data = prepare_data(config().data)
    loader = data.train_loader(config(expand=3))
    batches = list(loader)
    rows = torch.cat([batch["index"] for batch in batches]).tolist()
    assert sorted(rows) == sorted(data.rows("train") * 3)
    images = torch.cat([batch["image"] for batch in batches])
    first = [image for image, row in zip(images, rows, strict=True) if row == rows[0]]
    assert not torch.equal(first[0], first[1])
    assert prepare_data(config(expand=3).data) is data  # the same frames in the same cache


def test_a_crop_decides_the_batches_size(config):
    changed = config().model_copy(update={"augmentation": config().augmentation.model_copy(update={"crop": (32, 32)})})
    batch = next(iter(prepare_data(changed.data).train_loader(changed)))
    assert batch["image"].shape == (4, 3, 32, 32)
    assert batch["label"].shape == (4, 32, 32)


def test_the_second_call_is_free(config):
    assert prepare_data(config().data) is prepare_data(config().data)


def test_the_digest_knows_frames_and_split_and_not_where_they_lie(config, laboratory, tmp_path):
    digest = prepare_data(config().data).digest
    shutil.copytree(laboratory.data, tmp_path / "moved")
    assert prepare_data(config(root=tmp_path / "moved").data).digest == digest
    grouped = {"kind": "grouped", "gap": 0}
    assert prepare_data(config(split=grouped).data).digest != digest
    frame = sorted((tmp_path / "moved" / "train").iterdir())[0]
    shutil.copytree(tmp_path / "moved", tmp_path / "fewer")
    (tmp_path / "fewer" / "train" / frame.name).unlink()
    (tmp_path / "fewer" / "trainannot" / frame.name).unlink()
    assert prepare_data(config(root=tmp_path / "fewer").data).digest != digest


def test_missing_samples_are_generated(config, tmp_path, monkeypatch):
    made = []

    def generate(root, kind):
        made.append((root, kind))
        raise KeyboardInterrupt

    monkeypatch.setattr("seg_helpers.experiments.preparation.ensure_sample", generate)
    with pytest.raises(KeyboardInterrupt):
        prepare_data(config(root=tmp_path / "absent", dataset="soccer").data)
    assert made == [(tmp_path / "absent", "soccer")]


def test_a_record_without_a_folder_is_looked_for_where_its_data_set_lies_by_default(laboratory, monkeypatch):
    config = laboratory.profile("any").experiment("fast_scnn").data.model_copy(update={"root": None})
    asked = []
    monkeypatch.setattr("seg_helpers.experiments.preparation._prepare", lambda data, seed: asked.append(data.root))
    prepare_data(config)
    assert asked == [project_root() / "data" / "sample"]
