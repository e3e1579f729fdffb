"""The generated data sets: scenes drawn and written in SegNet's layout where they are missing."""

import time
from pathlib import Path

from PIL import Image

from seg_helpers.classes import CAMVID11, SOCCER4, write_classes
from seg_helpers.datasets.layouts import DatasetError
from seg_helpers.files import atomic_path
from seg_helpers.progress import format_seconds, track
from seg_helpers.scenes import road, soccer

VIDEO_RATE = 30  # frames a second that the numbers in the names count, as CamVid's do
SCENES = {"sample": (road, CAMVID11), "soccer": (soccer, SOCCER4)}
_DONE = ".generated"  # a folder without it is somebody else's


def ensure_sample(
    root: str | Path, kind: str = "sample", frames: int = 120, size: tuple[int, int] = (240, 320), seed: int = 0
) -> Path:
    """Draws a sample data set in the layout of SegNet's CamVid, unless it is there already, and says so.

    Args:
        root: the data set's folder; `train/ trainannot/ …` and `classes.json` are made in it.
        kind: `sample` (road scenes in CamVid's classes) or `soccer` (a pitch as a walking robot sees it).
        frames: number of frames, shared among splits and clips; each share has at least one.
        size: (height, width) of the frames.
        seed: the same seed gives the same files.

    Returns:
        `root`.

    Raises:
        DatasetError: `root` holds something that this function did not make.
    """
    root, (painter, classes) = Path(root), SCENES[kind]
    if (root / _DONE).is_file():
        return root
    if root.exists() and any(root.iterdir()):
        raise DatasetError(
            f"{root} holds files, but not a generated {kind} data set (no {_DONE} in it): "
            "remove the folder to have it generated, or name another"
        )
    start = time.monotonic()
    plan = painter.plan_frames(frames)
    with atomic_path(root) as part:  # two notebooks that start together both find a whole one
        for split in plan["split"].unique():
            (part / split).mkdir(parents=True)
            (part / f"{split}annot").mkdir()
        rows = track(list(plan.itertuples()), "drawing scenes")
        for row, (image, labels) in zip(rows, painter.draw_frames(plan, size, seed), strict=True):
            name = f"{row.clip}_{round(row.position * painter.SECONDS_PER_FRAME * VIDEO_RATE):05d}.png"
            Image.fromarray(image).save(part / row.split / name, compress_level=3)
            Image.fromarray(labels).save(part / f"{row.split}annot" / name)
        write_classes(part / "classes.json", classes, frames_per_second=VIDEO_RATE, seed=seed)
        (part / _DONE).write_text(f"{kind}, {len(plan)} frames\n")
    print(f"generated {len(plan)} {kind} frames in {root} ({format_seconds(time.monotonic() - start)})", flush=True)
    return root
