"""From a data configuration to arrays and loaders, once for all the runs of a process."""

import functools
import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from torch.utils.data import default_collate

from seg_helpers.classes import VOID, ClassSet
from seg_helpers.config import DataConfig, ExperimentConfig, place_data
from seg_helpers.datasets import (
    Cache,
    Dataset,
    DatasetError,
    SegmentationDataset,
    apply_split,
    audit_labels,
    build_augmentation,
    ensure_sample,
    make_loader,
    read_dataset,
)
from seg_helpers.datasets.samples import FORMAT
from seg_helpers.experiments.processes import join_processes
from seg_helpers.progress import track


@dataclass(frozen=True, eq=False)
class PreparedData:
    """A data set that is read, checked, split and cached.

    Attributes:
        frames: the frames table with the configured split.
        cache: the decoded frames, in the rows' order.
        pixel_counts: (frames, C + 1) pixels of each class and of void.
        digest: names the frames, their split, their classes' pixels and (unless generated) their files' sizes.
    """

    dataset: Dataset
    frames: pd.DataFrame
    cache: Cache
    pixel_counts: np.ndarray
    digest: str

    @property
    def classes(self) -> ClassSet:
        return self.dataset.classes

    @functools.cached_property
    def suspects(self) -> list[int]:
        """Rows of frames whose label does not fit its picture, by `audit_labels`."""
        audit = audit_labels(self.frames, self.cache, self.classes.num_classes)
        return audit.index[audit["suspect"]].tolist()

    def rows(self, split: str) -> list[int]:
        """Rows of a split's labeled frames."""
        chosen = (self.frames["split"] == split) & (self.frames["label"] != "")
        return np.flatnonzero(chosen.to_numpy()).tolist()

    def names(self, split: str) -> list[str]:
        """Names of a split's labeled frames, in the order of `rows`."""
        return self.frames["name"].iloc[self.rows(split)].tolist()

    def find(self, name: str) -> int:
        """The row of the frame of this name (`split/stem`); DatasetError where a run was made from other data."""
        names = self.frames["name"].tolist()
        if name not in names:
            raise DatasetError(
                f"{self.dataset.root}: no frame {name!r}: is it the data set that the run was made from?"
            )
        return names.index(name)

    def image(self, name: str) -> np.ndarray:
        """(H, W, 3) uint8 RGB at the cache's size."""
        return np.asarray(self.cache.images[self.find(name)])

    def label(self, name: str) -> np.ndarray:
        """(H, W) uint8 class indices at the label's own size, void 255."""
        return np.asarray(self.cache.native_label(self.find(name)))

    def train_pixels(self) -> np.ndarray:
        """(C,) pixels of each class in the training split."""
        return self.pixel_counts[self.rows("train"), :-1].sum(0)

    def batch_size(self, config: ExperimentConfig) -> int:
        """Frames in a training step, over all processes: as configured, or the whole training split if it has fewer."""
        return min(config.batch_size, len(self.rows("train")) * config.data.expand)

    def train_loader(self, config: ExperimentConfig):
        """Shuffled, augmented batches, before processes divide them; a function of (seed, epoch) alone."""
        augmentation = build_augmentation(config.augmentation, self.cache.size)
        rows = self.rows("train") * config.data.expand
        dataset = SegmentationDataset(self.cache, rows, augmentation, config.seed, self.classes)
        return make_loader(dataset, self.batch_size(config), shuffle=True, workers=config.workers)

    def frames_of(self, split: str, rows: list[int] | None = None, pixels: int = 1) -> Iterator[dict]:
        """Batches of frames as they are scored, images at the cache's size, labels at their own resolution.

        A batch is of one frame, or of as many labels of one size in a row as have no more than so many `pixels`.
        """
        samples = SegmentationDataset(self.cache, self.rows(split) if rows is None else rows)
        positions = track(range(len(samples)), f"scoring {split}")
        frames = (samples[position] for position in positions)  # a DataLoader would draw from training's random state
        for size, alike in itertools.groupby(frames, lambda frame: frame["label"].shape):
            while batch := list(itertools.islice(alike, max(1, pixels // size.numel()))):
                yield default_collate(batch)


def prepare_data(config: DataConfig, seed: int = 0) -> PreparedData:
    """Reads, checks, splits and caches a data set; the second call in a process is free.

    Raises:
        DatasetError: the folder is no data set, has problems that are to stop it, or a split's labels are all void.
    """
    with join_processes().main_process_first():
        return _prepare(place_data(config).model_copy(update={"expand": 1}), seed)


@functools.lru_cache(maxsize=16)
def _prepare(config: DataConfig, seed: int) -> PreparedData:
    generated = config.dataset in ("sample", "soccer")
    if generated:
        ensure_sample(config.root, config.dataset)
    dataset = read_dataset(config.root, config.layout, config.classes, config.on_problem, config.size)
    frames = apply_split(dataset.frames, config.split, seed)
    counts = dataset.cache.counts[:, [*range(dataset.classes.num_classes), VOID]]
    data = PreparedData(dataset, frames, dataset.cache, counts, _digest(dataset, frames, counts, generated))
    for split in ("train", "val", "test"):
        rows = data.rows(split)
        if rows and not counts[rows, :-1].any():  # nothing to train on or to score
            raise DatasetError(
                f"{dataset.root}: none of the {len(rows)} {split} labels has a pixel of a class; give them labels of "
                f"the class set {data.classes.name}, name the one they have (data.classes), or take these frames out"
            )
    return data


def _digest(dataset: Dataset, frames: pd.DataFrame, pixel_counts: np.ndarray, generated: bool) -> str:
    lines = []
    for row, counts in zip(frames.itertuples(), pixel_counts.tolist(), strict=True):
        files = [Path(file) for file in (row.image, row.label) if file]
        sizes = [0 if generated else file.stat().st_size for file in files]
        names = [file.relative_to(dataset.root).as_posix() for file in files]
        lines.append(f"{row.split} {names} {sizes} {counts}")
    drawn = [FORMAT] if generated else []  # for what sizes would tell, but that they depend on the encoder of PNGs
    content = "\n".join([*drawn, str(dataset.classes.names), *sorted(lines)])
    return hashlib.sha256(content.encode()).hexdigest()[:16]
