"""What notebooks show, a function a figure: plots and pictures with their captions, tables, and findings in words."""

import importlib

from IPython.display import display as show

__all__ = ["show"]

# module to what a notebook takes from it, which is imported when it is first used: torch and matplotlib take seconds
_MODULES = {
    "augmentation": "measure_objects scale_shift",
    "choices": "list_candidates search_curves show_candidates tabulate_search",
    "data": "batch_pictures class_balance class_heatmaps class_shares suspect_labels",
    "findings": "show_answer",
    "networks": "architecture_diagram atrous_rates show_branches show_layer_table show_source",
    "plots": "picture_rows resize_label",
    "results": "accuracy_cost class_iou class_scores_map cost_bars difference_forest example_panels opening_pictures "
    "prediction_wall reliability_diagram",
    "runs": "describe_ablation missing_finding open_page recipes_finding show_comparison "
    "show_scores show_training unlearned_finding weights_note",
    "splits": "picture_pairs split_distances split_timelines",
    "tables": "GROUPS say show_budgets show_leaderboard show_published show_table",
    "training": "range_test_curves variant_curves",
    "words": "count_of join_words percent plain write_count",
}
_HOMES = {name: module for module, names in _MODULES.items() for name in names.split()}


def __getattr__(name: str):
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
