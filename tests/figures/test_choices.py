import pandas as pd
import pytest

from seg_helpers.config import load_profile
from seg_helpers.datasets import BRACKETED
from seg_helpers.experiments import read_runs
from seg_helpers.figures import choices


@pytest.fixture(scope="module")
def recorded():
    """The profile whose records of choices are part of the project."""
    profile = load_profile("camvid-cpu")
    return profile, read_runs(profile, ablations=True, every_seed=True)


def test_what_was_chosen_never_met_the_test_split(recorded):
    profile, runs = recorded
    searched = {name for search in profile.searches.values() for name in search.entries("lr")}
    chosen = [run for run in runs if run.config.data.split.kind == "held_out_clip" or run.name in searched]
    assert len(chosen) > 20
    assert not any("test" in run.confusions for run in chosen)
    groups = choices.list_candidates(profile)
    assert {group: runs[0].name for group, runs in groups.items()} == {
        "encoder": "pilot_encoder",
        "scratch": "pilot_scratch",
    }
    assert all({"val", BRACKETED} == run.confusions.keys() for runs in groups.values() for run in runs)


def test_a_compared_network_has_the_learning_rate_that_its_search_found_best(recorded):
    profile, runs = recorded
    table = choices.tabulate_search(profile, "lr")
    compared = {run.title for run in runs if not run.config.ablation}
    rates = table.loc[table.index.isin(compared)]
    assert rates["in use"].to_dict() == rates.drop(columns="in use").idxmax(axis=1).to_dict()


def test_search_curves_mark_the_value_in_use():
    table = pd.DataFrame({1e-3: [0.4, 0.2], 1e-2: [0.5, None], "in use": [1e-2, 5e-3]}, index=["A", "B"])
    axes = choices.search_curves(table, "rate").figure.axes[0]
    first, mark, second = (line.get_xydata().tolist() for line in axes.lines[:3])
    assert first == [[0.001, 0.4], [0.01, 0.5]]
    assert mark == [[0.01, 0.5]]
    assert second == [[0.001, 0.2]]


def test_a_profile_without_searches_has_none():
    assert choices.list_candidates(load_profile("smoke")) == {}
