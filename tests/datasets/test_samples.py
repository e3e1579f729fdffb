import pytest

from seg_helpers.datasets.layouts import DatasetError, read_dataset
from seg_helpers.datasets.samples import ensure_sample

SMALL = {"frames": 4, "size": (24, 32)}


def test_a_missing_sample_is_generated_once_and_said_so(tmp_path, capsys):
    root = ensure_sample(tmp_path / "data" / "soccer", "soccer", **SMALL)
    assert "generated 5 soccer frames" in capsys.readouterr().out
    assert read_dataset(root).counts()["train"] == 3
    before = sorted((path, path.stat().st_mtime_ns) for path in root.rglob("*.png"))
    ensure_sample(root, "soccer", **SMALL)
    assert capsys.readouterr().out == ""
    assert sorted((path, path.stat().st_mtime_ns) for path in root.rglob("*.png")) == before
    assert [path.name for path in root.parent.iterdir()] == ["soccer"]


def test_files_of_somebody_else_are_not_touched(tmp_path):
    (tmp_path / "mine.png").write_text("precious")
    with pytest.raises(DatasetError, match="not a generated soccer data set"):
        ensure_sample(tmp_path, "soccer", **SMALL)
    assert (tmp_path / "mine.png").read_text() == "precious"


def test_a_run_that_stops_leaves_nothing_behind(tmp_path, monkeypatch):
    def stop(root, **options):
        (root / "train").mkdir()
        raise KeyboardInterrupt

    monkeypatch.setitem(ensure_sample.__globals__["GENERATORS"], "soccer", stop)
    with pytest.raises(KeyboardInterrupt):
        ensure_sample(tmp_path / "soccer", "soccer")
    assert list(tmp_path.iterdir()) == []
