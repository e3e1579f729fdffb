"""Progress for whatever takes longer than two seconds: a live bar in a terminal or notebook, plain lines elsewhere."""

import functools
import sys
import time
from collections.abc import Iterable, Iterator, Sized
from typing import TextIO, TypeVar

from tqdm import tqdm

from seg_helpers.errors import in_notebook

QUIET_SECONDS = 2.0  # nothing is printed for work shorter than this
LINE_SECONDS = 15.0  # where there is no bar: at most one line in so many seconds

Item = TypeVar("Item")

say_once = functools.cache(functools.partial(print, flush=True))  # what several parts of a process find each on its own


def format_seconds(seconds: float) -> str:
    """Writes a duration for people: `0.4 s`, `42 s`, `3 min 05 s`, `1 h 02 min`."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 59.5:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest:02d} s"
    return f"{minutes // 60} h {minutes % 60:02d} min"


def bar_stream() -> TextIO | None:
    """Where a bar can be drawn over itself, without a widget: a terminal or a live notebook; None elsewhere."""
    return sys.stderr if sys.stderr.isatty() else sys.stdout if in_notebook() else None


def track(items: Iterable[Item], description: str, total: int | None = None) -> Iterator[Item]:
    """Yields `items`, `total` if they have no length, showing how far the work, e.g. `"caching camvid"`, has come."""
    total = len(items) if total is None and isinstance(items, Sized) else total
    if stream := bar_stream():
        yield from tqdm(items, description, total, False, stream, delay=QUIET_SECONDS, dynamic_ncols=True)
        return
    start = last = time.monotonic()
    for count, item in enumerate(items, 1):
        yield item
        now = time.monotonic()
        if total and count < total and now - start > QUIET_SECONDS and now - last > LINE_SECONDS:
            left = (now - start) / count * (total - count)
            print(f"{description}: {count} of {total}, {format_seconds(left)} left", flush=True)
            last = now
