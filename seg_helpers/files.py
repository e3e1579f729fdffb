"""Files and folders that a reader meets whole or not at all."""

import contextlib
import os
import secrets
import shutil
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yields a path of the same suffix beside `path`, to write a file or make a folder at: moved there in the end.

    Nothing is left of it if the block fails. A file takes the place of one that is there; a folder that another process
    has made in the meantime stays, and the one that was made here goes. The parent folder is made.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".part-{secrets.token_hex(4)}{path.suffix}")
    try:
        yield part
        try:
            os.replace(part, path)
        except OSError:
            if not (part.is_dir() and path.is_dir()):
                raise
    finally:
        if part.is_dir():
            shutil.rmtree(part, ignore_errors=True)
        part.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Writes a small file so that a reader sees the old or the new text, never half of one."""
    with atomic_path(path) as part:
        part.write_text(text)
