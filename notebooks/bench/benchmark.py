"""What `00_speed.ipynb` measures: training steps, validation, loading and prediction, each against another, in turns.

What is compared stands in processes of its own, one thread each, which take turns step by step: what disturbs the
machine disturbs all sides alike, and the way in which one side keeps freed memory does not help another.
"""

import functools
import itertools
import multiprocessing
import os
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import psutil
import segmentation_models_pytorch as smp
import torch
import torch.nn.functional as F
from accelerate import Accelerator
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from seg_helpers.config import AugmentationConfig, ExperimentConfig, LossConfig
from seg_helpers.datasets import (
    Cache,
    SegmentationDataset,
    build_augmentation,
    read_dataset,
    read_image,
    unpack_batch,
)
from seg_helpers.datasets.files import read_label
from seg_helpers.evaluation.counts import count_pairs
from seg_helpers.evaluation.prediction import evaluate_frames, predict_logits
from seg_helpers.models import build_model, list_models, summarize_model
from seg_helpers.progress import track
from seg_helpers.training.devices import build_accelerator, detect_precision, keep_freed_memory
from seg_helpers.training.loop import Trainer
from seg_helpers.training.losses import SegmentationLoss

CLASSES = 11
NETWORKS = {  # name to the arguments of `build_model`, and to the library's own class where it has one
    "FCN-8s": ({"name": "fcn", "encoder": "mobilenet_v2"}, None),
    "U-Net": ({"name": "unet", "encoder": "mobilenet_v2"}, smp.Unet),
    "PSPNet": ({"name": "pspnet", "encoder": "mobilenet_v2", "output_stride": 16}, None),
    "DeepLabV3+": ({"name": "deeplabv3plus", "encoder": "mobilenet_v2"}, smp.DeepLabV3Plus),
    "Fast-SCNN": ({"name": "fast_scnn"}, None),
    "Mini-HRNet 3": ({"name": "mini_hrnet", "approach": 3}, None),
}
SIZE = (352, 480)  # height and width of training crops of CamVid
LOSS = LossConfig.model_validate({"terms": [{"name": "cross_entropy"}, {"name": "dice", "weight": 0.5}]})
Step = Callable[[], object]


def time_in_turns(sides: dict[str, Callable[[], Step]], turns: int = 5) -> pd.DataFrame:
    """Times the steps of several sides, each in a process of its own, one after another in every turn.

    Args:
        sides: name to a function that prepares, in the side's process, the step that is timed; it has to be picklable.
        turns: how often each side's step is timed, after one that is not.

    Returns:
        A row a `turn`, which is the index; a column a side: seconds.
    """
    context = multiprocessing.get_context("spawn")
    workers = {}
    for name, prepare in sides.items():
        connection, theirs = context.Pipe()
        process = context.Process(target=_serve_steps, args=(prepare, theirs), daemon=True)
        process.start()
        workers[name] = connection, process
    for connection, _ in workers.values():
        connection.recv()
    rows = []
    for _ in range(turns):
        row = {}
        for name, (connection, _process) in workers.items():
            connection.send(True)
            row[name] = connection.recv()
        rows.append(row)
    for connection, process in workers.values():
        connection.send(False)
        process.join()
    return pd.DataFrame(rows).rename_axis("turn")


def _serve_steps(prepare: Callable[[], Step], connection) -> None:
    torch.set_num_threads(1)
    cv2.setNumThreads(0)
    step = prepare()
    step()
    connection.send(None)
    while connection.recv():
        start = time.perf_counter()
        step()
        connection.send(time.perf_counter() - start)


def make_batch(size: tuple[int, int], frames: int) -> dict[str, Tensor]:
    """A batch as the loader gives it: noise, labeled in squares of 32 pixels, a twelfth of them void."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.randint(0, CLASSES + 1, (frames, 1, size[0] // 32, size[1] // 32), generator=generator)
    label = F.interpolate(coarse.float(), size, mode="nearest")[:, 0].byte()
    label[label == CLASSES] = 255
    return {"image": torch.randint(256, (frames, 3, *size), generator=generator, dtype=torch.uint8), "label": label}


def prepare_examples(name: str, size: tuple[int, int], frames: int, tuned: bool = False) -> Step:
    """A step as the libraries' own examples write it: the network as it is built, their losses, Adam.

    Args:
        name: of `NETWORKS`.
        size: (height, width) of the images.
        frames: in a batch.
        tuned: by the advice of PyTorch's tuning guide: channels last, a fused optimizer, bfloat16 if the CPU computes in it.
    """
    options, library = NETWORKS[name]
    model = (
        library("mobilenet_v2", encoder_weights=None, classes=CLASSES)
        if library
        else build_model(num_classes=CLASSES, **options)
    )
    model.train()
    device = Accelerator().device
    model, (images, labels) = model.to(device), unpack_batch(make_batch(size, frames), device)
    half = tuned and detect_precision(images.device) == "bf16"
    if tuned:
        model = model.to(memory_format=torch.channels_last)
        images = images.contiguous(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=tuned)
    dice = smp.losses.DiceLoss("multiclass", ignore_index=255)

    def step() -> float:
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            logits = model(images)
        loss = F.cross_entropy(logits.float(), labels, ignore_index=255) + 0.5 * dice(logits.float(), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        return loss.item()

    return step


def prepare_ours(options: dict, size: tuple[int, int], frames: int, keep_memory: bool = True) -> Step:
    """A step of this package's loop: the same two losses, AdamW, clipping, averaged weights and training scores too.

    Args:
        options: the arguments of `build_model`.
        keep_memory: whether freed memory is kept for the next step, as in training.
    """
    os.environ["SEG_KEEP_MEMORY"] = str(int(keep_memory))
    config = ExperimentConfig.model_validate(
        {"name": "step", "model": {"name": options["name"]}, "loss": LOSS, "gradient_clip": 1.0, "ema": 0.99}
    )
    batch = make_batch(size, frames)
    counts = np.ones(CLASSES)
    accelerator = build_accelerator()
    loader = torch.utils.data.DataLoader([0])  # the batch is given by hand
    network = build_model(num_classes=CLASSES, **options).train()
    trainer = Trainer(network, loader, lambda *_: {}, config, Path(), counts, accelerator)  # writes nothing
    criterion = SegmentationLoss(LOSS, counts)

    def step() -> float:
        value, logits, target = trainer.train_step(trainer.model, trainer.optimizer, batch, 1.0, criterion)
        trainer.ema.update_parameters(trainer.network)
        count_pairs(logits.max(1).indices, target)
        return value.item()

    return step


def compare_steps(
    names: Sequence[str] = tuple(NETWORKS), size: tuple[int, int] = SIZE, frames: int = 8, turns: int = 4
) -> pd.DataFrame:
    """Times a training step of each network by the examples' loop, the examples' tuned, and this package's.

    Returns:
        A row a network and turn: network, turn, and milliseconds an image by `examples`, `tuned`, `ours` and, where
        freed memory goes back to the system, `unkept`.
    """
    found = []
    for name in track(list(names), "training steps"):
        sides = {
            "examples": functools.partial(prepare_examples, name, size, frames),
            "tuned": functools.partial(prepare_examples, name, size, frames, tuned=True),
            "ours": functools.partial(prepare_ours, NETWORKS[name][0], size, frames),
            "unkept": functools.partial(prepare_ours, NETWORKS[name][0], size, frames, keep_memory=False),
        }
        found.append((time_in_turns(sides, turns) * 1000 / frames).assign(network=name).reset_index())
    return pd.concat(found, ignore_index=True)


def measure_gpu(size: tuple[int, int] = SIZE, frames: int = 8, steps: int = 20) -> pd.DataFrame:
    """Times training steps of every network of the zoo on this machine's GPU; no row where there is none.

    Returns:
        A row a network: network, images a second, and the memory that a step needs at most in mebibytes.
    """
    rows = []
    for name in track(list(list_models().index) if torch.cuda.is_available() else [], "training on the GPU"):
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
        step = prepare_ours({"name": name}, size, frames)
        step()
        start = time.perf_counter()
        for _ in range(steps):
            step()  # which returns its loss, so that it is waited for
        rows.append((name, steps * frames / (time.perf_counter() - start), torch.cuda.max_memory_allocated() / 2**20))
    return pd.DataFrame(rows, columns=["network", "images a second", "mebibytes"])


def prepare_validation(name: str, size: tuple[int, int], frames: int, ours: bool) -> Step:
    """Loss and counts of frames: as this package scores them, or one by one in float32, as the libraries' examples do."""
    network = build_model(num_classes=CLASSES, **NETWORKS[name][0]).eval()
    batch, criterion = (
        make_batch(size, frames) | {"index": torch.arange(frames)},
        SegmentationLoss(LOSS, np.ones(CLASSES)),
    )
    if ours:
        keep_freed_memory()
        network, precision = network.to(memory_format=torch.channels_last), detect_precision(torch.device("cpu"))
        return functools.partial(evaluate_frames, network, [batch], criterion, precision=precision)
    dice = smp.losses.DiceLoss("multiclass", ignore_index=255)

    @torch.inference_mode()
    def score_frames() -> None:
        for frame, label in zip(*(tensor.split(1) for tensor in unpack_batch(batch)), strict=True):
            logits = network(frame)
            (F.cross_entropy(logits, label, ignore_index=255) + 0.5 * dice(logits, label)).item()
            smp.metrics.get_stats(logits.argmax(1), label, "multiclass", ignore_index=255, num_classes=CLASSES)

    return score_frames


def compare_validation(
    names: Sequence[str] = ("Fast-SCNN", "DeepLabV3+"), size: tuple[int, int] = SIZE, frames: int = 6, turns: int = 5
) -> pd.DataFrame:
    """Times scoring: a row a network and turn, with the seconds that 101 frames take by `examples` and `ours`."""
    found = []
    for name in names:
        sides = {
            side: functools.partial(prepare_validation, name, size, frames, side == "ours")
            for side in ("examples", "ours")
        }
        found.append((time_in_turns(sides, turns) * 101 / frames).assign(network=name).reset_index())
    return pd.concat(found, ignore_index=True)


def measure_matrix_rate(side: int = 2048, turns: int = 5) -> dict[str, float]:
    """Multiply-adds a second of one thread in a product of square matrices: the best of its turns, by precision."""
    rates = {}
    for precision, kind in {"fp32": torch.float32, "bf16": torch.bfloat16}.items():
        first, second = (torch.randn(side, side).to(kind) for _ in range(2))
        seconds = []
        for _ in range(turns):
            start = time.perf_counter()
            first @ second
            seconds.append(time.perf_counter() - start)
        rates[precision] = side**3 / min(seconds)
    return rates


def prepare_prediction(name: str, size: tuple[int, int], precision: str = "fp32", folded: bool = False) -> Step:
    """One image through a network as scores are made; `folded`: batch norms are made part of the convolutions."""
    network = build_model(num_classes=CLASSES, **NETWORKS[name][0]).eval()
    if folded:
        fold_batch_norms(network)
    network, image = network.to(memory_format=torch.channels_last), torch.randn(1, 3, *size)
    return functools.partial(predict_logits, network, image, precision=precision)


def fold_batch_norms(module: nn.Module) -> None:
    """Makes each batch norm that directly follows a convolution part of it, in place, for inference."""
    children = list(module.named_children())
    for (name, first), (after, second) in itertools.pairwise(children):
        if (
            isinstance(first, nn.Conv2d)
            and type(second) is nn.BatchNorm2d
            and first.out_channels == second.num_features
        ):
            setattr(module, name, fuse_conv_bn_eval(first, second))
            setattr(module, after, nn.Identity())
    for _, child in children:
        fold_batch_norms(child)


def compare_predictions(
    names: Sequence[str] = ("Fast-SCNN", "Mini-HRNet 3", "U-Net"),
    sizes: Sequence[tuple[int, int]] = ((360, 480), (720, 960), (1024, 2048)),
    turns: int = 4,
) -> pd.DataFrame:
    """Times prediction in float32, in bfloat16 and with batch norms folded.

    Returns:
        A row a network, size and turn: network, size, turn, multiply_adds of the network at that size, and seconds an
        image by `fp32`, `bf16` and `folded`.
    """
    kinds = {"fp32": {}, "bf16": {"precision": "bf16"}, "folded": {"folded": True}}
    found = []
    for name, size in track([(name, size) for name in names for size in sizes], "predictions"):
        sides = {kind: functools.partial(prepare_prediction, name, size, **how) for kind, how in kinds.items()}
        cost = summarize_model(build_model(num_classes=CLASSES, **NETWORKS[name][0]), size).multiply_adds
        times = time_in_turns(sides, turns).assign(network=name, size=f"{size[1]}x{size[0]}", multiply_adds=cost)
        found.append(times.reset_index())
    return pd.concat(found, ignore_index=True)


def write_frames(root: Path, frames: int, size: tuple[int, int]) -> None:
    """Writes a data set of noise in squares, as PNG files in the SegNet layout: `frames` to train on, one to validate."""
    generator = np.random.default_rng(0)
    for split, count in (("train", frames), ("val", 1)):
        for folder in (root / split, root / f"{split}annot"):
            folder.mkdir(parents=True, exist_ok=True)
        for number in range(count):
            coarse = generator.integers(0, CLASSES, (size[0] // 32, size[1] // 32)).astype(np.uint8)
            label = np.kron(coarse, np.ones((32, 32), np.uint8))
            image = np.stack([label * 20] * 3, -1) + generator.integers(0, 40, (*label.shape, 3), dtype=np.uint8)
            cv2.imwrite(str(root / split / f"clip_{number:06}.png"), image)
            cv2.imwrite(str(root / f"{split}annot" / f"clip_{number:06}.png"), label)


def prepare_loading(root: Path, cached: bool) -> Step:
    """One augmented sample of half the frames' height and width: from the cache, or with its files decoded anew."""
    dataset = read_dataset(root, cache_dir=root / "cache")
    height, width = dataset.cache.size
    augmentation = build_augmentation(AugmentationConfig(), (height // 2, width // 2))
    samples = SegmentationDataset(dataset.cache, range(len(dataset.frames)), augmentation)
    positions = itertools.cycle(range(len(samples)))

    def decode_sample() -> None:
        frame = dataset.frames.iloc[next(positions)]
        image, label = read_image(frame["image"]), read_label(frame["label"], dataset.classes)
        augmentation(image, label, 0)

    return (lambda: samples[next(positions)]) if cached else decode_sample


def compare_loading(frames: int = 12, size: tuple[int, int] = (1024, 2048), turns: int = 30) -> pd.DataFrame:
    """Times loading a sample from the cache and by decoding its files: a row a turn, seconds by `cached`, `decoded`."""
    with tempfile.TemporaryDirectory() as folder:
        write_frames(Path(folder), frames, size)
        sides = {"cached": True, "decoded": False}
        prepared = {side: functools.partial(prepare_loading, Path(folder), cached) for side, cached in sides.items()}
        return time_in_turns(prepared, turns)


def measure_memory(counts: Sequence[int] = (1000, 10_000), size: tuple[int, int] = (1024, 2048)) -> pd.DataFrame:
    """What reading every fiftieth of ever more frames adds to the memory that its process has for itself.

    The frames are empty and take no room on the disk, so that there can be many of them. Pages of their file that the
    system keeps in memory are not the process's own.

    Returns:
        A row a number of frames: frames, mebibytes.
    """
    rows = []
    for count in counts:
        with tempfile.TemporaryDirectory() as folder:
            for name, shape in (("images", (count, *size, 3)), ("labels", (count, *size))):
                np.lib.format.open_memmap(Path(folder) / f"{name}.npy", "w+", np.uint8, shape)  # sparse
            samples = SegmentationDataset(
                Cache(Path(folder)), range(count), build_augmentation(AugmentationConfig(), (512, 1024))
            )
            before = _own_memory()
            for position in track(range(0, count, 50), f"reading {count} frames"):
                samples[position]
            rows.append((count, (_own_memory() - before) / 2**20))
    return pd.DataFrame(rows, columns=["frames", "mebibytes"])


def _own_memory() -> int:
    """Bytes in memory that are of no file."""
    memory = psutil.Process().memory_info()
    return memory.rss - memory.shared
