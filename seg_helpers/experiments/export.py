"""A network as an ONNX file: for images of any size, batch norms folded, checked against PyTorch."""

import copy
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from seg_helpers.errors import SegError
from seg_helpers.experiments.records import Run
from seg_helpers.files import atomic_path
from seg_helpers.models import SegmentationNetwork
from seg_helpers.models.depthwise import AtrousDepthwiseConv2d

AGREEMENT = 0.999  # of the pixels at least get one class of both; float32 in another order moves few


class AveragePool(nn.Module):
    """`AdaptiveAvgPool2d` as two matrix products, whose matrices follow the size: ONNX has none for any size."""

    def __init__(self, cells: int):
        super().__init__()
        self.cells = cells

    def forward(self, features: Tensor) -> Tensor:
        height, width = features.shape[-2:]
        return self._shares(height) @ features @ self._shares(width).T

    def _shares(self, size: int) -> Tensor:
        """(cells, size) float32: the share of each row or column in each cell's mean."""
        cell, place = torch.arange(self.cells)[:, None], torch.arange(size)
        inside = (place >= cell * size // self.cells) & (place < ((cell + 1) * size + self.cells - 1) // self.cells)
        return inside.float() / inside.sum(1, keepdim=True)


def export_onnx(run: Run, path: Path) -> None:
    """Writes a run's network as ONNX, its classes among the metadata, and prints how well it agrees, and both speeds.

    Input `images` (N, 3, H, W) float32, normalized by ImageNet's mean and standard deviation, H and W multiples of the
    network's stride; output `logits` (N, C, H, W). SegError where it does not agree, or the extra is not installed.
    """
    network, size = run.network(), run.metrics["size"]
    try:
        program = convert(network)
        program.model.metadata_props["classes"] = ", ".join(run.classes.names)
        with atomic_path(path) as part:
            program.save(part)
            said = check_onnx(part, network, network.padded_size(size))
    except ImportError as error:
        raise SegError(f"{error}: install what the export needs by pip install -e .[export]") from error
    print(f"{path}: {said}")


def convert(network: SegmentationNetwork) -> torch.onnx.ONNXProgram:
    """An ONNX program of a network in eval mode, for any number of images whose sides are multiples of its stride."""
    network = copy.deepcopy(network).cpu().float().eval()
    for module in list(network.modules()):
        if isinstance(module, AtrousDepthwiseConv2d):
            module.__class__ = nn.Conv2d  # how it is computed on a CPU depends on the size
        for name, child in module.named_children():
            if isinstance(child, nn.AdaptiveAvgPool2d):
                setattr(module, name, AveragePool(np.ravel(child.output_size)[0].item()))
    rows, columns = (network.stride * torch.export.Dim(name, max=512) for name in ("rows", "columns"))
    sizes = {0: torch.export.Dim("batch"), 2: rows, 3: columns}
    images = torch.zeros(2, 3, 3 * network.stride, 4 * network.stride)
    program = torch.export.export(_Forward(network), (images,), dynamic_shapes={"images": sizes})
    # given a program, no library takes the way that it has for ONNX, which may be for one size
    return torch.onnx.export(program, (), input_names=["images"], output_names=["logits"], dynamo=True, verbose=False)  # type: ignore[return-value]


class _Forward(nn.Module):
    """A network's forward pass, without the check of its input's size."""

    def __init__(self, network: nn.Module):
        super().__init__()
        self.network = network

    def forward(self, images: Tensor) -> Tensor:
        return self.network.forward(images)


@torch.inference_mode()
def check_onnx(path: Path, network: SegmentationNetwork, size: tuple[int, int]) -> str:
    """How far a file agrees with its network on noise of (height, width) and of two other sizes, and the time of each.

    Raises:
        SegError: they agree on the class of less than `AGREEMENT` of the pixels.
    """
    import onnxruntime

    session, same, apart = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"]), 1.0, 0.0
    for height, width in ((network.stride, 2 * network.stride), size[::-1], size):
        images = torch.randn(1, 3, height, width, generator=torch.Generator().manual_seed(0))
        logits, by_onnx = network(images).numpy(), session.run(None, {"images": images.numpy()})[0]
        same = min(same, float((by_onnx.argmax(1) == logits.argmax(1)).mean()))
        apart = max(apart, float(np.abs(by_onnx - logits).max() / np.abs(logits).max()))
    if same < AGREEMENT:
        raise SegError(
            f"ONNX and PyTorch name the same class at {same:.2%} of the pixels only: this network cannot be used so"
        )
    times = [_measure(lambda: session.run(None, {"images": images.numpy()})), _measure(lambda: network(images))]
    return (
        f"the class of {same:.2%} of the pixels as by PyTorch, logits up to {apart:.1e} of the largest apart; "
        f"{size[0]}x{size[1]} takes {times[0]:.0f} ms by onnxruntime, {times[1]:.0f} ms by PyTorch in float32"
    )


def _measure(run: Callable, passes: int = 9) -> float:
    """Median milliseconds of a call."""
    times = []
    for _ in range(passes):
        start = time.perf_counter()
        run()
        times.append(1000 * (time.perf_counter() - start))
    return float(np.median(times))
