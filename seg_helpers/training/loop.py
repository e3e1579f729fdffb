"""The training loop: plain PyTorch on Accelerate, resumable after every epoch, blind to the test split."""

import copy
import math
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pandas as pd
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from tqdm import tqdm

from seg_helpers.classes import VOID
from seg_helpers.config import ExperimentConfig
from seg_helpers.datasets import unpack_batch
from seg_helpers.evaluation.counts import count_pairs, pick_classes
from seg_helpers.evaluation.metrics import compute_metrics
from seg_helpers.evaluation.prediction import pad_to_stride
from seg_helpers.files import write_text
from seg_helpers.models.blocks import resize, to_planes
from seg_helpers.progress import bar_stream, format_seconds
from seg_helpers.training.checkpoints import find_state, load_state, save_state, save_weights
from seg_helpers.training.losses import SegmentationLoss, TrainingDiverged, describe_cap
from seg_helpers.training.optimizers import build_optimizer, set_learning_rate
from seg_helpers.training.range_test import run_range_test
from seg_helpers.training.reduction import share_batch_norms, sum_over_processes
from seg_helpers.training.schedules import learning_rate_factor
from seg_helpers.training.stages import freeze_encoder, stage_of, train_mode

Evaluate = Callable[[nn.Module, nn.Module], dict[str, float]]  # (network, criterion) to val loss and metrics


@dataclass
class TrainerState:
    """What a resumed run needs beside weights and optimizer; Accelerate saves it with them."""

    epoch: int = 0  # epochs done
    best_epoch: int = 0
    best_mean_iou: float = -1.0
    range_tests: dict[int, dict] = field(default_factory=dict)  # stage to the test's rate, reason and curve
    history: list[dict] = field(default_factory=list)

    def state_dict(self) -> dict:
        return asdict(self)

    def load_state_dict(self, state: dict) -> None:
        self.__dict__.update(state)

    @property
    def seconds(self) -> float:
        return sum(row["seconds"] for row in self.history)


class Trainer:
    """Trains a network, or goes on where `folder/last` stands.

    However many processes share the run, a step is one over the loader's whole batch: each process takes an equal part
    of it, and loss, gradient, batch norms and training scores are those of all parts together. Only dropout, which
    each process draws for itself, tells a run of several processes from a run of one.

    The test split is not among the arguments: the caller scores it once, from the weights that validation chose.

    Args:
        network: on the CPU.
        loader: whole training batches of `image` (N,3,H,W) and `label` (N,H,W) uint8; `dataset.set_epoch(epoch)` seeds
            order and augmentation.
        evaluate: scores a network on the val split: a dictionary of `loss` and metrics.
        folder: the run's; gets `best.safetensors`, `history.csv` and `last/`.
        pixel_counts: (C,) pixels of each class in the training split, for class weights.
    """

    def __init__(
        self,
        network: nn.Module,
        loader,
        evaluate: Evaluate,
        config: ExperimentConfig,
        folder: Path,
        pixel_counts,
        accelerator: Accelerator,
    ):
        self.evaluate, self.config, self.folder = evaluate, config, folder
        self.pixel_counts, self.accelerator = pixel_counts, accelerator
        self.stages = config.planned_stages()
        self.state = TrainerState()
        network = network.to(accelerator.device, memory_format=torch.channels_last)
        if accelerator.num_processes > 1:
            network = share_batch_norms(network, accelerator.device)
            torch.manual_seed(config.seed + accelerator.process_index)  # the parts of a batch share no dropout mask
        self.network = network  # `model` runs it, in the chosen precision and on all processes
        optimizer = build_optimizer(network, config.optimizer)
        self.base_lrs = [group["lr"] for group in optimizer.param_groups]
        self.model, self.optimizer, self.loader = accelerator.prepare(network, optimizer, loader)
        accelerator.register_for_checkpointing(self.state)
        self.ema = None
        if config.ema:
            # buffers follow the network: averaged batch-norm statistics would lag behind it
            self.ema = AveragedModel(network, multi_avg_fn=get_ema_multi_avg_fn(config.ema))
            accelerator.register_for_checkpointing(self.ema)

    def train(self) -> TrainerState:
        """Trains until all epochs are done or nothing is gained any more; TrainingDiverged if the loss is no number."""
        saved = find_state(self.folder / "last")
        if saved:
            next(iter(self.loader))  # starting the workers draws from the random state, which is restored next
            load_state(self.accelerator, saved)
            self.say(f"resuming after epoch {self.state.epoch} of {self.config.epochs}")
        for kind in dict.fromkeys((stage.loss or self.config.loss).class_weights for stage in self.stages):
            if held := describe_cap(self.pixel_counts, kind):
                self.say(held)
        while self.state.epoch < self.config.epochs and not self.is_stalled():
            self.run_epoch(self.state.epoch)
        if self.state.epoch < self.config.epochs:
            self.say(f"stopped early: no better val mean IoU since epoch {self.state.best_epoch}")
        # takes off the network what autocasts its forward, which would outlive the accelerator
        self.accelerator.unwrap_model(self.model, keep_fp32_wrapper=False)
        self.accelerator.free_memory()
        return self.state

    def run_epoch(self, epoch: int) -> None:
        """Trains, validates, records and saves the epoch after `epoch` others."""
        start, processor = time.perf_counter(), time.process_time()
        index, first_epoch = stage_of(self.stages, epoch)
        stage, schedule, steps = self.stages[index], self.config.schedule, len(self.loader)
        criterion = SegmentationLoss(stage.loss or self.config.loss, self.pixel_counts).to(self.accelerator.device)
        train_mode(self.model, freeze_encoder(self.network, stage.unfreeze))
        max_lr = self.choose_max_lr(epoch, index, criterion)
        begin, span = (first_epoch, stage.epochs) if schedule.span == "stage" else (0, self.config.epochs)
        self.loader.set_epoch(epoch)  # Accelerate's loader counts its passes itself, and passes that on, if not told
        steps_done, pairs, base_lr = [], 0, self.config.optimizer.learning_rate
        stream = bar_stream() if self.accelerator.is_main_process else None
        title = f"{self.config.name}: epoch {epoch + 1} of {self.config.epochs}"
        images = {"unit": " images", "unit_scale": self.loader.total_batch_size, "dynamic_ncols": True}
        batches = tqdm(self.loader, title, leave=False, file=stream, disable=stream is None, **images)
        for step, batch in enumerate(batches):
            factor = learning_rate_factor(schedule, (epoch - begin) * steps + step, span * steps)
            learning_rate = set_learning_rate(self.optimizer, self.base_lrs, factor * max_lr / base_lr)
            loss, logits, target = self.train_step(self.model, self.optimizer, batch, stage.scale, criterion)
            if self.ema is not None:
                self.ema.update_parameters(self.network)
            counts = count_pairs(logits.max(1).indices, target)
            pairs = pairs + counts
            steps_done.append((loss, counts[:VOID].sum(), learning_rate))
        losses, scored, rates = zip(*steps_done, strict=True)
        losses, scored = torch.stack(losses).tolist(), torch.stack(scored).tolist()  # here alone a GPU is waited for
        for step, (loss, rate) in enumerate(zip(losses, rates, strict=True), 1):
            if not math.isfinite(loss):
                raise TrainingDiverged(
                    f"run {self.config.name}: the loss is {loss} at epoch {epoch + 1}, step {step}, learning rate "
                    f"{rate:.2e}; lower optimizer.learning_rate, set gradient_clip, or try precision=fp32. "
                    "The last whole epoch is kept."
                )
        confusion = pick_classes(self.accelerator.reduce(pairs), logits.shape[1]).cpu().numpy()
        total = sum(loss * pixels for loss, pixels in zip(losses, scored, strict=True))
        losses = self.accelerator.reduce(torch.tensor(total, device=self.accelerator.device))
        row = {"epoch": epoch + 1, "stage": index + 1, "learning_rate": learning_rate}
        row["train_loss"] = float(losses / max(int(confusion.sum()), 1))
        row |= {f"train_{name}": float(value) for name, value in compute_metrics(confusion).items()}
        self.validate(row, criterion)
        row["seconds"] = time.perf_counter() - start
        row["processor_seconds"] = time.process_time() - processor  # what a busy machine does not stretch
        self.finish_epoch(row)

    def train_step(
        self, model: nn.Module, optimizer, batch: dict, scale: float, criterion: nn.Module
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One step of an optimizer: the whole batch's loss, and this process's logits (N,C,H,W) and targets (N,H,W)."""
        images, target = scale_batch(*unpack_batch(batch, self.accelerator.device), scale, self.network.stride)
        output = model(images.contiguous(memory_format=torch.channels_last))
        loss = criterion(output, target, sum_over_processes)
        optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(loss)
        if self.config.gradient_clip:
            self.accelerator.clip_grad_norm_(model.parameters(), self.config.gradient_clip)
        optimizer.step()
        logits = output["logits"] if isinstance(output, dict) else output
        return loss.detach(), resize(to_planes(logits.detach()), target.shape[-2:]), target

    def choose_max_lr(self, epoch: int, index: int, criterion: nn.Module) -> float:
        """The learning rate that a stage's schedule multiplies; a range test finds it on a copy of the network."""
        stage = self.stages[index]
        if stage.learning_rate != "range_test":
            return stage.learning_rate or self.config.optimizer.learning_rate
        if index not in self.state.range_tests:
            self.say(f"range test before stage {index + 1}")
            model, optimizer = copy.deepcopy((self.model, self.optimizer.optimizer))

            def step(batch: dict, learning_rate: float) -> float:
                set_learning_rate(optimizer, self.base_lrs, learning_rate / self.config.optimizer.learning_rate)
                return self.train_step(model, optimizer, batch, stage.scale, criterion)[0].item()

            self.loader.set_epoch(epoch)
            with torch.random.fork_rng(range(torch.cuda.device_count())):
                test = run_range_test(step, self.loader, f"run {self.config.name}, stage {index + 1}")
            self.say(f"range test: {test['reason']}")
            self.state.range_tests[index] = test
        return self.state.range_tests[index]["rate"]

    def validate(self, row: dict, criterion: nn.Module) -> None:
        """Scores the val split if it is due, into the epoch's row; keeps the weights if they are the best so far."""
        row["is_best"] = False
        if row["epoch"] % self.config.evaluation.every and row["epoch"] < self.config.epochs:
            return
        network = self.network if self.ema is None else self.ema.module
        scores = self.evaluate(network, criterion)
        row |= {f"val_{name}": value for name, value in scores.items()}
        if scores["mean_iou"] > self.state.best_mean_iou:
            row["is_best"] = True
            self.state.best_mean_iou, self.state.best_epoch = scores["mean_iou"], row["epoch"]
            if self.accelerator.is_main_process:
                save_weights(network, self.folder / "best.safetensors")

    def finish_epoch(self, row: dict) -> None:
        self.state.epoch = row["epoch"]
        self.state.history.append(row)
        if self.accelerator.is_main_process:
            write_text(self.folder / "history.csv", pd.DataFrame(self.state.history).to_csv(index=False))
        save_state(self.accelerator, self.folder / "last", self.state.epoch)
        self.say(describe_epoch(row, self.config.epochs, self.state.seconds / len(self.state.history)))

    def is_stalled(self) -> bool:
        waited = [r for r in self.state.history if r["epoch"] > self.state.best_epoch and "val_mean_iou" in r]
        return bool(self.config.patience) and len(waited) >= self.config.patience

    def say(self, text: str) -> None:
        if self.accelerator.is_main_process:
            tqdm.write(f"{self.config.label}: {text}", file=sys.stdout)
            sys.stdout.flush()


def scale_batch(images: Tensor, labels: Tensor, scale: float, stride: int) -> tuple[Tensor, Tensor]:
    """A training batch at a stage's input scale: images averaged, labels by nearest neighbor.

    Both are then padded to the network's stride, images by reflection and labels with void.
    """
    if scale != 1.0:
        size = [max(1, round(side * scale)) for side in labels.shape[-2:]]
        images = F.interpolate(images, size=size, mode="bilinear", antialias=True, align_corners=False)
        labels = F.interpolate(labels[:, None].float(), size=size, mode="nearest-exact")[:, 0].long()
    images = pad_to_stride(images, stride)
    bottom, right = (images.shape[i] - labels.shape[i] for i in (-2, -1))
    return images, F.pad(labels, (0, right, 0, bottom), value=VOID)


def describe_epoch(row: dict, epochs: int, mean_seconds: float) -> str:
    """One line for an epoch: losses, val mean IoU, whether it is the best so far, time and what is left."""
    parts = [f"epoch {row['epoch']:>3}/{epochs}", f"train loss {row['train_loss']:.3f}"]
    if "val_mean_iou" in row:
        best = " best" if row["is_best"] else ""
        parts += [f"val loss {row['val_loss']:.3f}", f"val mean IoU {row['val_mean_iou']:.3f}{best}"]
    left = (epochs - row["epoch"]) * mean_seconds
    parts.append(f"{format_seconds(row['seconds'])}" + (f", {format_seconds(left)} left" if left else ""))
    return ", ".join(parts)
