"""What is made beside its place and moved there."""

import os
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from tiny import file_size_limit

from seg_helpers.files import DiskError, atomic_path, checksum_files, find_damage, passing_name, write_text


def test_a_file_takes_its_place_when_it_is_whole(tmp_path):
    path = tmp_path / "deep" / "table.csv"
    for text in ("old", "new"):
        with atomic_path(path) as part:
            part.write_text(text)
            assert part.suffix == ".csv"  # writers choose the format by it
            assert path.is_file() == (text == "new")
        assert path.read_text() == text
    assert list(path.parent.iterdir()) == [path]


def test_a_failure_leaves_what_was_there(tmp_path):
    path = tmp_path / "table.csv"
    path.write_text("old")

    def stop_halfway(part):
        part.write_text("ne")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), atomic_path(path) as part:
        stop_halfway(part)
    with pytest.raises(FileNotFoundError), atomic_path(path):
        pass  # nothing was written
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_the_first_of_two_folders_stays(tmp_path):
    path = tmp_path / "cache"
    for made in ("first", "second"):
        with atomic_path(path) as part:
            part.mkdir()
            (part / made).write_text("")
    assert [entry.name for entry in path.iterdir()] == ["first"]
    assert list(tmp_path.iterdir()) == [path]


def test_text_is_replaced_at_once(tmp_path, monkeypatch):
    path = tmp_path / "history.csv"
    write_text(path, "old")
    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            write_text(path, "new")
    assert path.read_text() == "old"
    write_text(path, "new")
    assert path.read_text() == "new"
    assert [file.name for file in tmp_path.iterdir()] == ["history.csv"]


def test_what_a_killed_process_left_goes_with_the_next_that_writes_there(tmp_path):
    dead = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, text=True)
    left, alive = passing_name(".part-"), passing_name(".part-")
    left = left.replace(f"-{os.getpid()}-", f"-{dead.stdout.strip()}-")
    others = ".part-00000000-1-00000000", ".part-notes"  # of another machine, and not ours at all
    for name in (left, alive, *others):
        (tmp_path / name).mkdir()
        (tmp_path / name / "big.npy").write_text("")
    write_text(tmp_path / "table.csv", "new")
    assert {path.name for path in tmp_path.iterdir()} == {"table.csv", alive, *others}


@pytest.mark.parametrize("writer", ["text", "numpy", "torch", "safetensors"])
def test_a_full_disk_is_a_sentence_whichever_library_meets_it(tmp_path, writer):
    """A limit on files' sizes stands for the disk; half a file is never taken for a whole one."""
    path = tmp_path / "file.bin"  # torch takes no name that begins with its only dot
    path.write_text("old")
    write = {
        "text": lambda part: part.write_text("x" * 100_000),
        "numpy": lambda part: np.save(part.open("wb"), np.zeros(100_000)),
        "torch": lambda part: torch.save(torch.zeros(100_000), part),
        "safetensors": lambda part: save_file({"weight": torch.zeros(100_000)}, part),
    }[writer]
    with (
        file_size_limit(10_000),
        pytest.raises(DiskError, match=rf"{path} cannot be written \(.*: make room, or"),
        atomic_path(path) as part,
    ):
        write(part)
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    with atomic_path(path) as part:
        write(part)
    assert path.stat().st_size > 90_000


def test_a_place_that_cannot_be_written_to_is_a_sentence(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(DiskError, match=r"file/table\.csv cannot be written \(.*: make room, or name a folder"):
        write_text(tmp_path / "file" / "table.csv", "")


def test_damage_is_found_by_either_checksum(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text(name * 1000)
    for quick in (False, True):
        sums = checksum_files(tmp_path, tmp_path.iterdir(), quick)
        assert find_damage(tmp_path, sums) == ""
        (tmp_path / "b").write_text("c" + "b" * 999)
        assert find_damage(tmp_path, sums) == "b is not the file that was recorded"
        (tmp_path / "b").write_text("b" * 1000)
        assert find_damage(tmp_path, sums | {"c": sums["a"]}) == "no file c"
