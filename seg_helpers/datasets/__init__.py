"""Data sets as tables of frames: found and checked, split, cached, augmented and loaded; and the generated ones."""

from seg_helpers.datasets.audit import MIN_GAIN, NEARLY_IDENTICAL, audit_labels, audit_split, match_pictures
from seg_helpers.datasets.augmentation import Augmentation, build_augmentation, single_transforms
from seg_helpers.datasets.cache import Cache, build_cache, count_pixels, default_cache_dir, locate_classes
from seg_helpers.datasets.expansion import expand_frames
from seg_helpers.datasets.files import FileProblem, read_image, read_label
from seg_helpers.datasets.layouts import (
    LAYOUTS,
    Dataset,
    DatasetError,
    DatasetWarning,
    read_dataset,
)
from seg_helpers.datasets.loader import SegmentationDataset, make_loader, normalize
from seg_helpers.datasets.samples import ensure_sample, generate_scenes
from seg_helpers.datasets.splits import BRACKETED, apply_split, describe_split

__all__ = [
    "BRACKETED",
    "LAYOUTS",
    "MIN_GAIN",
    "NEARLY_IDENTICAL",
    "Augmentation",
    "Cache",
    "Dataset",
    "DatasetError",
    "DatasetWarning",
    "FileProblem",
    "SegmentationDataset",
    "apply_split",
    "audit_labels",
    "audit_split",
    "build_augmentation",
    "build_cache",
    "count_pixels",
    "default_cache_dir",
    "describe_split",
    "ensure_sample",
    "expand_frames",
    "generate_scenes",
    "locate_classes",
    "make_loader",
    "match_pictures",
    "normalize",
    "read_dataset",
    "read_image",
    "read_label",
    "single_transforms",
]
