"""What a page says of its runs: what made them, how they were trained, what they score, and how they compare."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import yaml
from IPython.display import display

from seg_helpers.config import Profile, load_profile
from seg_helpers.datasets import describe_split
from seg_helpers.evaluation.metrics import METRICS, compute_metrics
from seg_helpers.experiments import (
    MissingRun,
    Run,
    average_seeds,
    compare_runs,
    final_scores,
    list_notes,
    tabulate_runs,
)
from seg_helpers.experiments.preparation import PreparedData, prepare_data
from seg_helpers.figures import results
from seg_helpers.figures.tables import say, show_leaderboard, show_table
from seg_helpers.figures.training import stage_titles, training_curves
from seg_helpers.figures.words import count_of, join_words, plain
from seg_helpers.progress import format_seconds

METRIC_NAMES = {
    "mean_iou": "mean IoU",
    "pixel_accuracy": "pixel accuracy",
    "mean_dice": "mean Dice",
    "mean_class_accuracy": "mean class recall",
    "frequency_weighted_iou": "frequency-weighted IoU",
}


def open_page(
    profile: str, data: str, weights: str, overrides: list[str], reports: str, run: str = ""
) -> tuple[Profile, PreparedData]:
    """Reads a page's profile (see `load_profile`) and its data (those of `run`, or the profile's), and says which."""
    project = load_profile(profile, data, weights, overrides, reports)
    config = project.experiment(run) if run else None
    prepared = prepare_data(config.data, config.seed) if config else prepare_data(project.data())
    print(f"Profile {project.name}: {project.description}\n{describe_split(prepared.frames)}.")
    return project, prepared


def show_training(run: Run) -> None:
    """Displays what a run was trained with, how long, and its curves."""
    show_settings(run)
    say(describe_training(run))
    display(training_curves(run))


def describe_ablation(runs: Sequence[Run], title: str) -> str:
    """A title for runs that are compared with each other: with their input size, epochs and seeds."""
    sizes = dict.fromkeys("×".join(map(str, run.metrics["size"])) for run in runs)
    epochs = dict.fromkeys(str(run.config.epochs) for run in runs)
    seeds = sorted({run.seed for run in runs})
    trained = f"{join_words(epochs)} epochs, {'seeds' if len(seeds) > 1 else 'seed'} {join_words(map(str, seeds))}"
    return f"{title}: {join_words(sizes)}, {trained}"


def show_settings(run: Run) -> None:
    """Displays what a run was trained with: a table, and below it all settings as a profile writes them, folded."""
    config, settings = run.config, run.config.fingerprinted()
    model, optimizer, loss, augmentation = config.model, config.optimizer, config.loss, settings["augmentation"]
    options = "".join(f", {name} {value}" for name, value in model.options.items())
    encoder = f"{model.encoder_weights} weights of {model.encoder or 'its own encoder'}"
    start = "random weights" if model.encoder_weights == "none" else encoder
    stages = zip(config.planned_stages(), stage_titles(run), strict=False)
    lengths = [f"{stage.epochs} {title}" for stage, title in stages]
    rates = [str(stage.learning_rate or optimizer.learning_rate).replace("_", " ") for stage in config.planned_stages()]
    terms = [f"{term.weight:g} {term.name}" for term in loss.terms]
    slower = f", of the encoder {optimizer.encoder_lr_mult:g} times that" if optimizer.encoder_lr_mult != 1 else ""
    clipped = f", gradients clipped at {config.gradient_clip:g}" if config.gradient_clip else ""
    changes = [f"{name} {value}" for name, value in augmentation.items() if value and name != "enabled"]
    rows = {
        "network": f"{model.name}{options}; {run.metrics['parameters']:,} parameters, from {start}",
        "input": f"{'×'.join(map(str, run.metrics['size']))}, batches of {config.batch_size}",
        "epochs": f"{config.epochs}{': ' if lengths else ''}{', then '.join(lengths)}",
        "optimizer": f"{optimizer.name}, learning rate {join_words(dict.fromkeys(rates))}{slower}, weight decay "
        f"{optimizer.weight_decay:g}{clipped}",
        "schedule": f"{config.schedule.name}, over the {config.schedule.span}",
        "loss": f"{' + '.join(terms)}, class weights {loss.class_weights}, label smoothing {loss.label_smoothing:g}",
        "augmentation": ", ".join(changes) if config.augmentation.enabled else "none",
        "weights scored": f"their moving average of decay {config.ema}" if config.ema else "those of the best epoch",
        "seed": str(config.seed),
    }
    show_table(pd.DataFrame(rows.items(), columns=["setting", "value"]), f"What {run.title} was trained with")
    text = yaml.safe_dump(settings, sort_keys=False, default_flow_style=None, width=80)
    say(f"<details><summary>All settings</summary>\n\n```yaml\n{text}```\n\n</details>")


def describe_training(run: Run) -> str:
    """How long training took, on what, from which weights, as Markdown."""
    record, weights = run.record, run.config.model.encoder_weights
    start = "random weights" if weights == "none" else f"an encoder with {weights} weights"
    return (
        f"**{run.title}** trained for {run.metrics['epochs']} epochs on {record['frames']['train']} frames in "
        f"**{format_seconds(record['training_seconds'])}** (validation on {record['frames']['val']} frames included; "
        f"{run.trained_on}, {run.session['precision']}), from {start}."
    )


def show_scores(run: Run, data: PreparedData) -> None:
    """Displays a run's final metrics with intervals and how they were computed, its classes and its confusions."""
    scores = final_scores(run)
    rows = [
        (METRIC_NAMES[name], scores[name], "{:.3f} to {:.3f}".format(*scores[f"{name}_interval"])) for name in METRICS
    ]
    show_table(
        pd.DataFrame(rows, columns=["metric", "score", "95% interval"]),
        f"{run.title} on the {scores['frames']} {run.final_split} frames, scored once with the weights of epoch "
        f"{run.metrics['best_epoch']}, which validation chose. Pixels are counted over the whole split at the labels' "
        f"own resolution in the classes of {run.class_set}, void left out, and divided once; 95% intervals by drawing blocks of neighboring frames anew.",
        {"score": "{:.4f}"},
    )
    suspect = [name for name in run.scored_frames[run.final_split] if name in run.suspect_frames]
    if suspect:
        without = float(compute_metrics(run.sound_confusions.sum(0))["mean_iou"])
        say(f"Mean IoU without what seems to be labeled wrongly ({plain(join_words(suspect))}): {without:.4f}.")
    if "test_multiscale" in run.scores:
        several = run.scores["test_multiscale"]["mean_iou"]
        scales = ", ".join(f"{scale:g}" for scale in run.config.evaluation.scales)
        mirrored = " and mirrored" if run.config.evaluation.flip else ""
        say(
            f"Averaged over views scaled by {scales}{mirrored}, mean IoU is {several:.3f} "
            f"({several - scores['mean_iou']:+.3f}); the plain score stays the one that is compared."
        )
    results.show_class_table(run, data.classes)
    display(results.confusion_matrix(run.confusions[run.final_split].sum(0), data.classes))


def show_comparison(runs: Sequence[Run], caption: str, baseline: str = "") -> None:
    """Displays runs on the same frames, best first, what sets them apart from the first, and who learned too little."""
    show_leaderboard(average_seeds(tabulate_runs(list(runs))), caption)
    if len(runs) > 1:
        title = f"Mean IoU beyond {baseline or runs[0].title}, on the same frames"
        display(results.difference_forest(compare_runs(list(runs), runs[0]), title))
    say(unlearned_finding(runs))


def unlearned_finding(runs: Sequence[Run]) -> str:
    """Names the runs that score no more than an answer that never looks, as Markdown; empty if there are none."""
    target = runs[0].confusions[runs[0].final_split].sum((0, 2))
    common = int(target.argmax())
    blind = np.zeros((len(target), len(target)))
    blind[:, common] = target
    score = float(compute_metrics(blind)["mean_iou"])
    lost = [run.title for run in runs if final_scores(run)["mean_iou"] <= score]
    floor = f"to say {runs[0].classes.names[common]} everywhere would score as much ({score:.3f})"
    return f"**Too little was learned** by {join_words(lost)}: {floor}." if lost else ""


def weights_note(runs: Sequence[Run]) -> str:
    """Loud where no run starts from pretrained weights, as Markdown: freezing then means freezing random weights."""
    if any(run.config.model.encoder_weights != "none" for run in runs):
        return ""
    frozen = [run.title for run in runs if any(stage.unfreeze != "all" for stage in run.config.stages)]
    text = "**No pretrained weights are used in this profile.**"
    if frozen:
        text += f" Random features are frozen in {join_words(frozen)}: that shows what freezing costs, not pretraining's worth."
    return text


def missing_finding(profile: Profile, runs: Sequence[Run]) -> str:
    """Which runs are finished, which are not and why, and notes on them, as Markdown; MissingRun if none is."""
    if not runs:
        raise MissingRun(
            f"profile {profile.name}: no finished run in {profile.folder / 'runs'}: run the models' notebooks, or "
            f"python -m seg_helpers.cli train --profile {profile.name}"
        )
    found = {run.name for run in runs}
    wanted = [name for name in profile.run_names() if not profile.experiment(name).ablation]
    lines = [f"**{count_of(len(found), 'network')}** of {len(wanted)} finished and compared here."]
    reasons = [f"{name} ({profile.skipped.get(name, 'not trained yet')})" for name in wanted if name not in found]
    if reasons:
        lines.append(f"Missing: {join_words(reasons)}.")
    return " ".join([*lines, *list_notes(profile, runs)])


def recipes_finding(runs: Sequence[Run]) -> str:
    """What the runs of a group differ in, and what the groups do, of the settings that were recorded, as Markdown."""
    runs = list({run.name: run for run in runs}.values())  # their seeds aside
    settings = pd.json_normalize([run.config.fingerprinted() for run in runs]).map(repr)
    settings = settings.loc[:, ~settings.columns.str.match(r"(name|ablation|seed|model\.name|model\.options.*)$")]
    settings = settings.rename(columns={"optimizer.learning_rate": "its learning rate"})
    lines, group = [], [run.config.group for run in runs]
    for _, rows in settings.groupby(group, sort=False):
        titles = [runs[row].title for row in rows.index]
        differing = ["the network", *rows.columns[rows.nunique() > 1]]
        if len(titles) > 1:
            lines.append(f"**{join_words(titles)}** differ in {join_words(differing)}, in nothing else.")
    first = settings.groupby(group, sort=False).first()
    between = first.columns[first.nunique() > 1].drop("its learning rate", errors="ignore")
    if len(first) > 1:
        lines.append(f"From group to group differ {join_words(between)} as well: scores of two groups are not ranked.")
    machines = dict.fromkeys(run.trained_on for run in runs)
    if len(machines) > 1:
        lines.append(f"Training times compare only within a machine; there are {'; '.join(machines)}.")
    return " ".join(lines)
