"""Trains and scores runs of a profile as the notebooks do: `python -m seg_helpers.training --profile P --model RUN`.

On several devices: `accelerate launch -m seg_helpers.training --profile P --model RUN`; with ACCELERATE_USE_CPU=1, on
several processes of one CPU.
"""

import argparse
import sys

from seg_helpers.config import ConfigError, load_profile
from seg_helpers.datasets import DatasetError
from seg_helpers.experiments import DamagedRun, claim_gpu, final_scores, get_run, join_processes
from seg_helpers.locks import Held
from seg_helpers.models import WeightsError
from seg_helpers.training.checkpoints import CheckpointError
from seg_helpers.training.loop import TrainingDiverged


def main(arguments: list[str] | None = None) -> int:
    """Trains what is asked for; returns the exit status."""
    parser = argparse.ArgumentParser(prog="python -m seg_helpers.training", description=__doc__)
    parser.add_argument("overrides", nargs="*", metavar="key=value", help="overrides, e.g. epochs=3 or unet:epochs=3")
    parser.add_argument("--profile", default="sample", help="a stem in notebooks/profiles (default: sample)")
    parser.add_argument("--model", action="append", metavar="RUN", help="a run to train, repeatable (default: all of them)")
    parser.add_argument("--data", default="", help="the data set's folder")
    parser.add_argument("--weights", default="", help="a local encoder state_dict in place of the ImageNet download")
    parser.add_argument("--reports", default="reports", help="the folder of all reports (default: reports)")
    parser.add_argument("--seed", type=int, help="one of the runs' seeds (default: all of them)")
    options = parser.parse_args(arguments)
    try:
        state = join_processes()
        profile = load_profile(
            options.profile, options.data, options.weights, options.overrides, options.reports
        )
        for name in options.model or [run for run in profile.run_names() if run not in profile.skipped]:
            for seed in profile.seeds(name) if options.seed is None else [options.seed]:
                with claim_gpu():
                    run = get_run(profile, name, seed)
                scores = final_scores(run)
                low, high = scores["mean_iou_interval"]
                state.print(f"{name}: mean IoU {scores['mean_iou']:.4f} (95% {low:.4f} to {high:.4f}), in {run.path}")
    except (ConfigError, DatasetError, WeightsError, CheckpointError, TrainingDiverged, DamagedRun, Held) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
