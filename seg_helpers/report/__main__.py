"""Runs a notebook of a profile and publishes its page; with --render, makes the pages anew without running anything."""

import argparse
import sys
from pathlib import Path

from seg_helpers.config import ConfigError
from seg_helpers.report.runner import NotebookFailed, Request, run_notebook


def main(arguments: list[str] | None = None) -> int:
    """Returns the exit status: 0 if the page is published, 1 if not."""
    parser = argparse.ArgumentParser(prog="python -m seg_helpers.report", description=__doc__)
    parser.add_argument("notebook", nargs="?", type=Path, help="the notebook; none with --render")
    parser.add_argument("--profile", default="sample", help="a stem in notebooks/profiles (default: sample)")
    parser.add_argument("--data", default="", help="the data set's folder")
    parser.add_argument(
        "--weights", default="", help="a local encoder state_dict in place of the ImageNet download"
    )
    parser.add_argument(
        "--set", nargs="*", default=[], metavar="key=value", dest="overrides", help="overrides"
    )
    parser.add_argument("--reports", default="reports", help="the folder of all reports (default: reports)")
    parser.add_argument("--threads", type=int, help="threads that the notebook computes with")
    parser.add_argument(
        "--render", action="store_true", help="make pages and index from the executed notebooks"
    )
    options = parser.parse_args(arguments)
    if (options.notebook is None) != options.render:
        parser.error("give a notebook to run, or --render")
    request = Request(
        options.notebook or Path(),
        options.profile,
        options.data,
        options.weights,
        tuple(options.overrides),
        options.reports,
    )
    try:
        if options.render:
            from seg_helpers.report.publishing import render_again  # torch comes with it

            render_again(request.load_profile())
        else:
            run_notebook(request, options.threads)
    except (ConfigError, NotebookFailed) as error:
        print(f"\nerror: {error}\n", file=sys.stderr, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
