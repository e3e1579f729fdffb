"""Audits of a data set: what training knows of the frames that judge it, and whether labels fit their pictures."""

from collections.abc import Iterator
from itertools import combinations, pairwise

import cv2
import numpy as np
import pandas as pd
from scipy import fft

from seg_helpers.datasets.cache import Cache
from seg_helpers.datasets.layouts import SPLITS

HELD_OUT = ("val", "test")
# Correlation of two thumbnails from which on they show one picture. On CamVid, frames 1/15 s apart reach 0.96 to 0.99
# (middle nine tenths), a second apart 0.84 while the car drives, and frames of different clips 0.87 at most.
NEARLY_IDENTICAL = 0.95
# Share of pixels that a suspect label must gain by a shift. On CamVid, the one wrong label gains 0.33; in fast turns it
# is up to 0.12, but there the pictures gain too; of the labels whose pictures do not, the next gains 0.06.
MIN_GAIN = 0.1
# Share of pixels in which a suspect label, shifted, agrees with both neighbors: 0.89 for the wrong one. Labels of
# frames that do not follow each other, which a shift may bring nearer too, agree less.
MIN_AGREEMENT = 0.75


def audit_split(
    frames: pd.DataFrame, frames_per_second: float | None = None, cache: Cache | None = None
) -> pd.DataFrame:
    """Tells how near each val and test frame is to what is trained on; what is not known is NaN or NA.

    The index of `frames` names the cache's rows; clip "" is an unknown one. A row of the result is a val or test frame:
    `image`, `split`, `clip`, `number`; `clip_in_train` (NA where the frame's clip, or that of any training frame it may
    share, is unknown); `distance`, in numbers, to the nearest training frame of the same clip, and that in `seconds`
    where `frames_per_second` is given. With a cache, also `similarity` to the most similar picture of training (see
    `match_pictures`) and, of test frames, `val_similarity`.
    """
    audit = frames.loc[frames["split"].isin(HELD_OUT), ["image", "split", "clip", "number"]]
    train = frames[frames["split"] == "train"]
    unseen = False if (train["clip"] != "").all() else pd.NA
    rows = []
    for frame in audit.itertuples():
        same = train[(train["clip"] == frame.clip) & (frame.clip != "")]
        seen = True if len(same) else unseen if frame.clip else pd.NA
        rows.append((seen, (same["number"] - frame.number).abs().min()))
    audit = audit.join(pd.DataFrame(rows, audit.index, ["clip_in_train", "distance"]))
    audit = audit.astype({"clip_in_train": "boolean", "distance": float})
    audit["seconds"] = audit["distance"] / frames_per_second if frames_per_second else np.nan
    audit[["similarity", "val_similarity"]] = np.nan
    if cache is not None:
        matches = match_pictures(frames, cache)
        for column, split in (("similarity", "train"), ("val_similarity", "val")):
            found = matches.loc[matches["other_split"] == split, "similarity"]
            audit[column] = found.reindex(audit.index).astype(float)
    return audit


def match_pictures(frames: pd.DataFrame, cache: Cache) -> pd.DataFrame:
    """Finds the most similar picture in training of each val and test frame, and in val of each test frame.

    The index of `frames`, of two splits at least, names the cache's rows. A row of the result, indexed alike, is a
    frame and another split: `image`, `split`; `other_row`, `other_image`, `other_split` of the match; `similarity`
    (correlation of small gray pictures, -1 to 1); `identical` (equal in every pixel of the cache).
    """
    rows = {split: frames.index[frames["split"] == split] for split in SPLITS}
    rows = {split: index for split, index in rows.items() if len(index)}
    # products of thumbnails of length 1 are correlations
    small = {split: np.stack([_gray(cache.images[i], 48, 64).ravel() for i in index]) for split, index in rows.items()}
    hashes = {split: np.array([hash(cache.images[i].tobytes()) for i in index]) for split, index in rows.items()}
    tables = []
    for other, split in combinations(rows, 2):
        identical = hashes[split][:, None] == hashes[other]
        similarity = np.where(identical, 1, np.clip(small[split] @ small[other].T, -1, 1))
        best = (similarity + identical).argmax(axis=1)  # identical pictures before nearly identical ones
        place = np.arange(len(best)), best
        table = frames.loc[rows[split], ["image", "split"]].assign(
            other_row=rows[other][best],
            other_image=frames.loc[rows[other][best], "image"].to_numpy(),
            other_split=other,
            similarity=similarity[place],
            identical=identical[place],
        )
        tables.append(table)
    return pd.concat(tables)


def _gray(image: np.ndarray, height: int, width: int) -> np.ndarray:
    """(height, width) float32 gray picture of mean 0 and length 1."""
    small = cv2.resize(np.asarray(image), (width, height), interpolation=cv2.INTER_AREA)
    gray = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY).astype(np.float32)
    gray -= gray.mean()
    return gray / max(float(np.linalg.norm(gray)), 1e-6)


# ---------------------------------------------------------------- labels


def audit_labels(frames: pd.DataFrame, cache: Cache, num_classes: int) -> pd.DataFrame:
    """Looks for labels that are shifted against their pictures, by the labels of the frames before and after.

    For each circular shift along columns or rows, the agreement of the shifted label with a neighbor's is a sum of
    cross-correlations of one-hot maps, one a class, all shifts at once by FFT. A label is suspect if one and the same
    shift raises its agreement with both neighbors by at least `MIN_GAIN`, to `MIN_AGREEMENT` or more, while its
    picture, shifted alike, gets less similar to both of theirs: in a pan, the pictures want the shift too. Of
    neighbors that accuse each other, the one that gains most is suspect.

    The index of `frames` names the cache's rows. A row of the result, indexed alike, is a labeled frame between two of
    its clip (or of its split, where the clip is unknown), no farther than three times the usual step: `image`, `split`;
    `before` and `after`, the neighbors' rows; `agreement`, the share of equal pixels where both labels are known, mean
    of both neighbors; `axis` (0 rows, 1 columns) and `shift` (in pixels of the cache, as for `np.roll`) that would mend
    it best; with it `agreement_rolled`, `gain` (the lesser of both neighbors) and `picture_gain` (the greater change of
    the pictures' correlation); `suspect`. Where no frame can be judged, `gain` and `suspect` alone.
    """
    tables = [_try_shifts(sequence, cache, num_classes, axis) for sequence in _sequences(frames) for axis in (1, 0)]
    if not tables:
        return frames.loc[[], ["image", "split"]].assign(gain=0.0, suspect=False)
    shares = ("agreement", "agreement_rolled", "gain", "picture_gain")
    audit = pd.concat(tables).astype(dict.fromkeys(shares, float))
    audit["suspect"] = (audit["gain"] >= MIN_GAIN) & (audit["picture_gain"] < 0)
    audit["suspect"] &= audit["agreement_rolled"] >= MIN_AGREEMENT
    audit = audit.sort_values(["suspect", "gain", "axis"]).groupby(level=0).tail(1).sort_index()
    gains = audit["gain"].where(audit["suspect"], 0.0)
    before, after = (gains.reindex(audit[side], fill_value=0.0).to_numpy() for side in ("before", "after"))
    # A sound label between two wrong ones gains from their shift, but less than they do.
    audit["suspect"] &= audit["gain"] > np.maximum(before, after)
    return frames.loc[audit.index, ["image", "split"]].join(audit)


def _sequences(frames: pd.DataFrame) -> Iterator[np.ndarray]:
    """Rows of labeled frames that follow each other in a clip without a gap, three at least."""
    labeled = frames[frames["label"] != ""]
    split_if_unknown = labeled["split"].where(labeled["clip"] == "", "")
    for _, clip in labeled.groupby([labeled["clip"], split_if_unknown]):
        clip = clip.sort_values("number", kind="stable").drop_duplicates("number")
        step = np.diff(clip["number"])
        gaps = np.flatnonzero(step > 3 * np.median(step)) + 1 if len(step) else []
        yield from (rows for rows in np.split(clip.index.to_numpy(), gaps) if len(rows) > 2)


def _try_shifts(rows: np.ndarray, cache: Cache, num_classes: int, axis: int) -> pd.DataFrame:
    """What the best shift along an axis does to each label but the first and last of a sequence."""
    size = [min(45, cache.size[0]), min(45, cache.size[1])]  # across the shift, a sample is enough
    length = size[axis] = min(512, cache.size[axis])
    spectra = (_spectra(cache, row, num_classes, size, axis) for row in rows)
    curves = [_agreements(one, following, length, axis) for one, following in pairwise(spectra)]
    labels, pictures = (np.stack(kind) for kind in zip(*curves, strict=True))  # (frames - 1, length) each
    back = -np.arange(length)  # shifting a frame against the one before is shifting that one the other way
    label_gains = np.stack([labels[:-1, back], labels[1:]])  # (neighbor, frame, shift)
    picture_gains = np.stack([pictures[:-1, back], pictures[1:]])
    agreement = label_gains[..., 0].mean(axis=0)
    label_gains -= label_gains[..., :1]
    picture_gains -= picture_gains[..., :1]
    best = label_gains.min(axis=0).argmax(axis=1)
    at_best = np.s_[:, np.arange(len(best)), best]
    signed = (best + length // 2) % length - length // 2
    table = {
        "before": rows[:-2],
        "after": rows[2:],
        "agreement": agreement,
        "axis": axis,
        "shift": np.round(signed * cache.size[axis] / length).astype(int),
        "agreement_rolled": agreement + label_gains[at_best].mean(axis=0),
        "gain": label_gains[at_best].min(axis=0),
        "picture_gain": picture_gains[at_best].max(axis=0),
    }
    return pd.DataFrame(table, index=rows[1:-1])


def _spectra(cache: Cache, row: int, num_classes: int, size: list[int], axis: int) -> np.ndarray:
    """(C + 2, height, width) Fourier transforms along an axis: a map a class, what is labeled, the gray picture."""
    y, x = ((np.arange(n) + 0.5) * full / n for n, full in zip(size, cache.size, strict=True))
    label = cache.labels[row][y.astype(int)][:, x.astype(int)]
    classes = label == np.arange(num_classes, dtype=np.uint8)[:, None, None]
    maps = [*classes, classes.any(axis=0), _gray(cache.images[row], *size)]
    return fft.rfft(np.stack(maps, dtype=np.float32), axis=axis + 1)


def _agreements(frame: np.ndarray, other: np.ndarray, length: int, axis: int):
    """Share of equal pixels and correlation of pictures, both (length,), for each shift of a frame against another."""
    products = fft.irfft((frame.conj() * other).sum(axis=2 - axis), length, axis=1)
    known = products[-2]
    agreement = products[:-2].sum(axis=0) / np.maximum(known, 1)
    agreement[1:][known[1:] < known.max() / 2] = 0  # too little of both labels meets to tell anything
    return agreement, products[-1]
