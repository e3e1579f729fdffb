"""Checkpoints that a kill at any moment leaves whole: written under a temporary name, then renamed."""

import os
import shutil
from pathlib import Path

from accelerate import Accelerator
from safetensors.torch import load_file, save_file
from torch import nn

from seg_helpers.errors import SegError
from seg_helpers.files import atomic_path


class CheckpointError(SegError):
    """A checkpoint that is missing or does not fit its network."""


def save_state(accelerator: Accelerator, folder: Path, epoch: int) -> None:
    """Saves weights, optimizer, random states and all registered objects as `folder/epoch_NNNN`, and only that one."""
    target = folder / f"epoch_{epoch:04d}"
    partial = folder / f".partial_{epoch:04d}"
    if accelerator.is_main_process:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
    accelerator.wait_for_everyone()
    accelerator.save_state(str(partial))
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        shutil.rmtree(target, ignore_errors=True)
        os.replace(partial, target)
        for old in folder.iterdir():
            if old != target:
                shutil.rmtree(old)


def find_state(folder: Path) -> Path | None:
    """The newest whole state in `folder`, or None."""
    return max(folder.glob("epoch_*"), default=None) if folder.is_dir() else None


def epoch_of(state: Path) -> int:
    """The epoch that a state was saved after."""
    return int(state.name.removeprefix("epoch_"))


def save_weights(model: nn.Module, path: Path, about: dict[str, str] | None = None) -> None:
    """Writes a network's state_dict, and what is to be said of it, as safetensors, atomically."""
    with atomic_path(path) as part:
        save_file({name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}, part, about)


def load_weights(model: nn.Module, path: Path) -> None:
    """Loads what `save_weights` wrote; CheckpointError if it is missing, or names the first key that does not fit."""
    if not path.is_file():
        raise CheckpointError(
            f"no weights at {path}: the folder came without them; train the run anew in a folder of reports of its own "
            '(reports="mine", or --reports mine)'
        )
    device = next(model.parameters()).device
    try:
        model.load_state_dict({name: value.to(device) for name, value in load_file(path).items()})
    except RuntimeError as error:
        first = str(error).splitlines()[1].strip() if "\n" in str(error) else str(error)
        raise CheckpointError(f"{path} does not fit {type(model).__name__}: {first}") from None
