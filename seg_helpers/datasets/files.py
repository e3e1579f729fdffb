"""Reading one image or label file, and saying what is wrong with it in words a person can act on."""

import struct
import zlib
from pathlib import Path

import numpy as np
from PIL import Image

from seg_helpers.classes import ClassSet

_UNKNOWN = 254  # in the lookup tables: a value that the class set does not hold
_BROKEN = (OSError, SyntaxError, ValueError, EOFError, zlib.error, struct.error, Image.DecompressionBombError)
_PNG_BITS, _PNG_COLOUR = 24, 25  # offsets of bit depth and colour type in a PNG's header
_MODES = {"1": "1-bit", "L": "grey", "LA": "grey with alpha", "P": "palette", "RGBA": "RGBA", "CMYK": "CMYK"}


class FileProblem(Exception):
    """A file that cannot be used: what is wrong with it, and the remedy."""

    def __init__(self, problem: str, remedy: str):
        super().__init__(f"{problem}; {remedy}")
        self.problem, self.remedy = problem, remedy


def read_image(path: str | Path) -> np.ndarray:
    """Reads an image as (H, W, 3) uint8 RGB.

    Raises:
        FileProblem: the file is empty, truncated, no image, or not 8-bit RGB.
    """
    return _read(path, "RGB", "save it as 8-bit RGB: Image.open(file).convert('RGB').save(file)")


def read_size(path: str | Path) -> tuple[int, int]:
    """Height and width of an image file, from its header alone."""
    with Image.open(path) as image:
        return image.height, image.width


def read_label(path: str | Path, classes: ClassSet, kind: str = "either") -> np.ndarray:
    """Reads a label file as (H, W) uint8 class indices with void as 255.

    Args:
        path: the file.
        classes: what its indices or colours mean.
        kind: what it has to hold: `index`, `colour` or `either`.

    Raises:
        FileProblem: the file cannot be read, or holds values or colours that `classes` does not.
    """
    raw = read_raw_label(path, kind)
    labels = encode_label(raw, classes)
    unknown = labels == _UNKNOWN
    if unknown.any():
        values, counts = np.unique(raw[unknown], axis=0, return_counts=True)
        found = "colours" if raw.ndim == 3 else "indices"
        listed = ", ".join(f"{_plain(values[i])} in {counts[i]} pixels" for i in np.argsort(-counts)[:3])
        more = f" and {len(values) - 3} more" if len(values) > 3 else ""
        raise FileProblem(
            f"{int(unknown.sum())} pixels of {found} that the class set {classes.name} does not hold: {listed}{more}",
            "correct the label, or name the class set that it was made for (data.classes)",
        )
    return labels


def read_raw_label(path: str | Path, kind: str = "either") -> np.ndarray:
    """Reads a label as stored: (H, W) indices or (H, W, 3) RGB colours; `kind` is `index`, `colour` or `either`.

    Raises:
        FileProblem: the file cannot be read or is of another kind.
    """
    if kind == "index":
        return _read(path, "L", "save the class indices as an 8-bit grey PNG, one channel, without a palette")
    if kind == "colour":
        return _read(
            path, "RGB", "save the label colours as an 8-bit RGB PNG: Image.open(file).convert('RGB')"
        )
    return _read(path, "L RGB", "save it as 8-bit grey (class indices) or 8-bit RGB (class colours)")


def encode_label(raw: np.ndarray, classes: ClassSet) -> np.ndarray:
    """Turns stored indices (H, W) or colours (H, W, 3) into class indices; 254 marks values unknown to `classes`."""
    if raw.ndim == 2:
        table = np.full(256, _UNKNOWN, np.uint8)
        for value, index in classes.index_map.items():
            table[value] = index
        return table[raw]
    colours = np.array([_pack(np.array(colour, np.int32)) for colour in classes.colour_map])
    order = np.argsort(colours)
    colours, indices = colours[order], np.array(list(classes.colour_map.values()), np.uint8)[order]
    packed = _pack(raw.astype(np.int32))
    found = np.minimum(np.searchsorted(colours, packed), len(colours) - 1)
    return np.where(colours[found] == packed, indices[found], _UNKNOWN).astype(np.uint8)


def _pack(rgb: np.ndarray) -> np.ndarray:
    return rgb[..., 0] << 16 | rgb[..., 1] << 8 | rgb[..., 2]


def _plain(value: np.ndarray):
    return int(value) if value.ndim == 0 else tuple(int(v) for v in value)


def _read(path, modes: str, remedy: str) -> np.ndarray:
    path = Path(path)
    try:
        head = path.open("rb").read(_PNG_COLOUR + 1)
        if not head:
            raise FileProblem("empty file (0 bytes)", "copy or download it again, or delete it and its pair")
        with Image.open(path) as image:
            mode = image.mode
            sixteen_bits = image.format == "PNG" and head[_PNG_BITS] == 16
            if mode in modes.split() and not sixteen_bits:
                image.load()
                return np.asarray(image)
    except _BROKEN as error:
        raise FileProblem(
            f"cannot be decoded, truncated or not an image ({error})",
            "copy or download it again, or delete it and its pair",
        ) from None
    kind = "16-bit" if sixteen_bits or mode.startswith(("I", "F")) else _MODES.get(mode, mode)
    expected = " or ".join("8-bit grey" if mode == "L" else "8-bit RGB" for mode in modes.split())
    raise FileProblem(f"{kind} file, expected {expected}", remedy)
