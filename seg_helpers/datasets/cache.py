"""Decodes and checks each frame once, into memory-mapped uint8 arrays that every worker and every notebook shares."""

import hashlib
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from seg_helpers.classes import VOID, ClassSet
from seg_helpers.config import resolve
from seg_helpers.datasets.files import DatasetError, FileProblem, read_image, read_label
from seg_helpers.files import UNREADABLE, atomic_path, checksum_files, find_damage, remove
from seg_helpers.progress import track

_VERSION = 4  # raise it when what is checked or stored changes
_CHECKSUMS = "checksums.json"  # of a cache's other files


@dataclass(frozen=True)
class Cache:
    """Decoded frames on disk, in the order of the frames table they were made from, those with a problem left out."""

    folder: Path

    def __getstate__(self):  # arrays never travel to workers: those open the same pages themselves
        return {"folder": self.folder}

    def __len__(self) -> int:
        return len(self.counts)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width of `images` and `labels`."""
        return self.images.shape[1:3]

    @cached_property
    def images(self) -> np.ndarray:
        """(N, H, W, 3) uint8 RGB at the cache's size."""
        return np.load(self.folder / "images.npy", mmap_mode="r")

    @cached_property
    def labels(self) -> np.ndarray:
        """(N, H, W) uint8 class indices at the cache's size, void 255: for training."""
        return np.load(self.folder / "labels.npy", mmap_mode="r")

    @cached_property
    def counts(self) -> np.ndarray:
        """(N, 256) int64 pixels of each label value at the label's own resolution."""
        return np.load(self.folder / "counts.npy")

    @cached_property
    def problems(self) -> list[tuple[int, str, str, str]]:
        """Row in the frames table, file, what is wrong with it and the remedy, of each frame that was left out."""
        return json.loads((self.folder / "problems.json").read_text())

    def native_label(self, row: int) -> np.ndarray:
        """(H, W) uint8 label of frame `row` at the data set's own resolution: what scores are computed on."""
        file = self.folder / f"{row}.npy"
        return np.load(file, mmap_mode="r") if file.is_file() else self.labels[row]


def default_cache_dir() -> Path:
    """`SEG_CACHE` if it is set, else `data/.cache` of the project."""
    return Path(os.environ.get("SEG_CACHE") or resolve("data/.cache"))


def build_cache(
    frames: pd.DataFrame,
    classes: ClassSet,
    size: tuple[int, int] | None = None,
    cache_dir: str | Path | None = None,
    name: str = "frames",
    kind: str = "either",
) -> Cache:
    """Opens the cache in `cache_dir` (None: the default one) of these frames; decodes them if it is missing or damaged.

    Of the frames table `image` and `label` alone matter, so one cache serves every split of a data set. Images are
    resized to (height, width) by area, labels to the nearest pixel; None keeps the files' size, which then has to be
    the same for all. Label files hold what `kind` says: `index`, `color` or `either`. The folder is called by `name`.

    Raises:
        DatasetError: frames differ in size and no size is given, or the disk is too small.
    """
    files = [file for pair in zip(frames["image"], frames["label"], strict=True) for file in pair]
    stamps = [(file, (s := os.stat(file)).st_size, s.st_mtime_ns) if os.path.exists(file) else file for file in files]
    identity = [_VERSION, size, kind, classes.names, stamps]
    identity += [sorted(classes.index_map.items()), sorted(classes.color_map.items())]
    digest = hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:12]
    shape = "native" if size is None else "{}x{}".format(*size)
    parent = Path(cache_dir) if cache_dir else default_cache_dir()
    folder = parent / f"{name}-{classes.name}-{shape}-{digest}"
    if folder.is_dir() and not _is_whole(folder):
        print(f"{folder} is damaged: it is made anew", flush=True)
        remove(folder)
    if not folder.is_dir():
        with atomic_path(folder) as part:
            _write(part, frames, classes, size, name, kind)
    return Cache(folder)


def _is_whole(folder: Path) -> bool:
    try:
        return not find_damage(folder, json.loads((folder / _CHECKSUMS).read_text()))
    except UNREADABLE:
        return False


def _write(folder: Path, frames: pd.DataFrame, classes: ClassSet, size, name: str, kind: str) -> None:
    def decode(row: int) -> tuple[np.ndarray, np.ndarray, np.ndarray] | FileProblem:
        """Image and label at the cache's size, and the label at its own."""
        try:
            image = read_image(frames["image"].iloc[row])
            file = frames["label"].iloc[row]
            label = read_label(file, classes, kind) if file else np.full(image.shape[:2], VOID, np.uint8)
            if image.shape[:2] != label.shape:
                sizes = "label is {1}x{0} but its image {3}x{2}".format(*label.shape, *image.shape)
                remedy = "take both from the same release; never resize a label with interpolation"
                raise FileProblem(file, sizes, remedy)
        except FileProblem as problem:
            return problem
        if size is None:
            return image, label, label
        small = cv2.resize(label, size[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
        return cv2.resize(image, size[::-1], interpolation=cv2.INTER_AREA), small, label

    first = next((found for found in map(decode, range(len(frames))) if isinstance(found, tuple)), None)
    height, width = first[1].shape if first else (0, 0)
    needed = len(frames) * (height * width * 4 + (first[2].size if first and size else 0))
    folder.mkdir()
    if needed > (free := shutil.disk_usage(folder).free):
        raise DatasetError(
            f"{folder.parent}: the cache needs {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free; "
            "set a smaller data.size, or SEG_CACHE to a folder on another disk"
        )
    shape = len(frames), height, width
    images = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, (*shape, 3))
    labels = np.lib.format.open_memmap(folder / "labels.npy", "w+", np.uint8, shape)
    for name in ("images.npy", "labels.npy") if hasattr(os, "posix_fallocate") else ():
        with open(folder / name, "r+b") as file:  # else a disk that fills later ends the process without a word
            os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size)

    def store(row: int) -> np.ndarray | FileProblem:
        """Stores a frame; returns its label's pixels by value."""
        found = decode(row)
        if isinstance(found, FileProblem):
            return found
        image, label, native = found
        if label.shape != (height, width):
            raise DatasetError(
                f"{frames['image'].iloc[row]} is {label.shape[1]}x{label.shape[0]} but others are {width}x{height}: "
                "set data.size, to which all are resized for training"
            )
        images[row], labels[row] = image, label
        if native.shape != label.shape:
            np.save(folder / f"{row}.npy", native)
        return np.bincount(native.reshape(-1), minlength=256)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(track(pool.map(store, range(len(frames))), f"caching {name}", len(frames)))
    good = [row for row, pixels in enumerate(found) if not isinstance(pixels, FileProblem)]
    for row, source in enumerate(good):  # no row is left for those that cannot be used
        if row != source:
            images[row], labels[row] = images[source], labels[source]
            if (native := folder / f"{source}.npy").is_file():
                native.rename(folder / f"{row}.npy")
    problems = [(row, str(p.file), p.problem, p.remedy) for row, p in enumerate(found) if isinstance(p, FileProblem)]
    (folder / "problems.json").write_text(json.dumps(problems))
    np.save(folder / "counts.npy", np.array([found[row] for row in good], np.int64).reshape(-1, 256))
    images.flush()
    labels.flush()
    (folder / _CHECKSUMS).write_text(json.dumps(checksum_files(folder, folder.iterdir(), quick=True)))


def locate_classes(cache: Cache, num_classes: int, rows, grid: tuple[int, int] = (36, 48)) -> np.ndarray:
    """(C, grid height, grid width) float64: each class's share, 0 to 1, of the pixels of each grid cell with void."""
    height, width = cache.size
    y, x = (np.arange(n) * cells // n for n, cells in zip((height, width), grid, strict=True))
    cell = (y[:, None] * grid[1] + x[None, :]).astype(np.int64) * 256
    counts = np.zeros(grid[0] * grid[1] * 256, np.int64)
    for row in rows:
        counts += np.bincount((cell + cache.labels[row]).reshape(-1), minlength=len(counts))
    counts = counts.reshape(*grid, 256)
    return np.moveaxis(counts[..., :num_classes] / np.maximum(counts.sum(-1, keepdims=True), 1), -1, 0)
