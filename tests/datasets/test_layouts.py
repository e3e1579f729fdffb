import json
import os
import re

import numpy as np
import pytest
from PIL import Image
from tiny import TINY, save, tiny_image, tiny_label

from seg_helpers.classes import CAMVID11, CAMVID32, VOID, get_class_set
from seg_helpers.config import ConfigError
from seg_helpers.datasets import cache, files
from seg_helpers.datasets.files import read_image, read_label
from seg_helpers.datasets.layouts import DatasetError, DatasetWarning, parse_stem, read_dataset


def counts(dataset) -> list[int]:
    """Frames of train, val and test."""
    return [int((dataset.frames["split"] == split).sum()) for split in ("train", "val", "test")]


def read_with_problems(root, **options):
    with pytest.warns(DatasetWarning):
        return read_dataset(root, **options)


# Layouts


def test_segnet_layout(segnet_folder):
    dataset = read_dataset(segnet_folder)
    assert (dataset.layout, dataset.classes) == ("segnet", CAMVID11)
    assert counts(dataset) == [10, 3, 4]
    assert dataset.problems.empty
    last = dataset.frames.iloc[-1]
    assert (last["split"], last["clip"], last["number"]) == ("test", "Oak", 3)
    label = read_label(last.label, dataset.classes)
    assert np.array_equal(label == VOID, np.asarray(Image.open(last.label)) == 11)


def test_segnet_layout_takes_jpeg_images(segnet_folder):
    for path in (segnet_folder / "train").glob("*.png"):
        Image.open(path).save(path.with_suffix(".jpg"))
        path.unlink()
    assert counts(read_dataset(segnet_folder))[0] == 10


def test_segnet_layout_reads_its_own_classes(segnet_folder):
    colors = [[i, i, i] for i in range(12)]
    content = {"name": "dozen", "names": list("abcdefghijkl"), "colors": colors, "frames_per_second": 15}
    (segnet_folder / "classes.json").write_text(json.dumps(content))
    dataset = read_dataset(segnet_folder)
    assert (dataset.classes.num_classes, dataset.frames_per_second) == (12, 15)


@pytest.mark.parametrize("rate", ['"x"', "-1", "0", "NaN", "true", "[30]"])
def test_a_frame_rate_that_is_none_is_refused(segnet_folder, rate):
    text = '{"name": "pets", "names": ["cat"], "colors": [[1, 2, 3]], "frames_per_second": RATE}'
    for path in segnet_folder.glob("*annot/*.png"):
        save(path, np.zeros(TINY, np.uint8))
    (segnet_folder / "classes.json").write_text(text.replace("RATE", rate))
    with pytest.raises(ConfigError, match=r"classes\.json: frames_per_second: Input should be "):
        read_dataset(segnet_folder)
    (segnet_folder / "classes.json").write_text(text.replace("RATE", "12.5"))
    assert read_dataset(segnet_folder).frames_per_second == 12.5


def test_a_dictionary_that_cannot_be_read_is_named(segnet_folder):
    path = segnet_folder / "classes.json"
    path.write_bytes("{}".encode("utf-16"))
    with pytest.raises(ConfigError, match=r"classes\.json: not UTF-8 text; save it as UTF-8"):
        read_dataset(segnet_folder)
    path.unlink()
    path.symlink_to("elsewhere.json")  # not passed over, as if the folder named no classes
    with pytest.raises(DatasetError, match=r"No such file or directory: .*classes\.json'; mend it, or name another"):
        read_dataset(segnet_folder)


@pytest.mark.parametrize(
    ("classes", "expected"),
    [("auto", CAMVID32), ("camvid11", CAMVID11), ("camvid11_merged", get_class_set("camvid11_merged"))],
)
def test_color_layout_in_32_classes_or_merged(tmp_path, color_pairs, classes, expected):
    colors = [tuple(color) for color in CAMVID32.colors.tolist()]
    for split in ("train", "val", "test"):
        color_pairs(tmp_path / split, tmp_path / f"{split}_labels", ["0006R0_f00930", "0006R0_f00960"], colors)
    lines = [f"{name},{r},{g},{b}" for name, (r, g, b) in zip(CAMVID32.names, colors, strict=True)]
    (tmp_path / "class_dict.csv").write_text("\n".join(["name,r,g,b", *lines, "Void,0,0,0"]))
    dataset = read_dataset(tmp_path, classes=classes)
    assert (dataset.layout, dataset.classes, len(dataset.frames)) == ("color", expected, 6)
    assert dataset.frames_per_second == 30
    frame = dataset.frames.iloc[0]
    truth = CAMVID32.colors[tiny_label(0, 30)]
    assert np.array_equal(read_label(frame.label, CAMVID32), tiny_label(0, 30))
    merged = [[expected.color_map[tuple(pixel)] for pixel in row] for row in truth.tolist()]
    assert np.array_equal(read_label(frame.label, expected), merged)


def test_cam101_layout(tmp_path, color_pairs):
    color_pairs(tmp_path / "train", tmp_path / "train", ["0016E5_07959", "0016E5_07961"], [(128, 128, 128), (0, 0, 0)])
    color_pairs(tmp_path / "test", tmp_path / "test", ["0016E5_08159"], [(128, 128, 128), (0, 0, 0)])
    dataset = read_dataset(tmp_path)
    assert (dataset.layout, dataset.classes) == ("cam101", CAMVID32)
    assert counts(dataset) == [2, 0, 1]
    assert dataset.frames["number"].tolist() == [7959, 7961, 8159]


def test_cityscapes_layout_has_no_test_labels(tmp_path):
    for split, city in (("train", "ulm"), ("val", "bonn"), ("test", "bern")):
        name = f"{city}_000003_000019"
        save(tmp_path / "leftImg8bit" / split / city / f"{name}_leftImg8bit.png", tiny_image(0))
        save(tmp_path / "gtFine" / split / city / f"{name}_gtFine_labelIds.png", np.full(TINY, 26, np.uint8))
    dataset = read_dataset(tmp_path)
    assert (dataset.layout, dataset.classes) == ("cityscapes", get_class_set("cityscapes19"))
    assert dataset.frames["clip"].tolist() == ["ulm_000003", "bonn_000003", "bern_000003"]
    assert (dataset.frames["label"] == "").tolist() == [False, False, True]
    assert np.unique(read_label(dataset.frames["label"][0], get_class_set("cityscapes19"))).tolist() == [13]


def write_cityscapes(root, kind, value, splits=("train", "val")):
    for split in splits:
        name = f"{split}_000003_000019"
        save(root / "leftImg8bit" / split / "ulm" / f"{name}_leftImg8bit.png", tiny_image(0))
        save(root / "gtFine" / split / "ulm" / f"{name}_gtFine_{kind}.png", np.full(TINY, value, np.uint8))


@pytest.mark.parametrize("classes", ["auto", "cityscapes19"])
@pytest.mark.parametrize(("value", "index"), [(13, 13), (18, 18), (0, 0), (254, VOID), (255, VOID)])
def test_cityscapes_train_ids_are_read_where_there_are_only_these(tmp_path, classes, value, index):
    write_cityscapes(tmp_path, "labelTrainIds", value)
    dataset = read_dataset(tmp_path, classes=classes)
    assert dataset.classes is get_class_set("cityscapes19_train_ids")
    assert counts(dataset) == [1, 1, 0]
    assert np.unique(read_label(dataset.frames["label"][0], dataset.classes)).tolist() == [index]


def test_cityscapes_train_ids_are_left_alone_beside_label_ids(tmp_path):
    write_cityscapes(tmp_path, "labelTrainIds", 13)
    write_cityscapes(tmp_path, "labelIds", 33)
    dataset = read_dataset(tmp_path)
    assert dataset.classes is get_class_set("cityscapes19")
    assert np.unique(read_label(dataset.frames["label"][0], dataset.classes)).tolist() == [18]


def test_train_ids_beyond_the_19_are_a_problem(tmp_path):
    write_cityscapes(tmp_path, "labelTrainIds", 13)
    write_cityscapes(tmp_path, "labelTrainIds", 19, ["val"])
    assert "19 in 192" in read_with_problems(tmp_path).problems.problem[0]


@pytest.mark.parametrize("kind", ["color", "instanceIds"])
def test_cityscapes_without_its_label_ids_is_told_what_is_looked_for(tmp_path, kind):
    write_cityscapes(tmp_path, kind, 0)
    with pytest.raises(
        DatasetError, match=r"gtFine/train/\*/\*_gtFine_labelIds\.png(?s:.*)Found: gtFine/, leftImg8bit/"
    ):
        read_dataset(tmp_path)


def test_each_split_of_cityscapes_needs_the_same_label_files(tmp_path):
    write_cityscapes(tmp_path, "labelIds", 7, ["train"])
    write_cityscapes(tmp_path, "labelTrainIds", 0, ["val"])
    dataset = read_with_problems(tmp_path)
    assert counts(dataset) == [1, 0, 0]
    assert dataset.problems["problem"].tolist() == ["1 images and 0 labels of this name"]


def test_hidden_and_foreign_files_in_cities_are_passed_over(tmp_path):
    write_cityscapes(tmp_path, "labelIds", 7)
    city = tmp_path / "leftImg8bit" / "train" / "ulm"
    (city / "._train_000003_000019_leftImg8bit.png").write_bytes(b"resource fork")
    (city / "train_000003_000019_leftImg8bit.txt").write_text("notes")
    dataset = read_dataset(tmp_path)
    assert dataset.problems.empty
    assert len(dataset.frames) == 2


@pytest.mark.parametrize(
    ("stem", "clip", "number"),
    [
        ("0001TP_006690", "0001TP", 6690),
        ("Seq05VD_f00000", "Seq05VD", 0),
        ("0042", "", 42),
        ("Val_0042", "", 42),
        ("camvid_val_0001", "", 1),
        ("test-set_1", "", 1),
        ("frame0042", "", 42),
        ("harbour", "", None),
        ("$a^^b$,_7", "$a^^b$,", 7),
        ("9" * 30, "9" * 12, 10**18 - 1),  # a number that a table holds as such
    ],
)
def test_stems_tell_clip_and_number(stem, clip, number):
    assert parse_stem(stem) == (clip, number)


def test_a_folder_that_is_no_data_set_says_what_was_looked_for_and_found(tmp_path, segnet_folder):
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(
        DatasetError, match=r"(?s)Looked for:.*trainannot.*Found: notes.txt, tiny/\n.*tiny looks like one"
    ):
        read_dataset(tmp_path)
    with pytest.raises(DatasetError, match=r"No such file or directory: .*absent'; mend it, or name another folder"):
        read_dataset(tmp_path / "absent")


def test_a_folder_that_cannot_be_looked_into_is_named(tmp_path):
    with pytest.raises(DatasetError, match=r"File name too long: '/.*xxx'; mend it, or name another folder"):
        read_dataset(tmp_path / ("x" * 300))
    (tmp_path / "loop").symlink_to(tmp_path / "loop")
    for root in (tmp_path / "loop", "~nobody-of-this-name/camvid"):
        with pytest.raises(DatasetError, match=r"(No such file|symbolic links).*; mend it, or name another folder"):
            read_dataset(root)


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


def gray_image(root):
    save(root / "train" / "Elm_00003.png", tiny_image(3)[..., 0])


def rgba_image(root):
    Image.fromarray(tiny_image(3)).convert("RGBA").save(root / "train" / "Elm_00003.png")


def color_label(root):
    save(root / "trainannot" / "Elm_00003.png", CAMVID11.colors[tiny_label(3, 10)])


def dangling_image(root):
    (root / "train" / "Elm_00003.png").unlink()
    (root / "train" / "Elm_00003.png").symlink_to("nowhere.png")


def dangling_label(root):
    (root / "trainannot" / "Elm_00003.png").unlink()
    (root / "trainannot" / "Elm_00003.png").symlink_to("/nowhere/at/all.png")


def link_to_itself(root):
    (root / "train" / "Elm_00003.png").unlink()
    (root / "train" / "Elm_00003.png").symlink_to("Elm_00003.png")


def folder_as_image(root):
    (root / "train" / "Elm_00003.png").unlink()
    (root / "train" / "Elm_00003.png").mkdir()


def second_image(root):
    Image.open(root / "train" / "Elm_00003.png").save(root / "train" / "Elm_00003.jpg")


@pytest.mark.parametrize(
    ("damage", "file", "problem", "remedy"),
    [
        (truncate, "train/Elm_00003.png", "truncated", "download it again"),
        (empty, "train/Elm_00003.png", "cannot identify image file", "download it again"),
        (not_an_image, "train/Elm_00003.png", "cannot identify image file", "download it again"),
        (resize_label, "trainannot/Elm_00003.png", "label is 8x6 but its image 16x12", "same release"),
        (remove_label, "train/Elm_00003.png", "1 images and 0 labels of this name", "give it one of each"),
        (remove_image, "trainannot/Elm_00003.png", "0 images and 1 labels of this name", "give it one of each"),
        (
            unknown_index,
            "trainannot/Elm_00003.png",
            "5 pixels of indices .* camvid11 does not hold: 77 in 5",
            "data.classes",
        ),
        (sixteen_bit_image, "train/Elm_00003.png", "mode I;16, expected RGB", "convert"),
        (palette_label, "trainannot/Elm_00003.png", "mode P, expected L", "without a palette"),
        (gray_image, "train/Elm_00003.png", "mode L, expected RGB", "convert"),
        (rgba_image, "train/Elm_00003.png", "mode RGBA, expected RGB", "convert"),
        (color_label, "trainannot/Elm_00003.png", "mode RGB, expected L", "class indices"),
        (dangling_image, "train/Elm_00003.png", "cannot be read: .*No such file", "download it again"),
        (dangling_label, "trainannot/Elm_00003.png", "cannot be read: .*No such file", "download it again"),
        (link_to_itself, "train/Elm_00003.png", "cannot be read: .*symbolic links", "download it again"),
        (folder_as_image, "train/Elm_00003.png", "cannot be read: .*Is a directory", "download it again"),
        (second_image, "train/Elm_00003.jpg", "2 images and 1 labels of this name", "give it one of each"),
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
    assert counts(dataset)[0] == 9
    assert not dataset.frames["image"].str.contains("Elm_00003").any()


def test_a_name_that_is_no_text_is_a_problem(segnet_folder):
    for name in (b"caf\xe9.png", b"a\nb.png"):  # Latin-1, as old archives hold it; a line break
        save(segnet_folder / "train" / os.fsdecode(name), tiny_image(1))
        save(segnet_folder / "trainannot" / os.fsdecode(name), tiny_label(1))
    dataset = read_with_problems(segnet_folder)
    assert dataset.problems["problem"].tolist() == ["a name that is not plain text"] * 2
    assert set(dataset.problems["file"]) == {r"'train/caf\udce9.png'", r"'train/a\nb.png'"}
    assert counts(dataset)[0] == 10


def test_a_link_that_is_mended_is_checked_again(segnet_folder, tmp_path):
    dangling_image(segnet_folder)
    assert len(read_with_problems(segnet_folder, cache_dir=tmp_path / "cache").problems) == 1
    save(segnet_folder / "train" / "nowhere.png", tiny_image(3))
    save(segnet_folder / "trainannot" / "nowhere.png", tiny_label(3))
    assert counts(read_dataset(segnet_folder, cache_dir=tmp_path / "cache"))[0] == 11


# Orientation


def turn(path, orientation, image, **options):
    """Writes an image as a camera does that was held another way: turned pixels, and in EXIF how to turn them back."""
    back = {3: 2, 6: 1, 8: 3}[orientation]  # quarter turns against the clock that undo it
    exif = Image.Exif()
    exif[0x0112] = orientation
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.rot90(image, back)).save(path, exif=exif, **options)


@pytest.mark.parametrize("orientation", [3, 6, 8])
@pytest.mark.parametrize("extension", ["png", "jpg"])
def test_images_and_labels_stand_upright(segnet_folder, tmp_path, orientation, extension):
    image, label = np.repeat(tiny_image(3)[:, :, :1], 3, axis=2), tiny_label(3)
    (segnet_folder / "train" / "Elm_00003.png").unlink()
    path = segnet_folder / "train" / f"Elm_00003.{extension}"
    turn(path, orientation, image, **({"quality": 100} if extension == "jpg" else {}))
    turn(segnet_folder / "trainannot" / "Elm_00003.png", orientation, label)
    dataset = read_dataset(segnet_folder)
    assert dataset.problems.empty
    assert np.abs(read_image(path).astype(int) - image).max() <= 2 * (extension == "jpg")
    labels = read_label(segnet_folder / "trainannot" / "Elm_00003.png", CAMVID11)
    assert np.array_equal(labels, np.where(label == 11, VOID, label))
    assert dataset.cache.size == TINY  # all of one size


def test_a_png_may_say_behind_its_pixels_how_it_is_turned(tmp_path):
    path = tmp_path / "turned.png"
    turn(path, 6, tiny_image(0))
    data = path.read_bytes()
    start = data.index(b"eXIf") - 4
    stop = start + 12 + int.from_bytes(data[start : start + 4], "big")
    end = data.index(b"IEND") - 4
    assert stop <= end
    path.write_bytes(data[:start] + data[stop:end] + data[start:stop] + data[end:])
    assert np.array_equal(read_image(path), tiny_image(0))


def test_a_turned_image_with_an_upright_label_is_a_problem(segnet_folder):
    turn(segnet_folder / "train" / "Elm_00003.png", 6, tiny_image(3, size=(16, 12)))
    assert "label is 16x12 but its image 12x16" in read_with_problems(segnet_folder).problems.problem[0]


def test_unknown_colors_are_counted(tmp_path, color_pairs):
    color_pairs(tmp_path / "train", tmp_path / "train", ["a_1", "a_2"], [(128, 128, 128), (0, 0, 0)])
    label = np.zeros((*TINY, 3), np.uint8)
    label[:2, :3] = (1, 2, 3)
    save(tmp_path / "train" / "a_2_L.png", label)
    dataset = read_with_problems(tmp_path)
    assert "6 pixels of colors that the class set camvid32 does not hold: [1, 2, 3] in 6" in dataset.problems.problem[0]


def test_stop_raises_with_every_problem(segnet_folder):
    empty(segnet_folder)
    (segnet_folder / "valannot" / "Elm_00020.png").unlink()
    with pytest.raises(
        DatasetError,
        match=r"(?s)2 of 17 frames cannot be used.*Elm_00020.png: 1 images and 0 labels.*Elm_00003.png: cannot be read",
    ):
        read_dataset(segnet_folder, on_problem="stop")


def test_nothing_left_to_train_on_stops(segnet_folder):
    for path in (segnet_folder / "train").iterdir():
        path.write_bytes(b"")
    with (
        pytest.warns(DatasetWarning),
        pytest.raises(
            DatasetError, match=r"no usable training frame in layout 'segnet'.*Elm_00000\.png: cannot be read"
        ),
    ):
        read_dataset(segnet_folder)


def test_checks_are_remembered_until_a_file_changes(segnet_folder, tmp_path, monkeypatch):
    empty(segnet_folder)
    first = read_with_problems(segnet_folder, cache_dir=tmp_path / "cache")

    def fail(path):
        raise AssertionError(f"{path} was decoded again")

    with monkeypatch.context() as patched:
        patched.setattr(cache, "read_image", fail)
        again = read_with_problems(segnet_folder, cache_dir=tmp_path / "cache")
    assert again.problems.equals(first.problems)
    save(segnet_folder / "train" / "Elm_00003.png", tiny_image(3))
    assert read_dataset(segnet_folder, cache_dir=tmp_path / "cache").problems.empty


def test_a_label_of_another_kind_names_what_was_expected(segnet_folder):
    with pytest.raises(files.FileProblem, match=r"Elm_00000\.png: a file of mode L, expected RGB"):
        read_label(segnet_folder / "trainannot" / "Elm_00000.png", CAMVID11, "color")
