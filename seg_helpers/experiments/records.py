"""A run as its folder records it; reading one needs neither the data set nor the weights."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import yaml
from PIL import Image
from pydantic import ValidationError

from seg_helpers.classes import ClassSet, recall_class_set
from seg_helpers.config import YAML_LOADER, ExperimentConfig, resolve
from seg_helpers.errors import SegError
from seg_helpers.evaluation.metrics import total_scores
from seg_helpers.evaluation.statistics import bootstrap_interval, score_counts
from seg_helpers.files import UNREADABLE, find_damage, write_text
from seg_helpers.progress import format_seconds, say_once

if TYPE_CHECKING:
    from seg_helpers.experiments.preparation import PreparedData
    from seg_helpers.models import SegmentationNetwork

RECORD = "record.json"  # written last: a folder that holds it holds a finished run
COUNTS = "counts.npz"


class DamagedRun(SegError, ValueError):
    """A run's folder that cannot be read; the message says which file and what to do."""


class MissingRun(SegError):
    """There is no finished run, or no prediction of it, where one was asked for."""


@dataclass(frozen=True, eq=False, repr=False)
class Run:
    """A finished run.

    Attributes:
        metrics: scores by split, with intervals and per class; the same run twice gives the same file.
        record: what made it: `fingerprint` of configuration and data, `data_digest`, `frames` of each split, `sessions`
            (each time that it was begun or resumed: when, after which epoch, commit, versions, device, processes,
            precision), `finished`, `training_seconds`, `images_per_second` (trained on, validation's time included),
            `peak_memory` (bytes that the last process held; None where nobody measured) and `files` (checksums).
    """

    path: Path
    config: ExperimentConfig
    metrics: dict
    record: dict

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def title(self) -> str:
        return self.config.title or self.name

    @property
    def final_split(self) -> str:
        """`test`, or `val` where test labels are withheld."""
        return "test" if "test" in self.confusions else "val"

    @property
    def seed(self) -> int:
        return self.config.seed

    @property
    def session(self) -> dict:
        """The last session, which ended and scored the run."""
        return self.record["sessions"][-1]

    @property
    def trained_on(self) -> str:
        """The device, and how many processes shared the training if there was more than one, of each session."""
        sessions = dict.fromkeys((session["processes"], session["device"]) for session in self.record["sessions"])
        return ", then ".join(f"{n} processes, each on {device}" if n > 1 else device for n, device in sessions)

    @cached_property
    def classes(self) -> ClassSet:
        """The classes that it was trained and scored in."""
        return recall_class_set(self.metrics["class_set"], self.metrics["classes"], self.metrics.get("colors"))

    @property
    def class_set(self) -> str:
        """Name of the class set that labels were read in."""
        return self.metrics["class_set"]

    @property
    def weights(self) -> Path:
        """Its best weights; where these are missing, a small network's copy in half precision, which is committed."""
        best, half = self.path / "best.safetensors", self.path / "half.safetensors"
        return half if half.is_file() and not best.is_file() else best

    def network(self) -> "SegmentationNetwork":
        """The network with its best weights, in eval mode on the CPU: see `load_network`."""
        from seg_helpers.experiments.networks import load_network  # torch takes seconds, and pages need records alone

        return load_network(self)

    def data(self) -> "PreparedData":
        """Its data set as it was trained on, said where it is not the same; DatasetError where there is none."""
        from seg_helpers.experiments.preparation import prepare_data

        data = prepare_data(self.config.data, self.seed)
        if data.digest != self.record["data_digest"]:
            print(f"WARNING {self.name}: {data.dataset.root} is not the data set that it was made from")
        return data

    @cached_property
    def history(self) -> pd.DataFrame:
        """A row an epoch: stage, learning rate, losses and metrics on train and val, seconds, is_best."""
        return pd.read_csv(self.path / "history.csv")

    @cached_property
    def counts(self) -> dict[str, dict[str, np.ndarray]]:
        """Split to kind of count (`seg_helpers.evaluation.counts`, and `frames`: names) to an array, a row a frame."""
        found: dict[str, dict[str, np.ndarray]] = {}
        with np.load(self.path / COUNTS) as arrays:
            for key in arrays.files:
                kind, _, split = key.partition("/")
                found.setdefault(split, {})[kind] = arrays[key]
        return found

    @property
    def confusions(self) -> dict[str, np.ndarray]:
        """Split to (frames, C, C) pixel counts, rows the target."""
        return {split: kinds["confusion"] for split, kinds in self.counts.items()}

    @property
    def scored_frames(self) -> dict[str, list[str]]:
        """Split to the names of its frames, in the order of its counts."""
        return {split: kinds["frames"].tolist() for split, kinds in self.counts.items() if "frames" in kinds}

    @cached_property
    def totals(self) -> dict[str, dict[str, float]]:
        """Split to its `total_scores`: what tables of many runs take, since `scores` has a dozen intervals as well."""
        return {split: total_scores(kinds) for split, kinds in self.counts.items()}

    @cached_property
    def interval(self) -> tuple[float, float]:
        """The 95% interval of the final split's mean IoU."""
        samples = self.config.evaluation.bootstrap
        return bootstrap_interval(self.confusions[self.final_split], "mean_iou", samples, self.seed)

    @cached_property
    def scores(self) -> dict[str, dict]:
        """Split to its scores, as `seg_helpers.evaluation.statistics` makes them of the recorded counts."""
        how = self.classes.names, self.config.evaluation.bootstrap, self.seed
        return {split: score_counts(kinds, *how) for split, kinds in self.counts.items()}

    def per_class(self, split: str | None = None) -> pd.DataFrame:
        """IoU, its 95% interval, Dice, recall, precision and share of pixels: a row a class of a split."""
        return pd.DataFrame.from_dict(self.scores[split or self.final_split]["per_class"], orient="index")

    def plot_history(self):
        """Its loss and scores by epoch, as the pages draw them."""
        import seg_helpers as seg  # drawn by a layer below, which this one knows by the package's face alone

        return seg.training_curves(self)

    def _repr_html_(self) -> str:
        return self.describe().to_frame().to_html()

    def __repr__(self) -> str:
        return f"{self.title}\n{self.describe().to_string()}"

    def describe(self) -> pd.Series:
        """A card: what it scored, what it is made of, what it cost, where it is."""
        scores, metrics = final_scores(self), self.metrics
        low, high = scores["mean_iou_interval"]
        card = {
            f"mean IoU on {self.final_split}": f"{scores['mean_iou']:.3f} (95% {low:.3f} to {high:.3f})",
            "pixel accuracy": f"{scores['pixel_accuracy']:.3f}",
            "network": f"{self.config.model.name}, {metrics['parameters']:,} parameters",
            "input": "x".join(map(str, metrics["size"])),
            "classes": f"{self.classes.num_classes}, {self.classes.name}",
            "trained": f"{metrics['epochs']} epochs in {format_seconds(self.record['training_seconds'])}, "
            f"{self.trained_on}",
            "folder": str(self.path),
        }
        return pd.Series(card, name=self.title)

    @property
    def suspect_frames(self) -> list[str]:
        """Names of the frames whose label seemed not to belong to its picture when the run was scored."""
        return self.metrics.get("suspect_frames", [])

    @property
    def sound_confusions(self) -> np.ndarray:
        """The final split's confusions less those of suspect frames: what may be shown as its own failures."""
        suspect = np.isin(self.scored_frames[self.final_split], self.suspect_frames)
        return self.confusions[self.final_split][~suspect]

    @cached_property
    def examples(self) -> pd.DataFrame:
        """A row a kept prediction: kind (good, typical, worst, shared), split, frame, mean_iou, prediction (path)."""
        table = pd.read_csv(self.path / "predictions" / "examples.csv", dtype={"frame": str, "prediction": str})
        return table.assign(prediction=[self.path / "predictions" / Path(file).name for file in table["prediction"]])

    @cached_property
    def range_tests(self) -> dict[int, dict]:
        """Stage (from 0) to the curve and the reason of the range test made before it."""
        path = self.path / "range_tests.json"
        return {int(k): v for k, v in json.loads(path.read_text()).items()} if path.is_file() else {}

    def read_prediction(self, frame: str) -> np.ndarray:
        """(H, W) uint8 class indices of a kept frame, by its name; MissingRun where it was not kept."""
        if frame not in self.examples["frame"].tolist():
            kept = ", ".join(self.examples["frame"].drop_duplicates())
            raise MissingRun(
                f"{self.name} keeps no prediction of {frame!r}, but of {kept}; seg.show_results makes others"
            )
        return np.asarray(Image.open(self.examples.set_index("frame").loc[[frame], "prediction"].iloc[0]))


def read_run(path: str | Path) -> Run:
    """Reads a finished run's folder, relative to the project's root; unknown keys of its configuration are left out.

    Raises:
        MissingRun: the folder holds no finished run.
        DamagedRun: a file is missing, is not what was recorded, or cannot be read.
    """
    path = resolve(path)
    if not is_finished(path):
        raise MissingRun(f"{path} holds no finished run: no {RECORD} in it")
    try:
        record = read_sealed(path / RECORD)
        files = {name: sum for name, sum in record["files"].items() if not name.endswith(".safetensors")}
        if damage := find_damage(path, files):
            raise ValueError(damage)
        metrics = json.loads((path / "metrics.json").read_text())
        return Run(path, read_config(path / "config.yaml"), metrics, record)
    except UNREADABLE as error:
        reason = f"no {error}" if isinstance(error, KeyError) else error
        raise DamagedRun(f"{path}: damaged ({reason}): get the folder anew, or move it away to train again") from error


def write_sealed(path: Path, content: dict) -> None:
    """Writes JSON with its own checksum in it (`seal`)."""
    write_text(path, json.dumps(content | {"seal": _seal(content)}, indent=1))


def read_sealed(path: Path) -> dict:
    """Reads what `write_sealed` wrote; ValueError if it was changed since. What earlier versions wrote has no seal."""
    content = json.loads(path.read_text())
    seal = content.pop("seal", None)
    if seal and seal != _seal(content):
        raise ValueError(f"{path.name} is not what was written")
    return content


def _seal(content: dict) -> str:
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def read_config(path: Path) -> ExperimentConfig:
    """A recorded configuration, less the keys that this version of the package does not have, which is said once."""
    plain = yaml.load(path.read_text(), YAML_LOADER)
    try:
        return ExperimentConfig.model_validate(plain)
    except ValidationError as error:
        config = ExperimentConfig.model_validate(plain, extra="ignore")  # which raises what else is wrong
        keys = ", ".join(".".join(map(str, problem["loc"])) for problem in error.errors())
        say_once(f"recorded runs hold {keys}, which this version does not know: left out")
        return config


def write_counts(folder: Path, counts: dict[str, dict[str, np.ndarray]], frames: dict[str, list[str]]) -> None:
    """Writes what was counted of each frame, by split and kind, and the frames' names, by split: see `Run.counts`."""
    arrays = {f"{kind}/{split}": array for split, kinds in counts.items() for kind, array in kinds.items()}
    arrays |= {f"frames/{split}": np.array(names) for split, names in frames.items()}
    np.savez_compressed(folder / COUNTS, **arrays)


def is_finished(path: Path) -> bool:
    return (path / RECORD).is_file()


def final_scores(run: Run) -> dict:
    """The test split's scores, or val's for a data set whose test labels are withheld."""
    return run.scores[run.final_split]
