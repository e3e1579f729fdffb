"""What two processes find that share a batch, and what one finds alone: `-m two_processes FOLDER`, launched twice over.

Each process writes `FOLDER/RANK.pt`; the runs that both train are in `FOLDER`.
"""

import os
import subprocess
import sys
from pathlib import Path

import torch
from timm.layers import BatchNormAct2d
from tiny_network import Bench, TinyNetwork
from torch import Tensor, nn

from seg_helpers.classes import VOID
from seg_helpers.config import ExperimentConfig, LossConfig, project_root
from seg_helpers.training.devices import build_accelerator
from seg_helpers.training.losses import SegmentationLoss
from seg_helpers.training.reduction import share_batch_norms, sum_over_processes

LOSSES = {
    "cross-entropy": {"terms": [{"name": "cross_entropy"}]},
    "weighted and smoothed": {"class_weights": "inverse", "label_smoothing": 0.1},
    "focal": {"terms": [{"name": "focal", "gamma": 0.5}], "class_weights": "median"},
    "dice": {"terms": [{"name": "dice"}]},
}
NORMS = ("float32", "bfloat16", "with activation")
SGD = {"name": "sgd", "learning_rate": 0.05}
RUNS = {
    "plain": {"optimizer": SGD},
    "clipped and averaged": {"optimizer": SGD, "gradient_clip": 0.05, "ema": 0.8, "workers": 1},
    "adam": {"optimizer": {"name": "adamw", "learning_rate": 0.002}},
    "auxiliary head": {
        "optimizer": SGD,
        "loss": {"terms": [{"name": "cross_entropy"}, {"name": "dice"}], "class_weights": "log_inverse"},
    },
    "frozen, range test": {  # a large loss: the rate where it falls fastest is inside the range
        "optimizer": SGD | {"momentum": 0.0},
        "loss": {"terms": [{"name": "cross_entropy", "weight": 20.0}]},
        "stages": [{"epochs": 1, "unfreeze": 0}, {"epochs": 2, "learning_rate": "range_test", "scale": 0.5}],
        "workers": 1,
    },
}


def launch(folder: Path) -> list[dict]:
    """Two processes' findings, by rank."""
    paths = os.pathsep.join([str(project_root()), str(Path(__file__).parent)])
    environment = os.environ | {"ACCELERATE_USE_CPU": "1", "OMP_NUM_THREADS": "1", "PYTHONPATH": paths}
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc_per_node", "2"]
    command = [*launcher, "-m", "two_processes", str(folder)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [torch.load(folder / f"{rank}.pt", weights_only=False) for rank in range(2)]


def find(folder: Path, rank: int = 0, processes: int = 1) -> dict:
    """All that is compared, of this process's share of the batch."""
    return {
        "losses": {name: measure_loss(loss, rank, processes) for name, loss in LOSSES.items()},
        "norms": {name: measure_norm(name, rank, processes) for name in NORMS},
        "runs": {name: train(folder, name) for name in RUNS},
    }


def share(tensor: Tensor, rank: int, processes: int) -> Tensor:
    return tensor.chunk(processes)[rank].clone()


def measure_loss(loss: dict, rank: int, processes: int) -> dict:
    """The loss of a batch whose halves hold other classes and other numbers of void pixels."""
    generator = torch.Generator().manual_seed(2)
    logits = torch.randn(4, 3, 6, 8, generator=generator) * 3
    labels = torch.randint(0, 2, (4, 6, 8), generator=generator)
    labels[:2, :4] = VOID
    labels[3, 2:] = 2
    logits = share(logits, rank, processes).requires_grad_()
    criterion = SegmentationLoss(LossConfig.model_validate(loss), [900, 90, 9])
    value = criterion(logits, share(labels, rank, processes), sum_over_processes)
    value.backward()
    return {"value": value.detach(), "gradient": logits.grad / processes}  # as DistributedDataParallel averages


def measure_norm(name: str, rank: int, processes: int) -> dict:
    """A batch norm's output, gradients and statistics after two steps."""
    generator = torch.Generator().manual_seed(3)
    norm = BatchNormAct2d(5, momentum=0.2) if name == "with activation" else nn.BatchNorm2d(5, momentum=0.2)
    with torch.no_grad():
        norm.weight.uniform_(0.5, 2, generator=generator)
        norm.bias.uniform_(-1, 1, generator=generator)
    model = nn.Sequential(norm)
    if processes > 1:
        model = share_batch_norms(model, torch.device("cpu"))
    for _ in range(2):
        features = torch.randn(4, 5, 6, 8, generator=generator) + torch.arange(20.0).view(4, 5, 1, 1)
        wanted = share(torch.randn(4, 5, 6, 8, generator=generator), rank, processes)
        features = share(features, rank, processes).to(getattr(torch, name, torch.float32)).requires_grad_()
        output = model(features)
        (output * wanted).sum().backward()
    parameters = {key: sum_over_processes(value.grad) for key, value in model.named_parameters()}
    model.eval()
    return {
        "output": output.detach(),
        "gradient": features.grad,
        "parameters": parameters,
        "state": model.state_dict(),
        "scored": model(features).detach(),
    }


def train(folder: Path, name: str) -> dict:
    plain = {
        "name": "shared",
        "model": {"name": "tiny"},
        "epochs": 3,
        "batch_size": 4,
        "precision": "fp32",
        "workers": 0,
    }
    config = ExperimentConfig.model_validate(plain | RUNS[name])
    torch.manual_seed(0)
    model = TinyNetwork(dropout=0.0, auxiliary=name == "auxiliary head")
    state = Bench(folder).train(config, name, model=model)
    return {
        "history": [{k: v for k, v in row.items() if not k.endswith("seconds")} for row in state.history],
        "range_tests": state.range_tests,
        "weights": model.state_dict(),
    }


if __name__ == "__main__":
    accelerator, target = build_accelerator("fp32"), Path(sys.argv[1])
    found = find(target, accelerator.process_index, accelerator.num_processes)
    torch.save(found, target / f"{accelerator.process_index}.pt")
    accelerator.end_training()
