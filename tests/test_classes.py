import numpy as np
import pytest

from seg_helpers.classes import (
    CAMVID11,
    CAMVID32,
    CITYSCAPES19,
    SOCCER4,
    VOID,
    get_class_set,
    merge,
    read_class_dict,
    read_classes,
    read_label_colors,
    write_classes,
)
from seg_helpers.datasets.files import encode_label

LABEL_COLORS = "".join(
    f"{r} {g} {b}\t{name}\n"
    for name, (r, g, b) in [*zip(CAMVID32.names, CAMVID32.colours.tolist(), strict=True), ("Void", (0, 0, 0))]
)


@pytest.mark.parametrize(
    "classes", [CAMVID11, CAMVID32, CITYSCAPES19, SOCCER4], ids=lambda classes: classes.name
)
def test_colours_read_back_as_the_indices_they_draw(classes):
    labels = np.array([[*range(classes.num_classes), VOID]], np.uint8)
    assert np.array_equal(encode_label(classes.colourise(labels), classes), labels)


@pytest.mark.parametrize(
    ("fine", "merged"),
    [
        ("Wall", "Building"),
        ("Archway", "Building"),
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
    colour = tuple(CAMVID32.colours[CAMVID32.names.index(fine)].tolist())
    assert CAMVID11.names[CAMVID11.colour_map[colour]] == merged


def test_camvid_class_sets_cover_the_palette():
    colours = {tuple(colour) for colour in CAMVID32.colours.tolist()} | {(0, 0, 0)}
    assert len(colours) == 32
    assert colours <= set(CAMVID11.colour_map)
    assert CAMVID11.colour_map[0, 0, 0] == CAMVID32.colour_map[0, 0, 0] == VOID
    assert set(CAMVID11.colour_map.values()) == {*range(11), VOID}
    assert CAMVID11.index_map[11] == VOID


def test_cityscapes_keeps_19_of_34_label_ids():
    scored = {label: index for label, index in CITYSCAPES19.index_map.items() if index != VOID}
    assert (scored[7], scored[11], scored[26], scored[33]) == (0, 2, 13, 18)
    assert sorted(scored.values()) == list(range(19))
    assert all(CITYSCAPES19.index_map[label] == VOID for label in (0, 1, 5, 9, 14, 18, 29, 30))


def test_class_sets_are_found_by_name_and_unknown_names_list_the_known():
    assert get_class_set("camvid32") is CAMVID32
    with pytest.raises(ValueError, match="no class set 'camvid12'; known: camvid11, camvid32"):
        get_class_set("camvid12")


def test_label_colors_file_of_camvid_is_recognised(tmp_path):
    path = tmp_path / "label_colors.txt"
    path.write_text(LABEL_COLORS)
    assert read_label_colors(path) is CAMVID32


def test_class_dict_makes_a_class_set_without_its_void(tmp_path):
    path = tmp_path / "class_dict.csv"
    path.write_text("name,r,g,b\nSea,0,0,200\nUnlabelled,9,9,9\nLand,0,120,0\n")
    classes = read_class_dict(path)
    assert classes.names == ("Sea", "Land")
    assert classes.colour_map[9, 9, 9] == VOID
    assert classes.colourise(np.array([[1, VOID]], np.uint8)).tolist() == [[[0, 120, 0], [9, 9, 9]]]


@pytest.mark.parametrize("line", ["Sea,0,0", "Sea,0,0,blue", "Sea,0,0,300"])
def test_a_bad_line_is_named_with_its_file(tmp_path, line):
    path = tmp_path / "class_dict.csv"
    path.write_text(f"name,r,g,b\nLand,0,120,0\n{line}\n")
    with pytest.raises(ValueError, match=r"class_dict\.csv, line 3"):
        read_class_dict(path)


def test_classes_file_round_trip(tmp_path):
    path = tmp_path / "classes.json"
    write_classes(path, SOCCER4, frames_per_second=30)
    assert read_classes(path) is SOCCER4
    path.write_text('{"name": "pets", "names": ["cat"], "colours": [[1, 2, 3]]}')
    pets = read_classes(path)
    assert (pets.names, pets.index_map[0], pets.index_map[VOID]) == (("cat",), 0, VOID)
    path.write_text('{"name": "pets", "names": ["cat"]}')
    with pytest.raises(ValueError, match=r"classes\.json: expected name, names"):
        read_classes(path)


def test_merging_a_class_twice_is_an_error():
    with pytest.raises(ValueError, match="'Sky' is not in camvid32, or is merged twice"):
        merge("two", [("A", (1, 1, 1), ["Sky"]), ("B", (2, 2, 2), ["Sky"])], CAMVID32)
