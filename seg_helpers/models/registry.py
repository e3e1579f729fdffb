"""The zoo's front door: `build_model` by name, `list_models` for what there is."""

import difflib
import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch

from seg_helpers.models.fcn import build_fcn
from seg_helpers.models.network import SegmentationNetwork
from seg_helpers.models.unet import build_unet


@dataclass(frozen=True)
class Architecture:
    """A registered architecture: how it is built and what it is for."""

    build: Callable[..., SegmentationNetwork]
    title: str
    paper: str
    purpose: str


@dataclass(frozen=True)
class ModelInfo:
    """A row of `list_models`; `parameters` counts the default options at 11 classes."""

    name: str
    title: str
    paper: str
    parameters: int
    purpose: str


ARCHITECTURES = {
    "fcn": Architecture(
        build_fcn,
        "FCN",
        "Long, Shelhamer, Darrell, CVPR 2015, arXiv 1411.4038",
        "the first end-to-end network: scores at strides 32, 16 and 8, added and upsampled",
    ),
    "unet": Architecture(
        build_unet,
        "U-Net",
        "Ronneberger, Fischer, Brox, MICCAI 2015, arXiv 1505.04597",
        "encoder and decoder with skips at every resolution: sharp borders, thin objects",
    ),
}


def build_model(
    name: str,
    num_classes: int,
    encoder: str | None = None,
    encoder_weights: str | Path = "none",
    weights_file: str | Path | None = None,
    **options,
) -> SegmentationNetwork:
    """Build a network of the zoo.

    Args:
        name: One of `list_models`.
        num_classes: Channels of the logits, 1 or more.
        encoder: Encoder of segmentation-models-pytorch; default: the architecture's own choice.
        encoder_weights: "none", "imagenet" (the local file if it fits, else a download) or a path.
        weights_file: The local file for "imagenet"; default: environment variable WEIGHTS.
        **options: The architecture's own options, as its `build_…` function documents them.

    Returns:
        The network: images (N, 3, H, W) to logits (N, num_classes, H, W).

    Raises:
        ValueError: For an unknown name, option or value; it names the nearest known one.
        WeightsError: If pretrained weights cannot be had or do not fit.

    Example:
        >>> build_model("unet", 11, encoder="resnet18").stride
        32
    """
    if name not in ARCHITECTURES:
        raise ValueError(f"unknown model {name!r}{suggest(name, ARCHITECTURES)}")
    if num_classes < 1:
        raise ValueError(f"num_classes must be 1 or more, got {num_classes}")
    build = ARCHITECTURES[name].build
    known = inspect.signature(build).parameters
    given = dict(options)
    if encoder is not None:
        given["encoder"] = encoder
    if str(encoder_weights) != "none":
        given |= {"encoder_weights": str(encoder_weights), "weights_file": weights_file}
    for option in given:
        if option not in known:
            choices = [key for key in known if key not in ("num_classes", "weights_file")]
            raise ValueError(f"model {name!r} has no option {option!r}{suggest(option, choices)}")
    return build(num_classes, **given)


def suggest(word: str, known) -> str:
    """The end of a message about an unknown word: the nearest known one, then all of them."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return (f"; did you mean {near[0]!r}?" if near else "") + f" (known: {', '.join(known) or 'none'})"


@functools.cache
def list_models() -> tuple[ModelInfo, ...]:
    """What the zoo holds, in the order of the notebooks."""
    return tuple(
        ModelInfo(name, entry.title, entry.paper, count_parameters(name), entry.purpose)
        for name, entry in ARCHITECTURES.items()
    )


def count_parameters(name: str, num_classes: int = 11, **options) -> int:
    """Count a network's parameters without allocating them."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in build_model(name, num_classes, **options).parameters())
