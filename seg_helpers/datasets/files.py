"""Reading one image or label file, and saying what is wrong with it in words a person can act on."""

from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from seg_helpers.classes import ClassSet
from seg_helpers.config import resolve
from seg_helpers.errors import SegError

_UNKNOWN = 254  # in the lookup tables: a value that the class set does not hold
_PLACES = np.array([1 << 16, 1 << 8, 1], np.int32)  # of red, green and blue in a color's code
_WHITE = {"bool": 1, "float32": 1, "float64": 1, "uint8": 255, "uint16": 65535, "int32": 65535}  # by an array's type
_LABELS = {  # what a label file has to hold: its mode, and the remedy if it has another
    "index": ("L", "save the class indices as an 8-bit gray PNG, one channel, without a palette"),
    "color": ("RGB", "save the label colors as an 8-bit RGB PNG: Image.open(file).convert('RGB')"),
    "either": ("L RGB", "save it as 8-bit gray (class indices) or 8-bit RGB (class colors)"),
}


class DatasetError(SegError, ValueError):
    """A data set that cannot be used; the message says what was found where, and what to do."""


class FileProblem(SegError):
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


def read_picture(picture: str | Path | Image.Image | np.ndarray) -> np.ndarray:
    """A picture of any size and mode as (H, W, 3) uint8 RGB, upright, white where it is transparent.

    It is a path relative to the project's root, a PIL image, or an array (H, W) or (H, W, 1, 3 or 4) of bytes, 16-bit
    integers, or floats from 0 to 1. FileProblem where it is none of these.
    """
    name = picture if isinstance(picture, (str, Path)) else f"a {type(picture).__name__}"
    try:
        if isinstance(picture, (str, Path)):
            picture = ImageOps.exif_transpose(Image.open(resolve(picture)))
        if not isinstance(picture, Image.Image) or picture.mode[0] in "IF":  # PIL would clip these, not scale them
            array = np.asarray(picture)
            array = array * (255 / _WHITE[array.dtype.name])
            if array.min() < 0 or array.max() > 255:
                raise ValueError("it has values beyond black or white")
            picture = Image.fromarray((array[..., 0] if array.shape[2:] == (1,) else array).round().astype(np.uint8))
        ground = Image.new("RGBA", picture.size, "white")
        return np.asarray(Image.alpha_composite(ground, picture.convert("RGBA")).convert("RGB"))
    except Exception as error:  # a decoder fed with garbage raises anything
        remedy = "give a picture's path, a PIL image, or an array (H, W, 3) of uint8 or of floats from 0 to 1"
        raise FileProblem(name, f"no picture that can be read ({error})", remedy) from None


def read_label(path: str | Path, classes: ClassSet, kind: str = "either") -> np.ndarray:
    """Reads a label file as (H, W) uint8 class indices with void as 255, turned upright as `read_image` does.

    `kind` is what it has to hold: `index`, `color` or `either`.

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
        listed = ", ".join(most) + (", …" if len(values) > 3 else "")
        raise FileProblem(
            path,
            f"{int(unknown.sum())} pixels of {found} that the class set {classes.name} does not hold: {listed}",
            "correct the label, or name the class set that it was made for (data.classes)",
        )
    return labels


def encode_label(raw: np.ndarray, classes: ClassSet) -> np.ndarray:
    """Turns stored indices (H, W) or colors (H, W, 3) into class indices; 254 marks values unknown to `classes`."""
    if raw.ndim == 2:
        codes, known, size = raw, classes.index_map, 1 << 8
    else:
        codes, size = raw @ _PLACES, 1 << 24
        known = {int(np.array(color) @ _PLACES): index for color, index in classes.color_map.items()}
    table = np.full(size, _UNKNOWN, np.uint8)
    table[list(known)] = list(known.values())
    return table[codes]


def _read(path: str | Path, modes: str, remedy: str) -> np.ndarray:
    try:
        with Image.open(path) as image:
            mode = image.mode
            if mode in modes.split():
                ImageOps.exif_transpose(image, in_place=True)
                return np.asarray(image)
    except Exception as error:  # a decoder fed with garbage raises anything
        found = f"cannot be read: {error}"
        raise FileProblem(path, found, "copy or download it again, or delete it and its pair") from None
    raise FileProblem(path, f"a file of mode {mode}, expected {modes.replace(' ', ' or ')}", remedy)
