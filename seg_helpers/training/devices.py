"""Devices and precision: detected and said, never assumed."""

import ctypes
import os
import platform
import sys
from pathlib import Path

import psutil
import torch
from accelerate import Accelerator, DataLoaderConfiguration, DistributedDataParallelKwargs
from accelerate.state import AcceleratorState

_M_MMAP_MAX, _M_TRIM_THRESHOLD = -4, -1  # of glibc's malloc.h


def detect_precision(device: torch.device) -> str:
    """`"bf16"` where the hardware computes in bfloat16, else `"fp32"`: emulated bfloat16 is slower than float32."""
    if device.type == "cuda":
        return "bf16" if torch.cuda.get_device_capability(device) >= (8, 0) else "fp32"
    if device.type == "cpu":
        flags = (_cpuinfo("flags") or _cpuinfo("Features")).split()
        return "bf16" if {"avx512_bf16", "amx_bf16", "bf16"} & set(flags) else "fp32"
    return "fp32"


def build_accelerator(precision: str = "auto", frozen_parts: bool = False) -> Accelerator:
    """An Accelerator for the device at hand, in precision `"auto"`, `"fp32"` or `"bf16"`.

    Processes that share a run divide each of its batches; with `frozen_parts` some parameters get no gradient.
    """
    AcceleratorState._reset_state()  # one notebook trains several runs, each with its own precision
    device = Accelerator().device
    AcceleratorState._reset_state()
    chosen = detect_precision(device) if precision == "auto" else precision
    if device.type == "cpu":
        keep_freed_memory()
    kwargs = [DistributedDataParallelKwargs(find_unused_parameters=frozen_parts)]
    loading = DataLoaderConfiguration(split_batches=True, non_blocking=True)
    mixed = "bf16" if chosen == "bf16" else "no"
    return Accelerator(mixed_precision=mixed, dataloader_config=loading, kwargs_handlers=kwargs)


def keep_freed_memory() -> None:
    """Lets glibc keep what is freed for the next allocation; does nothing elsewhere, or with SEG_KEEP_MEMORY=0.

    By default glibc maps each large array anew and gives it back: the kernel then faults in and zeroes hundreds of
    megabytes a training step, which takes about as long as the step's own work. What is kept stays with the process.
    """
    if os.environ.get("SEG_KEEP_MEMORY") == "0" or platform.libc_ver()[0] != "glibc":
        return
    libc = ctypes.CDLL(None)
    libc.mallopt(_M_MMAP_MAX, 0)
    libc.mallopt(_M_TRIM_THRESHOLD, 2**31 - 1)


def describe_device(device: torch.device | None = None) -> str:
    """The device in words, e.g. `AMD EPYC, 2 threads` or `NVIDIA A100`."""
    device = device or Accelerator().device
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    if device.type == "cpu":
        threads = torch.get_num_threads()
        name = _cpuinfo("model name") or platform.processor() or platform.machine()
        return f"{name}, {threads} thread{'s' if threads != 1 else ''}"
    return device.type


def measure_peak_memory(device: torch.device) -> int:
    """Bytes that this process held at most: of the GPU where it computes on one, else of the machine's memory."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return psutil.Process().memory_info().peak_wset
    import resource  # there is none on Windows

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024


def _cpuinfo(key: str) -> str:
    path = Path("/proc/cpuinfo")
    lines = path.read_text().splitlines() if path.is_file() else []
    return next((line.partition(":")[2].strip() for line in lines if line.partition(":")[0].strip() == key), "")
