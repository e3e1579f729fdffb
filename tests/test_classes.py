from dataclasses import replace

import numpy as np
import pytest

from seg_helpers.classes import (
    CAMVID11,
    CAMVID32,
    SOCCER4,
    VOID,
    get_class_set,
    read_classes,
    read_label_colors,
    write_classes,
)
from seg_helpers.config import ConfigError
from seg_helpers.datasets.files import encode_label

CAMVID11_MERGED, CITYSCAPES19 = get_class_set("camvid11_merged"), get_class_set("cityscapes19")

LABEL_COLORS = "".join(
    f"{r} {g} {b}\t{name}\n"
    for name, (r, g, b) in [*zip(CAMVID32.names, CAMVID32.colors.tolist(), strict=True), ("Void", (0, 0, 0))]
)


def color_of(name: str) -> tuple[int, int, int]:
    """The color of one of CamVid's 31 classes."""
    return tuple(CAMVID32.colors[CAMVID32.names.index(name)].tolist())


@pytest.mark.parametrize(
    "classes", [CAMVID11, CAMVID11_MERGED, CAMVID32, CITYSCAPES19, SOCCER4], ids=lambda classes: classes.name
)
def test_colors_read_back_as_the_indices_they_draw(classes):
    labels = np.array([[*range(classes.num_classes), VOID]], np.uint8)
    assert np.array_equal(encode_label(classes.colorize(labels), classes), labels)


@pytest.mark.parametrize(
    ("fine", "merged"),
    [
        ("Wall", "Building"),
        ("TrafficCone", "Pole"),
        ("LaneMkgsNonDriv", "Road"),
        ("ParkingBlock", "Pavement"),
        ("VegetationMisc", "Tree"),
        ("TrafficLight", "SignSymbol"),
        ("Truck_Bus", "Car"),
        ("Animal", "Pedestrian"),
        ("MotorcycleScooter", "Bicyclist"),
    ],
)
def test_camvid_merges_32_classes_into_11(fine, merged):
    color = color_of(fine)
    assert CAMVID11.names[CAMVID11.color_map[color]] == merged
    assert CAMVID11_MERGED.names[CAMVID11_MERGED.color_map[color]] == merged


def test_four_classes_are_void_in_segnets_files_and_merged_elsewhere():
    others = {name: CAMVID11_MERGED.color_map[color_of(name)] for name in CAMVID32.names}
    differ = {name for name in CAMVID32.names if CAMVID11.color_map[color_of(name)] != others[name]}
    assert differ == {"Archway", "CartLuggagePram", "Child", "OtherMoving"}
    assert {CAMVID11.color_map[color_of(name)] for name in differ} == {VOID}
    assert {name: CAMVID11_MERGED.names[others[name]] for name in differ} == {
        "Archway": "Building",
        "CartLuggagePram": "Pedestrian",
        "Child": "Pedestrian",
        "OtherMoving": "Car",
    }
    assert VOID not in others.values()


def test_the_two_merges_of_camvid_tell_themselves_apart():
    assert get_class_set("camvid11") is CAMVID11
    assert CAMVID11.names == CAMVID11_MERGED.names
    assert "Child and OtherMoving are void" in CAMVID11.description
    assert "OtherMoving as Car" in CAMVID11_MERGED.description


def test_camvid_class_sets_cover_the_palette():
    colors = {tuple(color) for color in CAMVID32.colors.tolist()} | {(0, 0, 0)}
    assert len(colors) == 32
    assert colors <= set(CAMVID11.color_map)
    assert CAMVID11.color_map[0, 0, 0] == CAMVID32.color_map[0, 0, 0] == VOID
    assert set(CAMVID11.color_map.values()) == {*range(11), VOID}
    assert CAMVID11.index_map[11] == VOID


def test_cityscapes_keeps_19_of_34_label_ids():
    scored = {label: index for label, index in CITYSCAPES19.index_map.items() if index != VOID}
    assert (scored[7], scored[11], scored[26], scored[33]) == (0, 2, 13, 18)
    assert sorted(scored.values()) == list(range(19))
    assert all(CITYSCAPES19.index_map[label] == VOID for label in (0, 1, 5, 9, 14, 18, 29, 30))


def test_train_ids_are_the_positions_of_the_19():
    train_ids = get_class_set("cityscapes19_train_ids")
    assert train_ids.names == CITYSCAPES19.names
    scored = {value: index for value, index in train_ids.index_map.items() if index != VOID}
    assert scored == {value: value for value in range(19)}
    assert train_ids.index_map[254] == train_ids.index_map[255] == VOID


def test_class_sets_are_found_by_name_and_unknown_names_list_the_known():
    assert get_class_set("camvid32") is CAMVID32
    with pytest.raises(ConfigError, match="no class set 'camvid12'; known: camvid11, camvid11_merged, camvid32"):
        get_class_set("camvid12")


def test_label_colors_file_of_camvid_is_recognized(tmp_path):
    path = tmp_path / "label_colors.txt"
    path.write_text(LABEL_COLORS)
    assert read_label_colors(path) is CAMVID32


def test_class_dict_makes_a_class_set_without_its_void(tmp_path):
    path = tmp_path / "class_dict.csv"
    path.write_text("name,r,g,b\nSea,0,0,200\nUnlabelled,9,9,9\nLand,0,120,0\n")
    classes = read_label_colors(path)
    assert classes.names == ("Sea", "Land")
    assert classes.color_map[9, 9, 9] == VOID
    assert classes.colorize(np.array([[1, VOID]], np.uint8)).tolist() == [[[0, 120, 0], [9, 9, 9]]]
    assert classes.description == "the classes that class_dict.csv lists"


@pytest.mark.parametrize("header", ["name,r,g,b\n", "Name, Red, Green, Blue\n", "\ufeffname,r,g,b\n", ""])
@pytest.mark.parametrize("marks", [("", ""), (",1", ",0"), (",1,5", ",0,6")])
def test_class_dict_keeps_every_class_whatever_its_header_and_further_columns(tmp_path, header, marks):
    path = tmp_path / "class_dict.csv"
    top = header.strip() and header.strip() + ",class_11" * bool(marks[0]) + "\n"
    path.write_text(f"{top}Sea,0,0,200{marks[0]}\nLand,0,120,0{marks[1]}\n", encoding="utf-8")
    classes = read_label_colors(path)
    assert classes.names == ("Sea", "Land")
    assert classes.colors.tolist() == [[0, 0, 200], [0, 120, 0]]


@pytest.mark.parametrize("top", ["name,b,g,r", "name;r;g;b", "r,g,b,name", "id,name,r,g,b", "Sea,0,0,blue"])
def test_a_header_of_another_kind_is_refused(tmp_path, top):
    path = tmp_path / "class_dict.csv"
    path.write_text(f"{top}\nLand,0,120,0\n")
    with pytest.raises(ConfigError, match=r"class_dict\.csv, line 1: expected a class as in `Road,128,64,128`, found"):
        read_label_colors(path)


@pytest.mark.parametrize("line", ["Sea,0,0", "Sea,0,0,blue", "Sea,0,0,1.5", "Sea,0,0,-1", ",0,0,1"])
def test_a_bad_line_is_named_with_its_file(tmp_path, line):
    path = tmp_path / "class_dict.csv"
    path.write_text(f"name,r,g,b\nLand,0,120,0\n{line}\n")
    with pytest.raises(ConfigError, match=r"class_dict\.csv, line 3"):
        read_label_colors(path)


def test_classes_file_round_trip(tmp_path):
    path = tmp_path / "classes.json"
    write_classes(path, SOCCER4, frames_per_second=30)
    classes, rate = read_classes(path)
    assert classes is SOCCER4
    assert rate == 30
    path.write_text('{"name": "pets", "names": ["cat"], "colors": [[1, 2, 3]]}')
    pets, rate = read_classes(path)
    assert rate is None
    assert (pets.names, pets.index_map[0], pets.index_map[VOID]) == (("cat",), 0, VOID)
    assert pets.description == "the classes that classes.json lists"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"name": "pets", "names": ["cat"]}', "colors: Field required"),
        ('{"names": ["cat"], "colors": [[1, 2, 3]]}', "name: Field required"),
        ('{"name": "a/b", "names": ["cat"], "colors": [[1, 2, 3]]}', "name: String should match pattern"),
        ('{"name": "pets", "names": ["cat", "cat"], "colors": [[1, 2, 3], [4, 5, 6]]}', "'cat' is there twice"),
        ('{"name": "pets", "names": ["cat", "dog"], "colors": [[1, 2, 3], [1, 2, 3]]}', r"\[1, 2, 3\] is there twice"),
        ('{"name": "pets", "names": ["cat", "dog"], "colors": [[1, 2, 3]]}', "2 names but 1 colors"),
        ('{"name": "pets", "names": ["cat"], "colors": [[1, 2, 300]]}', r"colors\.0\.2: .*less than.* 255, got 300"),
        ('{"name": "pets", "names": ["cat"], "colors": [[1, 2.5, 3]]}', r"colors\.0\.1: .*integer, got 2\.5"),
        ('{"name": "pets", "names": ["cat"], "colors": [[1, true, 3]]}', r"colors\.0\.1: .*integer, got True"),
        ('{"name": "pets", "names": ["cat"], "colors": [[1, 2]]}', r"colors\.0: List should have at least 3 items"),
        ('{"name": "pets", "names": [null], "colors": [[1, 2, 3]]}', r"names\.0: .*string, got None"),
        ('{"name": "pets", "names": [], "colors": []}', "names: List should have at least 1 item"),
        (
            '{"name": "soccer4", "names": ["cat"], "colors": [[1, 2, 3]]}',
            "soccer4 is a known class set of other classes",
        ),
        ("[1, 2]", "values: Input should be a valid dictionary"),
        ("{name}", "not valid JSON"),
    ],
)
def test_a_classes_file_that_does_not_fit_is_refused(tmp_path, text, said):
    path = tmp_path / "classes.json"
    path.write_text(text)
    with pytest.raises(ConfigError, match=rf"classes\.json: .*{said}"):
        read_classes(path)


@pytest.mark.parametrize("encoding", ["utf-16", "garbage"])
@pytest.mark.parametrize(
    ("name", "read", "text"),
    [
        ("label_colors.txt", read_label_colors, LABEL_COLORS),
        ("class_dict.csv", read_label_colors, "name,r,g,b\nSea,0,0,200\n"),
        ("classes.json", read_classes, '{"name": "pets", "names": ["cat"], "colors": [[1, 2, 3]]}'),
    ],
)
def test_a_dictionary_in_another_encoding_is_to_be_saved_as_utf_8(tmp_path, name, read, text, encoding):
    path = tmp_path / name
    path.write_bytes(b"\x89PNG\r\n\x1a\n\xfe\xff" if encoding == "garbage" else text.encode(encoding))
    with pytest.raises(ConfigError, match="not UTF-8 text; save it as UTF-8") as error:
        read(path)
    assert str(error.value).startswith(str(path))
    path.write_text(text, encoding="utf-8-sig")  # Windows' editors write a mark first
    read(path)


@pytest.mark.parametrize("line", ["128 128 128", "128 128 Sky", "128 128 -3 Sky"])
def test_a_bad_line_of_label_colors_is_named(tmp_path, line):
    path = tmp_path / "label_colors.txt"
    path.write_text(f"0 0 200 Sea\n{line}\n")
    with pytest.raises(ConfigError, match=r"label_colors\.txt, line 2: expected"):
        read_label_colors(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Void,0,0,0\n", "lists no class that is scored"),
        ("", "names: List should have at least 1 item"),
        ("Sea,0,0,1\nLand,0,0,300\n", r"colors\.1\.2: Input should be less than or equal to 255, got 300"),
        ("Sea,0,0,1\nSea,0,0,2\n", "'Sea' is there twice"),
        ("Sea,0,0,1\nLand,0,0,1\n", r"\[0, 0, 1\] is there twice"),
        (
            "".join(f"c{i},0,{i // 256},{i % 256}\n" for i in range(255)),
            "names: List should have at most 254 items",
        ),
    ],
)
def test_a_class_dict_of_no_use_is_refused(tmp_path, text, said):
    path = tmp_path / "class_dict.csv"
    path.write_text(text)
    with pytest.raises(ConfigError, match=rf"class_dict\.csv: .*{said}"):
        read_label_colors(path)


def test_a_known_name_in_classes_json_means_positions_in_its_own_colors(tmp_path):
    """Cityscapes' own label files hold ids; a data set that describes itself by `classes.json` holds positions."""
    path = tmp_path / "classes.json"
    write_classes(path, CITYSCAPES19)
    assert [read_classes(path)[0].index_map[i] for i in range(19)] == list(range(19))
    write_classes(path, replace(CITYSCAPES19, colors=CITYSCAPES19.colors[::-1].copy()))
    with pytest.raises(ConfigError, match="cityscapes19 is a known class set of other classes"):
        read_classes(path)
