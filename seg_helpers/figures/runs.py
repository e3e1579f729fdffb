"""What a notebook shows of a run: where it comes from, its configuration, scores, predictions and rivals."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import yaml

from seg_helpers.classes import ClassSet
from seg_helpers.config import ExperimentConfig, LossConfig, Profile
from seg_helpers.datasets import unpack_batch
from seg_helpers.evaluation.metrics import METRICS, compute_metrics
from seg_helpers.evaluation.prediction import predict_logits
from seg_helpers.experiments import (
    PreparedData,
    Run,
    final_scores,
    list_versions,
    load_network,
    prepare_data,
    read_commit,
    tabulate_runs,
)
from seg_helpers.figures.comparison import show_summary
from seg_helpers.figures.display import ReportFigure, say, show, show_table
from seg_helpers.figures.evaluation import prediction_panels
from seg_helpers.figures.models import branch_features
from seg_helpers.figures.words import count_of, join_words, plain, verb
from seg_helpers.progress import format_seconds
from seg_helpers.training.devices import describe_device

METRIC_NAMES = {
    "mean_iou": "mean IoU",
    "pixel_accuracy": "pixel accuracy",
    "mean_dice": "mean Dice",
    "mean_class_accuracy": "mean class recall",
    "frequency_weighted_iou": "frequency-weighted IoU",
}


def print_setup(profile: Profile) -> None:
    """Prints versions, device, commit and the profile: what is needed to make the page again."""
    commit, dirty = read_commit()
    print(", ".join(f"{name} {version}" for name, version in list_versions().items()))
    print(f"page made on: {describe_device()}")
    print(f"commit: {commit[:10] or 'unknown'}{' with local changes' if dirty else ''}")
    print(f"profile {profile.name}: {profile.description}")


def show_configuration(config: ExperimentConfig) -> None:
    """Displays all that decides the run's result as YAML, folded."""
    text = yaml.safe_dump(config.identity(), sort_keys=False, default_flow_style=None, width=100)
    title = f"Configuration of {config.name}: {config.epochs} epochs, batch {config.batch_size}, seed {config.seed}"
    say(f"<details><summary>{title}</summary>\n\n```yaml\n{text}```\n\n</details>")


def describe_training(run: Run) -> str:
    """How long training took, on what, from which weights, as Markdown."""
    record, metrics = run.record, run.metrics
    weights = run.config.model.encoder_weights
    start = "random weights" if weights == "none" else f"an encoder with {weights} weights"
    frames = record["frames"]
    return (
        f"**{run.title}** trained for {metrics['epochs']} epochs on {frames['train']} frames in "
        f"**{format_seconds(record['training_seconds'])}** (validation on {frames['val']} frames included; "
        f"{run.trained_on}, {run.session['precision']}), from {start}."
    )


def show_scores(run: Run) -> None:
    """Displays a run's final metrics with intervals, and how they were computed."""
    scores = final_scores(run)
    rows = [
        (METRIC_NAMES[name], scores[name], "{:.3f} to {:.3f}".format(*scores[f"{name}_interval"])) for name in METRICS
    ]
    show_table(
        pd.DataFrame(rows, columns=["metric", "score", "95% interval"]),
        f"{run.title} on the {scores['frames']} {run.final_split} frames, scored once with the weights of epoch "
        f"{run.metrics['best_epoch']}, which validation chose. Pixels are counted over the whole split at the labels' "
        f"own resolution in the classes of {run.class_set}, void left out, and divided once; 95% intervals by drawing frames anew.",
        {"score": "{:.4f}"},
    )
    suspect = np.isin(run.scored_frames[run.final_split], run.suspect_frames)
    if suspect.any():
        without = float(compute_metrics(run.sound_confusions.sum(0))["mean_iou"])
        names = join_words(np.array(run.scored_frames[run.final_split])[suspect].tolist())
        say(f"Mean IoU without what seems to be labeled wrongly ({plain(names)}): {without:.4f}.")
    extra = run.scores.get("test_multiscale")
    if extra:
        scales = ", ".join(f"{scale:g}" for scale in run.config.evaluation.scales)
        mirrored = " and mirrored" if run.config.evaluation.flip else ""
        change = extra["mean_iou"] - scores["mean_iou"]
        say(
            f"Averaged over views scaled by {scales}{mirrored}, mean IoU is {extra['mean_iou']:.3f} "
            f"({change:+.3f}); the plain score stays the one that is compared."
        )


# What `choose_examples` picks of each kind, by the frame's own mean IoU.
RANKS = {
    "good": ("90th percentile", "80th percentile"),
    "typical": ("median", "45th percentile"),
    "worst": ("lowest", "5th percentile"),
}


def _examples(run: Run) -> pd.DataFrame:
    """The run's kept frames with a `rank` among all scored ones, each frame once and none of a suspect label."""
    shown = run.examples[run.examples["kind"].isin(RANKS)]
    places = shown.groupby("kind").cumcount()
    ranks = [RANKS[kind][place] for kind, place in zip(shown["kind"], places, strict=True)]
    shown = shown.assign(rank=ranks).drop_duplicates("frame")
    return shown[~shown["frame"].isin(run.suspect_frames)]


def example_panels(run: Run, data: PreparedData) -> ReportFigure:
    """Input, target, prediction and errors of the run's kept frames, named by their rank among all."""
    frames = [
        {
            "image": data.image(row.frame),
            "label": data.label(row.frame),
            "prediction": run.read_prediction(row.frame),
            "name": row.frame,
            "kind": row.rank,
            "mean_iou": row.mean_iou,
        }
        for row in _examples(run).itertuples()
    ]
    return prediction_panels(frames, data.classes)


def example_marks(run: Run) -> dict[str, float]:
    """Rank to the mean IoU of every frame that `example_panels` shows, for `frame_scores`."""
    shown = _examples(run)
    return dict(zip(shown["rank"].str.removesuffix(" percentile"), shown["mean_iou"], strict=True))


def show_variants(runs: Sequence[Run], caption: str) -> None:
    """Displays a row a run, best first: scores, size, cost."""
    show_summary(tabulate_runs(list(runs)), caption)


def unlearned_finding(runs: Sequence[Run]) -> str:
    """Names the runs that score no more than an answer that never looks, as Markdown; empty if there are none."""
    target = runs[0].confusions[runs[0].final_split].sum((0, 2))
    common = int(target.argmax())
    blind = np.zeros((len(target), len(target)))
    blind[:, common] = target
    score = float(compute_metrics(blind)["mean_iou"])
    lost = [run.title for run in runs if final_scores(run)["mean_iou"] <= score]
    if not lost:
        return ""
    return (
        f"**Too little was learned**: {join_words(lost)} {verb(len(lost), 'score')} no more than "
        f"{runs[0].classes[common]} everywhere would ({score:.3f})."
    )


def shared_frames(runs: Sequence[Run]) -> list[str]:
    """Names of the frames that every one of the runs kept a prediction of, in the first run's order."""
    kept = [run.examples.loc[run.examples["kind"] == "shared", "frame"].tolist() for run in runs]
    return [name for name in kept[0] if all(name in other for other in kept)] if kept else []


def class_iou(runs: Sequence[Run]) -> pd.DataFrame:
    """IoU by run title (rows) and class (columns); NaN for a class that a split does not hold."""
    rows = {run.title: {name: scores["iou"] for name, scores in final_scores(run)["per_class"].items()} for run in runs}
    return pd.DataFrame.from_dict(rows, orient="index").astype(np.float64)


def stage_titles(run: Run) -> list[str]:
    """A short name for each stage of a staged run, e.g. `half size, encoder frozen`; none for a plain run."""
    stages = run.config.planned_stages()
    if len(stages) == 1:
        return []
    return [_stage_title(stage) for stage in stages]


def _stage_title(stage) -> str:
    size = {1.0: "full size", 0.5: "half size"}.get(stage.scale, f"{stage.scale:g} of full size")
    trained = {"all": "", 0: ", encoder frozen"}.get(stage.unfreeze, f", top {stage.unfreeze} stages")
    return size + trained


def weights_note(runs: Sequence[Run]) -> str:
    """What the runs' encoders start from, as Markdown; loud where freezing means freezing random weights."""
    frozen = [run.title for run in runs if any(stage.unfreeze != "all" for stage in run.config.stages)]
    starts = {run.config.model.encoder_weights for run in runs}
    if starts == {"none"}:
        text = "**No pretrained weights are used in this profile.**"
        if frozen:
            text += (
                f" {join_words(frozen)} {verb(len(frozen), 'freeze')} random features here: what follows shows what "
            )
            text += "freezing costs, not what pretraining is worth."
        return text
    return f"Pretrained encoders start from {join_words(sorted(starts - {'none'}))} weights."


def missing_finding(profile: Profile, runs: Sequence[Run]) -> str:
    """Which of the profile's runs are finished and which are not, and why, and the profile's notes, as Markdown.

    Raises:
        FileNotFoundError: no run is finished.
    """
    found = {run.name for run in runs}
    wanted = [name for name in profile.run_names() if not profile.experiment(name).ablation]
    if not found:
        raise FileNotFoundError(
            f"profile {profile.name}: no finished run in {profile.folder / 'runs'}: run the models' notebooks, or "
            f"python -m seg_helpers.training --profile {profile.name}"
        )
    lines = [f"**{count_of(len(found), 'network')}** of {len(wanted)} are finished and compared here."]
    missing = [name for name in wanted if name not in found]
    if missing:
        reasons = [f"{name} ({profile.skipped.get(name, 'not trained yet')})" for name in missing]
        lines.append(f"Missing: {join_words(reasons)}.")
    return " ".join([*lines, *list_notes(profile, runs)])


def list_notes(profile: Profile, runs: Sequence[Run]) -> list[str]:
    """What the profile has to say of these runs, a sentence for all that share it."""
    noted = _titles_by([run for run in runs if run.name in profile.notes], lambda run: profile.notes[run.name])
    return [f"Of {join_words(titles)}, note that {note}." for note, titles in noted.items()]


def recipes_finding(runs: Sequence[Run]) -> str:
    """In what the runs differ beside their networks, and which losses and machines trained them, as Markdown."""
    recipes = [_recipe_parts(run.config) for run in runs]
    differing = [part for part in recipes[0] if any(recipe[part] != recipes[0][part] for recipe in recipes)]
    if differing:
        text = f"The runs differ in their network and in {join_words(differing)}: a difference in score is one of all of these."
    else:
        text = "The runs differ in their network alone."
    losses = _titles_by(runs, lambda run: _describe_loss(run.config.loss))
    if len(losses) > 1:
        text += f" Losses: {'; '.join(f'{loss} ({join_words(titles)})' for loss, titles in losses.items())}."
    machines = _titles_by(runs, lambda run: run.trained_on)
    if len(machines) > 1:
        listed = "; ".join(f"{machine} ({join_words(titles)})" for machine, titles in machines.items())
        text += f" Training times compare only within a machine: {listed}."
    return text


def _recipe_parts(config: ExperimentConfig) -> dict:
    """All that decides a run's result beside its network, by the name that a page gives it."""
    parts = config.identity()
    for key in ("name", "ablation"):
        parts.pop(key)
    size, start = parts["data"].pop("size"), parts.pop("model")["encoder_weights"]
    shown = {"schedule": "learning-rate schedule", "ema": "averaging of weights", "evaluation": "validation"}
    named = {shown.get(key, key.replace("_", " ")): value for key, value in parts.items()}
    return {"input size": size, "initial weights": start} | named


def _describe_loss(loss: LossConfig) -> str:
    terms = [("" if term.weight == 1 else f"{term.weight:g} ") + term.name.replace("_", "-") for term in loss.terms]
    text = " + ".join(terms)
    if loss.class_weights != "none":
        text += f" with {loss.class_weights.replace('_', '-')} class weights"
    return text + (f", labels smoothed by {loss.label_smoothing:g}" if loss.label_smoothing else "")


def _titles_by(runs: Sequence[Run], key: Callable[[Run], str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for run in runs:
        groups.setdefault(key(run), []).append(run.title)
    return groups


def split_gap_finding(table: pd.DataFrame) -> str:
    """How val and test scores differ over the runs of `tabulate_runs`, as Markdown."""
    if set(table["split"]) != {"test"}:
        return "This data set withholds its test labels: the scores are of the val split, which also chose the epoch."
    gap = table["val_mean_iou"] - table["mean_iou"]
    order = table["mean_iou"].corr(table["val_mean_iou"], method="spearman") if len(table) > 2 else np.nan
    text = f"Val mean IoU lies {gap.mean():+.3f} from test on average ({gap.min():+.3f} to {gap.max():+.3f})"
    return text + ("." if np.isnan(order) else f"; the rank correlation of the two is {order:.2f} (Spearman).")


def class_set_of(profile: Profile) -> ClassSet:
    """The class set that the profile's data set is read in."""
    return prepare_data(profile.data()).classes


# A published coursework report on CamVid's test split: Fast-SCNN from scratch, 94 epochs, 11 classes.
PUBLISHED_FAST_SCNN = {"mean_iou": 0.3975, "mean_dice": 0.4952, "pixel_accuracy": 0.7779}


def published_finding(run: Run) -> str:
    """The run beside the published coursework result, as Markdown; only CamVid's own test split compares."""
    if run.config.data.dataset != "camvid" or run.class_set != "camvid11" or "test" not in run.scores:
        return (
            f"The published coursework result (mean IoU {PUBLISHED_FAST_SCNN['mean_iou']}) is of CamVid's test split in "
            f"11 classes; this run was scored on {run.config.data.dataset} in {run.class_set}, so the two cannot be compared."
        )
    scores = run.scores["test"]
    parts = [
        f"{METRIC_NAMES[name]} {scores[name]:.4f} against {value:.4f} ({scores[name] - value:+.4f})"
        for name, value in PUBLISHED_FAST_SCNN.items()
    ]
    return (
        f"Beside the published coursework result on the same split (from scratch, 94 epochs): {join_words(parts)}. "
        f"This run took {run.metrics['epochs']} epochs."
    )


def show_branches(run: Run, data: PreparedData, modules: dict[str, str], frame: str = "") -> None:
    """Displays what parts of the trained network answer to one held-out frame, or says why it cannot.

    Args:
        run: a finished run whose weights are in its folder.
        data: the data set that the frame is taken from.
        modules: title to the module's name in the network.
        frame: its name; the first that every run keeps a prediction of by default.
    """
    if not run.has_weights:
        say(f"**{run.title}'s weights are not in {run.path.name}/**: its feature maps cannot be drawn here.")
        return
    network = load_network(run)
    frame = frame or run.examples.loc[run.examples["kind"] == "shared", "frame"].iloc[0]
    batch = next(data.frames_of(run.final_split, [data.find(frame)]))
    found: dict[str, np.ndarray] = {}
    for title, name in modules.items():
        keep = lambda _module, _inputs, output, title=title: found.update({title: output[0].float().numpy()})  # noqa: E731
        network.get_submodule(name).register_forward_hook(keep)
    predict_logits(network, unpack_batch(batch)[0])
    show(branch_features(data.image(frame), found))


def range_tests_of(run: Run) -> dict[str, tuple[pd.DataFrame, float, str]]:
    """Stage title to (curve, suggestion, reason) of each range test, for `range_test_curves`."""
    titles = stage_titles(run) or [run.title]
    return {
        f"stage {stage + 1}: {titles[stage]}": (pd.DataFrame(test["curve"]), test["rate"], test["reason"])
        for stage, test in run.range_tests.items()
    }
