"""Numbers and names as the words of captions, alt texts and findings."""

import re
from collections.abc import Iterable


def percent(share: float) -> str:
    """A share as a percentage with as many decimals as it needs: 27%, 3.4%, 0.05%, <0.01%."""
    value = 100 * share
    if 0 < value < 0.005:
        return "<0.01%"
    decimals = 0 if abs(value) >= 10 or value == 0 else 1 if abs(value) >= 1 else 2
    return f"{value:.{decimals}f}%"


def write_count(number: float) -> str:
    """12,425,028 to "12.4 M"; 6,640 to "6.6 k"; 3.1e9 to "3.10 G"; 47.53 to "47.5"."""
    for limit, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= limit:
            value = number / limit
            return f"{value:.{2 if value < 10 and unit != 'k' else 1 if value < 100 else 0}f} {unit}"
    return f"{number:.0f}" if number >= 100 else f"{number:.3g}"


def plain(name: str) -> str:
    """A name from the data, such that Markdown and HTML show its characters and do not act on them."""
    return re.sub(r"[^\w\s.,:;/()%=+-]|(?<!\w)_|_(?!\w)", lambda mark: f"&#{ord(mark[0])};", name)


def join_words(words: Iterable[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    *first, last = list(words) or [""]
    return f"{', '.join(first)} and {last}" if first else last


def count_of(number: int, noun: str) -> str:
    """ "1 frame", "90 frames", "2 classes"."""
    hissing = noun.endswith(("s", "ch")) and noun != "epoch"
    return f"{number:,} {noun}{'' if number == 1 else 'es' if hissing else 's'}"
