"""Building blocks that several networks share."""

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.ops import Conv2dNormActivation


class ConvNorm(Conv2dNormActivation):
    """Convolution without bias, batch norm and, unless told otherwise, ReLU; keeps the size at stride 1.

    `options` are the convolution's `stride`, `dilation` and `groups`.
    """

    def __init__(self, inputs: int, outputs: int, kernel: int = 3, relu: bool = True, **options: int):
        super().__init__(inputs, outputs, kernel, activation_layer=nn.ReLU if relu else None, **options)


class PooledBatchNorm2d(nn.BatchNorm2d):
    """Batch norm that can train on one value per channel, by its running statistics.

    A map pooled to 1x1 in a batch of one image has no variance, and torch refuses it.
    """

    def forward(self, features: Tensor) -> Tensor:
        if self.training and features.numel() == features.shape[1]:
            return F.batch_norm(features, self.running_mean, self.running_var, self.weight, self.bias, eps=self.eps)
        return super().forward(features)


class AuxiliaryHead(nn.Sequential):
    """A small head on inner features, used for an extra loss in training only."""

    def __init__(self, inputs: int, hidden: int, num_classes: int, dropout: float = 0.1):
        super().__init__(ConvNorm(inputs, hidden), nn.Dropout(dropout), nn.Conv2d(hidden, num_classes, kernel_size=1))


def to_planes(logits: Tensor) -> Tensor:
    """Logits (N, C, H, W) as float32, a class's plane after another: softmax and maximum take a fifth of the time."""
    return logits.to(torch.float32, memory_format=torch.contiguous_format)


def resize(features: Tensor, size: Sequence[int]) -> Tensor:
    """Bilinear resize of features or logits (N, C, H, W) to `size` (height, width); themselves if they have it."""
    # a traced graph is for any size: there, whether two are equal would be settled for good
    if not torch.compiler.is_compiling() and tuple(features.shape[-2:]) == tuple(size):
        return features
    return F.interpolate(features, size=tuple(size), mode="bilinear", align_corners=False)
