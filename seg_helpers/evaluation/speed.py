"""How long one forward pass takes."""

import logging
from dataclasses import dataclass

import torch
from torch import nn

from seg_helpers.evaluation.prediction import run_padded

# Timer's package warns of a compiler for GPUs where there is no GPU
logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)


@dataclass(frozen=True)
class Latency:
    """Milliseconds for one image of a size: the median of repeated passes."""

    milliseconds: float
    size: tuple[int, int]
    device: str
    precision: str
    threads: int


@torch.inference_mode()
def measure_latency(model: nn.Module, size: tuple[int, int], precision: str = "fp32", seconds: float = 1.0) -> Latency:
    """Times the network, on its device, on one image of `size` (height, width) as in scoring; leaves it in eval mode.

    Passes are repeated for so many seconds, after one to warm up, in precision `"fp32"` or `"bf16"`.
    """
    from torch.utils.benchmark import Timer  # which takes a while to import

    model.eval()
    device = next(model.parameters()).device
    threads = torch.get_num_threads()  # a Timer takes one, unless it is told
    known = {"run_padded": run_padded, "model": model, "image": torch.rand(1, 3, *size, device=device)}
    timer = Timer("run_padded(model, image)", globals=known, num_threads=threads)
    with torch.autocast(device.type, torch.bfloat16, enabled=precision == "bf16"):
        median = timer.blocked_autorange(min_run_time=seconds).median
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    return Latency(1000 * median, tuple(size), name, precision, threads)
