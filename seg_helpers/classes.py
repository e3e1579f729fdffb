"""Names, colors, the void index and merges of each data set's classes: one `ClassSet` each, the single truth."""

import csv
import json
import re
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

VOID = 255
_VOID_NAMES = {"void", "unlabelled", "unlabeled", "ignore"}
_MOST_CLASSES = 254  # 254 and 255 of an 8-bit label are taken: unknown and void

Color = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class ClassSet:
    """The scored classes of a data set and how its label files encode them.

    Attributes:
        name: short name, as a profile writes it.
        names: scored classes; the position is the index used everywhere inside the package.
        colors: (C, 3) uint8 RGB, the data set's own palette.
        index_map: value in an index label file to class index or `VOID`; other values are errors in the file.
        color_map: RGB in a color-coded label file to class index or `VOID`; other colors are errors.
        void_color: RGB that void is drawn in.
        description: a line for readers: which classes these are, and what of the data set is void.
    """

    name: str
    names: tuple[str, ...]
    colors: np.ndarray
    index_map: Mapping[int, int]
    color_map: Mapping[Color, int]
    void_color: Color = (0, 0, 0)
    description: str = ""

    def __post_init__(self):
        if len(self.names) != len(self.colors):
            raise ValueError(f"class set {self.name}: {len(self.names)} names but {len(self.colors)} colors")

    @property
    def num_classes(self) -> int:
        """Number of scored classes; void is not one."""
        return len(self.names)

    def colorize(self, labels: np.ndarray) -> np.ndarray:
        """Draws labels in the palette: (H, W) uint8 indices to (H, W, 3) uint8 RGB, void in its own color."""
        palette = np.empty((256, 3), np.uint8)
        palette[:] = self.void_color
        palette[: self.num_classes] = self.colors
        return palette[labels]


def _class_set(name, table, index_map, color_map=None, void_color=(0, 0, 0), description="") -> ClassSet:
    names, colors = zip(*table, strict=True)
    own = {tuple(map(int, color)): i for i, color in enumerate(colors)}
    mapped = {tuple(void_color): VOID} | own | dict(color_map or {})
    return ClassSet(name, names, np.array(colors, np.uint8), index_map, mapped, tuple(void_color), description)


def _identity(count: int, *void: int) -> dict[int, int]:
    return {i: i for i in range(count)} | dict.fromkeys((*void, VOID), VOID)


# Colors of CamVid's `label_colors.txt`, Void left out (Brostow et al., PRL 2009).
_CAMVID32 = (
    ("Animal", (64, 128, 64)),
    ("Archway", (192, 0, 128)),
    ("Bicyclist", (0, 128, 192)),
    ("Bridge", (0, 128, 64)),
    ("Building", (128, 0, 0)),
    ("Car", (64, 0, 128)),
    ("CartLuggagePram", (64, 0, 192)),
    ("Child", (192, 128, 64)),
    ("Column_Pole", (192, 192, 128)),
    ("Fence", (64, 64, 128)),
    ("LaneMkgsDriv", (128, 0, 192)),
    ("LaneMkgsNonDriv", (192, 0, 64)),
    ("Misc_Text", (128, 128, 64)),
    ("MotorcycleScooter", (192, 0, 192)),
    ("OtherMoving", (128, 64, 64)),
    ("ParkingBlock", (64, 192, 128)),
    ("Pedestrian", (64, 64, 0)),
    ("Road", (128, 64, 128)),
    ("RoadShoulder", (128, 128, 192)),
    ("Sidewalk", (0, 0, 192)),
    ("SignSymbol", (192, 128, 128)),
    ("Sky", (128, 128, 128)),
    ("SUVPickupTruck", (64, 128, 192)),
    ("TrafficCone", (0, 0, 64)),
    ("TrafficLight", (0, 64, 64)),
    ("Train", (192, 64, 128)),
    ("Tree", (128, 128, 0)),
    ("Truck_Bus", (192, 128, 192)),
    ("Tunnel", (64, 0, 64)),
    ("VegetationMisc", (192, 192, 0)),
    ("Wall", (64, 192, 0)),
)

# The SegNet tutorial's classes in its order, and the classes of the 32 that its label files gather in each one.
_CAMVID11 = (
    ("Sky", (128, 128, 128), ("Sky",)),
    ("Building", (128, 0, 0), ("Building", "Wall", "Bridge", "Tunnel")),
    ("Pole", (192, 192, 128), ("Column_Pole", "TrafficCone")),
    ("Road", (128, 64, 128), ("Road", "LaneMkgsDriv", "LaneMkgsNonDriv")),
    ("Pavement", (60, 40, 222), ("Sidewalk", "ParkingBlock", "RoadShoulder")),
    ("Tree", (128, 128, 0), ("Tree", "VegetationMisc")),
    ("SignSymbol", (192, 128, 128), ("SignSymbol", "Misc_Text", "TrafficLight")),
    ("Fence", (64, 64, 128), ("Fence",)),
    ("Car", (64, 0, 128), ("Car", "SUVPickupTruck", "Truck_Bus", "Train")),
    ("Pedestrian", (64, 64, 0), ("Pedestrian", "Animal")),
    ("Bicyclist", (0, 128, 192), ("Bicyclist", "MotorcycleScooter")),
)

# Where the usual merge of the 32 to 11 puts the four that SegNet's label files leave void.
_VOID_IN_SEGNET = {
    "Building": ("Archway",),
    "Car": ("OtherMoving",),
    "Pedestrian": ("CartLuggagePram", "Child"),
}

# Name, color and label id of the 19 classes that Cityscapes trains and scores, in train-id order.
_CITYSCAPES19 = (
    ("road", (128, 64, 128), 7),
    ("sidewalk", (244, 35, 232), 8),
    ("building", (70, 70, 70), 11),
    ("wall", (102, 102, 156), 12),
    ("fence", (190, 153, 153), 13),
    ("pole", (153, 153, 153), 17),
    ("traffic light", (250, 170, 30), 19),
    ("traffic sign", (220, 220, 0), 20),
    ("vegetation", (107, 142, 35), 21),
    ("terrain", (152, 251, 152), 22),
    ("sky", (70, 130, 180), 23),
    ("person", (220, 20, 60), 24),
    ("rider", (255, 0, 0), 25),
    ("car", (0, 0, 142), 26),
    ("truck", (0, 0, 70), 27),
    ("bus", (0, 60, 100), 28),
    ("train", (0, 80, 100), 31),
    ("motorcycle", (0, 0, 230), 32),
    ("bicycle", (119, 11, 32), 33),
)

_SOCCER4 = (
    ("Background", (90, 90, 100)),
    ("Ball", (230, 120, 20)),
    ("Lines", (245, 245, 245)),
    ("Field", (40, 140, 60)),
)


def merge(
    name: str, groups: Sequence[tuple[str, Color, Sequence[str]]], source: ClassSet, description: str = ""
) -> ClassSet:
    """Merges the classes of `source`: label files colored for it are read as the merged classes.

    Args:
        name: name of the new class set.
        groups: (name, color, names of `source` gathered under it) for each new class, in index order.
        source: the class set that the files are colored for; what no group names becomes void.
        description: of the new class set.

    Raises:
        ValueError: a group names a class that `source` lacks, or a class is in two groups.
    """
    gathered: dict[str, int] = {}
    for index, (_, _, members) in enumerate(groups):
        for member in members:
            if member not in source.names or member in gathered:
                raise ValueError(f"class set {name}: {member!r} is not in {source.name}, or is merged twice")
            gathered[member] = index
    colors = {c: gathered.get(source.names[i], VOID) if i != VOID else VOID for c, i in source.color_map.items()}
    table = [(title, color) for title, color, _ in groups]
    count = len(table)
    return _class_set(name, table, _identity(count, count), colors, source.void_color, description)


CAMVID32 = _class_set(
    "camvid32",
    _CAMVID32,
    _identity(31, 31),
    description="the 31 classes of CamVid's own labels, Void left out",
)
CAMVID11 = merge(
    "camvid11",
    _CAMVID11,
    CAMVID32,
    "CamVid's 11 classes as the SegNet tutorial's label files hold them, where Archway, CartLuggagePram, Child and "
    "OtherMoving are void",
)
CAMVID11_MERGED = merge(
    "camvid11_merged",
    [(name, color, (*members, *_VOID_IN_SEGNET.get(name, ()))) for name, color, members in _CAMVID11],
    CAMVID32,
    "CamVid's 32 classes in the usual merge to 11, where Archway counts as Building, CartLuggagePram and Child as "
    "Pedestrian, OtherMoving as Car",
)
CITYSCAPES19 = _class_set(
    "cityscapes19",
    [(name, color) for name, color, _ in _CITYSCAPES19],
    dict.fromkeys(range(34), VOID) | {label: i for i, (_, _, label) in enumerate(_CITYSCAPES19)} | {VOID: VOID},
    description="the 19 classes that Cityscapes trains and scores, all its others void",
)
# The same classes from `labelTrainIds` files, which hold positions; 254 and 255 are what -1 and "ignore" are stored as.
CITYSCAPES19_TRAIN_IDS = replace(CITYSCAPES19, index_map=_identity(19, 254))
SOCCER4 = _class_set(
    "soccer4",
    _SOCCER4,
    _identity(4),
    description="ball, lines and field of generated soccer scenes, and all behind",
)

_CLASS_SETS = {known.name: known for known in (CAMVID11, CAMVID11_MERGED, CAMVID32, CITYSCAPES19, SOCCER4)}


def get_class_set(name: str) -> ClassSet:
    """A class set by its name.

    Raises:
        ValueError: no such class set; the message lists the known ones.
    """
    if name not in _CLASS_SETS:
        raise ValueError(f"no class set {name!r}; known: {', '.join(_CLASS_SETS)}")
    return _CLASS_SETS[name]


def read_label_colors(path: str | Path) -> ClassSet:
    """Reads CamVid's `label_colors.txt`: a line is `R G B`, tabs, the class name.

    Raises:
        ValueError: the file is no UTF-8 text, a line does not read so, or a name or a color is there twice; the
            message names the file and the line.
    """
    table = []
    for number, line in enumerate(_read_text(path).splitlines(), 1):
        if line.strip():
            fields = line.split(maxsplit=3)
            where = f"{path}, line {number}"
            table.append(_read_row(where, "".join(fields[3:]), fields[:3], "`128 64 128 Road`"))
    return _from_table(path, table)


def read_class_dict(path: str | Path) -> ClassSet:
    """Reads `class_dict.csv`: a line is `name,r,g,b`, with or without a header of these names.

    Further columns are ignored, so also `class_11` of some copies of CamVid, a 0/1 mark of the 11 classes: those are
    scored under `data.classes=camvid11` or `camvid11_merged`.

    Raises:
        ValueError: the file is no UTF-8 text, a line does not read so, or a name or a color is there twice; the
            message names the file and the line.
    """
    reader = csv.reader(_read_text(path).splitlines())
    try:
        rows = [(reader.line_num, row) for row in reader if any(map(str.strip, row))]
    except csv.Error as error:
        raise ValueError(f"{path}, line {reader.line_num}: not comma-separated ({error})") from None
    if rows and [field.strip().lower()[:1] for field in rows[0][1][1:4]] == ["r", "g", "b"]:
        rows = rows[1:]
    table = [_read_row(f"{path}, line {n}", row[0], row[1:4], "`Road,128,64,128`") for n, row in rows]
    return _from_table(path, table)


def write_classes(path: str | Path, classes: ClassSet, **details) -> None:
    """Writes `classes.json`, which tells what an index-labelled data set's values mean; `details` are kept beside."""
    content = {"name": classes.name, "names": classes.names, "colors": classes.colors.tolist()}
    Path(path).write_text(json.dumps(content | details, indent=1) + "\n")


def read_classes(path: str | Path) -> ClassSet:
    """Reads `classes.json`: `name`, `names` and `colors`; label values are positions in `names`, or 255 for void.

    Raises:
        ValueError: the file is no JSON in UTF-8, lacks one of the three or does not fit in them, holds a name or a
            color twice, or gives the name of a known class set to other classes; the message names the file.
    """
    content = read_details(path)
    name, names, colors = (content.get(key) for key in ("name", "names", "colors"))
    if not isinstance(name, str) or not re.fullmatch(r"[\w .-]{1,64}", name):
        raise ValueError(f"{path}: name: expected 1 to 64 letters, digits, spaces, . _ or -, found {_show(name)}")
    for key, value in (("names", names), ("colors", colors)):
        if not isinstance(value, list) or not value:
            raise ValueError(f"{path}: {key}: expected a list with an entry for each class, found {_show(value)}")
    if len(names) != len(colors):
        raise ValueError(f"{path}: {len(names)} names but {len(colors)} colors; give each class one of both")
    table = [
        _check_row(f"{path}, class {i}", title, color, '"Road" and [128, 64, 128]')
        for i, (title, color) in enumerate(zip(names, colors, strict=True))
    ]
    _check_table(path, table)
    known, count = _CLASS_SETS.get(name), len(table)
    if known and (known.names != tuple(names) or known.colors.tolist() != [list(color) for _, color in table]):
        raise ValueError(f"{path}: name: {name} is a known class set of other classes or colors; choose another name")
    if known and any(known.index_map.get(i) != i for i in range(count)):  # Cityscapes' label ids
        return replace(known, index_map=_identity(count, count))
    if known:
        return known
    return _class_set(name, table, _identity(count, count), description=_describe(path, table))


def read_details(path: str | Path) -> dict:
    """All that `classes.json` holds, also what `write_classes` was given beside the classes.

    Raises:
        ValueError: the file is no JSON object in UTF-8; the message names it.
    """
    text = _read_text(path)
    try:
        content = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: not valid JSON ({error}); correct it or delete the file") from None
    if not isinstance(content, dict):
        raise ValueError(f"{path}: expected an object with name, names and colors, found {_show(content)}")
    return content


def _read_text(path) -> str:
    """The text of a UTF-8 file, with or without a byte order mark."""
    try:
        text = Path(path).read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text:  # UTF-16 without a byte order mark decodes, with a NUL beside each letter
        raise ValueError(f"{path}: not UTF-8 text; save it as UTF-8")
    return text


def _read_row(where, name, color, example) -> tuple[str, Color]:
    color = [int(value) if re.fullmatch(r"\s*\d{1,3}\s*", value) else value for value in color]
    return _check_row(where, name.strip(), color, example)


def _check_row(where, name, color, example) -> tuple[str, Color]:
    """A class's name and color, checked; `where` and `example` are for the message."""
    named = isinstance(name, str) and name.strip()
    colored = isinstance(color, list) and len(color) == 3
    if not named or not colored or not all(type(value) is int and 0 <= value <= 255 for value in color):
        raise ValueError(
            f"{where}: expected a class name and three whole numbers 0 to 255, such as {example}, "
            f"found {_show(name)} and {_show(color)}"
        )
    return name, tuple(color)


def _check_table(path, table) -> None:
    for kind, entries in zip(("name", "color"), zip(*table, strict=True), strict=False):
        twice = next((entry for i, entry in enumerate(entries) if entry in entries[:i]), None)
        if twice is not None:
            raise ValueError(f"{path}: the {kind} {_show(twice)} is there twice; give each class its own")
    if len(table) > _MOST_CLASSES:
        raise ValueError(f"{path}: {len(table)} classes; an 8-bit label file can tell {_MOST_CLASSES} apart")


def _from_table(path, table) -> ClassSet:
    _check_table(path, table)
    if dict(table) == dict(_CAMVID32) | {"Void": (0, 0, 0)}:
        return CAMVID32
    scored = [(name, color) for name, color in table if name.lower() not in _VOID_NAMES]
    void = [color for name, color in table if name.lower() in _VOID_NAMES]
    count = len(scored)
    if not count:
        raise ValueError(f"{path}: lists no class that is scored; add a line for each")
    return _class_set(
        Path(path).resolve().parent.name,
        scored,
        _identity(count, count),
        dict.fromkeys(void, VOID),
        void[0] if void else (0, 0, 0),
        _describe(path, scored),
    )


def _describe(path, table) -> str:
    return f"the {len(table)} class{'es' * (len(table) > 1)} that {Path(path).name} lists"


def _show(value) -> str:
    """A value as a message shows it: short, whatever a file holds."""
    return reprlib.repr(value)
