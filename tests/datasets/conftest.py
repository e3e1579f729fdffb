"""Caches of tests lie in a folder of their own."""

import pytest


@pytest.fixture(autouse=True)
def cache_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("SEG_CACHE", str(tmp_path / ".cache"))
