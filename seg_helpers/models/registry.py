"""The zoo's front door: `build_model` by name, `list_models` for what there is."""

import difflib
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import torch

from seg_helpers.models.deeplabv2 import DeepLabV2
from seg_helpers.models.deeplabv3 import DeepLabV3, DeepLabV3Plus
from seg_helpers.models.encoders import load_encoder
from seg_helpers.models.fast_scnn import FastSCNN
from seg_helpers.models.fcn import FCN
from seg_helpers.models.hrnet import build_hrnet, build_mini_hrnet
from seg_helpers.models.mini_unet import MiniUNet
from seg_helpers.models.network import SegmentationNetwork
from seg_helpers.models.pspnet import PSPNet
from seg_helpers.models.segformer import SegFormer
from seg_helpers.models.segnet import SegNet
from seg_helpers.models.unet import UNet


@dataclass(frozen=True)
class Architecture:
    """One architecture of the zoo: its name, how it is built, its paper and what it is for."""

    name: str
    build: Callable[..., SegmentationNetwork]
    title: str
    paper: str
    purpose: str

    @cached_property
    def parameters(self) -> int:
        """Parameters of the default options at 11 classes."""
        return count_parameters(self.name)


ARCHITECTURES = (
    Architecture(
        "fcn",
        FCN,
        "FCN",
        "Long, Shelhamer, Darrell, CVPR 2015, arXiv 1411.4038",
        "the first end-to-end network: scores at strides 32, 16 and 8, added and upsampled",
    ),
    Architecture(
        "unet",
        UNet,
        "U-Net",
        "Ronneberger, Fischer, Brox, MICCAI 2015, arXiv 1505.04597",
        "encoder and decoder with skips at every resolution: sharp borders, thin objects",
    ),
    Architecture(
        "pspnet",
        PSPNet,
        "PSPNet",
        "Zhao, Shi, Qi, Wang, Jia, CVPR 2017, arXiv 1612.01105",
        "pooled context of the whole scene beside the features at 1/8",
    ),
    Architecture(
        "deeplabv2",
        DeepLabV2,
        "DeepLabV2",
        "Chen, Papandreou, Kokkinos, Murphy, Yuille, TPAMI 2018, arXiv 1606.00915",
        "wide views without losing resolution: atrous convolutions of four rates, added",
    ),
    Architecture(
        "deeplabv3",
        DeepLabV3,
        "DeepLabV3",
        "Chen, Papandreou, Schroff, Adam, arXiv 1706.05587",
        "atrous branches with batch norm and the image's average, concatenated",
    ),
    Architecture(
        "deeplabv3plus",
        DeepLabV3Plus,
        "DeepLabV3+",
        "Chen, Zhu, Papandreou, Schroff, Adam, ECCV 2018, arXiv 1802.02611",
        "DeepLabV3 with a skip at 1/4: wide views and sharp borders",
    ),
    Architecture(
        "fast_scnn",
        FastSCNN,
        "Fast-SCNN",
        "Poudel, Liwicki, Cipolla, BMVC 2019, arXiv 1902.04502",
        "real time at 1024x2048 in 1.1 M parameters, trained from scratch",
    ),
    Architecture(
        "hrnet",
        build_hrnet,
        "HRNetV2",
        "Wang et al., TPAMI 2021, arXiv 1908.07919",
        "keeps a branch at 1/4 all the way: the accurate ancestor of Mini-HRNet",
    ),
    Architecture(
        "mini_hrnet",
        build_mini_hrnet,
        "Mini-HRNet",
        "HRNet (arXiv 1908.07919) scaled down three ways",
        "HRNet for small machines: no stage 4, fewer modules, or a lighter core",
    ),
    Architecture(
        "segformer",
        SegFormer,
        "SegFormer",
        "Xie, Wang, Yu, Anandkumar, Alvarez, Luo, NeurIPS 2021, arXiv 2105.15203",
        "a transformer: every position attends to the whole image; the decoder is a few 1x1 convolutions",
    ),
    Architecture(
        "segnet",
        SegNet,
        "SegNet",
        "Badrinarayanan, Kendall, Cipolla, TPAMI 2017, arXiv 1511.00561",
        "VGG16 mirrored; upsampling by the places of the pooled maxima",
    ),
    Architecture(
        "mini_unet",
        MiniUNet,
        "Mini U-Net",
        "arXiv 1810.08395 and a public implementation",
        "real time on a soccer robot: ResNet18, narrow decoder, quarter-size output",
    ),
)


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
    architectures = {architecture.name: architecture for architecture in ARCHITECTURES}
    if name not in architectures:
        raise ValueError(f"unknown model {name!r}{suggest(name, architectures)}")
    if num_classes < 1:
        raise ValueError(f"num_classes must be 1 or more, got {num_classes}")
    build = architectures[name].build
    defaults = {option: entry.default for option, entry in inspect.signature(build).parameters.items()}
    del defaults["num_classes"]
    given = options | ({} if encoder is None else {"encoder": encoder})
    for option in given:
        if option not in defaults:
            raise ValueError(f"model {name!r} has no option {option!r}{suggest(option, defaults)}")
    network = build(num_classes, **given)
    if str(encoder_weights) != "none":
        chosen = defaults | given
        # timm holds ImageNet weights for every HRNet
        published = (
            "tu-hrnet_" + chosen["variant"].removesuffix("_v1") if "variant" in chosen else chosen.get("encoder")
        )
        if published is None:
            raise ValueError(f"model {name!r} has no option 'encoder_weights': nobody publishes its encoder's")
        network.load_classifier(load_encoder(network.encoder, published, str(encoder_weights), weights_file))
    return network


def suggest(word: str, known) -> str:
    """The end of a message about an unknown word: the nearest known one, then all of them."""
    near = difflib.get_close_matches(word, list(known), n=1)
    return (f"; did you mean {near[0]!r}?" if near else "") + f" (known: {', '.join(known) or 'none'})"


def list_models() -> tuple[Architecture, ...]:
    """What the zoo holds, in the order of the notebooks."""
    return ARCHITECTURES


def count_parameters(name: str, num_classes: int = 11, **options) -> int:
    """Count a network's parameters without allocating them."""
    with torch.device("meta"):
        return sum(parameter.numel() for parameter in build_model(name, num_classes, **options).parameters())
