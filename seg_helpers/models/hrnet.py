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

from collections.abc import Mapping
from dataclasses import dataclass, replace

import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import resnet

from seg_helpers.models.blocks import ConvNorm, resize
from seg_helpers.models.network import SegmentationNetwork


@dataclass(frozen=True)
class HRNetConfig:
    """The stage table of one HRNet."""

    stage1_blocks: int
    stage1_channels: int  # inner ones of bottlenecks that end in four times as many; 0 for the branches' own block
    modules: tuple[int, ...]  # exchange modules in stages 2, 3 and 4; an entry fewer leaves out stage 4
    blocks: tuple[int, ...]  # between two exchanges, on the branches at 1/4, 1/8, 1/16 and 1/32
    width: int  # channels of the branch at 1/4; each further branch doubles them
    light: bool = False  # separable blocks; to a coarser branch by pooling and a 1x1, not by a 3x3 of stride 2 a step
    head_channels: int = 0  # hidden ones; 0 for as many as the branches have together (15w)

    @property
    def channels(self) -> tuple[int, ...]:
        """Channels of the branches at the end."""
        return tuple(self.width * 2**branch for branch in range(len(self.modules) + 1))


VARIANTS = {
    "w48": HRNetConfig(4, 64, modules=(1, 4, 3), blocks=(4, 4, 4, 4), width=48),
    "w18": HRNetConfig(4, 64, modules=(1, 4, 3), blocks=(4, 4, 4, 4), width=18),
    "w18_small_v2": HRNetConfig(2, 64, modules=(1, 3, 2), blocks=(2, 2, 2, 2), width=18),
    "w18_small_v1": HRNetConfig(1, 32, modules=(1, 1, 1), blocks=(2, 2, 2, 2), width=16),
}
APPROACHES = {  # Mini-HRNet's
    # stage 4 is left out, and with it the branch at 1/32
    1: replace(VARIANTS["w18"], modules=(1, 4)),
    # every stage has one exchange module
    2: replace(VARIANTS["w18"], modules=(1, 1, 1)),
    # The core is redesigned. Each 3x3 convolution of the block becomes depthwise and pointwise (9 c^2 to c^2 + 9 c
    # weights), and the stages are laid out anew: stage 1 is one such block, few blocks at 1/4 where each costs most and
    # more at 1/16 and 1/32, one exchange a stage, pooled, a head of 128. What this saves pays for a wider network.
    3: HRNetConfig(1, 0, modules=(1, 1, 1), blocks=(1, 2, 3, 3), width=64, light=True, head_channels=128),
}


def build_bottleneck(inputs: int, channels: int) -> nn.Module:
    """1x1 down to `channels`, 3x3, 1x1 up to four times as many, and a residual (stage 1 only)."""
    block = resnet.Bottleneck(inputs, channels)
    if inputs != 4 * channels:
        block.downsample = ConvNorm(inputs, 4 * channels, kernel=1, relu=False)
    return block


class SeparableBlock(nn.Module):
    """The basic block (18 c^2 weights) with each 3x3 split into depthwise 3x3 and pointwise 1x1: 2 c^2 + 18 c.

    There is no norm between the two: on a CPU norms cost as much time as the convolutions that they follow.
    """

    def __init__(self, channels: int):
        super().__init__()
        self.depthwise1 = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.pointwise1 = ConvNorm(channels, channels, kernel=1)
        self.depthwise2 = nn.Conv2d(channels, channels, 3, padding=1, groups=channels, bias=False)
        self.pointwise2 = ConvNorm(channels, channels, kernel=1, relu=False)

    def forward(self, features: Tensor) -> Tensor:
        hidden = self.pointwise1(self.depthwise1(features))
        return F.relu(features + self.pointwise2(self.depthwise2(hidden)))


def build_block(channels: int, light: bool) -> nn.Module:
    """A block of the branches."""
    return SeparableBlock(channels) if light else resnet.BasicBlock(channels, channels)


class ExchangeModule(nn.Module):
    """Blocks on every branch, the finest first, then every branch receives the sum of all, resampled to its size."""

    def __init__(self, channels: tuple[int, ...], blocks: tuple[int, ...], light: bool = False):
        super().__init__()
        self.light = light
        self.branches = nn.ModuleList(
            nn.Sequential(*(build_block(width, light) for _ in range(depth)))
            for width, depth in zip(channels, blocks, strict=False)  # `blocks` is a table for all branches
        )
        places = range(len(channels))
        self.fuse_layers = nn.ModuleList(
            nn.ModuleList(self.path(channels, source, target) for source in places) for target in places
        )

    def path(self, channels: tuple[int, ...], source: int, target: int) -> nn.Module:
        """What the features of one branch pass through on their way to another."""
        if source == target:
            return nn.Identity()
        if source > target or self.light:
            return ConvNorm(channels[source], channels[target], kernel=1, relu=False)
        steps = [ConvNorm(channels[source], channels[source], stride=2) for _ in range(target - source - 1)]
        return nn.Sequential(*steps, ConvNorm(channels[source], channels[target], stride=2, relu=False))

    def forward(self, inputs: list[Tensor]) -> list[Tensor]:
        features = [branch(entry) for branch, entry in zip(self.branches, inputs, strict=True)]
        outputs = []
        for target, paths in enumerate(self.fuse_layers):
            size = features[target].shape[-2:]
            total = features[target]
            for source, (path, entry) in enumerate(zip(paths, features, strict=True)):
                if source != target:
                    pooled = self.light and source < target
                    entry = F.adaptive_avg_pool2d(entry, size) if pooled else entry
                    total = total + resize(path(entry), size)
            outputs.append(F.relu(total))
        return outputs


class HRNetBody(nn.Module):
    """Stem and stages: images (N, 3, H, W) to one feature map a branch, the finest (1/4) first."""

    def __init__(self, config: HRNetConfig):
        super().__init__()
        stem = 64
        self.conv1 = nn.Conv2d(3, stem, 3, stride=2, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(stem)
        self.conv2 = nn.Conv2d(stem, stem, 3, stride=2, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(stem)
        inner, depth = config.stage1_channels, config.stage1_blocks
        wide = 4 * inner or stem
        inputs = [stem] + [wide] * (depth - 1)
        self.layer1 = nn.Sequential(
            *(build_bottleneck(entry, inner) if inner else build_block(entry, config.light) for entry in inputs)
        )
        previous: tuple[int, ...] = (wide,)
        self.stages = len(config.modules)
        for index, modules in enumerate(config.modules, start=1):
            channels = config.channels[: index + 1]
            # the channels of each branch are adapted, and the new one is begun by a 3x3 of stride 2
            adapted = [
                nn.Identity() if before == after else ConvNorm(before, after)
                for before, after in zip(previous, channels[:-1], strict=True)
            ]
            begun = nn.Sequential(ConvNorm(previous[-1], channels[-1], stride=2))
            self.add_module(f"transition{index}", nn.ModuleList([*adapted, begun]))
            stage = [ExchangeModule(channels, config.blocks, config.light) for _ in range(modules)]
            self.add_module(f"stage{index + 1}", nn.Sequential(*stage))
            previous = channels

    def forward(self, images: Tensor) -> list[Tensor]:
        stem = F.relu(self.bn1(self.conv1(images)))
        stem = F.relu(self.bn2(self.conv2(stem)))
        features = [self.layer1(stem)]
        for index in range(1, self.stages + 1):
            *kept, new = self.get_submodule(f"transition{index}")
            features = [*(step(entry) for step, entry in zip(kept, features, strict=True)), new(features[-1])]
            features = self.get_submodule(f"stage{index + 1}")(features)
        return features


class HRNetHead(nn.Module):
    """1x1, norm, ReLU and 1x1 on all branches, brought to the finest one's size.

    A 1x1 convolution of concatenated maps is the sum of one for each map, and it commutes with bilinear
    resizing: so each branch is convolved at its own resolution, for the same result by less work.
    """

    def __init__(self, channels: tuple[int, ...], hidden: int, num_classes: int):
        super().__init__()
        # the bias of the one convolution that these make up together lies in the first
        self.projects = nn.ModuleList(
            nn.Conv2d(width, hidden, kernel_size=1, bias=branch == 0) for branch, width in enumerate(channels)
        )
        self.norm = nn.BatchNorm2d(hidden)
        self.classify = nn.Conv2d(hidden, num_classes, kernel_size=1)

    def forward(self, branches: list[Tensor]) -> Tensor:
        size = branches[0].shape[-2:]
        hidden = sum(resize(project(entry), size) for project, entry in zip(self.projects, branches, strict=True))
        return self.classify(F.relu(self.norm(hidden)))  # (N, C, H/4, W/4)


class HRNet(SegmentationNetwork):
    """Keeps a branch at 1/4 all the way: the accurate ancestor of Mini-HRNet."""

    tables: Mapping[str | int, HRNetConfig] = VARIANTS

    def __init__(self, num_classes: int, *, variant: str | int = "w18"):
        super().__init__()
        if variant not in self.tables:
            known = ", ".join(map(str, self.tables))
            raise ValueError(f"{type(self).__name__} has no variant {variant!r}; known: {known}")
        config = self.tables[variant]
        self.encoder = HRNetBody(config)
        self.head = HRNetHead(config.channels, config.head_channels or sum(config.channels), num_classes)

    def forward(self, images: Tensor) -> Tensor:
        return resize(self.head(self.encoder(images)), images.shape[-2:])

    def encoder_stages(self) -> list[nn.Module]:
        """The stem, stage 1, and each further stage with the transition before it."""
        body = self.encoder
        stages: list[nn.Module] = [nn.ModuleList([body.conv1, body.bn1, body.conv2, body.bn2]), body.layer1]
        for index in range(1, body.stages + 1):
            names = (f"transition{index}", f"stage{index + 1}")
            stages.append(nn.ModuleList(body.get_submodule(name) for name in names))
        return stages

    def parts(self) -> dict[str, nn.Module]:
        stem, first, *further = self.encoder_stages()
        parts = {"stem": stem, "stage 1": first}
        for index, (transition, modules) in enumerate(further, start=1):
            parts[f"transition {index}"] = transition
            parts |= {f"stage {index + 1} module {number}": module for number, module in enumerate(modules, start=1)}
        return parts | {"head": self.head}


class MiniHRNet(HRNet):
    """HRNet for small machines: no stage 4, fewer modules, or a lighter core.

    The thesis shrank W48; W18 has the same stages at a width that two CPU cores can train.
    """

    tables = APPROACHES

    def __init__(self, num_classes: int, *, approach: int = 3):
        super().__init__(num_classes, variant=approach)
