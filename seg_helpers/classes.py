"""Names, colors, the void index and merges of each data set's classes: one `ClassSet` each, the single truth."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, model_validator
from torchvision.datasets import Cityscapes

from seg_helpers.config import ConfigError, parse_yaml, validate

KNOWN = Path(__file__).with_name("class_sets.yaml")
VOID = 255
_VOID_NAMES = {"void", "unlabelled", "unlabeled", "ignore"}

Color = tuple[int, int, int]


@dataclass(frozen=True, eq=False)
class ClassSet:
    """The scored classes of a data set and how its label files encode them.

    A class's position in `names` is its index everywhere inside the package. `index_map` and `color_map` lead from a
    value or an RGB color of a label file to that index or `VOID`; what they do not hold is an error in the file.
    """

    name: str  # as a profile writes it
    names: tuple[str, ...]
    colors: np.ndarray  # (C, 3) uint8 RGB, the data set's own palette
    index_map: dict[int, int]
    color_map: dict[Color, int]
    void_color: Color = (0, 0, 0)  # RGB that void is drawn in
    description: str = ""  # for readers: which classes these are, and what of the data set is void

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


def _class_set(name, classes, description="", void_color=(0, 0, 0), index_map=None, others=None) -> ClassSet:
    """A class set of these names and colors; positions count in index labels, and one past the last is void."""
    own = {tuple(color): index for index, color in enumerate(classes.values())}
    color_map = {tuple(void_color): VOID} | own | (others or {})
    colors = np.array(list(classes.values()), np.uint8)
    index_map = index_map or _positions(len(classes), len(classes))
    return ClassSet(name, tuple(classes), colors, index_map, color_map, tuple(void_color), description)


def _positions(count: int, void: int) -> dict[int, int]:
    return {i: i for i in range(count)} | {void: VOID, VOID: VOID}


def _read_known() -> dict[str, ClassSet]:
    entries = parse_yaml(KNOWN.read_bytes(), KNOWN)
    fine, known = entries["camvid32"]["classes"], {}
    for name, entry in entries.items():
        others = {}
        for index, title in enumerate(entry["classes"]):
            for member in entry.get("merges", {}).get(title, ()):
                others[tuple(fine[member])] = VOID if member in entry.get("void", ()) else index
        known[name] = _class_set(name, entry["classes"], entry["description"], others=others)
    scored = [label for label in Cityscapes.classes if not label.ignore_in_eval]  # in train-id order
    known["cityscapes19"] = _class_set(
        "cityscapes19",
        {label.name: label.color for label in scored},
        "the 19 classes that Cityscapes trains and scores, all its others void",
        index_map=dict.fromkeys(range(34), VOID) | {label.id: i for i, label in enumerate(scored)} | {VOID: VOID},
    )
    # from `labelTrainIds` files, which hold positions; 254 and 255 are what -1 and "ignore" are stored as
    known["cityscapes19_train_ids"] = replace(known["cityscapes19"], index_map=_positions(19, 254))
    return known


_CLASS_SETS = _read_known()
CAMVID11, CAMVID32, SOCCER4 = _CLASS_SETS["camvid11"], _CLASS_SETS["camvid32"], _CLASS_SETS["soccer4"]


def get_class_set(name: str) -> ClassSet:
    """A class set by its name; for an unknown one, a ConfigError that lists the known ones."""
    if name not in _CLASS_SETS:
        raise ConfigError(f"no class set {name!r}; known: {', '.join(_CLASS_SETS)}")
    return _CLASS_SETS[name]


def recall_class_set(name: str, names: Sequence[str], colors: Sequence[Sequence[int]] | None = None) -> ClassSet:
    """A recorded class set: the known one of this name if it has these names, else one of these colors (None: some)."""
    known = _CLASS_SETS.get(name)
    if known and known.names == tuple(names):
        return known
    colors = np.random.default_rng(0).integers(40, 256, (len(names), 3)).tolist() if colors is None else colors
    return _class_set(name, dict(zip(names, colors, strict=True)))


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
        for key in ("names", "colors"):
            entries = getattr(self, key)
            for entry in entries:
                if entries.count(entry) > 1:
                    raise ValueError(f"{entry!r} is there twice; give each class its own")
        return self

    def classes(self) -> dict[str, list[int]]:
        return dict(zip(self.names, self.colors, strict=True))


# A class's line in a text file, and an example.
_LABEL_COLORS = r"(?P<color>\d+\s+\d+\s+\d+)\s+(?P<name>.+)", "128 64 128 Road"
_CLASS_DICT = r"(?P<name>[^,]*\S)\s*,\s*(?P<color>\d+\s*,\s*\d+\s*,\s*\d+)\s*(,.*)?", "Road,128,64,128"
_CLASS_DICT_HEADER = re.compile(r"\s*name\s*,\s*r\w*\s*,\s*g\w*\s*,\s*b\w*\s*(,.*)?", re.IGNORECASE)


def read_label_colors(path: str | Path) -> ClassSet:
    """Reads CamVid's `label_colors.txt`, where a line is `R G B`, tabs, the class name; or a `.csv`, `class_dict.csv`.

    There a line is `name,r,g,b`, with or without a header of these names. Further columns are ignored, so also
    `class_11` of some copies of CamVid, a 0/1 mark of the 11 classes: those are scored under `data.classes=camvid11` or
    `camvid11_merged`. A ConfigError names the file, and the line that does not read so or the entry that stands twice.
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
    classes = validate(_ClassFile, {"name": "listed", "names": names, "colors": colors}, path).classes()
    if classes == dict(zip(CAMVID32.names, CAMVID32.colors.tolist(), strict=True)) | {"Void": [0, 0, 0]}:
        return CAMVID32
    void = [tuple(classes.pop(name)) for name in names if name.lower() in _VOID_NAMES]
    if not classes:
        raise ConfigError(f"{path}: lists no class that is scored; add a line for each")
    description, others = f"the classes that {path.name} lists", dict.fromkeys(void, VOID)
    return _class_set(path.resolve().parent.name, classes, description, (*void, (0, 0, 0))[0], others=others)


def write_classes(path: str | Path, classes: ClassSet, **details) -> None:
    """Writes `classes.json`, which tells what an index-labeled data set's values mean; `details` are kept beside."""
    content = {"name": classes.name, "names": classes.names, "colors": classes.colors.tolist()}
    Path(path).write_text(json.dumps(content | details, indent=1) + "\n")


def read_classes(path: str | Path) -> tuple[ClassSet, float | None]:
    """Reads `classes.json`: `name`, `names` and `colors`; label values are positions in `names`, or 255 for void.

    With the class set comes the `frames_per_second` that numbers in the frames' names count, or None.

    Raises:
        ConfigError: the file is no JSON in UTF-8, does not hold the three, holds a name or a color twice, or gives the
            name of a known class set to other classes; the message names file and key.
    """
    text = _read_text(path)
    try:
        content = json.loads(text)
    except ValueError as error:
        raise ConfigError(f"{path}: not valid JSON ({error}); correct it or delete the file") from None
    file = validate(_ClassFile, content, path)
    classes = _class_set(file.name, file.classes(), f"the classes that {Path(path).name} lists")
    if known := _CLASS_SETS.get(file.name):
        if known.names != classes.names or not np.array_equal(known.colors, classes.colors):
            raise ConfigError(f"{path}: name: {file.name} is a known class set of other classes; choose another name")
        # Cityscapes' own files hold label ids
        classes = known if known.index_map == classes.index_map else replace(known, index_map=classes.index_map)
    return classes, file.frames_per_second


def _read_text(path: str | Path) -> str:
    """Text of a UTF-8 file, with or without a byte order mark."""
    try:
        return Path(path).read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: not UTF-8 text; save it as UTF-8") from None
