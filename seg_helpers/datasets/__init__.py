"""Data sets as tables of frames: found and checked, split, cached, augmented and loaded; and the generated ones."""

# ruff: noqa: F401

from seg_helpers.datasets.audit import MIN_GAIN, NEARLY_IDENTICAL, audit_labels, audit_split, match_pictures
from seg_helpers.datasets.augmentation import RandomWindow, build_augmentation, single_transforms
from seg_helpers.datasets.cache import Cache, default_cache_dir, locate_classes
from seg_helpers.datasets.expansion import expand_frames
from seg_helpers.datasets.files import DatasetError, read_image, read_picture
from seg_helpers.datasets.layouts import SPLITS, Dataset, DatasetWarning, choose_layout, read_dataset
from seg_helpers.datasets.loader import SegmentationDataset, make_loader, normalize, unpack_batch
from seg_helpers.datasets.samples import SCENES, ensure_sample
from seg_helpers.datasets.splits import BRACKETED, apply_split, describe_split
