"""The training loop: plain PyTorch on Accelerate, resumable after every epoch, blind to the test split."""

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
from seg_helpers.config import ExperimentConfig, StageConfig
from seg_helpers.evaluation.counts import count_confusion
from seg_helpers.evaluation.metrics import compute_metrics
from seg_helpers.evaluation.prediction import pad_to_stride, resize_logits
from seg_helpers.files import write_text
from seg_helpers.progress import format_seconds
from seg_helpers.training.checkpoints import find_state, save_state, save_weights
from seg_helpers.training.losses import SegmentationLoss, TrainingDiverged, describe_cap
from seg_helpers.training.optimizers import build_optimizer, set_learning_rate
from seg_helpers.training.range_test import RangeTest, run_range_test
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
    stage_rates: dict[int, float] = field(default_factory=dict)  # stage to the rate its range test chose
    range_tests: dict[int, dict] = field(default_factory=dict)  # stage to the test's curve and reason
    history: list[dict] = field(default_factory=list)

    def state_dict(self) -> dict:
        return asdict(self)

    def load_state_dict(self, state: dict) -> None:
        self.__dict__.update(state)

    @property
    def seconds(self) -> float:
        return sum(row["seconds"] for row in self.history)


def train(
    model: nn.Module,
    loader,
    evaluate: Evaluate,
    config: ExperimentConfig,
    folder: Path,
    pixel_counts,
    accelerator: Accelerator,
    epochs: int | None = None,
) -> TrainerState:
    """Trains a network, or goes on where `folder/last` stands.

    However many processes share the run, a step is one over the loader's whole batch: each process takes an equal part
    of it, and loss, gradient, batch norms and training scores are those of all parts together. Only dropout, which
    each process draws for itself, tells a run of several processes from a run of one.

    The test split is not among the arguments: the caller scores it once, from the weights that validation chose.

    Args:
        model: the network, on the CPU.
        loader: whole training batches of `image` (N,3,H,W) and `label` (N,H,W); `dataset.set_epoch(epoch)` seeds order
            and augmentation.
        evaluate: scores a network on the val split: a dictionary of `loss` and metrics.
        config: the experiment.
        folder: the run's folder; gets `best.safetensors`, `history.csv` and `last/`.
        pixel_counts: (C,) pixels of each class in the training split, for class weights.
        accelerator: device, precision and processes.
        epochs: stop after so many, on the schedule of the whole run; None for all of it.

    Returns:
        The final state: history, best epoch and its val mean IoU.

    Raises:
        TrainingDiverged: the loss became NaN or infinite; the message has step, learning rate and remedy.
    """
    return _Trainer(model, loader, evaluate, config, folder, pixel_counts, accelerator).run(epochs)


class _Trainer:
    def __init__(self, model, loader, evaluate, config, folder, pixel_counts, accelerator):
        self.config, self.folder, self.evaluate, self.accelerator = config, folder, evaluate, accelerator
        self.pixel_counts = pixel_counts
        self.stages = config.planned_stages()
        self.state = TrainerState()
        model = model.to(accelerator.device, memory_format=torch.channels_last)
        if accelerator.num_processes > 1:
            model = share_batch_norms(model, accelerator.device)
            torch.manual_seed(config.seed + accelerator.process_index)  # the parts of a batch share no dropout mask
        optimizer = build_optimizer(model, config.optimizer)
        self.bare = model
        self.model, self.optimizer, self.loader = accelerator.prepare(model, optimizer, loader)
        accelerator.register_for_checkpointing(self.state)
        self.ema = None
        if config.ema:
            # buffers follow the network: averaged batch-norm statistics would lag behind it
            self.ema = AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(config.ema))
            accelerator.register_for_checkpointing(self.ema)

    def run(self, epochs: int | None) -> TrainerState:
        saved = find_state(self.folder / "last")
        if saved:
            next(iter(self.loader))  # starting the workers draws from the random state, which is restored next
            self.accelerator.load_state(str(saved))
            self.say(f"resuming after epoch {self.state.epoch} of {self.config.epochs}")
        for kind in dict.fromkeys((stage.loss or self.config.loss).class_weights for stage in self.stages):
            if held := describe_cap(self.pixel_counts, kind):
                self.say(held)
        last = epochs or self.config.epochs
        while self.state.epoch < last and not self.is_stalled():
            self.run_epoch(self.state.epoch)
        if self.state.epoch < last:
            self.say(f"stopped early: no better val mean IoU since epoch {self.state.best_epoch}")
        self.accelerator.unwrap_model(self.model, keep_fp32_wrapper=False)
        self.accelerator.free_memory()
        return self.state

    def run_epoch(self, epoch: int) -> None:
        start, processor = time.perf_counter(), time.process_time()
        index, first_epoch = stage_of(self.stages, epoch)
        stage = self.stages[index]
        criterion = self.build_criterion(stage)
        frozen = freeze_encoder(self.bare, stage.unfreeze)
        train_mode(self.model, frozen)
        self.loader.set_epoch(epoch)  # Accelerate's loader counts its passes itself, and passes that on, if not told
        peak = self.choose_rate(index, stage, criterion)
        self.loader.set_epoch(epoch)  # a range test's passes are not epochs
        losses, pixels, confusion, rate = 0.0, 0, 0, 0.0
        batches = tqdm(
            self.loader, f"epoch {epoch + 1}", leave=False, disable=not sys.stderr.isatty(), dynamic_ncols=True
        )
        for step, batch in enumerate(batches):
            rate = self.set_rate(peak, epoch, first_epoch, stage, step)
            loss, logits, labels = self.train_step(batch, stage, criterion, f"epoch {epoch + 1}, step {step + 1}", rate)
            scored = int((labels != VOID).sum())
            losses, pixels = losses + loss * scored, pixels + scored
            confusion = confusion + count_confusion(logits.argmax(1), labels, logits.shape[1])
        confusion = self.accelerator.reduce(confusion).cpu().numpy()
        totals = self.accelerator.reduce(torch.tensor([losses, pixels], device=self.accelerator.device))
        row = {"epoch": epoch + 1, "stage": index + 1, "learning_rate": rate}
        row["train_loss"] = float(totals[0] / max(float(totals[1]), 1.0))
        row |= {f"train_{name}": float(value) for name, value in compute_metrics(confusion).items()}
        self.validate(epoch, row, criterion)
        row["seconds"] = time.perf_counter() - start
        row["processor_seconds"] = time.process_time() - processor  # what a busy machine does not stretch
        self.finish_epoch(row)

    def build_criterion(self, stage: StageConfig) -> SegmentationLoss:
        weight = getattr(self.bare, "auxiliary_weight", 0.4)
        return SegmentationLoss(stage.loss or self.config.loss, self.pixel_counts, weight).to(self.accelerator.device)

    def set_rate(self, peak: float, epoch: int, first_epoch: int, stage: StageConfig, step: int) -> float:
        per_epoch, schedule = len(self.loader), self.config.schedule
        start, epochs = (first_epoch, stage.epochs) if schedule.span == "stage" else (0, self.config.epochs)
        factor = learning_rate_factor(schedule, (epoch - start) * per_epoch + step, epochs * per_epoch)
        return set_learning_rate(self.optimizer, factor * peak / self.config.optimizer.learning_rate)

    def choose_rate(self, index: int, stage: StageConfig, criterion: nn.Module) -> float:
        if stage.learning_rate != "range_test":
            return stage.learning_rate or self.config.optimizer.learning_rate
        if index not in self.state.stage_rates:
            self.say(f"range test before stage {index + 1}")
            step = lambda batch: self.train_step(batch, stage, criterion)[0]  # noqa: E731
            where = f"run {self.config.name}, stage {index + 1}"
            test: RangeTest = run_range_test(self.bare, self.optimizer, self.loader, step, where=where)
            self.say(f"range test: {test.reason}")
            self.state.stage_rates[index] = test.suggestion
            self.state.range_tests[index] = {
                "rate": test.suggestion,
                "reason": test.reason,
                "curve": test.curve.to_dict("list"),
            }
        return self.state.stage_rates[index]

    def train_step(
        self, batch: dict, stage: StageConfig, criterion: nn.Module, where: str = "", rate: float = 0.0
    ) -> tuple[float, Tensor, Tensor]:
        images, labels = scale_batch(batch["image"], batch["label"], stage.scale, self.bare.stride)
        output = self.model(images.contiguous(memory_format=torch.channels_last))
        loss = criterion(output, labels, sum_over_processes)
        value = loss.item()
        if where and not math.isfinite(value):
            raise TrainingDiverged(
                f"run {self.config.name}: the loss is {value} at {where}, learning rate {rate:.2e}; lower "
                f"optimizer.learning_rate, set gradient_clip, or try precision=fp32. The last whole epoch is kept."
            )
        self.optimizer.zero_grad(set_to_none=True)
        self.accelerator.backward(loss)
        if self.config.gradient_clip:
            self.accelerator.clip_grad_norm_(self.model.parameters(), self.config.gradient_clip)
        self.optimizer.step()
        if self.ema is not None and where:
            self.ema.update_parameters(self.bare)
        logits = output["logits"] if isinstance(output, dict) else output
        return value, resize_logits(logits.detach().float(), labels.shape[-2:]), labels

    def validate(self, epoch: int, row: dict, criterion: nn.Module) -> None:
        due = (epoch + 1) % self.config.evaluation.every == 0 or epoch + 1 == self.config.epochs
        row["is_best"] = False
        if not due:
            return
        network = self.ema.module if self.ema is not None else self.bare
        scores = self.evaluate(network, criterion)
        row |= {f"val_{name}": value for name, value in scores.items()}
        if scores["mean_iou"] > self.state.best_mean_iou:
            row["is_best"] = True
            self.state.best_mean_iou, self.state.best_epoch = scores["mean_iou"], epoch + 1
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
            tqdm.write(f"{self.config.name}: {text}", file=sys.stdout)
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
