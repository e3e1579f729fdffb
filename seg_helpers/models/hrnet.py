"""HRNet (Wang et al., TPAMI 2021, arXiv 1908.07919) for segmentation (HRNetV2), and Mini-HRNet.

Branches at 1/4, 1/8, 1/16 and 1/32 of the image run side by side and exchange features after every module:

    stem      two 3x3 convolutions of stride 2: 1/4
    stage 1   bottlenecks at 1/4
    stage 2   modules of 2 branches: w channels at 1/4, 2w at 1/8
    stage 3   modules of 3 branches: 4w at 1/16
    stage 4   modules of 4 branches: 8w at 1/32
    head      all branches at 1/4, concatenated (15w): 1x1, norm, ReLU, 1x1

One `HRNetConfig` describes any of them; the three Mini-HRNets are their ancestor's with a few values replaced.
Module names are those of the official code and of timm, so that published weights load.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seg_helpers.models.blocks import ConvNorm, resize
from seg_helpers.models.encoders import load_weights
from seg_helpers.models.network import SegmentationNetwork


@dataclass(frozen=True)
class HRNetConfig:
    """The stage table of one HRNet.

    Attributes:
        stage1_blocks: Bottlenecks of stage 1.
        stage1_channels: Their inner channels; they end in four times as many.
        modules: Exchange modules in stages 2, 3 and 4; one entry fewer leaves out the last stage.
        blocks: Blocks of a branch between two exchanges.
        width: Channels of the first branch; each further branch doubles them.
        block: Name of the branches' block, a key of `BLOCKS`.
        stem_channels: Channels of the two stem convolutions.
    """

    stage1_blocks: int
    stage1_channels: int
    modules: tuple[int, ...]
    blocks: int
    width: int
    block: str = "basic"
    stem_channels: int = 64

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of the branches at the end."""
        return tuple(self.width * 2**branch for branch in range(len(self.modules) + 1))


VARIANTS = {
    "w48": HRNetConfig(stage1_blocks=4, stage1_channels=64, modules=(1, 4, 3), blocks=4, width=48),
    "w18": HRNetConfig(stage1_blocks=4, stage1_channels=64, modules=(1, 4, 3), blocks=4, width=18),
    "w18_small_v2": HRNetConfig(stage1_blocks=2, stage1_channels=64, modules=(1, 3, 2), blocks=2, width=18),
    "w18_small_v1": HRNetConfig(stage1_blocks=1, stage1_channels=32, modules=(1, 1, 1), blocks=2, width=16),
}


# timm holds ImageNet weights for every variant
TIMM_NAMES = {
    "w48": "tu-hrnet_w48",
    "w18": "tu-hrnet_w18",
    "w18_small_v2": "tu-hrnet_w18_small_v2",
    "w18_small_v1": "tu-hrnet_w18_small",
}


class BasicBlock(nn.Module):
    """Two 3x3 convolutions and a residual: 18 c^2 weights."""

    def __init__(self, channels: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, features: Tensor) -> Tensor:
        hidden = F.relu(self.bn1(self.conv1(features)))
        return F.relu(features + self.bn2(self.conv2(hidden)))


class Bottleneck(nn.Module):
    """1x1 down, 3x3, 1x1 up to four times the channels, and a residual (stage 1 only)."""

    def __init__(self, inputs: int, channels: int):
        super().__init__()
        outputs = 4 * channels
        self.conv1 = nn.Conv2d(inputs, channels, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.conv3 = nn.Conv2d(channels, outputs, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample = nn.Identity() if inputs == outputs else ConvNorm(inputs, outputs, 1, relu=False)

    def forward(self, features: Tensor) -> Tensor:
        hidden = F.relu(self.bn1(self.conv1(features)))
        hidden = F.relu(self.bn2(self.conv2(hidden)))
        return F.relu(self.downsample(features) + self.bn3(self.conv3(hidden)))


class SeparableBlock(nn.Module):
    """BasicBlock with each 3x3 split into depthwise 3x3 and pointwise 1x1: 2 c^2 + 18 c weights."""

    def __init__(self, channels: int):
        super().__init__()
        self.layers = nn.Sequential(
            ConvNorm(channels, channels, groups=channels, relu=False),
            ConvNorm(channels, channels, kernel=1),
            ConvNorm(channels, channels, groups=channels, relu=False),
            ConvNorm(channels, channels, kernel=1, relu=False),
        )

    def forward(self, features: Tensor) -> Tensor:
        return F.relu(features + self.layers(features))


BLOCKS: dict[str, Callable[[int], nn.Module]] = {"basic": BasicBlock, "separable": SeparableBlock}


class ExchangeModule(nn.Module):
    """Blocks on every branch, then every branch receives the sum of all, resampled to its size."""

    def __init__(self, channels: tuple[int, ...], blocks: int, block: Callable[[int], nn.Module]):
        super().__init__()
        self.branches = nn.ModuleList(nn.Sequential(*(block(c) for _ in range(blocks))) for c in channels)
        self.fuse_layers = nn.ModuleList(
            nn.ModuleList(self.path(channels, source, target) for source in range(len(channels)))
            for target in range(len(channels))
        )

    @staticmethod
    def path(channels: tuple[int, ...], source: int, target: int) -> nn.Module:
        """1x1 up to a finer branch (resized in forward), 3x3 of stride 2 for each step down."""
        if source == target:
            return nn.Identity()
        if source > target:
            return ConvNorm(channels[source], channels[target], kernel=1, relu=False)
        steps = [ConvNorm(channels[source], channels[source], stride=2) for _ in range(target - source - 1)]
        return nn.Sequential(*steps, ConvNorm(channels[source], channels[target], stride=2, relu=False))

    def forward(self, inputs: list[Tensor]) -> list[Tensor]:
        features = [branch(entry) for branch, entry in zip(self.branches, inputs, strict=True)]
        sizes = [entry.shape[-2:] for entry in features]
        return [
            F.relu(sum(resize(path(entry), size) for path, entry in zip(paths, features, strict=True)))
            for paths, size in zip(self.fuse_layers, sizes, strict=True)
        ]


class HRNetBody(nn.Module):
    """Stem and stages: images (N, 3, H, W) to one feature map a branch, the finest (1/4) first."""

    def __init__(self, config: HRNetConfig):
        super().__init__()
        stem, block = config.stem_channels, BLOCKS[config.block]
        self.conv1 = nn.Conv2d(3, stem, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        self.conv2 = nn.Conv2d(stem, stem, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(stem)
        wide = 4 * config.stage1_channels
        inputs = [stem] + [wide] * (config.stage1_blocks - 1)
        self.layer1 = nn.Sequential(*(Bottleneck(entry, config.stage1_channels) for entry in inputs))
        previous: tuple[int, ...] = (wide,)
        self.stages = len(config.modules)
        for index, modules in enumerate(config.modules, start=1):
            channels = config.channels[: index + 1]
            self.add_module(f"transition{index}", self.transition(previous, channels))
            stage = nn.Sequential(*(ExchangeModule(channels, config.blocks, block) for _ in range(modules)))
            self.add_module(f"stage{index + 1}", stage)
            previous = channels

    @staticmethod
    def transition(previous: tuple[int, ...], channels: tuple[int, ...]) -> nn.ModuleList:
        """Adapt the channels of each branch, and start the new one by a 3x3 of stride 2."""
        kept = [
            nn.Identity() if before == after else ConvNorm(before, after)
            for before, after in zip(previous, channels[:-1], strict=True)
        ]
        return nn.ModuleList([*kept, nn.Sequential(ConvNorm(previous[-1], channels[-1], stride=2))])

    def forward(self, images: Tensor) -> list[Tensor]:
        stem = F.relu(self.bn1(self.conv1(images)))
        stem = F.relu(self.bn2(self.conv2(stem)))
        features = [self.layer1(stem)]
        for index in range(1, self.stages + 1):
            *kept, new = self.get_submodule(f"transition{index}")
            features = [*(step(entry) for step, entry in zip(kept, features, strict=True)), new(features[-1])]
            features = self.get_submodule(f"stage{index + 1}")(features)
        return features


class HRNet(SegmentationNetwork):
    """A body of branches and the HRNetV2 head; any size fits."""

    def __init__(self, config: HRNetConfig, num_classes: int):
        super().__init__()
        self.encoder = HRNetBody(config)
        channels = sum(config.channels)
        self.head = nn.Sequential(
            nn.Conv2d(channels, channels, kernel_size=1),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, num_classes, kernel_size=1),
        )

    def forward(self, images: Tensor) -> Tensor:
        finest, *coarser = self.encoder(images)
        size = finest.shape[-2:]
        features = torch.cat(
            [finest, *(resize(entry, size) for entry in coarser)], dim=1
        )  # (N, 15w, H/4, W/4)
        return resize(self.head(features), images.shape[-2:])

    def encoder_stages(self) -> list[nn.Module]:
        """The stem, stage 1, and each further stage with the transition before it."""
        body = self.encoder
        further = [
            nn.ModuleList([body.get_submodule(f"transition{i}"), body.get_submodule(f"stage{i + 1}")])
            for i in range(1, body.stages + 1)
        ]
        return [nn.ModuleList([body.conv1, body.bn1, body.conv2, body.bn2]), body.layer1, *further]

    def parts(self) -> dict[str, nn.Module]:
        parts = dict(zip(["stem", "stage 1"], self.encoder_stages()[:2], strict=True))
        for index in range(1, self.encoder.stages + 1):
            parts[f"transition {index}"] = self.encoder.get_submodule(f"transition{index}")
            for number, module in enumerate(self.encoder.get_submodule(f"stage{index + 1}"), start=1):
                parts[f"stage {index + 1} module {number}"] = module
        return parts | {"head": self.head}


def build_hrnet(
    num_classes: int,
    encoder_weights: str = "none",
    weights_file: str | None = None,
    *,
    variant: str = "w18",
) -> HRNet:
    """Build an HRNetV2.

    Args:
        num_classes: Channels of the logits.
        encoder_weights: "none", "imagenet" (a local file, else timm's download) or a path.
        weights_file: Local file for "imagenet".
        variant: "w48", "w18", "w18_small_v2" or "w18_small_v1".
    """
    network = HRNet(find_variant(variant), num_classes)
    load_weights(network.encoder, TIMM_NAMES[variant], encoder_weights, weights_file)
    return network


def find_variant(variant: str) -> HRNetConfig:
    """The stage table of a variant; ValueError with the known ones if there is none."""
    if variant not in VARIANTS:
        raise ValueError(f"HRNet has variants {', '.join(VARIANTS)}, got {variant!r}")
    return VARIANTS[variant]


def build_mini_hrnet(num_classes: int, *, approach: int = 3, ancestor: str = "w48") -> HRNet:
    """Build a Mini-HRNet, HRNet scaled down in one of three ways.

    Args:
        num_classes: Channels of the logits.
        approach: 1 (no stage 4), 2 (one module a stage) or 3 (lighter block, restructured stages).
        ancestor: The HRNet that is scaled down.
    """
    return HRNet(shrink(find_variant(ancestor), approach), num_classes)


def shrink(ancestor: HRNetConfig, approach: int) -> HRNetConfig:
    """The stage table of a Mini-HRNet, as its ancestor's with a few values replaced."""
    if approach == 1:
        return replace(ancestor, modules=ancestor.modules[:2])
    if approach == 2:
        return replace(ancestor, modules=(1, 1, 1))
    if approach == 3:
        return replace(
            ancestor, stage1_blocks=1, stage1_channels=32, modules=(1, 2, 1), blocks=2, block="separable"
        )
    raise ValueError(f"Mini-HRNet has approaches 1, 2 and 3, got {approach!r}")
