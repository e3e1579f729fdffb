"""Checkpoints: whole or not there, and refused by another network."""

import os

import pytest
import torch
from tiny_network import TinyNetwork

from seg_helpers.training import checkpoints
from seg_helpers.training.checkpoints import (
    CheckpointError,
    find_state,
    load_weights,
    save_state,
    save_weights,
)
from seg_helpers.training.devices import build_accelerator


def test_weights_come_back_bit_for_bit(tmp_path):
    first, second = TinyNetwork(), TinyNetwork()
    first(torch.randn(2, 3, 8, 8))  # moves the running statistics
    first = first.to(memory_format=torch.channels_last)
    save_weights(first, tmp_path / "best.safetensors")
    load_weights(second, tmp_path / "best.safetensors")
    for name, value in first.state_dict().items():
        assert torch.equal(value, second.state_dict()[name]), name
    assert [path.name for path in tmp_path.iterdir()] == ["best.safetensors"]


def test_an_interrupted_save_keeps_the_old_weights(tmp_path, monkeypatch):
    network = TinyNetwork()
    save_weights(network, tmp_path / "best.safetensors")
    before = (tmp_path / "best.safetensors").read_bytes()

    def half(state, path):
        path.write_bytes(b"half a file")
        raise KeyboardInterrupt

    monkeypatch.setattr(checkpoints, "save_file", half)
    with pytest.raises(KeyboardInterrupt):
        save_weights(TinyNetwork(), tmp_path / "best.safetensors")
    assert (tmp_path / "best.safetensors").read_bytes() == before


def test_weights_of_another_network_are_refused_by_name(tmp_path):
    save_weights(TinyNetwork(auxiliary=True), tmp_path / "best.safetensors")
    with pytest.raises(
        CheckpointError, match=r"best\.safetensors does not fit TinyNetwork: Unexpected.*auxiliary_head"
    ):
        load_weights(TinyNetwork(), tmp_path / "best.safetensors")
    save_weights(TinyNetwork(num_classes=5), tmp_path / "best.safetensors")
    with pytest.raises(
        CheckpointError, match=r"does not fit TinyNetwork: size mismatch for head\.weight.*\[5, 6, 1, 1\]"
    ):
        load_weights(TinyNetwork(), tmp_path / "best.safetensors")


def test_missing_and_damaged_weights_are_explained(tmp_path):
    with pytest.raises(CheckpointError, match=r"no weights at .*best\.safetensors: .*delete it to train anew"):
        load_weights(TinyNetwork(), tmp_path / "best.safetensors")


def test_only_the_newest_whole_state_is_kept(tmp_path):
    accelerator = build_accelerator("fp32")
    accelerator.prepare(TinyNetwork())
    folder = tmp_path / "last"
    assert find_state(folder) is None
    for epoch in (1, 2, 10):
        save_state(accelerator, folder, epoch)
        assert [path.name for path in folder.iterdir()] == [f"epoch_{epoch:04d}"]
    assert find_state(folder).name == "epoch_0010"


def test_a_state_that_was_cut_off_is_ignored_and_then_removed(tmp_path, monkeypatch):
    accelerator = build_accelerator("fp32")
    accelerator.prepare(TinyNetwork())
    folder = tmp_path / "last"
    save_state(accelerator, folder, 1)

    def cut(source, target):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", cut)
        with pytest.raises(KeyboardInterrupt):
            save_state(accelerator, folder, 2)
    assert len(list(folder.iterdir())) == 2  # the first state and a part of the second
    assert find_state(folder).name == "epoch_0001"
    save_state(accelerator, folder, 2)
    assert [path.name for path in folder.iterdir()] == ["epoch_0002"]


def test_a_state_left_behind_by_a_newer_one_is_not_taken(tmp_path):
    (tmp_path / ".partial_0011").mkdir()
    assert find_state(tmp_path) is None
    for name in ("epoch_0009", "epoch_0010"):
        (tmp_path / name).mkdir()
    assert find_state(tmp_path).name == "epoch_0010"
