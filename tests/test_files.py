"""What is made beside its place and moved there."""

import os

import pytest

from seg_helpers.files import atomic_path, write_text


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
