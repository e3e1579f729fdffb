"""The generated data sets, made where they are missing."""

import os
import shutil
import tempfile
import time
from pathlib import Path

from seg_helpers.datasets.layouts import DatasetError
from seg_helpers.datasets.scenes import generate_road_scenes
from seg_helpers.datasets.soccer import generate_soccer_scenes
from seg_helpers.progress import format_seconds

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
        (temporary / _DONE).write_text(f"{kind}, {len(frames)} frames\n")
        temporary.chmod(0o755)
        _move(temporary, root)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    print(
        f"generated {len(frames)} {kind} frames in {root} ({format_seconds(time.monotonic() - start)})",
        flush=True,
    )
    return root


def _move(temporary: Path, root: Path) -> None:
    try:
        os.rename(temporary, root)
    except OSError:
        if not (root / _DONE).is_file():  # otherwise another process was first, with the same files
            raise
