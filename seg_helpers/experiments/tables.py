"""Runs beside each other: a row a run, a row a name over its seeds, and paired differences on the same frames."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from seg_helpers.config import Profile
from seg_helpers.errors import SegError
from seg_helpers.evaluation.statistics import PairedDifference, compare_paired, correct_holm
from seg_helpers.experiments.records import Run

STARTS = {"imagenet": "ImageNet", "none": "random"}  # what `encoder_weights` are called in tables
SCORES = ["mean_iou", "pixel_accuracy", "mean_dice", "mean_boundary_iou", "calibration_error"]


def tabulate_runs(runs: list[Run]) -> pd.DataFrame:
    """A row a run: what it scored, what it is made of and what it cost.

    Columns: title, seed, recipe, group, ablation, dataset, split, size (HxW of the network's input), start (`ImageNet`,
    a weights file's name, or `random`), `SCORES`, mean_iou_low, mean_iou_high, val_mean_iou, multiscale_mean_iou,
    parameters, multiply_adds, epochs, best_epoch, training_seconds, device, commit. The index is the run's name.
    """
    rows = []
    for run in runs:
        low, high = run.interval
        weights = run.config.model.encoder_weights
        rows.append(
            {
                "run": run.name,
                "title": run.title,
                "seed": run.seed,
                **{name: getattr(run.config, name) for name in ("recipe", "group", "ablation")},
                "dataset": run.config.data.dataset,
                "split": run.final_split,
                "size": "x".join(map(str, run.metrics["size"])),
                "start": STARTS.get(weights, Path(weights).name),
                **{name: run.totals[run.final_split].get(name, np.nan) for name in SCORES},
                "mean_iou_low": low,
                "mean_iou_high": high,
                "val_mean_iou": run.totals["val"]["mean_iou"],
                "multiscale_mean_iou": run.totals.get("test_multiscale", {}).get("mean_iou", np.nan),
                **{name: run.metrics[name] for name in ("parameters", "multiply_adds", "epochs", "best_epoch")},
                "training_seconds": run.record["training_seconds"],
                "device": run.trained_on,
                "commit": run.session["commit"],
            }
        )
    return pd.DataFrame(rows).set_index("run") if rows else pd.DataFrame(rows)


def average_seeds(table: pd.DataFrame) -> pd.DataFrame:
    """A row a name of a table of `tabulate_runs`, best first: the means over its seeds.

    Scores and seconds are averaged, all else is of the lowest seed; `seeds`, a tuple of them, stands for `seed`, and
    `each` is their mean IoUs. The interval is about frames, not seeds: its ends are the means of the seeds' own, so
    that it is at least as wide as that of the mean.
    """
    if table.empty:
        return table
    groups = table.sort_values("seed").groupby(level="run", sort=False)
    measured = [*SCORES, "mean_iou_low", "mean_iou_high", "val_mean_iou", "multiscale_mean_iou", "training_seconds"]
    rows = groups.first().drop(columns="seed")
    rows[measured] = groups[measured].mean()
    rows = rows.assign(seeds=groups["seed"].agg(tuple), each=groups["mean_iou"].agg(tuple))
    return rows.sort_values("mean_iou", ascending=False)


def list_notes(profile: Profile, runs: Iterable[Run]) -> list[str]:
    """What the profile has to say of these runs, a sentence for all that share it."""
    named = {run.name: run.title for run in runs}
    noted = [(profile.notes[name], title) for name, title in named.items() if name in profile.notes]
    titles = {note: [title for other, title in noted if other == note] for note, _ in noted}
    return [f"Of {' and '.join(sharing)}, note that {note}." for note, sharing in titles.items()]


def compare_runs(runs: list[Run], baseline: Run, metric: str = "mean_iou") -> pd.DataFrame:
    """Paired bootstrap of each run against the baseline on the same frames, a row a name.

    Of a name that is there with several seeds, each is set against the baseline of its own seed where `runs` holds it,
    else against `baseline`, and the differences are averaged.

    Returns:
        `name` (the run's title) and what `PairedDifference` holds, its p-values corrected by Holm over the rows;
        `clear`, whether the corrected one is below 0.05 and all seeds differ in the same direction.

    Raises:
        SegError: two runs were not scored on the same frames of the same split in the same classes.
    """
    baselines = {run.seed: run for run in runs if run.name == baseline.name} | {baseline.seed: baseline}
    split, pairs = baseline.final_split, {}
    for run in runs:
        if run.name == baseline.name:
            continue
        rival = baselines.get(run.seed, baseline)
        if (run.scored_frames.get(split), run.classes) != (rival.scored_frames.get(split), rival.classes):
            raise SegError(f"{run.name} and {rival.name} were not scored on the same {split} frames and classes")
        pairs.setdefault(run.name, (run.title, []))[1].append((run.confusions[split], rival.confusions[split]))
    return _differences(pairs.values(), metric)


def compare_multiscale(runs: list[Run]) -> pd.DataFrame:
    """Paired bootstrap of several views a frame against one, a row a run scored both ways: as from `compare_runs`."""
    scored = [run for run in runs if "test_multiscale" in run.confusions]
    return _differences([(run.title, [(run.confusions["test_multiscale"], run.confusions["test"])]) for run in scored])


def _differences(pairs: Iterable[tuple[str, list]], metric: str = "mean_iou") -> pd.DataFrame:
    """A row a (name, pairs of the frames' confusions and the baseline's, a pair a seed)."""
    rows = []
    for name, seeds in pairs:
        mine, baselines = (np.stack(counts) for counts in zip(*seeds, strict=True))
        rows.append((name, *compare_paired(mine, baselines, metric)))
    table = pd.DataFrame(rows, columns=["name", *PairedDifference._fields])
    table["p_value"] = correct_holm(table["p_value"])
    agree = [len(set(np.sign(each))) == 1 for each in table["each"]]
    return table.assign(clear=(table["p_value"] < 0.05) & np.array(agree, bool))
