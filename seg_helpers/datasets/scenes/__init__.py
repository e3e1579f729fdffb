"""Generated road scenes in CamVid's classes and layout: the sample that a fresh machine trains on.

Each clip drives slowly along its own street, so neighbouring frames are as alike as those of a real video. As in
CamVid, validation is a stretch at the end of a clip that training has seen the beginning of, and test holds both the
end of a training clip and a clip that training never saw.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

from seg_helpers.classes import CAMVID11, VOID, write_classes
from seg_helpers.datasets.scenes.street import Street
from seg_helpers.datasets.scenes.textures import BRIGHT, CLEAR, CLOUDY, EVENING, OVERCAST, RAIN
from seg_helpers.datasets.scenes.traffic import SECONDS_PER_FRAME, SPEED, Style
from seg_helpers.progress import track

VIDEO_RATE = 30  # frames a second that the numbers in the names count, as CamVid's do
FILE_VOID = CAMVID11.num_classes  # void in the label files, as in SegNet's release of CamVid


@dataclass(frozen=True)
class Clip:
    """A clip of the sample: its street, and which stretches of it are kept, as (split, share of all frames).

    `gap` frames are driven but not kept before each further stretch, so that no two stretches touch.
    """

    name: str
    style: Style
    stretches: tuple[tuple[str, float], ...]
    gap: int = 6


CLIPS = (
    Clip("Market", Style(CLEAR, half_width=4.6, storeys=(2, 3), people=1.5), (("train", 22), ("test", 8))),
    Clip("Station", Style(OVERCAST, half_width=4.8, pavement=4.6, storeys=(3, 5), green=0.1), (("train", 18),)),
    Clip("Orchard", Style(EVENING, green=0.4, trees=1.0, marking="hatched", yellow=True, parked=0.4), (("train", 16),)),
    Clip("Harbour", Style(RAIN, half_width=4.3, marking="solid", parked=0.7, trees=0.4), (("train", 14),)),
    Clip("College", Style(BRIGHT, half_width=4.5, green=0.3, people=1.4, cyclists=1.3), (("train", 12), ("val", 14))),
    Clip("Mill", Style(CLOUDY, half_width=4.4, storeys=(2, 4), green=0.2, parked=0.8, trees=0.8), (("test", 16),)),
)  # fmt: skip


def generate_road_scenes(
    root: str | Path,
    frames: int = 120,
    size: tuple[int, int] = (240, 320),
    seed: int = 0,
    clips: tuple[Clip, ...] = CLIPS,
) -> pd.DataFrame:
    """Draws the sample data set and writes it in the layout of SegNet's CamVid.

    Args:
        root: folder to write to; `train/ trainannot/ …` and `classes.json` are made in it.
        frames: number of frames, shared among the clips by their weights; a stretch has at least one.
        size: (height, width) of the frames.
        seed: the same seed gives the same files.
        clips: the streets.

    Returns:
        A row a frame: `image`, `label` (paths), `split`, `clip`, `number`.
    """
    root = Path(root)
    plan = plan_frames(frames, clips)
    for split in plan["split"].unique():
        (root / split).mkdir(parents=True, exist_ok=True)
        (root / f"{split}annot").mkdir(exist_ok=True)
    streets = {}
    for row in track(list(plan.itertuples()), "drawing road scenes"):
        if row.clip not in streets:
            position = [clip.name for clip in clips].index(row.clip)
            last = plan.loc[plan["clip"] == row.clip, "position"].max()
            length = (last + 1) * SECONDS_PER_FRAME * SPEED
            streets = {
                row.clip: Street(np.random.default_rng((seed, position)), clips[position].style, length, size)
            }
        image, labels = streets[row.clip].render(row.position)
        labels[labels == VOID] = FILE_VOID
        Image.fromarray(image).save(root / row.split / f"{row.clip}_{row.number:05d}.png", compress_level=3)
        Image.fromarray(labels).save(root / f"{row.split}annot" / f"{row.clip}_{row.number:05d}.png")
    write_classes(root / "classes.json", CAMVID11, frames_per_second=VIDEO_RATE, seed=seed)
    names = plan["clip"] + "_" + plan["number"].map("{:05d}.png".format)
    image = [str(root / split / name) for split, name in zip(plan["split"], names, strict=True)]
    label = [str(root / f"{split}annot" / name) for split, name in zip(plan["split"], names, strict=True)]
    return plan.assign(image=image, label=label)[["image", "label", "split", "clip", "number"]]


def plan_frames(frames: int, clips: tuple[Clip, ...] = CLIPS) -> pd.DataFrame:
    """Shares `frames` among the stretches of the clips: columns `clip`, `split`, `position` in the clip, `number`."""
    stretches = [(clip, split, share) for clip in clips for split, share in clip.stretches]
    ends = np.round(
        np.cumsum([share for *_, share in stretches]) / sum(share for *_, share in stretches) * frames
    )
    counts = np.maximum(np.diff(ends, prepend=0), 1).astype(int)
    rows, position = [], {}
    for (clip, split, _), count in zip(stretches, counts, strict=True):
        first = position[clip.name] + clip.gap if clip.name in position else 0
        rows += [(clip.name, split, first + i) for i in range(count)]
        position[clip.name] = first + int(count)
    plan = pd.DataFrame(rows, columns=["clip", "split", "position"])
    return plan.assign(number=(plan["position"] * SECONDS_PER_FRAME * VIDEO_RATE).astype(int))
