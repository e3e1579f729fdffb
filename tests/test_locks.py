"""A lock names who holds it, and does not outlive them."""

import os
import subprocess
import sys

import pytest

from seg_helpers.locks import Held, hold

HOLD = """
import sys, time
from pathlib import Path
from seg_helpers.locks import hold
with hold(Path(sys.argv[1]), "a page"):
    print(flush=True)
    time.sleep(60)
"""


def test_the_lock_of_a_killed_process_is_gone(tmp_path):
    file = tmp_path / "work" / "page.lock"
    with subprocess.Popen([sys.executable, "-c", HOLD, str(file)], stdout=subprocess.PIPE) as other:
        try:
            other.stdout.readline()
            with (
                pytest.raises(Held, match=f"a page is being made by process {other.pid} on "),
                hold(file, "a page"),
            ):
                pass
        finally:
            other.kill()
    with hold(file, "a page"):
        assert f"process {os.getpid()} on " in file.with_name("page.lock.holder").read_text()
    assert not file.with_name("page.lock.holder").exists()
