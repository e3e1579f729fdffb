"""Data sets as tables of frames: found and checked, split, cached, augmented and loaded; and the generated ones."""

from seg_helpers.datasets.audit import MIN_GAIN, NEARLY_IDENTICAL, audit_labels, audit_split, match_pictures
from seg_helpers.datasets.augmentation import Augmentation, build_augmentation, single_transforms
from seg_helpers.datasets.cache import Cache, build_cache, class_heatmaps, count_pixels, default_cache_dir
from seg_helpers.datasets.expansion import expand_frames
from seg_helpers.datasets.files import FileProblem, read_image, read_label
from seg_helpers.datasets.layouts import (
    LAYOUTS,
    Dataset,
    DatasetError,
    DatasetWarning,
    detect_layout,
    read_dataset,
)
from seg_helpers.datasets.loader import SegmentationDataset, make_loader, normalise
from seg_helpers.datasets.samples import ensure_sample, generate_road_scenes, generate_soccer_scenes
from seg_helpers.datasets.splits import apply_split, describe_split

__all__ = [
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
    "class_heatmaps",
    "count_pixels",
    "default_cache_dir",
    "describe_split",
    "detect_layout",
    "ensure_sample",
    "expand_frames",
    "generate_road_scenes",
    "generate_soccer_scenes",
    "make_loader",
    "match_pictures",
    "normalise",
    "read_dataset",
    "read_image",
    "read_label",
    "single_transforms",
]
