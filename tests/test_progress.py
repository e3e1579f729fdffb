"""Progress output: silent for short work, a line now and then without a terminal, a bar in one."""

import builtins
import io
import sys

import pytest

from seg_helpers import progress
from seg_helpers.progress import format_seconds, track


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (42.4, "42 s"),
        (60, "1 min 00 s"),
        (185, "3 min 05 s"),
        (3599.4, "59 min 59 s"),
        (3720, "1 h 02 min"),
        (7325, "2 h 02 min"),
    ],
)
def test_durations_are_written_for_people(seconds, text):
    assert format_seconds(seconds) == text


@pytest.mark.parametrize(("seconds", "text"), [(9.97, "10 s"), (59.7, "1 min 00 s"), (3599.7, "1 h 00 min")])
def test_what_rounds_up_to_the_next_unit_is_written_in_it(seconds, text):
    assert format_seconds(seconds) == text


@pytest.fixture
def clock(monkeypatch):
    """A clock that only `tick` moves."""
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])

    def tick(seconds):
        now[0] += seconds

    return tick


def work(items, clock, seconds, **options):
    done = []
    for item in track(items, "caching", **options):
        clock(seconds)
        done.append(item)
    return done


def test_short_work_is_silent(clock, capsys):
    assert work(range(10), clock, 0.1) == list(range(10))
    assert capsys.readouterr() == ("", "")


def test_long_work_says_how_far_it_is_and_what_is_left(clock, capsys):
    assert work(range(10), clock, 8) == list(range(10))
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "caching: 2 of 10, 1 min 04 s left"
    assert len(lines) == 4  # every 16 seconds, and nothing about the end


def test_the_total_may_be_named_or_unknown(clock, capsys):
    assert work(iter(range(4)), clock, 20, total=4) == [0, 1, 2, 3]
    assert capsys.readouterr().out.splitlines()[0] == "caching: 1 of 4, 1 min 00 s left"
    assert work(iter(range(4)), clock, 20) == [0, 1, 2, 3]
    assert capsys.readouterr().out == ""


def test_a_terminal_gets_a_bar(monkeypatch, capsys):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(progress, "QUIET_SECONDS", 0)
    assert list(track(range(3), "caching")) == [0, 1, 2]
    assert "caching" in terminal.getvalue()
    assert capsys.readouterr().out == ""


def test_a_live_notebook_gets_a_bar_and_a_page_lines(monkeypatch, clock, capsys):
    monkeypatch.setattr(builtins, "get_ipython", lambda: None, raising=False)
    monkeypatch.setattr(progress, "QUIET_SECONDS", 0)
    assert work(range(3), clock, 20) == [0, 1, 2]
    written = capsys.readouterr()
    assert written.err == ""  # which a notebook shows in red
    assert "\rcaching: " in written.out
    assert written.out.rpartition("\r")[0].rpartition("\r")[2].strip() == ""  # nothing is left of it
    monkeypatch.setenv("SEG_PAGE", "1")
    assert work(range(3), clock, 20) == [0, 1, 2]
    assert capsys.readouterr().out.splitlines() == ["caching: 1 of 3, 40 s left", "caching: 2 of 3, 20 s left"]


def test_work_that_is_left_early_ends_there(clock):
    assert next(track(range(3), "caching")) == 0
