import numpy as np
import pytest
from PIL import Image
from tiny import TINY

from seg_helpers.classes import VOID, ClassSet, get_class_set
from seg_helpers.config import AugmentationConfig, SplitConfig
from seg_helpers.datasets.augmentation import build_augmentation
from seg_helpers.datasets.expansion import expand_frames
from seg_helpers.datasets.files import read_image, read_label
from seg_helpers.datasets.layouts import read_dataset
from seg_helpers.datasets.splits import apply_split, describe_split

AUGMENTATION = build_augmentation(AugmentationConfig(), TINY)


def test_each_training_frame_becomes_so_many_samples(segnet_folder, tmp_path):
    dataset = read_dataset(segnet_folder)
    frames, sentence = expand_frames(dataset.frames, 3, AUGMENTATION, dataset.classes, tmp_path / "more")
    assert sentence == "10 frames → 30 samples"
    assert frames["split"].value_counts().to_dict() == {"train": 30, "test": 4, "val": 3}
    assert frames.iloc[:17].drop(columns="copy").equals(dataset.frames)
    copies = frames[frames["copy"] == 2]
    assert copies["number"].tolist() == list(range(10))
    assert set(copies["clip"]) == {"Elm"}
    for row in copies.itertuples():
        assert read_image(row.image).shape == (*TINY, 3)
        assert set(np.unique(read_label(row.label, dataset.classes))) <= {*range(11), VOID}


def test_copies_differ_from_their_frame_and_are_the_same_again(segnet_folder, tmp_path):
    dataset = read_dataset(segnet_folder)
    first, _ = expand_frames(dataset.frames, 3, AUGMENTATION, dataset.classes, tmp_path / "a")
    second, _ = expand_frames(dataset.frames.iloc[::-1], 3, AUGMENTATION, dataset.classes, tmp_path / "b")
    pictures = [read_image(first.loc[first["number"] == 4, "image"].iloc[i]) for i in range(3)]
    assert not any(np.array_equal(pictures[0], picture) for picture in pictures[1:])
    assert not np.array_equal(pictures[1], pictures[2])
    other = second[(second["number"] == 4) & (second["copy"] == 1) & (second["clip"] == "Elm")]["image"].iloc[0]
    assert np.array_equal(read_image(other), pictures[1])


def test_a_copy_whose_writing_was_stopped_is_made_again(segnet_folder, tmp_path, monkeypatch):
    dataset = read_dataset(segnet_folder)
    options = (dataset.frames, 2, AUGMENTATION, dataset.classes, tmp_path / "more")
    save = Image.Image.save

    def stop_halfway(image, path, *arguments, **keywords):
        save(image, path, *arguments, **keywords)
        if image.mode == "RGB":
            path.write_bytes(path.read_bytes()[:40])
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(Image.Image, "save", stop_halfway)
        with pytest.raises(KeyboardInterrupt):
            expand_frames(*options)
    frames, _ = expand_frames(*options)
    assert len(frames) == 27
    assert all(read_image(image).shape == (*TINY, 3) for image in frames["image"])


def test_labels_are_written_in_the_data_sets_own_values(segnet_folder, tmp_path):
    dataset = read_dataset(segnet_folder)
    ids: ClassSet = get_class_set("cityscapes19")
    for path in (segnet_folder / "trainannot").glob("*.png"):
        Image.fromarray(np.full(TINY, 26, np.uint8)).save(path)
    frames, _ = expand_frames(dataset.frames, 2, AUGMENTATION, ids, tmp_path / "more")
    labels = [read_label(path, ids) for path in frames.loc[frames["copy"] == 1, "label"]]
    assert set(np.unique(labels)) <= {13, VOID}
    assert all((label == 13).any() for label in labels)


def test_the_assignments_reading_puts_copies_on_both_sides(segnet_folder, tmp_path):
    dataset = read_dataset(segnet_folder)
    frames, _ = expand_frames(dataset.frames, 3, AUGMENTATION, dataset.classes, tmp_path / "more")
    split = apply_split(frames, SplitConfig(kind="after_augmentation"))
    assert describe_split(split) == "30 training, 3 validation and 4 test frames"
