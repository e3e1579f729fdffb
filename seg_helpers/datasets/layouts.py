"""Finds the image and label pairs of a data set in the folder layouts that its users have, and checks every file.

The result is a `Dataset`: its frames (a row each, with split, clip and number) and its problems (a row each, with
file, what is wrong and the remedy). Nothing downstream looks into folders again.
"""

import contextlib
import hashlib
import json
import math
import os
import re
import warnings
from collections import defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from seg_helpers.classes import (
    CAMVID11,
    CAMVID32,
    CITYSCAPES19,
    CITYSCAPES19_TRAIN_IDS,
    ClassSet,
    get_class_set,
    read_class_dict,
    read_classes,
    read_details,
    read_label_colors,
)
from seg_helpers.datasets.files import FileProblem, read_image, read_label
from seg_helpers.files import atomic_path
from seg_helpers.progress import track

SPLITS = ("train", "val", "test")
FRAME_COLUMNS = ["name", "image", "label", "split", "clip", "number"]
PROBLEM_COLUMNS = ["file", "problem", "remedy", "split"]
_EXTENSIONS = {".png", ".jpg", ".jpeg"}
_NUMBERED = re.compile(r"^(?P<clip>.*?)[_-]?f?(?P<number>\d{1,18})$")  # 0001TP_006690, Seq05VD_f00000
_NO_CLIPS = {"train", "training", "val", "valid", "validation", "test", "testing", "frame", "image", "img"}
_CAMVID_CLIPS = {"0001TP", "0006R0", "0016E5", "Seq05VD"}
_CHECK_VERSION = 2  # raise it when a check changes, so that remembered results are not taken


class DatasetError(ValueError):
    """A data set that cannot be used; the message says what was found where, and what to do."""


class DatasetWarning(UserWarning):
    """Part of a data set was left out."""


@dataclass(frozen=True)
class Dataset:
    """A checked data set.

    Attributes:
        name: the folder's name.
        root: the folder.
        layout: name of the layout it was read in.
        frames: usable frames; columns `name` (`split/stem`, by which it is recorded and found again), `image`, `label`
            (paths; label "" where there is none), `split`, `clip` ("" where the name tells none), `number` (of the
            frame in its clip, in video frames where the names tell it).
        problems: what was left out; columns `file` (relative to root), `problem`, `remedy`, `split`.
        classes: the classes that labels are read in.
        frames_per_second: of `number`, where it is known.
    """

    name: str
    root: Path
    layout: str
    frames: pd.DataFrame
    problems: pd.DataFrame
    classes: ClassSet
    frames_per_second: float | None = None

    def counts(self) -> pd.Series:
        """Number of usable frames in each split."""
        return self.frames["split"].value_counts().reindex(SPLITS, fill_value=0)


@dataclass(frozen=True)
class _Pair:
    """What a layout finds for one stem; more than one image, or none on either side, is a problem."""

    split: str
    stem: str
    images: tuple[Path, ...]
    labels: tuple[Path, ...]
    labelled: bool = True  # False: this split comes without labels


@dataclass(frozen=True)
class Layout:
    """One folder layout: how it is recognized, and the paths of its images and labels below the root.

    Attributes:
        name: its name.
        looked_for: where images and labels lie, in words.
        known_by: folders and patterns that are all there in such a root.
        images: patterns of a split's images; the last `*` stands for the stem that pairs an image with its label.
        labels: patterns of a split's labels. A file counts once, for the first pattern that it fits, labels' first.
        kind: what label files hold, `index` or `color`.
        classes: the data set's own classes.
    """

    name: str
    looked_for: str
    known_by: tuple[str, ...]
    images: tuple[str, ...]
    labels: tuple[str, ...]
    kind: str
    classes: Callable[[Path], ClassSet]

    def detect(self, root: Path) -> bool:
        return all(
            _has_any(root, pattern) if "*" in pattern else (root / pattern).is_dir() for pattern in self.known_by
        )


def read_dataset(
    root: str | Path,
    layout: str = "auto",
    classes: str = "auto",
    on_problem: str = "exclude",
    cache_dir: str | Path | None = None,
) -> Dataset:
    """Finds and checks every frame of a data set.

    Args:
        root: the data set's folder.
        layout: `segnet`, `color`, `cam101`, `cityscapes`, or `auto` to recognize it.
        classes: name of a class set, or `auto` for the data set's own.
        on_problem: `exclude` leaves bad frames out, with a warning; `stop` raises at the first look.
        cache_dir: where the result of the checks is remembered; None checks every file each time.

    Returns:
        The frames, the problems and the classes.

    Raises:
        DatasetError: the folder is no data set, holds no usable frame, or has a problem and `on_problem` is `stop`.
    """
    with _explained(root):
        root = Path(root).expanduser().resolve()
        chosen = _choose_layout(root, layout)
        class_set = _choose_classes(root, chosen, classes)
        pairs = list(_find_pairs(root, chosen))
    problems = _check_all(root, pairs, chosen, class_set, cache_dir)
    bad = {(problem["split"], problem["stem"]) for problem in problems}
    good = [pair for pair in pairs if (pair.split, pair.stem) not in bad]
    table = pd.DataFrame(problems, columns=[*PROBLEM_COLUMNS, "stem"])[PROBLEM_COLUMNS]
    if problems:
        _report(root, table, len(bad), len(pairs), on_problem)
    if not any(pair.split == "train" for pair in good):
        raise DatasetError(
            f"{root}: no usable training frame among {len(pairs)} found in layout {chosen.name!r}."
            + (f" First problem: {table.iloc[0].file}: {table.iloc[0].problem}" if problems else "")
        )
    frames = _to_frames(good)
    with _explained(root):
        speed = _frames_per_second(root, chosen, frames)
    return Dataset(root.name, root, chosen.name, frames, table, class_set, speed)


def parse_stem(stem: str) -> tuple[str, int | None]:
    """Splits a frame's name into clip and number: `0006R0_f01080` is frame 1080 of clip 0006R0.

    Returns:
        The clip, "" where the name tells none (`0042`, `val_0042`, `harbour`), and the number, None where there is none.
    """
    match = _NUMBERED.match(stem)
    if not match:
        return "", None
    clip = match["clip"]
    words = re.split(r"[^a-z0-9]+", clip.lower())  # a name with a split or a mere "frame" in it tells no clip
    return "" if _NO_CLIPS.intersection(words) else clip, int(match["number"])


@contextlib.contextmanager
def _explained(root: str | Path) -> Iterator[None]:
    """Says of a folder or a file of it that cannot be looked into which one it is, and what to do."""
    try:
        yield
    except DatasetError:
        raise
    except OSError as error:
        where, why = error.filename or root, error.strerror
        raise DatasetError(f"{where}: {why}; mend it, or name another folder (DATA=… or data.root)") from None
    except RuntimeError as error:  # ~name of no user, or links in a circle
        raise DatasetError(f"{root}: {error}; write the path in full") from None
    except ValueError as error:
        raise DatasetError(str(error)) from None


def _choose_classes(root: Path, layout: Layout, name: str) -> ClassSet:
    """The class set of that name, or the data set's own; Cityscapes' files tell how they hold theirs."""
    if name == "auto" or (layout.name, name) == ("cityscapes", CITYSCAPES19.name):
        return layout.classes(root)
    return get_class_set(name)


def _choose_layout(root: Path, name: str) -> Layout:
    if name != "auto":
        if name not in LAYOUTS:
            raise DatasetError(f"no layout {name!r}; known: {', '.join(LAYOUTS)}")
        if LAYOUTS[name].detect(root):
            return LAYOUTS[name]
    matching = [layout for layout in LAYOUTS.values() if name == "auto" and layout.detect(root)]
    if matching:
        return matching[0]
    wanted = LAYOUTS.values() if name == "auto" else [LAYOUTS[name]]
    looked_for = "\n".join(f"  {layout.name}: {layout.looked_for}" for layout in wanted)
    raise DatasetError(f"{root} is no data set that can be read.\nLooked for:\n{looked_for}\nFound: {_describe(root)}")


def _describe(root: Path) -> str:
    if not root.exists():
        return "no such folder; create it, or name another (DATA=… or data.root)"
    if not root.is_dir():
        return "a file, not a folder"
    entries = sorted(entry.name + "/" * entry.is_dir() for entry in root.iterdir())
    if not entries:
        return "an empty folder"
    inside = [entry for entry in root.iterdir() if entry.is_dir() and any(x.detect(entry) for x in LAYOUTS.values())]
    hint = f"; {inside[0]} looks like one: name that folder" if inside else ""
    return ", ".join(entries[:12]) + (f" and {len(entries) - 12} more" if len(entries) > 12 else "") + hint


def _report(root, problems, bad, total, on_problem) -> None:
    listed = "\n".join(f"  {row.file}: {row.problem}; {row.remedy}" for row in problems.head(10).itertuples())
    more = f"\n  and {len(problems) - 10} more" if len(problems) > 10 else ""
    if on_problem == "stop":
        raise DatasetError(
            f"{root}: {bad} of {total} frames cannot be used (on_problem: exclude leaves them out):\n{listed}{more}"
        )
    warnings.warn(f"{root}: {bad} of {total} frames are left out:\n{listed}{more}", DatasetWarning, stacklevel=3)


def _to_frames(pairs: list[_Pair]) -> pd.DataFrame:
    rows = []
    for position, pair in enumerate(pairs):
        clip, number = parse_stem(pair.stem)
        number = position if number is None else number
        label = str(pair.labels[0]) if pair.labelled else ""
        rows.append((f"{pair.split}/{pair.stem}", str(pair.images[0]), label, pair.split, clip, number))
    rows.sort(key=lambda row: (SPLITS.index(row[3]), row[4], row[5], row[1]))  # split, clip, number, image
    return pd.DataFrame(rows, columns=FRAME_COLUMNS)


def _frames_per_second(root: Path, layout: Layout, frames: pd.DataFrame) -> float | None:
    if layout.name == "cityscapes":
        return 17.0  # Cordts et al., CVPR 2016
    if set(frames["clip"]) <= _CAMVID_CLIPS:
        return 30.0  # the names count frames of the 30 Hz video
    if not os.path.lexists(described := root / "classes.json"):
        return None
    rate = read_details(described).get("frames_per_second")
    if rate is not None and not (type(rate) in (int, float) and 0 < rate < math.inf):
        raise DatasetError(f"{described}: frames_per_second: expected a positive number, found {rate!r}")
    return rate


# Checks


def _check_all(root, pairs, layout, classes, cache_dir) -> list[dict]:
    """Checks every pair, or takes the remembered result for files of the same paths, sizes and times."""
    files = [file for pair in pairs for file in (*pair.images, *pair.labels)]
    identity = [_CHECK_VERSION, layout.name, classes.name, classes.names, [_stamp(file) for file in files]]
    identity += [sorted(classes.index_map.items()), sorted(classes.color_map.items())]
    digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:16]
    remembered = Path(cache_dir) / f"checks-{root.name}-{digest}.json" if cache_dir else None
    if remembered and remembered.is_file():
        return json.loads(remembered.read_text())
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = pool.map(lambda pair: _check_pair(root, pair, layout, classes), pairs)
        problems = [row for rows in track(found, f"checking {root.name}", len(pairs)) for row in rows]
    if remembered:
        with atomic_path(remembered) as part:
            part.write_text(json.dumps(problems))
    return problems


def _stamp(file: Path) -> tuple[str, int, int]:
    try:
        stat = file.stat()
    except OSError:  # a link to nothing: its check says so
        return str(file), 0, 0
    return str(file), stat.st_size, stat.st_mtime_ns


def _check_pair(root: Path, pair: _Pair, layout: Layout, classes: ClassSet) -> list[dict]:
    """A row for each problem of a pair."""
    rows = []
    for files, problem, remedy in _find_problems(pair, layout, classes):
        name = ", ".join(str(file.relative_to(root)) for file in files)
        name = name if name.isprintable() else ascii(name)
        rows.append({"file": name, "problem": problem, "remedy": remedy, "split": pair.split, "stem": pair.stem})
    return rows


def _find_problems(pair: _Pair, layout: Layout, classes: ClassSet) -> Iterator[tuple[tuple[Path, ...], str, str]]:
    """Files, what is wrong with them, and the remedy."""
    images, labels = pair.images, pair.labels
    if not pair.stem.isprintable():  # it could not be written into the records and pages
        yield (*images, *labels)[:1], "a name that is not plain text", "rename it and its pair"
    elif not images:
        yield labels[:1], "image missing for this label", "add the image of that name, or delete the label"
    elif len(images) > 1:
        yield images, f"{len(images)} images of one stem", "keep one of them"
    elif pair.labelled and len(labels) != 1:
        problem = f"{len(labels)} labels for this image" if labels else "label missing for this image"
        yield images, problem, "add the one label of that name, or delete the image"
    else:
        sizes = []
        try:
            sizes.append(read_image(images[0]).shape[:2])
        except FileProblem as problem:
            yield images, problem.problem, problem.remedy
        if not pair.labelled:
            return
        try:
            sizes.append(read_label(labels[0], classes, layout.kind).shape)
        except FileProblem as problem:
            yield labels, problem.problem, problem.remedy
        if len(sizes) == 2 and sizes[0] != sizes[1]:
            (image_height, image_width), (height, width) = sizes
            problem = f"label is {width}x{height} but its image {image_width}x{image_height}"
            yield labels, problem, "take both from the same release; never resize a label with interpolation"


# The layouts


def _find_pairs(root: Path, layout: Layout) -> Iterator[_Pair]:
    for split in SPLITS:
        taken: set[Path] = set()
        labels = _files_by_stem(root, split, layout.labels, {".png"}, taken)
        images = _files_by_stem(root, split, layout.images, _EXTENSIONS, taken)
        # The label files published for Cityscapes' test are placeholders: its truth is kept by the benchmark's server.
        labelled = (layout.name, split) != ("cityscapes", "test")
        if layout.name == "cityscapes" and labelled and images and not labels:
            raise DatasetError(_describe_missing(root, split))
        for stem in sorted({*images, *(labels if labelled else ())}):
            yield _Pair(split, stem, tuple(images.get(stem, ())), tuple(labels.get(stem, ())), labelled)


def _files_by_stem(root: Path, split: str, patterns, extensions, taken: set[Path]) -> dict[str, list[Path]]:
    """Stem to the files not yet taken that have it, all of which are taken then."""
    found = defaultdict(list)
    for pattern in patterns:
        folder, _, ending = pattern.format(split=split, ids=_label_ids(root)).rpartition("/*")
        for file in sorted(file for parent in root.glob(f"{folder}/") for file in parent.iterdir()):
            fits = file.suffix.lower() in extensions and file.stem.endswith(ending)
            if fits and file not in taken and not file.name.startswith("."):
                found[file.stem.removesuffix(ending)].append(file)
                taken.add(file)
    return found


def _label_ids(root: Path) -> str:
    """Which label files of Cityscapes are read: its own label ids, or train ids where there are only these."""
    kinds = ("labelIds", "labelTrainIds")
    return next((kind for kind in kinds if _has_any(root, f"gtFine/train/*/*_gtFine_{kind}.png")), kinds[0])


def _describe_missing(root: Path, split: str) -> str:
    folder = root / "gtFine" / split
    others = sorted({path.stem.partition("_gtFine_")[2] for path in folder.glob("*/*_gtFine_*.png")})
    found = " and ".join(f"*_gtFine_{kind}.png" for kind in others)
    return (
        f"{folder} has {f'{found} but ' if others else ''}no *_gtFine_{_label_ids(root)}.png in its cities' folders; "
        "unpack those of gtFine_trainvaltest.zip there"
    )


def _has_any(folder: Path, pattern: str) -> bool:
    return next(folder.glob(pattern), None) is not None


def _cityscapes_classes(root: Path) -> ClassSet:
    return CITYSCAPES19 if _label_ids(root) == "labelIds" else CITYSCAPES19_TRAIN_IDS


def _segnet_classes(root: Path) -> ClassSet:
    return read_classes(root / "classes.json") if os.path.lexists(root / "classes.json") else CAMVID11


def _color_classes(root: Path) -> ClassSet:
    for name, read in (("class_dict.csv", read_class_dict), ("label_colors.txt", read_label_colors)):
        if os.path.lexists(root / name):
            return read(root / name)
    return CAMVID32


_LAYOUTS = (
    Layout(
        "cityscapes",
        "leftImg8bit/train/CITY/*_leftImg8bit.png and gtFine/train/CITY/*_gtFine_labelIds.png (or …_labelTrainIds.png)",
        known_by=("leftImg8bit/train",),
        images=("leftImg8bit/{split}/*/*_leftImg8bit",),
        labels=("gtFine/{split}/*/*_gtFine_{ids}",),
        kind="index",
        classes=_cityscapes_classes,
    ),
    Layout(
        "segnet",
        "train/NAME.png (or .jpg) and trainannot/NAME.png, the same for val and test",
        known_by=("train", "trainannot"),
        images=("{split}/*",),
        labels=("{split}annot/*",),
        kind="index",
        classes=_segnet_classes,
    ),
    Layout(
        "color",
        "train/NAME.png and train_labels/NAME_L.png, the same for val and test, and class_dict.csv",
        known_by=("train", "train_labels"),
        images=("{split}/*",),
        labels=("{split}_labels/*_L", "{split}_labels/*"),
        kind="color",
        classes=_color_classes,
    ),
    Layout(
        "cam101",
        "train/NAME.png beside train/NAME_L.png, the same for test, and label_colors.txt",
        known_by=("train/*_L.png",),
        images=("{split}/*",),
        labels=("{split}/*_L",),
        kind="color",
        classes=_color_classes,
    ),
)
LAYOUTS = {layout.name: layout for layout in _LAYOUTS}
