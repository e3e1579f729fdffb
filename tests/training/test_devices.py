"""Devices: precision follows the hardware, and an Accelerator is what was asked for."""

from types import SimpleNamespace

import pytest
import torch

from seg_helpers.training import devices
from seg_helpers.training.devices import build_accelerator, describe_device, detect_precision


@pytest.mark.parametrize(
    ("flags", "precision"),
    [
        ("fpu avx2 avx512f", "fp32"),
        ("fpu avx512_bf16", "bf16"),
        ("amx_bf16 amx_tile", "bf16"),
        ("asimd bf16", "bf16"),
        ("", "fp32"),
    ],
)
def test_bfloat16_only_where_the_processor_has_it(monkeypatch, flags, precision):
    monkeypatch.setattr(devices, "_cpuinfo", lambda key: flags if key == "flags" else "")
    assert detect_precision(torch.device("cpu")) == precision


def test_other_devices_compute_in_float32():
    assert detect_precision(torch.device("mps")) == "fp32"


@pytest.mark.parametrize(("capability", "precision"), [((7, 5), "fp32"), ((8, 0), "bf16"), ((9, 0), "bf16")])
def test_bfloat16_only_where_the_gpu_has_it(monkeypatch, capability, precision):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda device: capability)
    assert detect_precision(torch.device("cuda")) == precision


def test_each_run_has_a_precision_of_its_own():
    """One notebook trains several runs: the second is not bound to the first one's."""
    assert [build_accelerator(p).mixed_precision for p in ("bf16", "fp32", "bf16")] == ["bf16", "no", "bf16"]


def test_auto_is_what_was_detected(monkeypatch):
    for chosen, mixed in (("fp32", "no"), ("bf16", "bf16")):
        monkeypatch.setattr(devices, "detect_precision", lambda device, chosen=chosen: chosen)
        assert build_accelerator("auto").mixed_precision == mixed


def test_the_device_is_described_in_words(monkeypatch):
    monkeypatch.setattr(devices, "_cpuinfo", lambda key: "AMD EPYC" if key == "model name" else "")
    monkeypatch.setattr(torch, "get_num_threads", lambda: 2)
    assert describe_device(torch.device("cpu")) == "AMD EPYC, 2 threads"
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    assert describe_device(torch.device("cpu")) == "AMD EPYC, 1 thread"


@pytest.mark.parametrize(("setting", "libc", "calls"), [("", "glibc", 2), ("0", "glibc", 0), ("", "musl", 0)])
def test_memory_is_kept_where_glibc_is_and_nobody_objects(monkeypatch, setting, libc, calls):
    asked = []
    monkeypatch.setenv("SEG_KEEP_MEMORY", setting)
    monkeypatch.setattr(devices.platform, "libc_ver", lambda: (libc, "2.36"))
    monkeypatch.setattr(devices.ctypes, "CDLL", lambda _: SimpleNamespace(mallopt=lambda *option: asked.append(option)))
    devices.keep_freed_memory()
    assert len(asked) == calls
