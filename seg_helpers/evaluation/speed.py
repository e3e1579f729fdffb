"""How long one forward pass takes."""

import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from seg_helpers.evaluation.prediction import autocast, run_padded


@dataclass(frozen=True)
class Latency:
    """Milliseconds for one image of a size, over repeated passes: median and 90th percentile."""

    milliseconds: float
    p90: float
    size: tuple[int, int]
    device: str
    precision: str
    threads: int
    repeats: int

    @property
    def frames_per_second(self) -> float:
        return 1000 / self.milliseconds


@torch.inference_mode()
def measure_latency(
    model: nn.Module, size: tuple[int, int], precision: str = "fp32", repeats: int = 10, seconds: float = 3.0
) -> Latency:
    """Times the network on one image, batch 1, after two passes to warm up.

    Args:
        model: the network, on the device to be measured; left in eval mode.
        size: (height, width) of the image; run as in scoring, padding included.
        precision: `"fp32"` or `"bf16"`.
        repeats: passes at the most.
        seconds: no further pass begins after so long (three are always made).
    """
    model.eval()
    device = next(model.parameters()).device
    image = torch.rand(1, 3, *size, device=device)
    times: list[float] = []
    for step in range(repeats + 2):
        start = time.perf_counter()
        with autocast(device, precision):
            run_padded(model, image)
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        if step >= 2:
            times.append((time.perf_counter() - start) * 1000)
        if len(times) >= 3 and sum(times) > seconds * 1000:
            break
    median, p90 = np.quantile(times, [0.5, 0.9])
    name = torch.cuda.get_device_name(device) if device.type == "cuda" else "CPU"
    return Latency(float(median), float(p90), tuple(size), name, precision, torch.get_num_threads(), len(times))
