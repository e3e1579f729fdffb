"""What there is, as tables: profiles, data sets, finished runs."""

import pandas as pd

from seg_helpers.config import Profile, load_profile, project_root, resolve
from seg_helpers.datasets import SCENES, SPLITS, DatasetError, choose_layout
from seg_helpers.experiments.folders import read_runs
from seg_helpers.experiments.tables import tabulate_runs


def list_profiles() -> pd.DataFrame:
    """The profiles: what each is for, on which data set, how many runs it has and how many of them are finished."""
    rows = {}
    for file in sorted((project_root() / "notebooks" / "profiles").glob("*.yaml")):
        profile = load_profile(file.stem)
        finished = len({record.parts[-3] for record in profile.folder.glob("runs/*/*/record.json")})
        rows[file.stem] = profile.description, profile.data().dataset, len(profile.run_names()), finished
    columns = ["description", "data", "runs", "finished"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns).rename_axis("profile")


def list_datasets() -> pd.DataFrame:
    """Data sets that are generated, that profiles use or that lie in `data/`: the layout of each, and its frames."""
    root, rows = resolve("data"), {}
    folders = [folder.name for folder in root.glob("[!.]*") if folder.is_dir()]
    for name in dict.fromkeys([*SCENES, *list_profiles()["data"], *sorted(folders)]):
        try:
            layout = choose_layout(root / name)
            rows[name] = root / name, layout.name, *(len(layout.find(root / name, split)[0]) for split in SPLITS)
        except (DatasetError, OSError):
            state = "drawn when it is first used" if name in SCENES else "not there, or in no known layout"
            rows[name] = root / name, state, 0, 0, 0
    return pd.DataFrame.from_dict(rows, orient="index", columns=["folder", "layout", *SPLITS]).rename_axis("data")


def list_runs(profile: str | Profile = "sample", ablations: bool = False, every_seed: bool = False, **places):
    """The finished runs of a profile as `tabulate_runs` has them, best first; `places` as `load_profile` takes them."""
    return tabulate_runs(read_runs(load_profile(profile, **places), ablations, every_seed))
