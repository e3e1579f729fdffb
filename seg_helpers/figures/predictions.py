"""What a network says of any picture, of a run's frames, of files: shown, and written."""

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import cv2
import numpy as np
from IPython.display import display
from matplotlib.patches import Patch
from PIL import Image
from torch import Tensor, nn

from seg_helpers.classes import ClassSet
from seg_helpers.datasets import read_picture, unpack_batch
from seg_helpers.errors import SegError
from seg_helpers.evaluation.metrics import compute_metrics
from seg_helpers.evaluation.prediction import predict_logits
from seg_helpers.experiments import Run
from seg_helpers.experiments.predictors import Predictor, open_predictor
from seg_helpers.figures.plots import VIRIDIS, overlay, picture_rows
from seg_helpers.figures.results import judge_panels, read_mask
from seg_helpers.figures.style import new_figure
from seg_helpers.figures.words import count_of
from seg_helpers.files import atomic_path
from seg_helpers.models.blocks import resize
from seg_helpers.progress import track

PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".tif", ".tiff", ".webp"}
VIDEOS = {".mp4", ".avi", ".mov", ".mkv", ".webm", ".m4v"}


@dataclass(frozen=True, eq=False)
class Prediction:
    """What a network says of a picture; it shows itself.

    Attributes:
        picture: (H, W, 3) uint8 RGB.
        logits: (C, h, w) float32, at the size that the network saw.
        classes: what the indices mean.
    """

    picture: np.ndarray
    logits: Tensor
    classes: ClassSet

    def probabilities(self) -> np.ndarray:
        """(C, H, W) float32: of each class at each pixel of the picture; they sum to 1."""
        return self._full_logits().softmax(0).numpy()

    @cached_property
    def labels(self) -> np.ndarray:
        """(H, W) uint8: the most likely class of each pixel of the picture, by its index."""
        return self._full_logits().argmax(0).numpy().astype(np.uint8)

    @cached_property
    def confidence(self) -> np.ndarray:
        """(H, W) float32: the probability of that class."""
        return self.probabilities().max(0)

    def overlay(self) -> np.ndarray:
        """(H, W, 3) uint8: the classes' colors over the picture."""
        return overlay(self.picture, self.labels, self.classes)

    def _full_logits(self) -> Tensor:
        return resize(self.logits[None], self.picture.shape[:2])[0]

    def _repr_html_(self) -> str:
        shares = np.bincount(self.labels.ravel(), minlength=self.classes.num_classes) / self.labels.size
        most = [f"{self.classes.names[index]} {shares[index]:.0%}" for index in np.argsort(-shares)[:3]]
        caption = f"Most of it is {', '.join(most)}; mean confidence {self.confidence.mean():.2f} (brighter is surer)."
        panels = [("picture", self.picture), ("prediction", self.overlay()), ("confidence", self.confidence)]
        return picture_rows(panels, 3, caption, self.classes, [self.labels])._repr_html_()


def predict(
    source: Predictor | Run | nn.Module | str | Path,
    picture: str | Path | Image.Image | np.ndarray,
    classes: ClassSet | str | None = None,
) -> Prediction:
    """What a network says of a picture of any size: its path, a PIL image or an array, see `read_picture`.

    The network is a run's, or one that `open_predictor` finds: a shipped one by its name, a weights file, a run's folder,
    or a bare network with its `classes`. It sees the picture at the area that it was trained at, as in scoring.

    Example:
        >>> predict("fast_scnn", "street.jpg").labels  # doctest: +SKIP
    """
    predictor = source if isinstance(source, Predictor) else open_predictor(source, classes)
    picture = read_picture(picture)
    return Prediction(picture, predictor.predict_logits(picture), predictor.classes)


def show_results(
    run: Run, split: str = "test", frames: int | str | Sequence[int | str] = 5, worst: bool = False
) -> None:
    """Displays input, target, prediction and errors of frames of a split: some, or those of these numbers or names.

    A number of frames are evenly spaced, or the `worst` by their own mean IoU; none whose label is suspect is chosen.
    What the run has not kept is predicted now, with its weights.
    """
    data = run.data()
    names, chosen = data.names(split), [frames] if isinstance(frames, str) else frames
    if isinstance(frames, int):
        sound = [name for name in names if name not in run.suspect_frames]
        chosen = [
            sound[place]
            for place in np.linspace(0, len(sound) - 1, min(frames, len(sound)) + 2).round().astype(int)[1:-1]
        ]
        if worst:
            if split not in run.confusions:
                raise SegError(
                    f"{run.name} was scored on {', '.join(run.confusions)}: no frame of {split} is its worst"
                )
            scores = zip(run.scored_frames[split], compute_metrics(run.confusions[split])["mean_iou"], strict=True)
            chosen = [name for name, _ in sorted(scores, key=lambda scored: scored[1]) if name in sound][:frames]
    elif out := [frame for frame in chosen if isinstance(frame, int) and not 0 <= frame < len(names)]:
        raise SegError(f"{split} has the frames 0 to {len(names) - 1}, not {out[0]}")
    chosen = dict.fromkeys(names[frame] if isinstance(frame, int) else frame for frame in chosen)
    network = None if set(chosen) <= set(run.examples["frame"]) else run.network()
    panels, masks = [], []
    for name in track(list(chosen), "predicting frames"):
        images, label = unpack_batch(next(data.frames_of(split, [data.find(name)])))
        if name in set(run.examples["frame"]):
            prediction = read_mask(run, name, data.label(name))
        else:
            logits = predict_logits(network, images, label.shape[-2:], precision=run.session["precision"])
            prediction = logits[0].argmax(0).numpy().astype(np.uint8)
        panels += judge_panels(name, data.image(name), data.label(name), prediction, data.classes)
        masks += [data.label(name), prediction]
    caption = (
        f"Input, target, prediction and errors (wrong pixels orange, void black) of {run.title} on {split} frames."
    )
    display(picture_rows(panels, 4, caption, data.classes, masks))


def write_predictions(predictor: Predictor, inputs: Iterable[Path], folder: Path) -> None:
    """Writes for each picture `NAME_overlay.jpg`, `NAME_labels.png` and `NAME_confidence.png`, and `legend.png` for all.

    Index PNGs hold class indices and the palette. A video becomes one of overlays; of a folder, all that is in it is
    taken. SegError where there is no such file, it is no picture, two have one name, or an input would be written over.
    """
    files = list_inputs(inputs)
    names = [file.stem for file in files]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise SegError(f"two inputs are called {twice}: their predictions would be too; give one at a time")
    folder.mkdir(parents=True, exist_ok=True)
    for file in track(files, "predicting"):
        if file.suffix.lower() in VIDEOS:
            _write_video(predictor, file, folder / f"{file.stem}_overlay.mp4", files)
            continue
        found = predict(predictor, file)
        labels = Image.fromarray(found.labels).convert("P")
        labels.putpalette(found.classes.colors.tobytes())
        confidence = Image.fromarray(VIRIDIS(found.confidence, bytes=True)[..., :3])
        pictures = {"overlay.jpg": Image.fromarray(found.overlay()), "labels.png": labels, "confidence.png": confidence}
        for ending, picture in pictures.items():
            with atomic_path(_spare(folder / f"{file.stem}_{ending}", files)) as part:
                picture.save(part, quality=92)
    classes = predictor.classes
    colors = zip(classes.names, classes.colors / 255, strict=True)
    figure = new_figure(4, 0.3 * classes.num_classes)
    figure.legend(handles=[Patch(color=color, label=f"{index} {name}") for index, (name, color) in enumerate(colors)])
    figure.savefig(_spare(folder / "legend.png", files), bbox_inches="tight")
    print(f"{count_of(len(files), 'input')} in {folder}")


def list_inputs(inputs: Iterable[Path]) -> list[Path]:
    """The pictures and videos that these paths name, those in folders too; SegError where one names none."""
    files = []
    for path in inputs:
        found = [path] if path.is_file() else sorted(file for file in path.rglob("*") if file.is_file())
        found = [file.resolve() for file in found if file.suffix.lower() in PICTURES | VIDEOS]
        if not found:
            raise SegError(
                f"{path} is no picture or video, nor a folder of some: {', '.join(sorted(PICTURES | VIDEOS))}"
            )
        files += found
    return list(dict.fromkeys(files))


def _spare(target: Path, inputs: Sequence[Path]) -> Path:
    if target.resolve() in inputs:
        raise SegError(f"{target} is an input and is not written over: name another output folder")
    return target


def _write_video(predictor: Predictor, file: Path, target: Path, inputs: Sequence[Path]) -> None:
    video = cv2.VideoCapture(str(file))
    size = int(video.get(cv2.CAP_PROP_FRAME_WIDTH)), int(video.get(cv2.CAP_PROP_FRAME_HEIGHT))
    if not video.isOpened():
        raise SegError(f"{file} is no video that can be read")
    total, rate = int(video.get(cv2.CAP_PROP_FRAME_COUNT)), video.get(cv2.CAP_PROP_FPS) or 25.0
    start, count = time.monotonic(), 0
    with atomic_path(_spare(target, inputs)) as part:
        writer = cv2.VideoWriter(str(part), cv2.VideoWriter.fourcc(*"mp4v"), rate, size)
        for _, frame in track(iter(video.read, (False, None)), file.name, max(total, 0) or None):
            writer.write(predict(predictor, frame[..., ::-1]).overlay()[..., ::-1])
            count += 1
        writer.release()
    print(f"{file.name}: {count_of(count, 'frame')}, {count / (time.monotonic() - start):.1f} a second")
