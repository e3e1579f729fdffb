"""The package's errors are sentences, in a notebook too; their advice fits the place."""

import builtins
import importlib
import pkgutil

import pytest
from IPython.core.interactiveshell import InteractiveShell

import seg_helpers
from seg_helpers.errors import SegError, setting


def test_all_errors_of_the_package_are_of_one_kind():
    parts = [info.name for info in pkgutil.walk_packages(seg_helpers.__path__, "seg_helpers.")]
    classes = {
        value for part in parts for value in vars(importlib.import_module(part)).values() if isinstance(value, type)
    }
    own = {kind for kind in classes if issubclass(kind, Exception) and kind.__module__.startswith("seg_helpers")}
    assert len(own) > 5
    assert [kind for kind in own if not issubclass(kind, (SegError, Warning))] == []


def test_a_notebook_shows_the_sentence_alone_and_the_trace_of_any_other(capsys):
    shell = InteractiveShell.instance()
    shell.run_cell("import seg_helpers as seg; seg.load_profile('smok')")
    said = capsys.readouterr().out.strip()
    assert said == "ConfigError: no profile 'smok'; did you mean 'smoke'?"
    shell.run_cell("1 / 0")
    assert "Traceback" in capsys.readouterr().out


@pytest.mark.parametrize(("notebook", "page", "advice"), [(0, 0, "DATA=…"), (1, 0, 'data="…"'), (1, 1, "DATA=…")])
def test_advice_fits_the_place(monkeypatch, notebook, page, advice):
    monkeypatch.delattr(builtins, "get_ipython", raising=False)
    if notebook:
        monkeypatch.setattr(builtins, "get_ipython", lambda: None, raising=False)
    if page:
        monkeypatch.setenv("SEG_PAGE", "1")
    assert setting("data") == advice
