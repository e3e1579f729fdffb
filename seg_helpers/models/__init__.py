"""The model zoo: one architecture a file, all built by `build_model`. Given num_classes, never a data set."""

# ruff: noqa: F401

from seg_helpers.models.encoders import WeightsError
from seg_helpers.models.network import SegmentationNetwork
from seg_helpers.models.registry import build_model, count_parameters, describe_options, list_models
from seg_helpers.models.summary import ModelSummary, summarize_model
