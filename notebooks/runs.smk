"""The runs of a profile as a graph: what is missing is trained, a job each; `make runs` calls it.

A job is `python -m seg_helpers.cli train` for one run and seed: it resumes what was killed and loads what is finished,
so that any executor may start it anywhere, and again. Its output is a stamp, not the record: Snakemake deletes
outputs of what was interrupted, and nothing that was computed may go.
"""

import sys
from pathlib import Path

import torch

from seg_helpers.config import ConfigError, load_profile
from seg_helpers.datasets import DatasetError
from seg_helpers.experiments.plan import describe_plan, plan_runs

options = {key: str(value or "") for key, value in config.items()}
name, reports = options.get("profile") or "sample", options.get("reports") or "reports"
given = {key: options.get(key, "") for key in ("data", "weights")}
overrides = options.get("overrides", "").split()
try:
    profile = load_profile(name, **given, overrides=overrides, reports=reports)
    planned = plan_runs(profile, options.get("only", ""))
except (ConfigError, DatasetError) as error:
    sys.exit(f"error: {error}")

work = Path(reports, profile.name, ".work", "runs")
stamps = {run: work / f"{run.name}.{run.seed}" for run in planned}
if workflow.is_main_process:  # not in a job of an executor's
    print(describe_plan(planned), flush=True)
    for run, stamp in stamps.items():
        if run.left:
            stamp.unlink(missing_ok=True)


rule runs:
    localrule: True
    input:
        [stamp for run, stamp in stamps.items() if run.left],


for position, (run, stamp) in enumerate(stamps.items()):

    rule:
        name:
            f"run_{run.name}_{run.seed}"
        output:
            touch(stamp),
        priority: len(stamps) - position
        threads: 1
        resources:
            gpus=int(torch.cuda.is_available()),
        params:
            run=run.name,
            seed=run.seed,
            overrides=[text for text in overrides if text.partition("=")[0].rpartition(":")[0] in ("", run.name)],
        shell:
            "OMP_NUM_THREADS={threads} {sys.executable:q} -m seg_helpers.cli train --profile {name:q} --reports {reports:q}"
            " --data={given[data]:q} --weights={given[weights]:q} --model {params.run:q} --seed {params.seed} {params.overrides:q}"


onsuccess:
    print(describe_plan(plan_runs(profile, options.get("only", ""))), flush=True)


onerror:
    print(describe_plan(plan_runs(profile, options.get("only", ""))), flush=True)
