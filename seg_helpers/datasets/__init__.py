"""Data sets as tables of frames: found and checked, split, cached, augmented and loaded; and the generated ones."""

from seg_helpers.datasets.augmentation import Augmentation, build_augmentation, single_transforms
from seg_helpers.datasets.cache import Cache, build_cache, class_heatmaps, count_pixels, default_cache_dir
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
from seg_helpers.datasets.samples import ensure_sample
from seg_helpers.datasets.scenes import generate_road_scenes
from seg_helpers.datasets.soccer import generate_soccer_scenes

__all__ = [
    "LAYOUTS",
    "Augmentation",
    "Cache",
    "Dataset",
    "DatasetError",
    "DatasetWarning",
    "FileProblem",
    "SegmentationDataset",
    "build_augmentation",
    "build_cache",
    "class_heatmaps",
    "count_pixels",
    "default_cache_dir",
    "detect_layout",
    "ensure_sample",
    "generate_road_scenes",
    "generate_soccer_scenes",
    "make_loader",
    "normalise",
    "read_dataset",
    "read_image",
    "read_label",
    "single_transforms",
]
