"""Depthwise convolutions that train at a bearable speed on a CPU."""

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


class DepthwiseConv2d(nn.Conv2d):
    """A strided or large depthwise convolution whose slow gradients are float32 where a CPU trains in bfloat16.

    In bfloat16 the CPU's library takes eight times as long for a strided one's gradient for its input, and five times
    for that of the weights of one larger than 3x3; the result is quick, and stays as it is.
    """

    def _conv_forward(self, features: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
        if features.device.type != "cpu" or not torch.is_autocast_enabled("cpu"):
            return super()._conv_forward(features, weight, bias)
        return _Depthwise.apply(features, weight, self.stride, self.padding, self.groups)


class _Depthwise(torch.autograd.Function):
    @staticmethod
    @torch.amp.custom_fwd(device_type="cpu", cast_inputs=torch.bfloat16)
    def forward(ctx, features: Tensor, weight: Tensor, stride, padding, groups: int) -> Tensor:
        ctx.save_for_backward(features, weight)
        ctx.how = (None, stride, padding, (1, 1), False, (0, 0), groups)  # no bias, dilation or transposition
        return F.conv2d(features, weight, None, stride, padding, 1, groups)

    @staticmethod
    @torch.amp.custom_bwd(device_type="cpu")
    def backward(ctx, gradient: Tensor) -> tuple[Tensor | None, ...]:
        features, weight = ctx.saved_tensors
        of_features, of_weight = ctx.needs_input_grad[:2]
        differentiate = torch.ops.aten.convolution_backward
        exact = gradient.float()
        shape = torch.empty_like(features, dtype=torch.float32)  # its values are of no account
        for_features = differentiate(exact, shape, weight.float(), *ctx.how, (of_features, False, False))[0]
        if max(weight.shape[2:]) > 3:
            gradient, features, weight = exact, features.float(), weight.float()
        for_weight = differentiate(gradient, features, weight, *ctx.how, (False, of_weight, False))[1]
        return for_features, for_weight, None, None, None


def speed_up_depthwise(network: nn.Module) -> None:
    """Turns a network's dilated, strided and large depthwise convolutions into such, in place; names stay."""
    for module in network.modules():
        if type(module) is nn.Conv2d and module.groups == module.in_channels > 1:
            # each has the same attributes, and another forward
            if max(module.dilation) > 1:
                module.__class__ = AtrousDepthwiseConv2d
            elif (max(module.stride) > 1 or max(module.kernel_size) > 3) and module.bias is None:
                module.__class__ = DepthwiseConv2d
