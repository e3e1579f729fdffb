"""Train, score and compare semantic-segmentation networks, and report it so that a reader can trust the numbers.

    import seg_helpers as seg

    project = seg.load_profile("sample")       # which runs there are, on which data, at what size and length
    data = seg.prepare_data(project.data())    # frames and labels: read, checked, split and cached
    run = seg.get_run(project, "unet")         # loads the run of that name, or trains and scores it
    run.history, run.scores["test"]            # a row an epoch; scores of a split, made from its counts
    seg.compare_runs([run, seg.get_run(project, "fcn8s")], baseline=run)  # on the same frames, with intervals
    seg.list_models()                          # the networks; seg.build_model("unet", num_classes=11) makes one

Parts, each importing only those before it: `scenes` paints generated data, `config` reads profiles and recipes,
`classes` names classes, `datasets` reads and splits frames, `models` are the networks, `evaluation` counts and scores,
`training` is the loop, `experiments` makes and reads runs, `figures` draws them, `report` makes pages.
"""

import importlib
import warnings

__version__ = "0.1.0"

warnings.filterwarnings("ignore", "IProgress not found")  # tqdm's, for a widget that nothing here needs

# name to the part that it comes from, which is imported when the name is first used: torch takes seconds
_HOMES = {
    "load_profile": "config",
    "build_model": "models",
    "count_parameters": "models",
    "list_models": "models",
    "compare_runs": "experiments",
    "get_run": "experiments.runner",
    "list_datasets": "experiments.listing",
    "list_profiles": "experiments.listing",
    "list_runs": "experiments.listing",
    "open_run": "experiments",
    "prepare_data": "experiments.preparation",
    "find_learning_rate": "figures.training",
    "predict": "figures.predictions",
    "show_augmentation": "figures.augmentation",
    "show_batch": "figures.data",
    "show_results": "figures.predictions",
    "training_curves": "figures.training",
}
__all__ = list(_HOMES)


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
