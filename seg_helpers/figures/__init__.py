"""What notebooks show, a function a figure: plots and pictures with their captions, tables, and findings in words."""

# ruff: noqa: F401

from IPython.display import display as show

from seg_helpers.figures.augmentation import measure_objects, scale_shift
from seg_helpers.figures.choices import list_candidates, search_curves, show_candidates, tabulate_search
from seg_helpers.figures.data import (
    batch_pictures,
    class_balance,
    class_heatmaps,
    class_shares,
    suspect_labels,
)
from seg_helpers.figures.display import say, show_table
from seg_helpers.figures.findings import show_answer
from seg_helpers.figures.networks import (
    architecture_diagram,
    atrous_rates,
    show_branches,
    show_layer_table,
    show_source,
)
from seg_helpers.figures.plots import overlay, picture_rows, resize_label
from seg_helpers.figures.results import (
    accuracy_cost,
    class_iou,
    class_scores_map,
    cost_bars,
    difference_forest,
    example_panels,
    opening_pictures,
    prediction_wall,
    show_leaderboard,
)
from seg_helpers.figures.runs import (
    describe_ablation,
    describe_training,
    missing_finding,
    open_page,
    recipes_finding,
    show_comparison,
    show_run,
    show_scores,
    show_training,
    unlearned_finding,
    weights_note,
)
from seg_helpers.figures.splits import picture_pairs, split_distances, split_timelines
from seg_helpers.figures.training import range_test_curves, variant_curves
from seg_helpers.figures.words import count_of, join_words, percent, plain, write_count
