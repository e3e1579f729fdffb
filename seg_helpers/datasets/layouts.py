"""Finds the image and label pairs of a data set in the folder layouts that its users have, and checks every file.

Nothing downstream of the `Dataset` that comes of it looks into folders again.
"""

import os
import re
import warnings
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml

from seg_helpers.classes import ClassSet, get_class_set, read_classes, read_label_colors
from seg_helpers.datasets.cache import Cache, build_cache
from seg_helpers.datasets.files import DatasetError
from seg_helpers.errors import setting

SPLITS = ("train", "val", "test")
FRAME_COLUMNS = ["name", "image", "label", "split", "clip", "number"]
_EXTENSIONS = {".png", ".jpg", ".jpeg"}
_NUMBERED = re.compile(r"^(?P<clip>.*?)[_-]?f?(?P<number>\d{1,18})$")  # 0001TP_006690, Seq05VD_f00000
_NO_CLIPS = {"train", "training", "val", "valid", "validation", "test", "testing", "frame", "image", "img"}
_CAMVID_CLIPS = {"0001TP", "0006R0", "0016E5", "Seq05VD"}


class DatasetWarning(UserWarning):
    """Part of a data set was left out."""


@dataclass(frozen=True)
class Dataset:
    """A checked data set: a row of `frames` is a usable frame, a row of `problems` one that was left out.

    Columns of `frames` are `name` (`split/stem`, by which it is recorded and found again), `image` and `label` (paths;
    label "" where there is none), `split`, `clip` ("" where the name tells none) and `number` (of the frame in its
    clip, in video frames where the names tell it); those of `problems` are `file` (relative to `root`), `problem`,
    `remedy` and `split`.
    """

    name: str  # the folder's
    root: Path
    layout: str  # name of the one it was read in
    frames: pd.DataFrame
    problems: pd.DataFrame
    classes: ClassSet
    cache: Cache  # in the order of `frames`
    frames_per_second: float | None = None  # of `number`, where it is known


@dataclass(frozen=True)
class Layout:
    """An entry of `layouts.yaml`, where its fields are explained."""

    name: str
    images: str
    labels: Sequence[str]
    kind: str
    classes: str
    dictionaries: Sequence[str] = ()
    frames_per_second: float | None = None
    unlabeled: Sequence[str] = ()

    def read_classes(self, root: Path) -> tuple[ClassSet, float | None]:
        """The classes of the data set in `root`, and the frames a second that its numbers count, or None."""
        for file in (root / name for name in self.dictionaries):
            if os.path.lexists(file):
                return read_classes(file) if file.suffix == ".json" else (read_label_colors(file), None)
        return get_class_set(self.classes), self.frames_per_second

    def find(self, root: Path, split: str) -> tuple[dict[str, list[Path]], dict[str, list[Path]]]:
        """Stem to the images, and stem to the labels, that a split has of it; both empty where this is not the layout.

        A file counts once, for the first pattern that it fits, labels' first.
        """
        taken, labels, images = set(), defaultdict(list), defaultdict(list)
        kinds = [(pattern, {".png"}, labels) for pattern in self.labels]
        for pattern, extensions, found in (*kinds, (self.images, _EXTENSIONS, images)):
            for file in sorted(root.glob(f"{pattern.format(split=split)}.*")):
                if file.suffix.lower() in extensions and file not in taken and not file.name.startswith("."):
                    found[file.stem.removesuffix(pattern.rpartition("*")[2])].append(file)
                    taken.add(file)
        return images, {} if split in self.unlabeled else labels


LAYOUTS = [Layout(**entry) for entry in yaml.safe_load(Path(__file__).with_suffix(".yaml").read_text())]


def read_dataset(
    root: str | Path,
    layout: str = "auto",
    classes: str = "auto",
    on_problem: str = "exclude",
    size: tuple[int, int] | None = None,
    cache_dir: str | Path | None = None,
) -> Dataset:
    """Finds, checks and caches every frame of a data set at (height, width), see `build_cache`.

    Layout and classes go by their names; `auto` recognizes the one, and takes the data set's own for the other. A bad
    frame is left out with a warning (`exclude`), or an error (`stop`).

    Raises:
        DatasetError: the folder is no data set, holds no usable frame, or has a problem and `on_problem` is `stop`.
        ConfigError: no class set is called that, or the file that lists the data set's own is wrong.
    """
    root = Path(os.path.realpath(os.path.expanduser(root)))
    try:
        chosen = choose_layout(root, layout)
        own, rate = chosen.read_classes(root)
        found, problems = _find_frames(root, chosen)
    except OSError as error:
        raise DatasetError(f"{error}; mend it, or name another folder ({setting('data')} or data.root)") from None
    class_set = own if classes in ("auto", own.name) else get_class_set(classes)
    cache = build_cache(found, class_set, size, cache_dir, root.name, chosen.kind)
    present = cache.counts[:, : class_set.num_classes].any(0).sum()
    if class_set.name != own.name and 2 * present < class_set.num_classes and len(cache):
        raise DatasetError(
            f"{root}: only {present} of the {class_set.num_classes} classes of {class_set.name} are in its labels, "
            f"whose own classes are {own.name}: name those that they were made for (data.classes)"
        )
    problems += [(Path(file), *said, found["split"][row]) for row, file, *said in cache.problems]
    table = pd.DataFrame(problems, columns=["file", "problem", "remedy", "split"])
    names = [str(file.relative_to(root)) for file in table["file"]]
    table["file"] = [name if name.isprintable() else ascii(name) for name in names]
    frames = found.drop([row for row, *_ in cache.problems]).reset_index(drop=True)
    if problems:
        lines = [f"  {row.file}: {row.problem}; {row.remedy}" for row in table.itertuples()]
        listed = "\n".join(lines if len(lines) <= 10 else [*lines[:10], "  …"])
        bad = f"{root}: {len(table)} of {len(frames) + len(table)} frames"
        if on_problem == "stop":
            raise DatasetError(f"{bad} cannot be used (on_problem: exclude leaves them out):\n{listed}")
        warnings.warn(f"{bad} are left out:\n{listed}", DatasetWarning, stacklevel=2)
    if not (frames["split"] == "train").any():
        first = f"; the first problem: {table['file'][0]}: {table['problem'][0]}" if problems else ""
        raise DatasetError(f"{root}: no usable training frame in layout {chosen.name!r}{first}")
    rate = 30.0 if set(frames["clip"]) <= _CAMVID_CLIPS else rate  # those names count frames of the 30 Hz video
    return Dataset(root.name, root, chosen.name, frames, table, class_set, cache, rate)


def parse_stem(stem: str) -> tuple[str, int | None]:
    """Splits a frame's name into clip and number: `0006R0_f01080` is frame 1080 of clip 0006R0.

    The clip is "" where the name tells none (`0042`, `val_0042`, `harbour`), the number None where there is none.
    """
    match = _NUMBERED.match(stem)
    if not match:
        return "", None
    clip = match["clip"]
    words = re.split(r"[^a-z0-9]+", clip.lower())  # a name with a split or a mere "frame" in it tells no clip
    return "" if _NO_CLIPS.intersection(words) else clip, int(match["number"])


def choose_layout(root: Path, name: str = "auto") -> Layout:
    """The layout of this name, or the one that a folder has; DatasetError, or OSError where there is no folder."""
    wanted = [layout for layout in LAYOUTS if name in ("auto", layout.name)]
    if not wanted:
        raise DatasetError(f"no layout {name!r}; known: {', '.join(dict.fromkeys(layout.name for layout in LAYOUTS))}")
    for layout in wanted:
        if layout.find(root, "train")[1]:
            return layout
    lines = [f"  {known.name}: {known.images}.png (or .jpg) and {known.labels[0]}.png" for known in wanted]
    looked = "\n".join(lines).format(split="train")
    entries = sorted(root.iterdir())
    found = ", ".join(f"{entry.name}/" if entry.is_dir() else entry.name for entry in entries[:12]) or "an empty folder"
    inside = [entry for entry in entries if any(known.find(entry, "train")[1] for known in LAYOUTS)]
    hint = (
        f"{inside[0]} looks like one: name that folder"
        if inside
        else f"Name another folder ({setting('data')} or data.root)"
    )
    raise DatasetError(f"{root} is no data set that can be read.\nLooked for:\n{looked}\nFound: {found}\n{hint}")


def _find_frames(root: Path, layout: Layout) -> tuple[pd.DataFrame, list[tuple[Path, str, str, str]]]:
    """The frames table, and file, problem, remedy and split of each frame that has not its one image and one label."""
    rows, problems = [], []
    for split in SPLITS:
        images, labels = layout.find(root, split)
        for stem in sorted({*images, *labels}):
            of_image, of_label = images.get(stem, []), labels.get(stem, [])
            if not stem.isprintable():  # it could not be written into the records and pages
                problem = "a name that is not plain text", "rename it and its pair"
            elif (len(of_image), len(of_label)) != (1, split not in layout.unlabeled):
                found = f"{len(of_image)} images and {len(of_label)} labels of this name"
                problem = found, "give it one of each, or delete what there is"
            else:
                clip, number = parse_stem(stem)
                number = len(rows) if number is None else number
                label = str(of_label[0]) if of_label else ""
                rows.append((f"{split}/{stem}", str(of_image[0]), label, split, clip, number))
                continue
            problems.append(((*of_image, *of_label)[0], *problem, split))
    rows.sort(key=lambda row: (SPLITS.index(row[3]), row[4], row[5], row[1]))  # split, clip, number, image
    return pd.DataFrame(rows, columns=FRAME_COLUMNS), problems
