"""Encoders of segmentation-models-pytorch and where their ImageNet weights come from.

Pretrained weights are never dropped silently: what cannot be loaded is an error that names the remedies.
"""

import re
import warnings
from pathlib import Path

import segmentation_models_pytorch as smp
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from seg_helpers.errors import SegError, setting

StateDict = dict[str, Tensor]

# how the names of what a published classifier has beyond its encoder begin; the last three are HRNet's
CLASSIFIER = (
    "classifier.", "fc.", "head.", "last_linear.", "conv_head.", "bn2.", "incre_modules.", "downsamp_modules.",
    "final_layer.",
)  # fmt: skip
TIMM = "model."  # before every name in a timm encoder


class WeightsError(SegError):
    """Pretrained weights were asked for and cannot be had, or do not fit."""


def build_encoder(name: str, output_stride: int = 32) -> nn.Module:
    """Builds segmentation-models-pytorch's encoder `name` with random weights; six feature maps at strides 1 to 32.

    An `output_stride` of 16 or 8 dilates in place of the last strides; ValueError where the encoder cannot.
    """
    return undilate_pointwise(smp.encoders.get_encoder(name, weights=None, output_stride=output_stride))


def undilate_pointwise(encoder: nn.Module) -> nn.Module:
    """Resets the dilation of 1x1 convolutions, which means nothing but bars the CPU's fast kernels."""
    for module in encoder.modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1):
            module.dilation = (1, 1)
    return encoder


def load_encoder(encoder: nn.Module, name: str, encoder_weights: str, weights_file: str | Path | None = None) -> None:
    """Loads pretrained weights into the encoder of this name; WeightsError if they do not fit or cannot be had.

    They are a state_dict at the path `encoder_weights`; or, for "imagenet", `weights_file` if it fits, else a download.
    """
    if encoder_weights != "imagenet":
        return fill(encoder, read_state_dict(encoder_weights), encoder_weights)
    refusal = "no local file was given"
    if weights_file:
        try:
            return fill(encoder, read_state_dict(weights_file), str(weights_file))
        except WeightsError as error:
            refusal = str(error)
    try:
        state = download_state_dict(name)
    except Exception as error:  # the hub's client raises many kinds: each means that there are no weights
        reason = str(error).partition("\n")[0]
        raise WeightsError(
            f"ImageNet weights for encoder {name!r} cannot be had ({refusal}; {type(error).__name__}: {reason}): name "
            f"a local state_dict of {name} ({setting('weights')}), connect to the internet once, or train "
            "from scratch with encoder_weights='none'"
        ) from error
    if weights_file:
        warnings.warn(f"{refusal}; the ImageNet weights of the library are used instead", stacklevel=3)
    return fill(encoder, state, "the library's weights")


def download_state_dict(name: str) -> StateDict:
    """ImageNet weights of an encoder from its library (cached there); raises whatever the client raises."""
    weights = True if name.startswith("tu-") else "imagenet"
    return smp.encoders.get_encoder(name, weights=weights).state_dict()


def read_state_dict(path: str | Path) -> StateDict:
    """Reads a .safetensors or torch file; WeightsError if it is missing, damaged or holds no tensors."""
    path = Path(path).expanduser()
    try:
        safe = path.suffix == ".safetensors"
        state = load_file(path) if safe else torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # pickle, zip and safetensors each fail in their own way
        reason = f"{type(error).__name__}): check the path, or download it again"
        raise WeightsError(f"weights file {path} cannot be read ({reason}") from error
    for wrapper in ("state_dict", "model"):
        state = state.get(wrapper, state) if isinstance(state, dict) else state
    if not isinstance(state, dict) or not any(isinstance(value, Tensor) for value in state.values()):
        raise WeightsError(f"weights file {path} holds no state_dict: save one with torch.save(model.state_dict(), …)")
    return state


def fill(encoder: nn.Module, state: StateDict, source: str) -> None:
    """Loads a state_dict into an encoder; WeightsError names the first entry that is missing, too much or misshapen.

    A prefix that a wrapper put before every name ("module.", "encoder.") and a classifier's entries are taken off.
    """
    own = {name.removeprefix(TIMM): name for name in encoder.state_dict()}
    first = next(iter(own))
    wrapped = [name for name in state if f".{name}".endswith(f".{first}")]
    prefix = min(wrapped, key=len, default=first).removesuffix(first)
    state = {name.removeprefix(prefix): value for name, value in state.items()}
    body = {
        own.get(name, name): value for name, value in state.items() if name in own or not name.startswith(CLASSIFIER)
    }
    try:
        # the library's encoders have a load_state_dict of their own, which drops some names unasked
        nn.Module.load_state_dict(encoder, body)
    except RuntimeError as error:
        fault = re.sub('", ".*', '"', str(error).splitlines()[1]).strip(" \t.")
        raise WeightsError(f"{source} does not fit {type(encoder).__name__}: {fault}") from None
