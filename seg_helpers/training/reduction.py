"""What the processes of a run work out together: sums over a step's whole batch, and its batch-norm statistics."""

import torch
from accelerate import PartialState
from timm.layers import convert_sync_batchnorm
from torch import Tensor, distributed, nn


class _Sum(torch.autograd.Function):
    @staticmethod
    def forward(ctx, tensor: Tensor) -> Tensor:
        total = tensor.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx, gradient: Tensor) -> Tensor:
        return _Sum.apply(gradient)  # each process's result depends on this process's tensor


def sum_over_processes(tensor: Tensor) -> Tensor:
    """The sum of what every process of the run gives, the same bits on each of them; differentiable.

    A loss made of such sums is the loss of the whole batch. Each process's backward pass follows it through all of
    them, so a gradient counts once a process, and DistributedDataParallel's mean over the processes is exact.
    """
    return _Sum.apply(tensor) if PartialState().num_processes > 1 else tensor


class SharedBatchNorm2d(nn.BatchNorm2d):
    """Batch norm by the mean and variance of a step's whole batch, over all processes and on any device.

    torch's SyncBatchNorm does the same, on GPUs alone. Every process holds equally many frames.
    """

    def forward(self, features: Tensor) -> Tensor:
        if not self.training:
            return super().forward(features)
        values, processes = features.float(), PartialState().num_processes
        own = torch.stack(torch.var_mean(values, (0, 2, 3), correction=0))
        everyones = own.new_zeros(processes, *own.shape)
        everyones[distributed.get_rank()] = own
        variances, means = sum_over_processes(everyones).unbind(1)
        mean = means.mean(0)
        variance = variances.mean(0) + means.var(0, correction=0)  # within the parts, and between them
        count = processes * values.numel() / values.shape[1]
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * count / (count - 1), self.momentum)
        scale = self.weight * torch.rsqrt(variance + self.eps)
        mean, scale, bias = (each.view(1, -1, 1, 1) for each in (mean, scale, self.bias))
        return ((values - mean) * scale + bias).to(features.dtype)


class SharedBatchNormAct2d(SharedBatchNorm2d):
    """The same for timm's batch norm, which holds its activation."""

    def forward(self, features: Tensor) -> Tensor:
        return self.act(self.drop(super().forward(features)))


def share_batch_norms(model: nn.Module, device: torch.device) -> nn.Module:
    """Makes batch norms see a step's whole batch where several processes share it; parameters and names stay."""
    if device.type == "cuda":
        return convert_sync_batchnorm(model)  # timm's: torch's own drops the activations that timm's norms hold
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.__class__ = SharedBatchNormAct2d if hasattr(module, "act") else SharedBatchNorm2d
    return model
