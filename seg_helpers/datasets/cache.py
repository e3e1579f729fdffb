"""Decodes each frame once into memory-mapped uint8 arrays, which every worker and every notebook shares."""

import hashlib
import json
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
import pandas as pd

from seg_helpers.classes import VOID, ClassSet
from seg_helpers.config import ConfigError, resolve
from seg_helpers.datasets.files import read_image, read_label, read_size
from seg_helpers.datasets.layouts import DatasetError
from seg_helpers.files import atomic_path
from seg_helpers.progress import track

_VERSION = 2  # raise it when what is stored changes


@dataclass(frozen=True)
class Cache:
    """Decoded frames on disk, in the order of the frames table they were made from.

    Arrays are opened when first used and never travel to workers: those open the same pages themselves.

    Attributes:
        folder: where the arrays lie.
        native_shapes: (N, 2) height and width of each label as the data set has it.
    """

    folder: Path
    native_shapes: np.ndarray = field(repr=False)

    def __getstate__(self):
        return {"folder": self.folder, "native_shapes": self.native_shapes}

    def __len__(self) -> int:
        return len(self.native_shapes)

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
    def _native(self) -> np.ndarray:
        path = self.folder / "native_labels.npy"
        return np.load(path, mmap_mode="r") if path.is_file() else self.labels.reshape(-1)

    @cached_property
    def _offsets(self) -> np.ndarray:
        return np.concatenate([[0], self.native_shapes.astype(np.int64).prod(axis=1).cumsum()])

    def native_label(self, row: int) -> np.ndarray:
        """(H, W) uint8 label of frame `row` at the data set's own resolution: what scores are computed on."""
        return self._native[self._offsets[row] : self._offsets[row + 1]].reshape(self.native_shapes[row])


def default_cache_dir() -> Path:
    """`SEG_CACHE` if it is set, else `data/.cache` of the project, else a folder for this user."""
    if os.environ.get("SEG_CACHE"):
        return Path(os.environ["SEG_CACHE"])
    try:
        return resolve("data/.cache")
    except ConfigError:
        return Path.home() / ".cache" / "seg_helpers"


def build_cache(
    frames: pd.DataFrame,
    classes: ClassSet,
    size: tuple[int, int] | None = None,
    cache_dir: str | Path | None = None,
    name: str = "frames",
) -> Cache:
    """Opens the cache of these frames at this size, decoding them first if it does not exist.

    Args:
        frames: frames table; only `image` and `label` matter, so one cache serves every split of a data set.
        classes: how labels are read.
        size: (height, width) to store at, images resized by area, labels to the nearest pixel; None keeps the
            files' size, which then has to be the same for all.
        cache_dir: parent folder of caches; None for `default_cache_dir()`.
        name: names the folder and the progress line.

    Raises:
        DatasetError: frames differ in size and no size is given, or the disk is too small.
    """
    parent = Path(cache_dir) if cache_dir else default_cache_dir()
    shape = "native" if size is None else "{}x{}".format(*size)
    folder = parent / f"{name}-{classes.name}-{shape}-{_digest(frames, classes, size)}"
    if not (folder / "shapes.npy").is_file():
        with atomic_path(folder) as part:
            _write(part, frames, classes, size, name)
    return Cache(folder, np.load(folder / "shapes.npy"))


def count_pixels(cache: Cache, num_classes: int) -> np.ndarray:
    """Counts each frame's pixels by class at the labels' own resolution.

    Returns:
        (frames, C + 1) int64; the last column is void.
    """
    counts = np.zeros((len(cache), num_classes + 1), np.int64)
    for row in track(range(len(cache)), "counting pixels"):
        values = np.bincount(cache.native_label(row).reshape(-1), minlength=256)
        counts[row, :num_classes], counts[row, -1] = values[:num_classes], values[VOID]
    return counts


def locate_classes(cache: Cache, num_classes: int, grid: tuple[int, int] = (36, 48), rows=None) -> np.ndarray:
    """Where each class lives in the image: its share of the pixels of each grid cell, void pixels included.

    Returns:
        (C, grid height, grid width) float64 in 0..1.
    """
    rows = range(len(cache)) if rows is None else rows
    height, width = cache.size
    y, x = (np.arange(n) * cells // n for n, cells in zip((height, width), grid, strict=True))
    cell = (y[:, None] * grid[1] + x[None, :]).astype(np.int64) * 256
    counts = np.zeros(grid[0] * grid[1] * 256, np.int64)
    for row in rows:
        counts += np.bincount((cell + cache.labels[row]).reshape(-1), minlength=len(counts))
    counts = counts.reshape(*grid, 256)
    return np.moveaxis(counts[..., :num_classes] / np.maximum(counts.sum(-1, keepdims=True), 1), -1, 0)


def _digest(frames, classes, size) -> str:
    files = [file for pair in zip(frames["image"], frames["label"], strict=True) for file in pair]
    stamps = [(file, (s := os.stat(file)).st_size, s.st_mtime_ns) if file else "" for file in files]
    identity = [_VERSION, size, classes.names, stamps]
    identity += [sorted(classes.index_map.items()), sorted(classes.color_map.items())]
    return hashlib.sha256(json.dumps(identity).encode()).hexdigest()[:12]


def _write(folder: Path, frames: pd.DataFrame, classes: ClassSet, size, name: str) -> None:
    folder.mkdir()
    images, labels = frames["image"].tolist(), frames["label"].tolist()
    shapes = np.array([read_size(image) for image in images], np.int64)
    if size is None and (shapes != shapes[0]).any():
        other = int((shapes != shapes[0]).any(axis=1).argmax())
        raise DatasetError(
            f"{images[other]} is {shapes[other][1]}x{shapes[other][0]} but {images[0]} is "
            f"{shapes[0][1]}x{shapes[0][0]}: set data.size, to which all are resized for training"
        )
    height, width = size or shapes[0].tolist()
    offsets = np.concatenate([[0], shapes.prod(axis=1).cumsum()])
    resized = bool((shapes != (height, width)).any())
    needed = len(frames) * height * width * 4 + resized * int(offsets[-1])
    free = shutil.disk_usage(folder).free
    if needed > free:
        raise DatasetError(
            f"{folder.parent}: the cache needs {needed / 1e9:.1f} GB and {free / 1e9:.1f} GB are free; "
            "set a smaller data.size, or SEG_CACHE to a folder on another disk"
        )

    def create(file, *shape):
        return np.lib.format.open_memmap(folder / file, "w+", np.uint8, shape)

    all_images = create("images.npy", len(frames), height, width, 3)
    all_labels = create("labels.npy", len(frames), height, width)
    native_labels = create("native_labels.npy", int(offsets[-1])) if resized else None

    def store(row: int) -> None:
        image = read_image(images[row])
        label = read_label(labels[row], classes) if labels[row] else np.full(shapes[row], VOID, np.uint8)
        if resized:
            native_labels[offsets[row] : offsets[row + 1]] = label.reshape(-1)
            image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
            label = cv2.resize(label, (width, height), interpolation=cv2.INTER_NEAREST_EXACT)
        all_images[row], all_labels[row] = image, label

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for _ in track(pool.map(store, range(len(frames))), f"caching {name}", len(frames)):
            pass
    for array in (all_images, all_labels, native_labels):
        if array is not None:
            array.flush()
    np.save(folder / "shapes.npy", shapes)
