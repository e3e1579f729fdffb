"""What `import seg_helpers` offers: each name resolves, and none of them costs anything before it is used."""

import subprocess
import sys

import pytest

import seg_helpers
from seg_helpers import figures


def test_every_name_resolves_and_is_documented():
    for name in seg_helpers.__all__:
        assert getattr(seg_helpers, name).__doc__
        assert name in dir(seg_helpers)
    with pytest.raises(AttributeError, match="no attribute 'train_everything'"):
        _ = seg_helpers.train_everything


def test_what_a_notebook_takes_from_figures_is_there():
    assert [name for name in dir(figures) if not hasattr(figures, name)] == []


def test_the_import_alone_loads_no_library():
    code = "import sys, seg_helpers; sys.exit(bool({'torch', 'pandas', 'matplotlib'} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
