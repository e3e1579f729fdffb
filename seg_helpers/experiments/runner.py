"""Asks for a run: loads it if it is finished, resumes it if it was begun, trains it otherwise; scores test once."""

import contextlib
import copy
import json
import shutil
from collections.abc import Collection
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import yaml
from accelerate import Accelerator
from accelerate.utils import broadcast_object_list, gather_object, set_seed
from accelerate.utils.memory import should_reduce_batch_size
from PIL import Image
from torch import nn

from seg_helpers.config import ConfigError, ExperimentConfig, Profile, load_profile
from seg_helpers.datasets import BRACKETED, unpack_batch
from seg_helpers.errors import SegError
from seg_helpers.evaluation.counts import COUNTERS
from seg_helpers.evaluation.metrics import compute_metrics
from seg_helpers.evaluation.prediction import evaluate_frames, predict_logits
from seg_helpers.evaluation.speed import Latency, measure_latency
from seg_helpers.evaluation.statistics import score_counts
from seg_helpers.experiments.folders import STARTED, choose_folder, find_recorded, fingerprint, hold_run, named_by
from seg_helpers.experiments.networks import build_configured, build_network, load_network  # noqa: F401
from seg_helpers.experiments.preparation import PreparedData, prepare_data
from seg_helpers.experiments.provenance import list_changes, list_versions, read_commit, utc_now
from seg_helpers.experiments.records import RECORD, Run, is_finished, read_run, read_sealed, write_counts, write_sealed
from seg_helpers.files import checksum_files, write_text, writing
from seg_helpers.locks import Held
from seg_helpers.models import ModelSummary, summarize_model
from seg_helpers.progress import track
from seg_helpers.training.checkpoints import epoch_of, find_state, load_weights, save_weights
from seg_helpers.training.devices import (
    build_accelerator,
    describe_device,
    detect_precision,
    keep_freed_memory,
    measure_peak_memory,
)
from seg_helpers.training.loop import Trainer, TrainerState
from seg_helpers.training.losses import SegmentationLoss
from seg_helpers.training.stages import freeze_encoder, train_mode


class TrainingStopped(SegError):
    """A run was interrupted, or had too little memory."""


HALF_LIMIT = 10_000_000  # bytes of weights that a repository can hold
PIXELS_AT_ONCE = 2**20  # of the labels that are scored in a batch, which is quicker than one by one and takes memory
SHARED_FRAMES = 4  # test frames, evenly spaced, that every model's prediction is kept for
EXAMPLES = {"good": (0.9, 0.8), "typical": (0.5, 0.45), "worst": (0.0, 0.05)}  # quantiles of the frames' mean IoU


def get_run(profile: str | Profile, name: str, seed: int | None = None) -> Run:
    """A profile's run, of its first seed unless one is given: loaded if finished, resumed if begun, else trained.

    Raises:
        ConfigError: the run is unknown, or the profile leaves it out (the message says why).
        Held: another process is making it.
        TrainingDiverged: the loss is no longer a number.
        TrainingStopped: it was interrupted, or needs more memory than there is.
    """
    profile = load_profile(profile)
    if name in profile.skipped:
        raise ConfigError(f"profile {profile.name} leaves {name} out: {profile.skipped[name]}")
    config = profile.experiment(name, seed)
    if name in profile.notes:
        print(f"{name}: note that {profile.notes[name]}")
    data = prepare_data(config.data, config.seed) if Path(config.data.root).is_dir() else None
    folder = find_recorded(profile, config, data.digest if data else None)
    if folder is None or not is_finished(folder):
        data = data or prepare_data(config.data, config.seed)  # which says what is wrong with the folder
        return _make_run(profile, config, data)
    run = named_by(read_run(folder), config)
    print(describe_origin(run))
    if data is None:
        print(f"{name}: the data set is not at {config.data.root}, so its digest is not checked")
    for (key, asked), (_, made) in zip(config.evaluation, run.config.evaluation, strict=True):
        if asked != made:  # test is scored once
            print(
                f"WARNING {name}: evaluation.{key} is {asked} now, but this run was scored with {made}, and those "
                f"scores stand; to make it anew, move {run.path} away"
            )
    return run


def get_runs(profile: Profile, *names: str) -> list[Run]:
    """The runs of these names that the profile trains, one for each of their seeds, as `get_run` has them."""
    return [get_run(profile, name, seed) for name in profile.kept(*names) for seed in profile.seeds(name)]


def describe_origin(run: Run) -> str:
    """A sentence on where a loaded run comes from, and what in the package has changed since it was made."""
    commit, dirty = run.session["commit"], run.session["dirty"]
    text = f"{run.name}: loaded, as made {run.record['finished']} on {run.trained_on}, seed {run.seed}"
    text += f", at commit {commit[:10] or 'unknown'}" + (" with local changes" if dirty else "")
    changed = list_changes(commit)
    if changed is None:
        return f"{text}, which this repository does not know"
    parts = dict.fromkeys(file.split("/")[1] for file in changed)
    return f"{text}; since then {', '.join(parts)} have changed in seg_helpers" if parts else text


def measure_runs(runs: list[Run], size: tuple[int, int] | None = None) -> list[Latency]:
    """Times each run's network, whatever its weights, at (height, width), or at the size that the run was scored at."""
    networks = ((run, build_configured(run.config, run.classes.num_classes)) for run in track(runs, "timing networks"))
    return [measure_network(network, size or run.metrics["size"]) for run, network in networks]


def measure_network(network: nn.Module, size: tuple[int, int]) -> Latency:
    """Times a network on one image of (height, width), on the device and in the precision that runs are trained in."""
    device = Accelerator().device
    keep_freed_memory()  # as runs are trained: what a page times must not depend on what ran before
    network = network.to(device).to(memory_format=torch.channels_last)
    return measure_latency(network, size, detect_precision(device))


def _make_run(profile: Profile, config: ExperimentConfig, data: PreparedData) -> Run:
    """Trains and scores; what cannot be trained is said before anything is written."""
    accelerator = build_accelerator(config.precision, any(stage.unfreeze != "all" for stage in config.stages))
    frames, processes = data.batch_size(config), accelerator.num_processes
    if frames % processes:
        raise ConfigError(
            f"run {config.name}: batch_size: {frames} frames a step cannot be divided over {processes} processes: set "
            f"a multiple of {processes}, or launch fewer processes"
        )
    if frames < config.batch_size:
        print(
            f"{config.name}: batch_size is {config.batch_size}, but there are {frames} training frames: so many a step"
        )
    set_seed(config.seed)
    weights = {"encoder_weights": config.model.encoder_weights, "weights_file": profile.weights}
    model = build_configured(config, data.classes.num_classes, **weights)
    for number, stage in enumerate(config.planned_stages(), start=1):
        try:
            freeze_encoder(model, stage.unfreeze)
        except ValueError as error:
            raise ConfigError(f"run {config.name}: stage {number}: {error}") from error
    freeze_encoder(model, "all")
    with contextlib.ExitStack() as stack:
        folder = None
        if accelerator.is_main_process:
            try:
                stack.enter_context(hold_run(profile, config))
                folder = choose_folder(profile, config, data.digest)
            except Held as error:
                folder = error
        (folder,) = broadcast_object_list([folder])  # all processes meet the same
        if isinstance(folder, Held):
            raise folder
        if not is_finished(folder):  # another process may just have made it
            stop = ""
            try:
                _train_and_score(model, config, data, folder, accelerator)
            except (KeyboardInterrupt, MemoryError, RuntimeError) as error:
                stop = _explain_stop(error, config, folder)
                if not stop:
                    raise
            if stop:  # raised out here: with the first error in its context, that one's frames would keep the memory
                raise TrainingStopped(stop)
    return named_by(read_run(folder), config)


def _explain_stop(error: BaseException, config: ExperimentConfig, folder: Path) -> str:
    """What an interruption or a lack of memory means, what is kept, and what to do; empty for any other error."""
    if isinstance(error, KeyboardInterrupt):
        said = "stopped"
    elif isinstance(error, MemoryError) or should_reduce_batch_size(error):
        crop, size = config.augmentation.crop, config.data.size
        said = (
            f"out of memory: lower batch_size ({config.batch_size}), augmentation.crop ({crop}) or data.size ({size})"
        )
    else:
        return ""
    saved = find_state(folder / "last")
    kept = f"{epoch_of(saved)} of {config.epochs} epochs are saved" if saved else "no epoch was done"
    return f"{config.name}: {said}; {kept}, and with the same settings it goes on from there"


def try_learning_rates(network: nn.Module, data: PreparedData, config: ExperimentConfig) -> dict:
    """What `run_range_test` makes of a copy of a network in the first stage of these settings, which asks for it."""
    accelerator = build_accelerator(config.precision)
    loader, pixels = data.train_loader(config), data.train_pixels()
    trainer = Trainer(copy.deepcopy(network), loader, lambda *_: {}, config, Path(), pixels, accelerator)
    train_mode(trainer.model, freeze_encoder(trainer.network, config.planned_stages()[0].unfreeze))
    trainer.choose_max_lr(0, 0, SegmentationLoss(config.loss, pixels).to(accelerator.device))
    return trainer.state.range_tests[0]


def _train_and_score(model, config, data, folder, accelerator) -> None:
    precision = "bf16" if accelerator.mixed_precision == "bf16" else "fp32"
    if accelerator.is_main_process:
        folder.mkdir(parents=True, exist_ok=True)
        write_text(folder / "config.yaml", yaml.safe_dump(config.portable(), sort_keys=False))
        _note_session(folder, data, accelerator, precision)
        weights = config.model.encoder_weights
        print(
            f"{config.label}: training {config.model.name} from "
            f"{'random weights' if weights == 'none' else f'{Path(weights).name} encoder weights'} for {config.epochs} "
            f"epochs on {len(data.rows('train'))} frames, {describe_device(accelerator.device)}, {precision}",
            flush=True,
        )
    accelerator.wait_for_everyone()

    def evaluate(network: nn.Module, criterion: nn.Module) -> dict[str, float]:
        counts, loss = score_split(network, data, "val", accelerator, precision, criterion)
        return {"loss": loss} | {k: float(v) for k, v in compute_metrics(counts["confusion"].sum(0)).items()}

    loader = data.train_loader(config)
    state = Trainer(model, loader, evaluate, config, folder, data.train_pixels(), accelerator).train()
    load_weights(model, folder / "best.safetensors")
    counts = _score(model, config, data, accelerator, precision)
    if accelerator.is_main_process:
        final = "test" if "test" in counts else "val"
        with writing(folder):
            _keep_predictions(model, data, final, counts[final]["confusion"], folder / "predictions", precision)
            if not config.ablation:
                keep_half(model, folder / "half.safetensors")
            summary = summarize_model(model, data.cache.size)
            _write_record(folder, counts, config, data, state, summary, accelerator.device)
    accelerator.wait_for_everyone()


def _score(model, config, data, accelerator, precision) -> dict[str, dict[str, np.ndarray]]:
    """Every held-out split's counts of every kind, and the confusions of test seen in several views."""
    counts = {}
    for split in ("val", BRACKETED, "test"):
        if data.rows(split) and (split != "test" or config.evaluation.test):
            counts[split], _ = score_split(model, data, split, accelerator, precision, kinds=tuple(COUNTERS))
    if "test" in counts and config.evaluation.extra:
        views = {"scales": config.evaluation.scales, "flip": config.evaluation.flip}
        counts["test_multiscale"], _ = score_split(model, data, "test", accelerator, precision, **views)
    return counts


def _write_record(folder, counts, config, data, state: TrainerState, summary: ModelSummary, device) -> None:
    """Counts by frame, from which every score comes, `metrics.json`, a summary for people, and what made the run."""
    metrics = {
        "run": config.name,
        "class_set": data.classes.name,
        "classes": list(data.classes.names),
        "colors": data.classes.colors.tolist(),
        "epochs": state.epoch,
        "best_epoch": state.best_epoch,
        "size": list(data.cache.size),
        "parameters": summary.parameters,
        "multiply_adds": summary.multiply_adds,
        "suspect_frames": data.frames["name"].iloc[data.suspects].tolist(),
        "val": None,
        "test": None,
    }
    for split, kinds in counts.items():
        metrics[split] = score_counts(kinds, data.classes.names, config.evaluation.bootstrap, config.seed)
    write_counts(folder, counts, {split: data.names(split) for split in counts if split != "test_multiscale"})
    write_text(folder / "metrics.json", json.dumps(metrics, indent=1))
    if state.range_tests:
        write_text(folder / "range_tests.json", json.dumps(state.range_tests))
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != STARTED]
    files = [path for path in files if folder / "last" not in path.parents and ".part" not in path.name]
    frames, batch = len(data.rows("train")) * config.data.expand, data.batch_size(config)
    record = read_sealed(folder / STARTED) | {
        "fingerprint": fingerprint(config, data.digest),
        "finished": utc_now(),
        "training_seconds": state.seconds,
        "images_per_second": state.epoch * (frames - frames % batch) / state.seconds,
        "peak_memory": measure_peak_memory(device),
        "files": checksum_files(folder, files),
    }
    write_sealed(folder / RECORD, record)  # with it in place the run is finished
    (folder / STARTED).unlink()
    shutil.rmtree(folder / "last", ignore_errors=True)


def keep_half(model: nn.Module, path: Path) -> None:
    """Writes a network's weights in half precision if they are small enough to be committed: no page needs more."""
    half = copy.deepcopy(model).half()
    if sum(tensor.nbytes for tensor in half.state_dict().values()) <= HALF_LIMIT:
        save_weights(half, path)


def score_split(
    model: nn.Module, data: PreparedData, split: str, accelerator: Accelerator, precision: str,
    criterion: nn.Module | None = None, **how,
) -> tuple[dict[str, np.ndarray], float]:  # fmt: skip
    """Scores a split's frames, shared out over the processes: counts of each kind, in the rows' order, and the loss."""
    rows = data.rows(split)
    mine = rows[accelerator.process_index :: accelerator.num_processes]
    found = evaluate_frames(model, data.frames_of(split, mine, PIXELS_AT_ONCE), criterion, precision=precision, **how)
    parts = gather_object([found]) if accelerator.num_processes > 1 else [found]
    parts = [part for part in parts if len(part[0])]  # there may be fewer frames than processes
    order = np.argsort(np.concatenate([indices for indices, _, _ in parts]))
    counts = {kind: np.concatenate([counts[kind] for _, counts, _ in parts])[order] for kind in found[1]}
    return counts, sum(loss * len(indices) for indices, _, loss in parts) / len(rows)


def choose_examples(confusions: np.ndarray, suspect: Collection[int] = ()) -> dict[str, list[int]]:
    """Positions of frames worth showing: those of `EXAMPLES`, and `shared`, evenly spaced whatever the model scored.

    They come from (frames, C, C) pixel counts; those whose label is suspect are not chosen.
    """
    sound = np.setdiff1d(np.arange(len(confusions)), list(suspect))
    sound = sound if len(sound) else np.arange(len(confusions))
    ranked = sound[np.argsort(compute_metrics(confusions[sound])["mean_iou"], kind="stable")]
    last = len(sound) - 1
    chosen = {kind: [int(ranked[round(share * last)]) for share in shares] for kind, shares in EXAMPLES.items()}
    spaced = np.linspace(0, last, SHARED_FRAMES + 2)[1:-1].round().astype(int)
    return chosen | {"shared": np.unique(sound[spaced]).tolist()}


@torch.inference_mode()
def _keep_predictions(model, data: PreparedData, split: str, confusions, target: Path, precision: str) -> None:
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir()
    rows, names, examples = data.rows(split), data.names(split), []
    suspect = np.flatnonzero(np.isin(rows, data.suspects)).tolist()
    scores = compute_metrics(confusions)["mean_iou"]
    device = next(model.parameters()).device
    for kind, positions in choose_examples(confusions, suspect).items():
        for position in positions:
            images, labels = unpack_batch(next(data.frames_of(split, [rows[position]])), device)
            logits = predict_logits(model, images, labels.shape[-2:], precision=precision)
            file = names[position].replace("/", "_", 1) + ".png"
            Image.fromarray(logits.argmax(1)[0].cpu().numpy().astype(np.uint8)).save(target / file, optimize=True)
            examples.append((kind, split, names[position], scores[position], file))
    table = pd.DataFrame(examples, columns=["kind", "split", "frame", "mean_iou", "prediction"])
    write_text(target / "examples.csv", table.to_csv(index=False))


def _note_session(folder: Path, data: PreparedData, accelerator: Accelerator, precision: str) -> None:
    """Adds to `started.json` that the run is begun, or gone on with, here and now."""
    saved = find_state(folder / "last")
    if saved:
        started = read_sealed(folder / STARTED)
    else:  # what is there is of an attempt that never came to its first epoch's end
        frames = {split: len(data.rows(split)) for split in ("train", "val", "test")}
        started = {"data_digest": data.digest, "frames": frames, "sessions": []}
    commit, dirty = read_commit()
    session = {
        "started": utc_now(),
        "after_epoch": epoch_of(saved) if saved else 0,
        "commit": commit,
        "dirty": dirty,
        "device": describe_device(accelerator.device),
        "processes": accelerator.num_processes,
        "precision": precision,
        "versions": list_versions(),
    }
    started["sessions"].append(session)
    write_sealed(folder / STARTED, started)
