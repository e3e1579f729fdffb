"""Checkpoints: whole or not there, and refused by another network."""

import os
import pickle
from pathlib import Path

import pytest
import torch
from tiny import spoil
from tiny_network import TinyNetwork

from seg_helpers.training import checkpoints
from seg_helpers.training.checkpoints import (
    CHECKSUMS,
    CheckpointError,
    find_state,
    load_state,
    load_weights,
    save_state,
    save_weights,
)
from seg_helpers.training.devices import build_accelerator
from seg_helpers.training.loop import TrainerState


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

    def half(state, path, metadata):
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
    path = tmp_path / "best.safetensors"
    with pytest.raises(CheckpointError, match=r"no weights at .*best\.safetensors: the folder came without them"):
        load_weights(TinyNetwork(), path)
    save_weights(TinyNetwork(), path)
    content = path.read_bytes()
    for damaged in (b"", content[: len(content) // 2], b"garbage" * 9, flip(content, 20), flip(content, -9)):
        path.write_bytes(damaged)
        with pytest.raises(
            CheckpointError, match=r"best\.safetensors is damaged \(.*: get it anew, or delete its folder"
        ):
            load_weights(TinyNetwork(), path)


def flip(content: bytes, place: int) -> bytes:
    """Changes one byte, which counts from the end where its place is negative."""
    changed = bytearray(content)
    changed[place] ^= 255
    return bytes(changed)


@pytest.fixture
def states(tmp_path):
    """A folder with the states of two epochs, and the accelerator that saved them."""
    accelerator = build_accelerator("fp32")
    network = accelerator.prepare(TinyNetwork())
    optimizer = accelerator.prepare(torch.optim.Adam(network.parameters()))
    network(torch.randn(2, 3, 8, 8)).sum().backward()
    optimizer.step()  # so that it has something to save
    accelerator.register_for_checkpointing(TrainerState())
    for epoch in (1, 2):
        save_state(accelerator, tmp_path / "last", epoch)
    return tmp_path / "last", accelerator


STATE_FILES = ("model.safetensors", "optimizer.bin", "random_states_0.pkl", "custom_checkpoint_0.pkl", CHECKSUMS)


@pytest.mark.parametrize("file", STATE_FILES)
@pytest.mark.parametrize("damage", ["empty", "half", "garbage", "gone", "flipped"])
def test_a_damaged_state_is_passed_over_for_the_one_before_it(states, capsys, file, damage):
    folder, accelerator = states
    assert {path.name for path in (folder / "epoch_0002").iterdir()} == set(STATE_FILES)
    spoil(folder / "epoch_0002" / file, damage)
    if (file, damage) == (CHECKSUMS, "gone"):  # as earlier versions left it
        assert find_state(folder).name == "epoch_0002"
        return
    assert find_state(folder).name == "epoch_0001"
    assert f"WARNING {folder}/epoch_0002 is damaged (" in (said := capsys.readouterr().out)
    assert file in said
    load_state(accelerator, folder / "epoch_0001")
    spoil(folder / "epoch_0001" / file, damage)
    if (file, damage) != (CHECKSUMS, "gone"):
        with pytest.raises(
            CheckpointError, match=rf"last: no whole training state is left \(.*{file}.*: delete this folder"
        ):
            find_state(folder)


def test_a_state_that_would_run_code_is_refused(states, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    folder, accelerator = states
    with open(folder / "epoch_0002" / "custom_checkpoint_0.pkl", "wb") as file:
        pickle.dump(Evil(), file)
    with pytest.raises(CheckpointError, match=r"epoch_0002 cannot be loaded \(.*: delete .*last to train anew"):
        load_state(accelerator, folder / "epoch_0002")
    assert not Path("evil").exists()


class Evil:
    """What a pickle of it does when it is read."""

    def __reduce__(self):
        return Path.touch, (Path("evil"),)


def test_only_the_two_newest_states_are_kept(tmp_path):
    accelerator = build_accelerator("fp32")
    accelerator.prepare(TinyNetwork())
    folder = tmp_path / "last"
    assert find_state(folder) is None
    for epochs in ((1,), (1, 2), (2, 10)):
        save_state(accelerator, folder, epochs[-1])
        assert sorted(path.name for path in folder.iterdir()) == [f"epoch_{epoch:04d}" for epoch in epochs]
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
    assert sorted(path.name for path in folder.iterdir()) == ["epoch_0001", "epoch_0002"]


def test_a_state_left_behind_by_a_newer_one_is_not_taken(tmp_path):
    (tmp_path / ".partial_0011").mkdir()
    assert find_state(tmp_path) is None
    for name in ("epoch_0009", "epoch_0010"):
        (tmp_path / name).mkdir()
    assert find_state(tmp_path).name == "epoch_0010"
