"""Dilated depthwise convolutions that train at a bearable speed on a CPU."""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MOST_INTERLEAVED = 4  # the largest dilation that is worth rearranging the pixels for


class AtrousDepthwiseConv2d(nn.Conv2d):
    """A dilated depthwise convolution, computed on a CPU in float32 and, where the dilation is small, without it.

    The CPU's library has no fast kernel for its backward pass in bfloat16, whatever autocast says, and in float32 a
    slow one for the gradient of dilated weights. A convolution of dilation d does not mix pixels of different rows or
    columns modulo d: these d x d pictures, laid side by side as a batch, are convolved without dilation.
    """

    def forward(self, features: Tensor) -> Tensor:
        if features.device.type != "cpu":
            return super().forward(features)
        autocast = torch.is_autocast_enabled("cpu")
        with torch.autocast("cpu", enabled=False):
            result = self.convolve(features.float() if autocast else features)
        return result.to(torch.get_autocast_dtype("cpu")) if autocast else result

    def convolve(self, features: Tensor) -> Tensor:
        """The convolution itself, (N, C, H, W) to the same."""
        step, (height, width) = self.dilation[0], features.shape[-2:]
        same_size = (
            self.kernel_size == (3, 3) and self.stride == (1, 1) and self.padding == self.dilation == (step, step)
        )
        if not same_size or step > MOST_INTERLEAVED or height % step or width % step:
            return super().forward(features)
        rows, columns = height // step, width // step
        pictures = features.movedim(1, -1).reshape(-1, rows, step, columns, step, self.in_channels)
        pictures = pictures.permute(2, 4, 0, 1, 3, 5).reshape(-1, rows, columns, self.in_channels).movedim(-1, 1)
        pictures = F.conv2d(pictures, self.weight, self.bias, padding=1, groups=self.groups)
        pictures = pictures.movedim(1, -1).reshape(step, step, -1, rows, columns, self.in_channels)
        return pictures.permute(2, 3, 0, 4, 1, 5).reshape(-1, height, width, self.in_channels).movedim(-1, 1)


def speed_up_atrous(network: nn.Module) -> None:
    """Turns a network's dilated depthwise convolutions into such ones, in place; parameters and names stay."""
    for module in network.modules():
        if type(module) is nn.Conv2d and module.groups == module.in_channels > 1 and max(module.dilation) > 1:
            module.__class__ = AtrousDepthwiseConv2d  # it has the same attributes, and another forward
