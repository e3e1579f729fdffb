"""Latency: what is timed is one image at the size that was asked for."""

import pytest
import torch
from torch import nn

from seg_helpers.evaluation import speed
from seg_helpers.evaluation.speed import measure_latency


class Recorder(nn.Module):
    stride = 32

    def __init__(self, seconds=0.0, clock=None):
        super().__init__()
        self.layer = nn.Conv2d(3, 2, 1)
        self.seconds, self.clock, self.calls = seconds, clock, []

    def forward(self, images):
        self.calls.append((tuple(images.shape), self.training, torch.is_inference_mode_enabled()))
        if self.clock is not None:
            self.clock[0] += self.seconds * (1 + len(self.calls) % 2)
        return self.layer(images)


@pytest.fixture
def clock(monkeypatch):
    now = [0.0]
    monkeypatch.setattr(speed.time, "perf_counter", lambda: now[0])
    return now


def test_one_padded_image_in_eval_mode(clock):
    network = Recorder(0.01, clock).train()
    latency = measure_latency(network, (40, 65), repeats=4)
    assert network.calls == [((1, 3, 64, 96), False, True)] * 6  # two to warm up
    assert (latency.size, latency.repeats, latency.precision, latency.device) == ((40, 65), 4, "fp32", "CPU")
    assert latency.milliseconds == pytest.approx(15)
    assert latency.p90 == pytest.approx(20)
    assert latency.frames_per_second == pytest.approx(1000 / 15)
    assert latency.threads == torch.get_num_threads()


def test_a_slow_network_is_timed_three_times(clock):
    latency = measure_latency(Recorder(5.0, clock), (32, 32), repeats=50, seconds=3.0)
    assert latency.repeats == 3


def test_time_itself_is_read():
    latency = measure_latency(Recorder(), (32, 32), "bf16", repeats=3)
    assert 0 < latency.milliseconds <= latency.p90
    assert latency.precision == "bf16"
