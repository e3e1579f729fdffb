"""The `seg` command: each subcommand hands over to the part of the package that does the work."""

import argparse
import logging
import os
import sys
from pathlib import Path

from seg_helpers.config import ConfigError, Profile, load_profile, project_root
from seg_helpers.errors import SegError

LAUNCH = "--processes N shares each run's batches out to N GPUs; with ACCELERATE_USE_CPU=1, to N processes of one CPU."


def main(arguments: list[str] | None = None) -> int:
    """Runs a subcommand; returns the exit status."""
    options = _build_parser().parse_args(arguments)
    options.given = sys.argv[1:] if arguments is None else arguments
    try:
        options.run(options)
    except (SegError, OSError) as error:  # whoever called, or the machine; a fault of the program keeps its trace
        print(f"error: {error}", file=sys.stderr, flush=True)
        return 1
    return 0


def _build_parser() -> argparse.ArgumentParser:
    places = argparse.ArgumentParser(add_help=False)
    places.add_argument("--profile", default="sample", help="a stem in notebooks/profiles (default: sample)")
    places.add_argument("--data", default="", help="the data set's folder")
    places.add_argument("--weights", default="", help="a local encoder state_dict, not the ImageNet download")
    places.add_argument("--reports", default="reports", help="the folder of all reports (default: reports)")
    places.set_defaults(overrides=[])
    of_run = argparse.ArgumentParser(add_help=False)
    of_run.add_argument("--profile", default="sample", help="the run's profile (default: sample)")
    of_run.add_argument("--reports", default="reports", help="the folder of all reports (default: reports)")
    overrides: dict = {"nargs": "*", "metavar": "key=value", "help": "overrides, e.g. epochs=3 or unet:epochs=3"}

    parser = argparse.ArgumentParser(prog="seg", description=__doc__)
    commands = parser.add_subparsers(required=True)
    train = commands.add_parser("train", parents=[places], help="train and score a profile's runs", epilog=LAUNCH)
    train.add_argument("--model", action="append", metavar="RUN", help="a run, repeatable (default: all)")
    train.add_argument("--seed", type=int, help="one of the runs' seeds (default: all of them)")
    train.add_argument("--processes", type=int, default=1, help="how many share each run (default: 1)")
    train.add_argument("overrides", **overrides)
    train.set_defaults(run=_train)
    report = commands.add_parser("report", parents=[places], help="run a notebook and publish its page")
    source = report.add_mutually_exclusive_group(required=True)
    source.add_argument("notebook", nargs="?", type=Path, help="the notebook to run")
    source.add_argument("--render", action="store_true", help="run none: make all pages of executed ones")
    report.add_argument("--set", dest="overrides", **overrides)
    report.add_argument("--threads", type=int, help="threads that the notebook computes with")
    report.set_defaults(run=_report)
    predict = commands.add_parser("predict", parents=[of_run], help="predict pictures, folders of them and videos")
    predict.add_argument("inputs", nargs="+", type=Path, metavar="INPUT", help="a picture, a video or a folder")
    source = predict.add_mutually_exclusive_group()
    source.add_argument("--run", dest="run_name", metavar="RUN", help="a finished run: its name, or its folder")
    source.add_argument("--weights", default="fast_scnn", help="a file, or a shipped network (default: fast_scnn)")
    predict.add_argument(
        "--output", type=Path, default="predictions", help="the folder to write to (default: predictions)"
    )
    predict.set_defaults(run=_predict)
    export = commands.add_parser(
        "export", parents=[of_run], help="write a run's network to a file that needs nothing else"
    )
    export.add_argument("of", metavar="RUN", help="a finished run: its name, or its folder")
    target = export.add_mutually_exclusive_group(required=True)
    target.add_argument(
        "--onnx", type=Path, metavar="FILE", help="ONNX for images of any size, checked against PyTorch"
    )
    target.add_argument(
        "--weights", type=Path, metavar="FILE", help="half-precision weights, for `seg predict --weights`"
    )
    export.set_defaults(run=_export)
    models = commands.add_parser("models", help="list the networks, or the options of one")
    models.add_argument("name", nargs="?", help="a network")
    models.set_defaults(run=_models)
    readme = commands.add_parser("readme", help="write the README's table and picture anew, of camvid-cpu")
    readme.set_defaults(run=_readme)
    return parser


# Each imports what it needs when it is called: torch takes seconds.
def _train(options: argparse.Namespace) -> None:
    if options.processes != 1 and "WORLD_SIZE" not in os.environ:
        return _launch(options.processes, options.given)
    from seg_helpers.experiments import final_scores
    from seg_helpers.experiments.processes import claim_gpu, join_processes
    from seg_helpers.experiments.runner import get_run

    state = join_processes()
    profile = _load(options)
    names = options.model or [run for run in profile.run_names() if run not in profile.skipped]
    profile.check_overrides(names)
    for name in names:
        for seed in profile.seeds(name) if options.seed is None else [options.seed]:
            with claim_gpu():
                run = get_run(profile, name, seed)
            scores = final_scores(run)
            low, high = scores["mean_iou_interval"]
            state.print(f"{name}: mean IoU {scores['mean_iou']:.4f} (95% {low:.4f} to {high:.4f}), in {run.path}")


def _launch(processes: int, arguments: list[str]) -> None:
    """Starts this command in several processes; where one fails, what it says is the last that is said."""
    import torch
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.run import parse_args, run

    most = torch.cuda.device_count() or os.cpu_count()
    if not 1 <= processes <= most:
        raise ConfigError(f"--processes {processes}: this machine has room for 1 to {most}")
    logging.getLogger("torch.distributed").setLevel(logging.CRITICAL)
    how = ["--standalone", "--nproc_per_node", str(processes), "-m", "seg_helpers.cli"]
    try:
        run(parse_args([*how, *arguments]))
    except ChildFailedError:
        sys.exit(1)


def _report(options: argparse.Namespace) -> None:
    if options.render:
        if options.overrides:
            raise ConfigError("--render runs nothing, so that --set changes nothing: leave one of them out")
        from seg_helpers.report.publishing import render_again

        render_again(_load(options))
    else:
        from seg_helpers.report.execution import PARAMETERS, run_notebook

        run_notebook(options.notebook, options.threads, **{name: getattr(options, name) for name in PARAMETERS})


def _predict(options: argparse.Namespace) -> None:
    from seg_helpers.experiments import open_run
    from seg_helpers.experiments.predictors import open_predictor
    from seg_helpers.figures.predictions import write_predictions

    source = (
        open_run(options.run_name, options.profile, reports=options.reports) if options.run_name else options.weights
    )
    write_predictions(open_predictor(source), options.inputs, options.output)


def _export(options: argparse.Namespace) -> None:
    from seg_helpers.experiments import open_run
    from seg_helpers.experiments.export import export_onnx
    from seg_helpers.experiments.predictors import export_weights

    run = open_run(options.of, options.profile, reports=options.reports)
    export_onnx(run, options.onnx) if options.onnx else export_weights(run, options.weights)


def _models(options: argparse.Namespace) -> None:
    from seg_helpers.models import describe_options, list_models

    if options.name:
        return print(describe_options(options.name))
    for model in list_models().itertuples():
        print(f"{model.Index:14} {model.parameters:>12,}  {model.purpose} {model.paper}")


def _readme(_: argparse.Namespace) -> None:
    from seg_helpers.report.publishing import export_pictures, update_readme

    report = project_root() / "reports" / "camvid-cpu"
    export_pictures(report / "04_unet.ipynb", "Input, ", report / "unet.png")
    update_readme(project_root() / "README.md")


def _load(options: argparse.Namespace) -> Profile:
    return load_profile(options.profile, options.data, options.weights, options.overrides, options.reports)


if __name__ == "__main__":
    sys.exit(main())
