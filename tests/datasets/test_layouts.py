import json
import re
import shutil

import cv2
import numpy as np
import pytest
from PIL import Image
from tiny import TINY, save, tiny_image, tiny_label

from seg_helpers.classes import CAMVID11, CAMVID32, CITYSCAPES19, VOID
from seg_helpers.datasets import files, layouts
from seg_helpers.datasets.files import read_label
from seg_helpers.datasets.layouts import DatasetError, DatasetWarning, detect_layout, parse_stem, read_dataset


def read_with_problems(root, **options):
    with pytest.warns(DatasetWarning):
        return read_dataset(root, **options)


# Layouts


def test_segnet_layout(segnet_folder):
    dataset = read_dataset(segnet_folder)
    assert (dataset.layout, dataset.classes) == ("segnet", CAMVID11)
    assert dataset.counts().to_dict() == {"train": 10, "val": 3, "test": 4}
    assert dataset.problems.empty
    last = dataset.frames.iloc[-1]
    assert (last["split"], last["clip"], last["number"]) == ("test", "Oak", 3)
    label = read_label(last.label, dataset.classes)
    assert np.array_equal(label == VOID, np.asarray(Image.open(last.label)) == 11)


def test_segnet_layout_takes_jpeg_images(segnet_folder):
    for path in (segnet_folder / "train").glob("*.png"):
        Image.open(path).save(path.with_suffix(".jpg"))
        path.unlink()
    assert read_dataset(segnet_folder).counts()["train"] == 10


def test_segnet_layout_reads_its_own_classes(segnet_folder):
    colours = [[i, i, i] for i in range(12)]
    content = {"name": "dozen", "names": list("abcdefghijkl"), "colours": colours, "frames_per_second": 15}
    (segnet_folder / "classes.json").write_text(json.dumps(content))
    dataset = read_dataset(segnet_folder)
    assert (dataset.classes.num_classes, dataset.frames_per_second) == (12, 15)


@pytest.mark.parametrize(("classes", "expected"), [("auto", CAMVID32), ("camvid11", CAMVID11)])
def test_colour_layout_in_32_classes_or_merged(tmp_path, colour_pairs, classes, expected):
    colours = [tuple(colour) for colour in CAMVID32.colours.tolist()]
    for split in ("train", "val", "test"):
        colour_pairs(
            tmp_path / split, tmp_path / f"{split}_labels", ["0006R0_f00930", "0006R0_f00960"], colours
        )
    lines = [f"{name},{r},{g},{b}" for name, (r, g, b) in zip(CAMVID32.names, colours, strict=True)]
    (tmp_path / "class_dict.csv").write_text("\n".join(["name,r,g,b", *lines, "Void,0,0,0"]))
    dataset = read_dataset(tmp_path, classes=classes)
    assert (dataset.layout, dataset.classes, len(dataset.frames)) == ("colour", expected, 6)
    assert dataset.frames_per_second == 30
    frame = dataset.frames.iloc[0]
    truth = CAMVID32.colours[tiny_label(0, 30)]
    assert np.array_equal(read_label(frame.label, CAMVID32), tiny_label(0, 30))
    merged = [[expected.colour_map[tuple(pixel)] for pixel in row] for row in truth.tolist()]
    assert np.array_equal(read_label(frame.label, expected), merged)


def test_cam101_layout(tmp_path, colour_pairs):
    colour_pairs(
        tmp_path / "train", tmp_path / "train", ["0016E5_07959", "0016E5_07961"], [(128, 128, 128), (0, 0, 0)]
    )
    colour_pairs(tmp_path / "test", tmp_path / "test", ["0016E5_08159"], [(128, 128, 128), (0, 0, 0)])
    dataset = read_dataset(tmp_path)
    assert (dataset.layout, dataset.classes) == ("cam101", CAMVID32)
    assert dataset.counts().to_dict() == {"train": 2, "val": 0, "test": 1}
    assert dataset.frames["number"].tolist() == [7959, 7961, 8159]


def test_cityscapes_layout_has_no_test_labels(tmp_path):
    for split, city in (("train", "ulm"), ("val", "bonn"), ("test", "bern")):
        name = f"{city}_000003_000019"
        save(tmp_path / "leftImg8bit" / split / city / f"{name}_leftImg8bit.png", tiny_image(0))
        save(tmp_path / "gtFine" / split / city / f"{name}_gtFine_labelIds.png", np.full(TINY, 26, np.uint8))
    dataset = read_dataset(tmp_path)
    assert (dataset.layout, dataset.classes) == ("cityscapes", CITYSCAPES19)
    assert dataset.frames["clip"].tolist() == ["ulm_000003", "bonn_000003", "bern_000003"]
    assert (dataset.frames["label"] == "").tolist() == [False, False, True]
    assert np.unique(read_label(dataset.frames["label"][0], CITYSCAPES19)).tolist() == [13]


@pytest.mark.parametrize(
    ("stem", "clip", "number"),
    [
        ("0001TP_006690", "0001TP", 6690),
        ("Seq05VD_f00000", "Seq05VD", 0),
        ("0042", "", 42),
        ("Val_0042", "", 42),
        ("frame0042", "", 42),
        ("harbour", "", None),
        ("$a^^b$,_7", "$a^^b$,", 7),
    ],
)
def test_stems_tell_clip_and_number(stem, clip, number):
    assert parse_stem(stem) == (clip, number)


def test_a_folder_that_is_no_data_set_says_what_was_looked_for_and_found(tmp_path, segnet_folder):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(
        DatasetError, match=r"(?s)Looked for:.*trainannot.*Found: notes.txt, tiny/; .*tiny looks like one"
    ):
        detect_layout(tmp_path)
    with pytest.raises(DatasetError, match="no such folder"):
        detect_layout(tmp_path / "absent")


def test_a_named_layout_has_to_be_there(segnet_folder):
    with pytest.raises(DatasetError, match=r"(?s)Looked for:\n  cityscapes"):
        read_dataset(segnet_folder, layout="cityscapes")


# Problems: each is a row with file and remedy


def truncate(root):
    path = root / "train" / "Elm_00003.png"
    path.write_bytes(path.read_bytes()[:-60])


def empty(root):
    (root / "train" / "Elm_00003.png").write_bytes(b"")


def not_an_image(root):
    (root / "train" / "Elm_00003.png").write_text("<html>404</html>" * 9)


def resize_label(root):
    save(root / "trainannot" / "Elm_00003.png", tiny_label(3, size=(6, 8)))


def remove_label(root):
    (root / "trainannot" / "Elm_00003.png").unlink()


def remove_image(root):
    (root / "train" / "Elm_00003.png").unlink()


def unknown_index(root):
    label = tiny_label(3).copy()
    label[0, :5] = 77
    save(root / "trainannot" / "Elm_00003.png", label)


def sixteen_bit_image(root):
    save(root / "train" / "Elm_00003.png", tiny_image(3)[..., 0].astype(np.uint16) * 257)


def palette_label(root):
    Image.fromarray(tiny_label(3)).convert("P").save(root / "trainannot" / "Elm_00003.png")


def grey_image(root):
    save(root / "train" / "Elm_00003.png", tiny_image(3)[..., 0])


def rgba_image(root):
    Image.fromarray(tiny_image(3)).convert("RGBA").save(root / "train" / "Elm_00003.png")


def colour_label(root):
    save(root / "trainannot" / "Elm_00003.png", CAMVID11.colours[tiny_label(3, 10)])


def second_image(root):
    Image.open(root / "train" / "Elm_00003.png").save(root / "train" / "Elm_00003.jpg")


@pytest.mark.parametrize(
    ("damage", "file", "problem", "remedy"),
    [
        (truncate, "train/Elm_00003.png", "truncated", "download it again"),
        (empty, "train/Elm_00003.png", "empty file", "download it again"),
        (not_an_image, "train/Elm_00003.png", "not an image", "download it again"),
        (resize_label, "trainannot/Elm_00003.png", "label is 8x6 but its image 16x12", "same release"),
        (remove_label, "train/Elm_00003.png", "label missing", "add the one label"),
        (remove_image, "trainannot/Elm_00003.png", "image missing", "add the image"),
        (
            unknown_index,
            "trainannot/Elm_00003.png",
            "5 pixels of indices .* camvid11 does not hold: 77 in 5",
            "data.classes",
        ),
        (sixteen_bit_image, "train/Elm_00003.png", "16-bit file, expected 8-bit RGB", "convert"),
        (palette_label, "trainannot/Elm_00003.png", "palette file, expected 8-bit grey", "without a palette"),
        (grey_image, "train/Elm_00003.png", "grey file, expected 8-bit RGB", "convert"),
        (rgba_image, "train/Elm_00003.png", "RGBA file, expected 8-bit RGB", "convert"),
        (colour_label, "trainannot/Elm_00003.png", "RGB file, expected 8-bit grey", "class indices"),
        (second_image, "train/Elm_00003.jpg, train/Elm_00003.png", "2 images of one stem", "keep one"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_bad_input_is_a_row_with_file_and_remedy(segnet_folder, damage, file, problem, remedy):
    damage(segnet_folder)
    dataset = read_with_problems(segnet_folder)
    assert len(dataset.problems) == 1
    row = dataset.problems.iloc[0]
    assert (row.file, row.split) == (file, "train")
    assert re.search(problem, row.problem), row.problem
    assert remedy in row.remedy
    assert dataset.counts()["train"] == 9
    assert not dataset.frames["image"].str.contains("Elm_00003").any()


def test_unknown_colours_are_counted(tmp_path, colour_pairs):
    colour_pairs(tmp_path / "train", tmp_path / "train", ["a_1", "a_2"], [(128, 128, 128), (0, 0, 0)])
    label = np.zeros((*TINY, 3), np.uint8)
    label[:2, :3] = (1, 2, 3)
    save(tmp_path / "train" / "a_2_L.png", label)
    dataset = read_with_problems(tmp_path)
    assert (
        "6 pixels of colours that the class set camvid32 does not hold: (1, 2, 3) in 6"
        in dataset.problems.problem[0]
    )


def test_sixteen_bit_colour_png_is_found_although_pillow_reads_it(segnet_folder):
    cv2.imwrite(str(segnet_folder / "train" / "Elm_00003.png"), np.zeros((*TINY, 3), np.uint16))
    assert "16-bit" in read_with_problems(segnet_folder).problems.problem[0]


def test_stop_raises_with_every_problem(segnet_folder):
    empty(segnet_folder)
    (segnet_folder / "valannot" / "Elm_00020.png").unlink()
    with pytest.raises(
        DatasetError,
        match=r"(?s)2 of 17 frames cannot be used.*Elm_00003.png: empty.*Elm_00020.png: label missing",
    ):
        read_dataset(segnet_folder, on_problem="stop")


def test_nothing_left_to_train_on_stops(segnet_folder):
    shutil.rmtree(segnet_folder / "trainannot")
    (segnet_folder / "trainannot").mkdir()
    with pytest.warns(DatasetWarning), pytest.raises(DatasetError, match="no usable training frame among 17"):
        read_dataset(segnet_folder)


def test_checks_are_remembered_until_a_file_changes(segnet_folder, tmp_path, monkeypatch):
    empty(segnet_folder)
    first = read_with_problems(segnet_folder, cache_dir=tmp_path / "cache")

    def fail(path):
        raise AssertionError(f"{path} was decoded again")

    with monkeypatch.context() as patched:
        patched.setattr(layouts, "read_image", fail)
        again = read_with_problems(segnet_folder, cache_dir=tmp_path / "cache")
    assert again.problems.equals(first.problems)
    save(segnet_folder / "train" / "Elm_00003.png", tiny_image(3))
    assert read_dataset(segnet_folder, cache_dir=tmp_path / "cache").problems.empty


def test_reading_a_raw_label_names_what_was_expected(segnet_folder):
    with pytest.raises(files.FileProblem, match="expected 8-bit RGB"):
        files.read_raw_label(segnet_folder / "trainannot" / "Elm_00000.png", "colour")
