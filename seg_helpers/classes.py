"""Names, colours, the void index and merges of each data set's classes: one `ClassSet` each, the single truth."""

import csv
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

VOID = 255
_VOID_NAMES = {"void", "unlabelled", "unlabeled", "ignore"}

Colour = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class ClassSet:
    """The scored classes of a data set and how its label files encode them.

    Attributes:
        name: short name, as a profile writes it.
        names: scored classes; the position is the index used everywhere inside the package.
        colours: (C, 3) uint8 RGB, the data set's own palette.
        index_map: value in an index label file to class index or `VOID`; other values are errors in the file.
        colour_map: RGB in a colour-coded label file to class index or `VOID`; other colours are errors.
        void_colour: RGB that void is drawn in.
    """

    name: str
    names: tuple[str, ...]
    colours: np.ndarray
    index_map: Mapping[int, int]
    colour_map: Mapping[Colour, int]
    void_colour: Colour = (0, 0, 0)

    def __post_init__(self):
        if len(self.names) != len(self.colours):
            raise ValueError(
                f"class set {self.name}: {len(self.names)} names but {len(self.colours)} colours"
            )

    @property
    def num_classes(self) -> int:
        """Number of scored classes; void is not one."""
        return len(self.names)

    def colourise(self, labels: np.ndarray) -> np.ndarray:
        """Draws labels in the palette: (H, W) uint8 indices to (H, W, 3) uint8 RGB, void in its own colour."""
        palette = np.empty((256, 3), np.uint8)
        palette[:] = self.void_colour
        palette[: self.num_classes] = self.colours
        return palette[labels]


def _class_set(name, table, index_map, colour_map=None, void_colour=(0, 0, 0)) -> ClassSet:
    names, colours = zip(*table, strict=True)
    own = {tuple(map(int, colour)): i for i, colour in enumerate(colours)}
    mapped = {tuple(void_colour): VOID} | own | dict(colour_map or {})
    return ClassSet(name, names, np.array(colours, np.uint8), index_map, mapped, tuple(void_colour))


def _identity(count: int, *void: int) -> dict[int, int]:
    return {i: i for i in range(count)} | dict.fromkeys((*void, VOID), VOID)


# Colours of CamVid's `label_colors.txt`, Void left out (Brostow et al., PRL 2009).
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

# The SegNet tutorial's classes in its order, and the classes of the 32 that each one gathers.
_CAMVID11 = (
    ("Sky", (128, 128, 128), ("Sky",)),
    ("Building", (128, 0, 0), ("Building", "Wall", "Bridge", "Tunnel", "Archway")),
    ("Pole", (192, 192, 128), ("Column_Pole", "TrafficCone")),
    ("Road", (128, 64, 128), ("Road", "LaneMkgsDriv", "LaneMkgsNonDriv")),
    ("Pavement", (60, 40, 222), ("Sidewalk", "ParkingBlock", "RoadShoulder")),
    ("Tree", (128, 128, 0), ("Tree", "VegetationMisc")),
    ("SignSymbol", (192, 128, 128), ("SignSymbol", "Misc_Text", "TrafficLight")),
    ("Fence", (64, 64, 128), ("Fence",)),
    ("Car", (64, 0, 128), ("Car", "SUVPickupTruck", "Truck_Bus", "Train", "OtherMoving")),
    ("Pedestrian", (64, 64, 0), ("Pedestrian", "Child", "CartLuggagePram", "Animal")),
    ("Bicyclist", (0, 128, 192), ("Bicyclist", "MotorcycleScooter")),
)

# Name, colour and label id of the 19 classes that Cityscapes trains and scores, in train-id order.
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


def merge(name: str, groups: Sequence[tuple[str, Colour, Sequence[str]]], source: ClassSet) -> ClassSet:
    """Merges the classes of `source`: label files coloured for it are read as the merged classes.

    Args:
        name: name of the new class set.
        groups: (name, colour, names of `source` gathered under it) for each new class, in index order.
        source: the class set that the files are coloured for; what no group names becomes void.

    Raises:
        ValueError: a group names a class that `source` lacks, or a class is in two groups.
    """
    gathered: dict[str, int] = {}
    for index, (_, _, members) in enumerate(groups):
        for member in members:
            if member not in source.names or member in gathered:
                raise ValueError(f"class set {name}: {member!r} is not in {source.name}, or is merged twice")
            gathered[member] = index
    colours = {
        c: gathered.get(source.names[i], VOID) if i != VOID else VOID for c, i in source.colour_map.items()
    }
    table = [(title, colour) for title, colour, _ in groups]
    return _class_set(name, table, _identity(len(table), len(table)), colours, source.void_colour)


CAMVID32 = _class_set("camvid32", _CAMVID32, _identity(31, 31))
CAMVID11 = merge("camvid11", _CAMVID11, CAMVID32)
CITYSCAPES19 = _class_set(
    "cityscapes19",
    [(name, colour) for name, colour, _ in _CITYSCAPES19],
    dict.fromkeys(range(34), VOID)
    | {label: i for i, (_, _, label) in enumerate(_CITYSCAPES19)}
    | {VOID: VOID},
)
SOCCER4 = _class_set("soccer4", _SOCCER4, _identity(4))

_CLASS_SETS = {known.name: known for known in (CAMVID11, CAMVID32, CITYSCAPES19, SOCCER4)}


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
        ValueError: a line does not read so; the message names the file and the line.
    """
    table = []
    for number, line in enumerate(Path(path).read_text().splitlines(), 1):
        if line.strip():
            table.append(_read_row(path, number, line.split(maxsplit=3)[-1:] + line.split()[:3]))
    return _from_table(path, table)


def read_class_dict(path: str | Path) -> ClassSet:
    """Reads `class_dict.csv`: a header, then `name,r,g,b`.

    Raises:
        ValueError: a line does not read so; the message names the file and the line.
    """
    with Path(path).open(newline="") as file:
        rows = [(number, row) for number, row in enumerate(csv.reader(file), 1) if any(map(str.strip, row))]
    return _from_table(path, [_read_row(path, number, row) for number, row in rows[1:]])


def _read_row(path, number, row) -> tuple[str, Colour]:
    try:
        name, red, green, blue = (field.strip() for field in row)
        colour = tuple(int(value) for value in (red, green, blue))
    except ValueError:
        colour = ()
    if len(colour) != 3 or not all(0 <= value <= 255 for value in colour):
        raise ValueError(
            f"{path}, line {number}: expected a class name and three numbers 0 to 255, found {row}"
        )
    return name, colour


def _from_table(path, table) -> ClassSet:
    names = [name for name, _ in table]
    colours = [colour for _, colour in table]
    if not names or len(set(names)) < len(names) or len(set(colours)) < len(colours):
        raise ValueError(f"{path}: holds no classes, or a name or a colour twice; give each class its own")
    if dict(table) == dict(_CAMVID32) | {"Void": (0, 0, 0)}:
        return CAMVID32
    scored = [(name, colour) for name, colour in table if name.lower() not in _VOID_NAMES]
    void = [colour for name, colour in table if name.lower() in _VOID_NAMES]
    count = len(scored)
    return _class_set(
        Path(path).resolve().parent.name,
        scored,
        _identity(count, count),
        dict.fromkeys(void, VOID),
        void[0] if void else (0, 0, 0),
    )


def write_classes(path: str | Path, classes: ClassSet, **details) -> None:
    """Writes `classes.json`, which tells what an index-labelled data set's values mean; `details` are kept beside."""
    content = {"name": classes.name, "names": classes.names, "colours": classes.colours.tolist()}
    Path(path).write_text(json.dumps(content | details, indent=1) + "\n")


def read_classes(path: str | Path) -> ClassSet:
    """Reads `classes.json`: `name`, `names` and `colours`; label values are positions in `names`, or 255 for void.

    Raises:
        ValueError: the file does not read so.
    """
    try:
        content = json.loads(Path(path).read_text())
        table = [
            (str(name), tuple(colour))
            for name, colour in zip(content["names"], content["colours"], strict=True)
        ]
        known = _CLASS_SETS.get(content["name"])
        if known and known.names == tuple(content["names"]):
            return known
        return _class_set(content["name"], table, _identity(len(table), len(table)))
    except (KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path}: expected name, names and as many colours, in JSON ({error})") from None
