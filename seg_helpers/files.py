"""Files and folders that a reader meets whole or not at all, and checksums that tell whether they still are."""

import contextlib
import hashlib
import os
import platform
import re
import secrets
import shutil
import zlib
from collections.abc import Iterable, Iterator
from pathlib import Path

import psutil
import yaml

from seg_helpers.errors import SegError

UNREADABLE = (OSError, ValueError, LookupError, TypeError, AttributeError, yaml.YAMLError)  # of a damaged file
_MACHINE = f"{zlib.crc32(platform.node().encode()):08x}"  # several may share a folder


class DiskError(SegError):
    """What cannot be written for want of room or of the right to; the message says where, why and what to do."""


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns what a writer raises of a disk, whichever library it is of, into a DiskError on this path."""
    try:
        yield
    except FileNotFoundError:
        raise
    except Exception as error:  # safetensors says "os error 28", torch's archives "unexpected pos", neither as OSError
        if not isinstance(error, OSError) and not re.search("os error|unexpected pos|failed writing", str(error)):
            raise
        raise DiskError(
            f"{path} cannot be written ({error}): make room, or name a folder that can be written to, and start again; "
            "what is finished is kept"
        ) from error


@contextlib.contextmanager
def atomic_path(path: Path) -> Iterator[Path]:
    """Yields a path of the same suffix beside `path`, to write a file or make a folder at: moved there in the end.

    Nothing is left of it if the block fails, and if the process is killed it goes with the next that writes beside it.
    A file takes the place of one that is there; a folder that another process has made in the meantime stays, and the
    one that was made here goes. The parent folder is made. DiskError if the disk does not let it.
    """
    part = path.with_name(passing_name(".part-") + path.suffix)
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        sweep(path.parent, ".part-")
        try:
            yield part
            try:
                os.replace(part, path)
            except OSError:
                if not (part.is_dir() and path.is_dir()):
                    raise
        finally:
            remove(part)


def write_text(path: Path, text: str) -> None:
    """Writes a small file so that a reader sees the old or the new text, never half of one."""
    with atomic_path(path) as part:
        part.write_text(text)


def passing_name(prefix: str) -> str:
    """A name for what lasts no longer than this process, which `sweep` knows by it."""
    return f"{prefix}{_MACHINE}-{os.getpid()}-{secrets.token_hex(4)}"


def sweep(folder: Path, prefix: str) -> None:
    """Removes what processes of this machine have left in a folder under a `passing_name` when they were killed."""
    for path in folder.glob(f"{prefix}{_MACHINE}-*"):
        process = re.match(r"-(\d{1,9})-", path.name.removeprefix(prefix + _MACHINE))
        if process and not psutil.pid_exists(int(process[1])):
            remove(path)


def remove(path: Path) -> None:
    """Removes a file or a folder, as far as it is there and may be removed."""
    if path.is_dir():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


def checksum_files(folder: Path, files: Iterable[Path], quick: bool = False) -> dict[str, str]:
    """SHA-256 of files, or what is large and read often can afford (`quick`), CRC-32, by their path in the folder."""
    return {file.relative_to(folder).as_posix(): _checksum(file, quick) for file in sorted(files)}


def _checksum(file: Path, quick: bool) -> str:
    with file.open("rb") as stream:
        if not quick:
            return hashlib.file_digest(stream, "sha256").hexdigest()
        checksum = 0
        while chunk := stream.read(1 << 20):
            checksum = zlib.crc32(chunk, checksum)
        return f"{checksum:08x}"


def find_damage(folder: Path, checksums: dict[str, str]) -> str:
    """Which file is missing or is not as `checksum_files` saw it, and that; empty if all are whole."""
    for name, checksum in checksums.items():
        if not (folder / name).is_file():
            return f"no file {name}"
        if _checksum(folder / name, quick=len(checksum) == 8) != checksum:
            return f"{name} is not the file that was recorded"
    return ""
