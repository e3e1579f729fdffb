"""Checkpoints that a kill at any moment leaves whole: written under a temporary name, then renamed.

What is damaged later is told by its checksums: nothing goes on from wrong numbers.
"""

import hashlib
import json
import os
from pathlib import Path

import torch
from accelerate import Accelerator
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from seg_helpers.errors import SegError
from seg_helpers.files import UNREADABLE, atomic_path, checksum_files, find_damage, remove, writing
from seg_helpers.progress import say_once

CHECKSUMS = "checksums.json"  # of a state's other files


class CheckpointError(SegError):
    """A checkpoint that is missing or does not fit its network."""


def save_state(accelerator: Accelerator, folder: Path, epoch: int) -> None:
    """Saves weights, optimizer, random states and registered objects as `folder/epoch_NNNN`, beside the one before."""
    target = folder / f"epoch_{epoch:04d}"
    partial = folder / f".partial_{epoch:04d}"
    with writing(target):
        if accelerator.is_main_process:
            remove(partial)
            partial.mkdir(parents=True)
        accelerator.wait_for_everyone()
        accelerator.save_state(str(partial))
        accelerator.wait_for_everyone()
        if accelerator.is_main_process:
            (partial / CHECKSUMS).write_text(json.dumps(checksum_files(partial, partial.iterdir(), quick=True)))
            remove(target)
            os.replace(partial, target)
            for old in set(folder.iterdir()) - set(sorted(folder.glob("epoch_*"))[-2:]):
                remove(old)


def find_state(folder: Path) -> Path | None:
    """The newest whole state in `folder`, None if there is no state; a damaged one is passed over, which is said.

    Raises:
        CheckpointError: all states are damaged.
    """
    states = sorted(folder.glob("epoch_*"), reverse=True)
    for state in states:
        try:
            damage = find_damage(state, json.loads((state / CHECKSUMS).read_text()))
        except FileNotFoundError:
            damage = ""  # of an earlier version; what cannot be loaded will say so
        except UNREADABLE:
            damage = f"{CHECKSUMS} cannot be read"
        if not damage:
            return state
        say_once(f"WARNING {state} is damaged ({damage}): it is not used")
    if states:
        raise CheckpointError(f"{folder}: no whole training state is left ({damage}): delete this folder to train anew")
    return None


def load_state(accelerator: Accelerator, state: Path) -> None:
    """Puts back what `save_state` saved; CheckpointError if it does not fit, or holds more than tensors and numbers."""
    try:
        for file in state.glob("custom_checkpoint_*.pkl"):
            torch.load(file, weights_only=True)  # Accelerate itself would run code that is hidden in these
        accelerator.load_state(str(state))
    except Exception as error:  # each file's reader fails in its own way
        reason = str(error).partition("\n")[0]
        raise CheckpointError(f"{state} cannot be loaded ({reason}): delete {state.parent} to train anew") from error


def epoch_of(state: Path) -> int:
    """The epoch that a state was saved after."""
    return int(state.name.removeprefix("epoch_"))


def save_weights(model: nn.Module, path: Path, about: dict[str, str] | None = None) -> None:
    """Writes a network's state_dict, its checksum and what else is to be said of it, as safetensors, atomically."""
    weights = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    with atomic_path(path) as part:
        save_file(weights, part, (about or {}) | {"sha256": _checksum(weights)})


def load_weights(model: nn.Module, path: Path) -> None:
    """Loads what `save_weights` wrote; CheckpointError if it is missing or damaged, or names the first misfit key."""
    if not path.is_file():
        raise CheckpointError(
            f"no weights at {path}: the folder came without them; train the run anew in a folder of reports of its own "
            '(reports="mine", or --reports mine)'
        )
    try:
        with safe_open(path, "pt") as file:
            weights = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            checksum = (file.metadata() or {}).get("sha256")
    except SafetensorError as error:
        raise CheckpointError(f"{path} is damaged ({error}): get it anew, or delete its folder to train anew") from None
    if checksum and checksum != _checksum(weights):  # earlier versions wrote none
        raise CheckpointError(
            f"{path} is damaged (not the weights that were saved): get it anew, or delete its folder to train anew"
        )
    device = next(model.parameters()).device
    try:
        model.load_state_dict({name: value.to(device) for name, value in weights.items()})
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        raise CheckpointError(f"{path} does not fit {type(model).__name__}: {first}") from None


def _checksum(weights: dict[str, Tensor]) -> str:
    digest = hashlib.sha256()
    for name, value in sorted(weights.items()):
        digest.update(name.encode())
        digest.update(value.reshape(-1).view(torch.uint8).numpy())
    return digest.hexdigest()
