"""Frames as tensors: the torch data set over the cache, and loaders whose order and augmentation the seed decides."""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler
from torch.utils.data import Dataset as TorchDataset

from seg_helpers.classes import ClassSet
from seg_helpers.datasets.augmentation import MEAN, STD, Augmentation
from seg_helpers.datasets.cache import Cache


class SegmentationDataset(TorchDataset):
    """Samples of the cache as bytes: `image` (3, H, W) uint8; `label` (H, W) uint8, void 255; `index`, the cache row.

    For training (`augmentation` given) image and label have the augmentation's size, and what is drawn depends on
    (seed, epoch, position) alone: not on the number of workers, nor on what ran before. For evaluation the image has
    the cache's size and the label the data set's own resolution. `unpack_batch` makes of them what a network takes.
    `rows` of the cache are taken in order, such as `frames.index[frames.split == "train"]`; `classes` are for figures.
    """

    def __init__(
        self,
        cache: Cache,
        rows: Sequence[int],
        augmentation: Augmentation | None = None,
        seed: int = 0,
        classes: ClassSet | None = None,
    ):
        self.classes = classes
        self.cache, self.rows, self.augmentation, self.seed = cache, np.asarray(rows, np.int64), augmentation, seed
        self._epoch = torch.zeros(1, dtype=torch.int64).share_memory_()  # one number that living workers see change

    @property
    def epoch(self) -> int:
        """The epoch that augmentation and order are drawn for."""
        return int(self._epoch)

    def set_epoch(self, epoch: int) -> None:
        """Moves to an epoch, in this process and in the workers; call it before iterating over the loader."""
        self._epoch.fill_(epoch)

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, position: int) -> dict:
        row = int(self.rows[position])
        if self.augmentation is None:
            image, label = self.cache.images[row], self.cache.native_label(row)
        else:
            key = (self.seed, self.epoch, position)
            image, label = self.augmentation(self.cache.images[row], self.cache.labels[row], key)
        image = np.ascontiguousarray(image.transpose(2, 0, 1))
        return {"image": torch.from_numpy(image), "label": torch.from_numpy(np.array(label)), "index": row}


def unpack_batch(batch: dict, device: torch.device | None = None) -> tuple[Tensor, Tensor]:
    """Moves a batch to a device as bytes, and makes of it what a network and its loss take.

    These are (N, 3, H, W) float32, see `normalize`, and (N, H, W) int64.
    """
    images, labels = (batch[name].to(device, non_blocking=True) for name in ("image", "label"))
    return normalize(images), labels.long()


def normalize(images: Tensor) -> Tensor:
    """Images (N, 3, H, W) uint8 as a network takes them: float32, by ImageNet's mean and standard deviation."""
    mean, std = (torch.tensor(values).view(3, 1, 1) for values in (MEAN, STD))
    factor, offset = (values.to(images.device, non_blocking=True) for values in (std * 255, mean / std))
    return images / factor - offset


class EpochSampler(Sampler[int]):
    """Every position once, shuffled by the data set's (seed, epoch): the same on any machine and after a resume."""

    def __init__(self, dataset: SegmentationDataset):
        self.dataset = dataset

    def __len__(self) -> int:
        return len(self.dataset)

    def __iter__(self) -> Iterator[int]:
        return iter(np.random.default_rng((self.dataset.seed, self.dataset.epoch)).permutation(len(self)).tolist())


def make_loader(dataset: SegmentationDataset, batch_size: int, shuffle: bool = False, workers: int = 0) -> DataLoader:
    """A loader of batches: `image` (N, 3, H, W) and `label` (N, H, W), both uint8, and `index` (N,).

    For training, `shuffle` it, which leaves a smaller last batch out, and call `loader.dataset.set_epoch(epoch)` before
    each epoch: that decides order and augmentation. Labels of different native sizes cannot share a batch: evaluate
    them with `batch_size=1`. `workers` are processes that prepare batches ahead; 0 prepares them in this one.
    """
    return DataLoader(
        dataset,
        batch_size=batch_size,
        sampler=EpochSampler(dataset) if shuffle else None,
        num_workers=workers,
        drop_last=shuffle,
        persistent_workers=workers > 0,
        pin_memory=torch.cuda.is_available(),  # whose copies then go on beside its work
    )
