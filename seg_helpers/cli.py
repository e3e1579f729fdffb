"""The `seg` command: each subcommand hands over to the part of the package that does the work."""

import argparse
import sys

from seg_helpers.config import ConfigError, load_profile, project_root


def main(arguments: list[str] | None = None) -> int:
    """Runs a subcommand; returns the exit status."""
    parser = argparse.ArgumentParser(prog="seg", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("train", help="train and score runs of a profile", add_help=False)
    commands.add_parser("report", help="run a notebook and publish its page", add_help=False)
    commands.add_parser("models", help="list the networks")
    bench = commands.add_parser("bench", help="time every network of a profile at its data set's size")
    bench.add_argument("--profile", default="sample", help="a stem in notebooks/profiles (default: sample)")
    commands.add_parser("readme", help="write the README's table and picture anew from the camvid-cpu report")
    options, rest = parser.parse_known_args(arguments)
    if rest and options.command not in ("train", "report"):  # these two parse their own
        commands.choices[options.command].error(f"unknown arguments: {' '.join(rest)}")
    try:
        return _COMMANDS[options.command](options, rest)
    except (ConfigError, FileNotFoundError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1


def _train(_, rest: list[str]) -> int:
    from seg_helpers.training.__main__ import main as train  # torch comes with it

    return train(rest)


def _report(_, rest: list[str]) -> int:
    from seg_helpers.report.__main__ import main as report

    return report(rest)


def _models(*_) -> int:
    from seg_helpers.models import list_models

    for model in list_models():
        print(f"{model.name:14} {model.parameters:>12,}  {model.title}: {model.purpose} ({model.paper})")
    return 0


def _bench(options, _) -> int:
    from seg_helpers.experiments.benchmark import time_networks

    profile = load_profile(options.profile)
    names = [name for name in profile.run_names() if not profile.experiment(name).study]
    print("milliseconds for one image:")
    print(time_networks(profile, names).to_string(float_format="{:.2f}".format))
    return 0


def _readme(*_) -> int:
    from seg_helpers.report.readme import export_figure, update_readme

    report = project_root() / "reports" / "camvid-cpu"
    export_figure(report / "04_unet.ipynb", "Input, ", report / "unet.png")
    update_readme(project_root() / "README.md")
    return 0


_COMMANDS = {"train": _train, "report": _report, "models": _models, "bench": _bench, "readme": _readme}

if __name__ == "__main__":
    sys.exit(main())
