"""Names, colors, the void index and merges of each data set's classes: one `ClassSet` each, the single truth."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torchvision.datasets import Cityscapes

from seg_helpers.config import ConfigError, validate

VOID = 255
_VOID_NAMES = {"void", "unlabelled", "unlabeled", "ignore"}

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


# CamVid's `label_colors.txt`, Void left out (Brostow et al., PRL 2009), and which of the 11 each class counts as.
_CAMVID32 = (
    ("Animal", (64, 128, 64), "Pedestrian"),
    ("Archway", (192, 0, 128), "Building"),
    ("Bicyclist", (0, 128, 192), "Bicyclist"),
    ("Bridge", (0, 128, 64), "Building"),
    ("Building", (128, 0, 0), "Building"),
    ("Car", (64, 0, 128), "Car"),
    ("CartLuggagePram", (64, 0, 192), "Pedestrian"),
    ("Child", (192, 128, 64), "Pedestrian"),
    ("Column_Pole", (192, 192, 128), "Pole"),
    ("Fence", (64, 64, 128), "Fence"),
    ("LaneMkgsDriv", (128, 0, 192), "Road"),
    ("LaneMkgsNonDriv", (192, 0, 64), "Road"),
    ("Misc_Text", (128, 128, 64), "SignSymbol"),
    ("MotorcycleScooter", (192, 0, 192), "Bicyclist"),
    ("OtherMoving", (128, 64, 64), "Car"),
    ("ParkingBlock", (64, 192, 128), "Pavement"),
    ("Pedestrian", (64, 64, 0), "Pedestrian"),
    ("Road", (128, 64, 128), "Road"),
    ("RoadShoulder", (128, 128, 192), "Pavement"),
    ("Sidewalk", (0, 0, 192), "Pavement"),
    ("SignSymbol", (192, 128, 128), "SignSymbol"),
    ("Sky", (128, 128, 128), "Sky"),
    ("SUVPickupTruck", (64, 128, 192), "Car"),
    ("TrafficCone", (0, 0, 64), "Pole"),
    ("TrafficLight", (0, 64, 64), "SignSymbol"),
    ("Train", (192, 64, 128), "Car"),
    ("Tree", (128, 128, 0), "Tree"),
    ("Truck_Bus", (192, 128, 192), "Car"),
    ("Tunnel", (64, 0, 64), "Building"),
    ("VegetationMisc", (192, 192, 0), "Tree"),
    ("Wall", (64, 192, 0), "Building"),
)
# The SegNet tutorial's classes in its order.
_CAMVID11 = (
    ("Sky", (128, 128, 128)),
    ("Building", (128, 0, 0)),
    ("Pole", (192, 192, 128)),
    ("Road", (128, 64, 128)),
    ("Pavement", (60, 40, 222)),
    ("Tree", (128, 128, 0)),
    ("SignSymbol", (192, 128, 128)),
    ("Fence", (64, 64, 128)),
    ("Car", (64, 0, 128)),
    ("Pedestrian", (64, 64, 0)),
    ("Bicyclist", (0, 128, 192)),
)
_VOID_IN_SEGNET = ("Archway", "CartLuggagePram", "Child", "OtherMoving")  # in its label files

# Those that Cityscapes trains and scores, in train-id order.
_CITYSCAPES19 = [known for known in Cityscapes.classes if not known.ignore_in_eval]

_SOCCER4 = (
    ("Background", (90, 90, 100)),
    ("Ball", (230, 120, 20)),
    ("Lines", (245, 245, 245)),
    ("Field", (40, 140, 60)),
)


def _merge_camvid(name: str, description: str, void: tuple[str, ...] = ()) -> ClassSet:
    """CamVid's 31 classes as the 11, some as void; label files in the 31's colors are read as the 11."""
    index = {title: i for i, (title, _) in enumerate(_CAMVID11)}
    colors = {color: VOID if member in void else index[title] for member, color, title in _CAMVID32}
    return _class_set(name, _CAMVID11, _identity(11, 11), colors, description=description)


CAMVID32 = _class_set(
    "camvid32",
    [(name, color) for name, color, _ in _CAMVID32],
    _identity(31, 31),
    description="the 31 classes of CamVid's own labels, Void left out",
)
CAMVID11 = _merge_camvid(
    "camvid11",
    "CamVid's 11 classes as the SegNet tutorial's label files hold them, where Archway, CartLuggagePram, Child and "
    "OtherMoving are void",
    _VOID_IN_SEGNET,
)
CAMVID11_MERGED = _merge_camvid(
    "camvid11_merged",
    "CamVid's 32 classes in the usual merge to 11, where Archway counts as Building, CartLuggagePram and Child as "
    "Pedestrian, OtherMoving as Car",
)
CITYSCAPES19 = _class_set(
    "cityscapes19",
    [(known.name, known.color) for known in _CITYSCAPES19],
    dict.fromkeys(range(34), VOID) | {known.id: i for i, known in enumerate(_CITYSCAPES19)} | {VOID: VOID},
    description="the 19 classes that Cityscapes trains and scores, all its others void",
)
# The same classes from `labelTrainIds` files, which hold positions; 254 and 255 are what -1 and "ignore" are stored as.
CITYSCAPES19_TRAIN_IDS = replace(CITYSCAPES19, index_map=_identity(19, 254))
SOCCER4 = _class_set(
    "soccer4",
    _SOCCER4,
    _identity(4, 4),
    description="ball, lines and field of generated soccer scenes, and all behind",
)

_CLASS_SETS = {known.name: known for known in (CAMVID11, CAMVID11_MERGED, CAMVID32, CITYSCAPES19, SOCCER4)}


def get_class_set(name: str) -> ClassSet:
    """A class set by its name.

    Raises:
        ConfigError: no such class set; the message lists the known ones.
    """
    if name not in _CLASS_SETS:
        raise ConfigError(f"no class set {name!r}; known: {', '.join(_CLASS_SETS)}")
    return _CLASS_SETS[name]


class _ClassFile(BaseModel):
    """What a file says of classes; void's entries of a text file are among them."""

    model_config = ConfigDict(strict=True)

    name: str = Field(pattern=r"^[\w .-]{1,64}$")
    names: list[Annotated[str, Field(min_length=1)]] = Field(min_length=1, max_length=254)  # what 8 bits tell apart
    colors: list[Annotated[list[Annotated[int, Field(ge=0, le=255)]], Field(min_length=3, max_length=3)]]
    frames_per_second: float | None = Field(None, gt=0, allow_inf_nan=False)

    @model_validator(mode="after")
    def _each_class_has_a_name_and_a_color_of_its_own(self):
        if len(self.names) != len(self.colors):
            raise ValueError(f"{len(self.names)} names but {len(self.colors)} colors; give each class one of both")
        for entries in (self.names, self.colors):
            for entry in entries:
                if entries.count(entry) > 1:
                    raise ValueError(f"{entry!r} is there twice; give each class its own")
        return self

    def table(self) -> list[tuple[str, Color]]:
        return [(name, tuple(color)) for name, color in zip(self.names, self.colors, strict=True)]


# A class's line in a text file, and an example.
_LABEL_COLORS = r"(?P<color>\d+\s+\d+\s+\d+)\s+(?P<name>.+)", "128 64 128 Road"
_CLASS_DICT = r"(?P<name>[^,]*\S)\s*,\s*(?P<color>\d+\s*,\s*\d+\s*,\s*\d+)\s*(,.*)?", "Road,128,64,128"
_CLASS_DICT_HEADER = re.compile(r"\s*name\s*,\s*r\w*\s*,\s*g\w*\s*,\s*b\w*\s*(,.*)?", re.IGNORECASE)


def read_label_colors(path: str | Path) -> ClassSet:
    """Reads CamVid's `label_colors.txt`, where a line is `R G B`, tabs, the class name; or a `.csv`, `class_dict.csv`.

    There a line is `name,r,g,b`, with or without a header of these names. Further columns are ignored, so also
    `class_11` of some copies of CamVid, a 0/1 mark of the 11 classes: those are scored under `data.classes=camvid11` or
    `camvid11_merged`.

    Raises:
        ConfigError: the file is no UTF-8 text, a line does not read so, or a name or a color is there twice; the
            message names the file, and the line or the entry.
    """
    path = Path(path)
    pattern, example = _CLASS_DICT if path.suffix == ".csv" else _LABEL_COLORS
    names, colors = [], []
    for number, line in enumerate(_read_text(path).splitlines(), 1):
        if not line.strip() or (number == 1 and _CLASS_DICT_HEADER.fullmatch(line)):
            continue
        match = re.fullmatch(pattern, line.strip())
        if not match:
            raise ConfigError(f"{path}, line {number}: expected a class as in `{example}`, found {line!r}")
        names.append(match["name"])
        colors.append([int(value) for value in re.findall(r"\d+", match["color"])])
    table = validate(_ClassFile, {"name": "listed", "names": names, "colors": colors}, path).table()
    if dict(table) == {name: color for name, color, _ in _CAMVID32} | {"Void": (0, 0, 0)}:
        return CAMVID32
    scored = [(name, color) for name, color in table if name.lower() not in _VOID_NAMES]
    void = [color for name, color in table if name.lower() in _VOID_NAMES]
    if not scored:
        raise ConfigError(f"{path}: lists no class that is scored; add a line for each")
    positions, colors = _identity(len(scored), len(scored)), dict.fromkeys(void, VOID)
    description = f"the classes that {path.name} lists"
    return _class_set(path.resolve().parent.name, scored, positions, colors, (*void, (0, 0, 0))[0], description)


def write_classes(path: str | Path, classes: ClassSet, **details) -> None:
    """Writes `classes.json`, which tells what an index-labelled data set's values mean; `details` are kept beside."""
    content = {"name": classes.name, "names": classes.names, "colors": classes.colors.tolist()}
    Path(path).write_text(json.dumps(content | details, indent=1) + "\n")


def read_classes(path: str | Path) -> tuple[ClassSet, float | None]:
    """Reads `classes.json`: `name`, `names` and `colors`; label values are positions in `names`, or 255 for void.

    Returns:
        The class set, and the `frames_per_second` that numbers in the frames' names count, or None.

    Raises:
        ConfigError: the file is no JSON in UTF-8, lacks one of the three or does not fit in them, holds a name or a
            color twice, or gives the name of a known class set to other classes; the message names file and key.
    """
    text = _read_text(path)
    try:
        content = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"{path}: not valid JSON ({error}); correct it or delete the file") from None
    file = validate(_ClassFile, content, path)
    positions = _identity(len(file.names), len(file.names))
    classes = _class_set(file.name, file.table(), positions, description=f"the classes that {Path(path).name} lists")
    if known := _CLASS_SETS.get(file.name):
        if known.names != classes.names or not np.array_equal(known.colors, classes.colors):
            raise ConfigError(f"{path}: name: {file.name} is a known class set of other classes; choose another name")
        # Cityscapes' own files hold label ids
        classes = known if known.index_map == positions else replace(known, index_map=positions)
    return classes, file.frames_per_second


def _read_text(path: str | Path) -> str:
    """The text of a UTF-8 file, with or without a byte order mark."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text; save it as UTF-8") from None
