"""What notebooks show, a function a figure: each returns a `ReportFigure`, which knows its alt text and caption."""

# ruff: noqa: F401

from seg_helpers.figures.architecture import architecture_diagram, show_layer_table
from seg_helpers.figures.augmentation import (
    balance_shift,
    measure_objects,
    pipeline_grid,
    scale_shift,
    transform_gallery,
)
from seg_helpers.figures.comparison import (
    accuracy_cost,
    class_scores_map,
    cost_bars,
    difference_forest,
    prediction_wall,
    show_summary,
)
from seg_helpers.figures.data import (
    balance_finding,
    baseline_finding,
    class_balance,
    class_heatmaps,
    class_shares,
    label_finding,
    problems_finding,
    sample_grid,
    show_problems,
    split_counts,
    suspect_labels,
)
from seg_helpers.figures.display import say, show, show_table
from seg_helpers.figures.evaluation import (
    class_bars,
    confusion_matrix,
    frame_scores,
    map_errors,
    prediction_panels,
    show_class_table,
    tabulate_scores,
)
from seg_helpers.figures.models import atrous_finding, atrous_rates, branch_features, pyramid_bins
from seg_helpers.figures.pictures import overlay
from seg_helpers.figures.runs import (
    class_iou,
    class_set_of,
    describe_training,
    example_marks,
    example_panels,
    missing_finding,
    print_setup,
    published_finding,
    range_tests_of,
    recipes_finding,
    shared_frames,
    show_branches,
    show_configuration,
    show_scores,
    show_variants,
    split_gap_finding,
    stage_titles,
    unlearned_finding,
    weights_note,
)
from seg_helpers.figures.splits import (
    audit_finding,
    leak_finding,
    nearness_finding,
    picture_pairs,
    show_duplicates,
    split_distances,
    split_timelines,
)
from seg_helpers.figures.training import best_epoch, range_test_curves, training_curves, variant_curves
from seg_helpers.figures.words import count_of, join_words, percent, plain, write_count
