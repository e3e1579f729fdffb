"""Locks on files: one process writes, the next is told who does."""

import contextlib
import datetime
import os
import platform
import re
from collections.abc import Iterator
from pathlib import Path

import psutil
from filelock import FileLock, Timeout

from seg_helpers.errors import SegError


class Held(SegError):
    """Another process holds the lock; the message says which, since when and what to do."""


@contextlib.contextmanager
def hold(file: Path, what: str) -> Iterator[None]:
    """Holds a lock that vanishes with the process, however that ends; who holds it is written beside its file.

    Raises:
        Held: another process holds it, and so makes `what`.
    """
    holder = file.with_name(f"{file.name}.holder")
    file.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(file)
    try:
        lock.acquire(timeout=10 if _is_dead(holder) else 0)  # the killed one's own workers hold it some seconds longer
    except Timeout:
        who = holder.read_text() if holder.is_file() else "another process"
        raise Held(f"{what} is being made by {who}: wait for it, or end it") from None
    try:
        now = datetime.datetime.now().isoformat(" ", "seconds")
        holder.write_text(f"process {os.getpid()} on {platform.node()}, since {now}")
        yield
    finally:
        holder.unlink(missing_ok=True)
        lock.release()


def _is_dead(holder: Path) -> bool:
    """Whether who held a lock was a process of this machine that is no more."""
    found = re.match(r"process (\d+) on (.*), since", holder.read_text()) if holder.is_file() else None
    return found is not None and found[2] == platform.node() and not psutil.pid_exists(int(found[1]))
