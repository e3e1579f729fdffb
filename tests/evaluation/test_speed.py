"""Latency: what is timed is one image at the size that was asked for."""

import pytest
import torch
from torch import nn

from seg_helpers.evaluation.speed import measure_latency


class Recorder(nn.Module):
    stride = 32

    def __init__(self):
        super().__init__()
        self.layer = nn.Conv2d(3, 2, 1)
        self.calls = set()

    def forward(self, images):
        output = self.layer(images)
        threads = torch.get_num_threads()
        self.calls.add((tuple(images.shape), self.training, torch.is_inference_mode_enabled(), threads, output.dtype))
        return output


@pytest.mark.parametrize(("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_one_padded_image_is_timed_in_eval_mode_with_all_threads(precision, dtype):
    network = Recorder().train()
    latency = measure_latency(network, (40, 65), precision, seconds=0.01)
    assert network.calls == {((1, 3, 64, 96), False, True, torch.get_num_threads(), dtype)}
    assert (latency.size, latency.precision, latency.device) == ((40, 65), precision, "CPU")
    assert latency.threads == torch.get_num_threads()
    assert 0 < latency.milliseconds < 1000
