"""The zoo's front door: `build_model` by name, `list_models` for what there is."""

import inspect
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import segmentation_models_pytorch as smp
import torch
from torch import nn

from seg_helpers.config import ConfigError, did_you_mean
from seg_helpers.models.deeplabv2 import DeepLabV2
from seg_helpers.models.deeplabv3 import DeepLabV3, DeepLabV3Plus
from seg_helpers.models.depthwise import speed_up_depthwise
from seg_helpers.models.encoders import load_encoder
from seg_helpers.models.fast_scnn import FastSCNN
from seg_helpers.models.fcn import FCN
from seg_helpers.models.hrnet import HRNet, MiniHRNet
from seg_helpers.models.mini_unet import MiniUNet
from seg_helpers.models.network import SegmentationNetwork
from seg_helpers.models.pspnet import PSPNet
from seg_helpers.models.segformer import SegFormer
from seg_helpers.models.segnet import SegNet
from seg_helpers.models.unet import UNet

# in the order of the notebooks; a module's docstring begins with its paper, a class's with what the network is for
ARCHITECTURES: dict[str, Callable[..., SegmentationNetwork]] = {
    "fcn": FCN,
    "unet": UNet,
    "pspnet": PSPNet,
    "deeplabv2": DeepLabV2,
    "deeplabv3": DeepLabV3,
    "deeplabv3plus": DeepLabV3Plus,
    "fast_scnn": FastSCNN,
    "hrnet": HRNet,
    "mini_hrnet": MiniHRNet,
    "segformer": SegFormer,
    "segnet": SegNet,
    "mini_unet": MiniUNet,
}


def build_model(
    name: str,
    num_classes: int,
    encoder: str | None = None,
    encoder_weights: str | Path = "none",
    weights_file: str | Path | None = None,
    **options,
) -> SegmentationNetwork:
    """Builds one of `list_models`: images (N, 3, H, W) to logits (N, num_classes, H, W).

    Args:
        encoder: one of segmentation-models-pytorch, "tu-NAME" for timm's; None for the architecture's own choice.
        encoder_weights: "none", "imagenet" (the state_dict `weights_file` if it fits, else a download) or a path.
        **options: the architecture's own, as its class documents them.

    Raises:
        ConfigError: an unknown name, option or value; it names the nearest known one.
        WeightsError: pretrained weights cannot be had or do not fit.

    Example:
        >>> build_model("unet", 11, encoder="resnet18").stride
        32
    """
    if name not in ARCHITECTURES:
        raise ConfigError(f"unknown model {name!r}{did_you_mean(name, ARCHITECTURES)}")
    build = ARCHITECTURES[name]
    defaults = {option: entry.default for option, entry in inspect.signature(build).parameters.items()}
    del defaults["num_classes"]
    given = options | ({} if encoder is None else {"encoder": encoder})
    for option in given:
        if option not in defaults:
            raise ConfigError(f"model {name!r} has no option {option!r}{did_you_mean(option, defaults)}")
    chosen, encoders = defaults | given, smp.encoders.get_encoder_names()
    backbone = chosen.get("encoder")
    if backbone is not None and backbone not in encoders and not backbone.startswith("tu-"):
        raise ConfigError(f"unknown encoder {backbone!r}{did_you_mean(backbone, encoders)}")
    try:
        network = build(num_classes, **given)
    except ValueError as error:
        raise ConfigError(f"model {name!r}: {error}") from error
    speed_up_depthwise(network)
    if str(encoder_weights) != "none":
        # timm holds ImageNet weights for every HRNet
        published = "tu-hrnet_" + chosen["variant"].removesuffix("_v1") if "variant" in chosen else backbone
        if published is None:
            raise ConfigError(f"model {name!r} has no option 'encoder_weights': nobody publishes its encoder's")
        load_encoder(network.encoder, published, str(encoder_weights), weights_file)
    return network


def list_models() -> pd.DataFrame:
    """What the zoo holds, a row a name: parameters (of the default options at 11 classes), purpose and paper."""
    rows = [
        (count_parameters(name), *(inspect.getdoc(of).partition("\n")[0] for of in (build, inspect.getmodule(build))))
        for name, build in ARCHITECTURES.items()
    ]
    index = pd.Index(ARCHITECTURES, name="name")
    return pd.DataFrame(rows, index=index, columns=["parameters", "purpose", "paper"])


def describe_options(name: str) -> str:
    """What `build_model` takes for a network beside its name, with the defaults, and what each of it means."""
    if name not in ARCHITECTURES:
        raise ConfigError(f"unknown model {name!r}{did_you_mean(name, ARCHITECTURES)}")
    build = ARCHITECTURES[name]
    return f"{name}{inspect.signature(build)}\n\n{inspect.getdoc(build)}"


def count_parameters(network: str | nn.Module, num_classes: int = 11, **options) -> int:
    """Counts a network's parameters; those of one that is named, as `build_model` has it, without allocating them."""
    if isinstance(network, str):
        with torch.device("meta"):
            network = build_model(network, num_classes, **options)
    return sum(parameter.numel() for parameter in network.parameters())
