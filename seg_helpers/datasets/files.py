"""Reading one image or label file, and saying what is wrong with it in words a person can act on."""

import os
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from seg_helpers.classes import ClassSet

_UNKNOWN = 254  # in the lookup tables: a value that the class set does not hold
_PNG_BITS = 24  # offset of the bit depth in a PNG's header
_MODES = {"1": "1-bit", "L": "gray", "LA": "gray with alpha", "P": "palette", "RGBA": "RGBA", "CMYK": "CMYK"}
_LABELS = {  # what a label file has to hold: its mode, and the remedy if it has another
    "index": ("L", "save the class indices as an 8-bit gray PNG, one channel, without a palette"),
    "color": ("RGB", "save the label colors as an 8-bit RGB PNG: Image.open(file).convert('RGB')"),
    "either": ("L RGB", "save it as 8-bit gray (class indices) or 8-bit RGB (class colors)"),
}


class DatasetError(ValueError):
    """A data set that cannot be used; the message says what was found where, and what to do."""


class FileProblem(Exception):
    """A file that cannot be used: which, what is wrong with it, and the remedy."""

    def __init__(self, file: str | Path, problem: str, remedy: str):
        super().__init__(f"{file}: {problem}; {remedy}")
        self.file, self.problem, self.remedy = Path(file), problem, remedy


def read_image(path: str | Path) -> np.ndarray:
    """Reads an image as (H, W, 3) uint8 RGB, turned upright as its EXIF orientation says.

    Raises:
        FileProblem: the file is not there, empty, truncated, no image, or not 8-bit RGB.
    """
    return _read(path, "RGB", "save it as 8-bit RGB: Image.open(file).convert('RGB').save(file)")


def read_label(path: str | Path, classes: ClassSet, kind: str = "either") -> np.ndarray:
    """Reads a label file as (H, W) uint8 class indices with void as 255, turned upright as `read_image` does.

    Args:
        path: the file.
        classes: what its indices or colors mean.
        kind: what it has to hold: `index`, `color` or `either`.

    Raises:
        FileProblem: the file cannot be read, or holds values or colors that `classes` does not.
    """
    raw = _read(path, *_LABELS[kind])
    labels = encode_label(raw, classes)
    unknown = labels == _UNKNOWN
    if unknown.any():
        values, counts = np.unique(raw[unknown], axis=0, return_counts=True)
        found = "colors" if raw.ndim == 3 else "indices"
        most = [f"{values[i].tolist()} in {counts[i]} pixels" for i in np.argsort(-counts)[:3]]
        more = [f"{len(values) - 3} more"] if len(values) > 3 else []
        raise FileProblem(
            path,
            f"{int(unknown.sum())} pixels of {found} that the class set {classes.name} does not hold: "
            + ", ".join(most + more),
            "correct the label, or name the class set that it was made for (data.classes)",
        )
    return labels


def encode_label(raw: np.ndarray, classes: ClassSet) -> np.ndarray:
    """Turns stored indices (H, W) or colors (H, W, 3) into class indices; 254 marks values unknown to `classes`."""
    if raw.ndim == 2:
        table = np.full(256, _UNKNOWN, np.uint8)
        table[list(classes.index_map)] = list(classes.index_map.values())
        return table[raw]
    colors = _pack(np.array(list(classes.color_map), np.int32))
    order = np.argsort(colors)
    colors, indices = colors[order], np.array(list(classes.color_map.values()), np.uint8)[order]
    packed = _pack(raw.astype(np.int32))
    found = np.minimum(np.searchsorted(colors, packed), len(colors) - 1)
    return np.where(colors[found] == packed, indices[found], _UNKNOWN).astype(np.uint8)


def _pack(rgb: np.ndarray) -> np.ndarray:
    return rgb[..., 0] << 16 | rgb[..., 1] << 8 | rgb[..., 2]


def _read(path, modes: str, remedy: str) -> np.ndarray:
    path = Path(path)
    try:
        with path.open("rb") as file:
            head = file.read(_PNG_BITS + 1)
    except OSError as error:
        if path.is_symlink() and not path.exists():
            problem = f"a link to {os.readlink(path)}, which is not there"
            raise FileProblem(path, problem, "put that file there, or replace the link by it") from None
        problem = f"cannot be opened ({error.strerror})"
        raise FileProblem(path, problem, "make it a file that you may read, or delete it and its pair") from None
    again = "copy or download it again, or delete it and its pair"
    if not head:
        raise FileProblem(path, "empty file (0 bytes)", again)
    try:
        with Image.open(path) as image:
            mode = image.mode
            sixteen_bits = image.format == "PNG" and head[_PNG_BITS] == 16
            if mode in modes.split() and not sixteen_bits:
                ImageOps.exif_transpose(image, in_place=True)
                return np.asarray(image)
    except Exception as error:  # a decoder fed with garbage raises anything
        raise FileProblem(path, f"cannot be decoded, truncated or not an image ({error})", again) from None
    kind = "16-bit" if sixteen_bits or mode.startswith(("I", "F")) else _MODES.get(mode, mode)
    expected = " or ".join("8-bit gray" if mode == "L" else "8-bit RGB" for mode in modes.split())
    raise FileProblem(path, f"{kind} file, expected {expected}", remedy)
