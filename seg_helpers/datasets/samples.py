"""The generated data sets: scenes drawn and written in SegNet's layout where they are missing."""

import os
import shutil
import tempfile
import time
from pathlib import Path
from types import ModuleType

from PIL import Image

from seg_helpers.classes import CAMVID11, SOCCER4, ClassSet, write_classes
from seg_helpers.datasets.layouts import DatasetError
from seg_helpers.progress import format_seconds, track
from seg_helpers.scenes import road, soccer

VIDEO_RATE = 30  # frames a second that the numbers in the names count, as CamVid's do


def generate_road_scenes(
    root: str | Path, frames: int = 120, size: tuple[int, int] = (240, 320), seed: int = 0
) -> int:
    """Draws road scenes in CamVid's classes and writes them in the layout of SegNet's CamVid.

    Args:
        root: folder to write to; `train/ trainannot/ …` and `classes.json` are made in it.
        frames: number of frames, shared among splits and clips; each share has at least one.
        size: (height, width) of the frames.
        seed: the same seed gives the same files.

    Returns:
        Number of frames written.
    """
    return _write_scenes(Path(root), road, CAMVID11, frames, size, seed)


def generate_soccer_scenes(
    root: str | Path, frames: int = 120, size: tuple[int, int] = (240, 320), seed: int = 0
) -> int:
    """Draws soccer scenes, seen by a walking robot; files, arguments and result as those of the road scenes."""
    return _write_scenes(Path(root), soccer, SOCCER4, frames, size, seed)


def _write_scenes(root: Path, painter: ModuleType, classes: ClassSet, frames: int, size, seed: int) -> int:
    plan = painter.plan_frames(frames)
    for split in plan["split"].unique():
        (root / split).mkdir(parents=True, exist_ok=True)
        (root / f"{split}annot").mkdir(exist_ok=True)
    rows = track(list(plan.itertuples()), "drawing scenes")
    for row, (image, labels) in zip(rows, painter.draw_frames(plan, size, seed), strict=True):
        name = f"{row.clip}_{round(row.position * painter.SECONDS_PER_FRAME * VIDEO_RATE):05d}.png"
        Image.fromarray(image).save(root / row.split / name, compress_level=3)
        Image.fromarray(labels).save(root / f"{row.split}annot" / name)
    write_classes(root / "classes.json", classes, frames_per_second=VIDEO_RATE, seed=seed)
    return len(plan)


GENERATORS = {"sample": generate_road_scenes, "soccer": generate_soccer_scenes}
_DONE = ".generated"  # written last: a folder without it was left by a run that was stopped


def ensure_sample(root: str | Path, kind: str = "sample", **options) -> Path:
    """Generates a sample data set unless it is there already, and says so.

    Args:
        root: the data set's folder.
        kind: `sample` (road scenes) or `soccer`.
        options: passed to the generator: frames, size, seed.

    Returns:
        `root`.

    Raises:
        DatasetError: `root` holds something that this function did not make.
    """
    root = Path(root)
    if (root / _DONE).is_file():
        return root
    if root.exists() and any(root.iterdir()):
        raise DatasetError(
            f"{root} holds files, but not a generated {kind} data set (no {_DONE} in it): "
            "remove the folder to have it generated, or name another"
        )
    root.parent.mkdir(parents=True, exist_ok=True)
    start = time.monotonic()
    # Made beside and moved, so that two notebooks that start together both find a whole one.
    temporary = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
    try:
        frames = GENERATORS[kind](temporary, **options)
        (temporary / _DONE).write_text(f"{kind}, {frames} frames\n")
        temporary.chmod(0o755)
        _move(temporary, root)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    print(
        f"generated {frames} {kind} frames in {root} ({format_seconds(time.monotonic() - start)})",
        flush=True,
    )
    return root


def _move(temporary: Path, root: Path) -> None:
    try:
        os.rename(temporary, root)
    except OSError:
        if not (root / _DONE).is_file():  # otherwise another process was first, with the same files
            raise
