"""Offline expansion: each training frame written K times, itself and K - 1 augmented copies, as the assignment asks."""

from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from seg_helpers.classes import ClassSet
from seg_helpers.datasets.augmentation import Augmentation
from seg_helpers.datasets.files import read_image, read_label
from seg_helpers.datasets.layouts import FRAME_COLUMNS
from seg_helpers.files import atomic_path
from seg_helpers.progress import track


def expand_frames(
    frames: pd.DataFrame, factor: int, augmentation: Augmentation, classes: ClassSet, folder: str | Path
) -> tuple[pd.DataFrame, str]:
    """Writes `factor - 1` augmented copies of each training frame to a folder, where existing ones are kept.

    The augmentation is one for the frames' own size. Copy k of a frame is the same whatever else is expanded.

    Returns:
        The table with the copies appended (column `copy`: 0 for the frame itself), and the sentence to print:
        `90 frames → 270 samples`.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    to_file = np.zeros(256, np.uint8)
    for value, index in reversed(classes.index_map.items()):  # of several values for one class, the first
        to_file[index] = value
    train = frames[frames["split"] == "train"]
    tasks = [(row, copy) for row in train.itertuples() for copy in range(1, factor)]
    copies = []
    for row, copy in track(tasks, f"expanding {len(train)} frames"):
        name = f"{row.name}_copy{copy}"
        file = name.replace("/", "_")
        image, label = folder / f"{file}.png", folder / f"{file}_L.png"
        if not (image.is_file() and label.is_file()):
            key = (copy, *row.name.encode())
            augmented, labels = augmentation(read_image(row.image), read_label(row.label, classes), key)
            Image.fromarray(to_file[labels]).save(label)
            with atomic_path(image) as part:  # half an image would be kept the next time
                Image.fromarray(augmented).save(part, compress_level=1)
        copies.append({**row._asdict(), "name": name, "image": str(image), "label": str(label), "copy": copy})
    table = pd.DataFrame(copies, columns=[*FRAME_COLUMNS, "copy"])
    expanded = pd.concat([frames.assign(copy=0), table], ignore_index=True)
    return expanded, f"{len(train)} frames → {len(train) * factor} samples"
