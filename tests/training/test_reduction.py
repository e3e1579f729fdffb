"""Two processes that share a batch find what one process finds alone: losses, batch norms and whole runs."""

import pytest
import torch
import two_processes
from timm.layers import BatchNormAct2d
from torch import nn

from seg_helpers.training.reduction import share_batch_norms, sum_over_processes


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """(one process alone, two processes by rank), each with what `two_processes.find` returns."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    alone = two_processes.find(tmp_path_factory.mktemp("alone"))
    torch.set_num_threads(threads)
    return alone, two_processes.launch(tmp_path_factory.mktemp("shared"))


@pytest.mark.parametrize("name", two_processes.LOSSES)
def test_a_loss_is_that_of_the_whole_batch(found, name):
    """The halves hold other classes and other numbers of void pixels: a mean of their means would be another loss."""
    alone, *parts = (each["losses"][name] for each in (found[0], *found[1]))
    for part in parts:
        torch.testing.assert_close(part["value"], alone["value"])
    torch.testing.assert_close(torch.cat([part["gradient"] for part in parts]), alone["gradient"])


@pytest.mark.parametrize("name", two_processes.NORMS)
def test_a_batch_norm_sees_the_whole_batch(found, name):
    """torch's own batch norm on the whole batch: its output, all gradients, its statistics, and what it is in eval mode."""
    alone, *parts = (each["norms"][name] for each in (found[0], *found[1]))
    for key in ("output", "gradient", "scored"):
        together = torch.cat([part[key] for part in parts])
        assert together.dtype == alone[key].dtype
        torch.testing.assert_close(together, alone[key])
    for part in parts:
        torch.testing.assert_close(part["state"], alone["state"])
        torch.testing.assert_close(part["parameters"], alone["parameters"], rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", two_processes.RUNS)
def test_a_run_is_the_same_however_many_processes_share_it(found, name):
    """Losses, scores, rates and weights, to float32's digits; without dropout, which each process draws for itself."""
    alone, *parts = (each["runs"][name] for each in (found[0], *found[1]))
    assert parts[0]["history"] == parts[1]["history"]
    assert parts[0]["range_tests"] == parts[1]["range_tests"]
    for key, value in parts[0]["weights"].items():
        assert torch.equal(value, parts[1]["weights"][key]), key
    for row, expected in zip(parts[0]["history"], alone["history"], strict=True):
        assert row == pytest.approx(expected, rel=1e-5)
    if name != "adam":  # it moves a weight of next to no gradient by its whole rate, whatever the gradient's sign
        torch.testing.assert_close(parts[0]["weights"], alone["weights"], rtol=1e-4, atol=1e-5)


def test_two_processes_choose_the_rate_of_one(found):
    rates = [each["runs"]["frozen, range test"]["range_tests"][1]["rate"] for each in (found[0], *found[1])]
    assert rates == pytest.approx([rates[0]] * 3)
    assert 1e-5 < rates[0] < 0.1  # nothing is tested if the range's end is chosen


def test_one_process_sums_nothing():
    tensor = torch.ones(2)
    assert sum_over_processes(tensor) is tensor


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_names_parameters_and_modes_stay(device):
    model = nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4), nn.Sequential(BatchNormAct2d(4)))
    model[1].eval()
    names, weight = list(model.state_dict()), model[2][0].weight
    shared = share_batch_norms(model, torch.device(device))
    assert shared is model
    assert list(model.state_dict()) == names
    assert model[2][0].weight is weight
    assert [module.training for module in (model[1], model[2][0])] == [False, True]
    assert "act" in dict(model[2][0].named_children())
    assert {type(model[1]), type(model[2][0])}.isdisjoint({nn.BatchNorm2d, BatchNormAct2d})
