"""What the pages of a report are made from, as `notebooks/Snakefile` names it; quick, since each `make report` reads it."""

from pathlib import Path

from seg_helpers.config import RECIPES, Profile

PACKAGE = RECIPES.parent  # seg_helpers/
ALL = sorted(recipe.stem for recipe in RECIPES.glob("*.yaml"))
# The recipes whose runs a page shows; one that is not named here shows them all.
SHOWN = {
    "01_data_exploration": [],
    "02_augmentation": ["fcn"],
    "03_fcn": ["fcn"],
    "04_unet": ["unet"],
    "05_pspnet": ["pspnet"],
    "06_deeplab": ["deeplab"],
    "07_fast_scnn": ["fast_scnn", "unet"],
    "08_mini_hrnet": ["hrnet"],
    "09_mini_unet": ["mini_unet", "unet"],
    "10_experiments": ALL,
    "11_comparison": ALL,
    "index": ALL,
}


def page_of(recipe: str) -> str:
    """The page that a recipe's runs are about: the last that names it first, else the comparison."""
    about = [page for page, recipes in SHOWN.items() if recipes is not ALL and recipes[:1] == [recipe]]
    return (about or ["11_comparison"])[-1]


def list_notebooks(folder: Path) -> list[Path]:
    """The notebooks of a folder that are pages of a report (`NN_name.ipynb`), in their order."""
    return sorted(folder.glob("[0-9][0-9]_*.ipynb"))


def choose_notebooks(notebooks: list[Path], only: str = "") -> list[Path]:
    """Those that `only` names, by stem or by number; all if it names none. ValueError if a word names no notebook."""
    words = [word.zfill(2) for word in only.split()]  # Snakemake reads 01 as a number
    known = {name: path for path in notebooks for name in (path.stem, path.stem[:2])}
    for word in words:
        if word not in known:
            raise ValueError(f"ONLY={word}: no such notebook; there are {', '.join(path.stem for path in notebooks)}")
    return [path for path in notebooks if not words or {path.stem, path.stem[:2]} & set(words)]


def list_package(package: Path = PACKAGE) -> list[Path]:
    """The helper package's files, with its recipes and templates: each may change any page."""
    return sorted(path for path in package.rglob("*") if path.is_file() and "__pycache__" not in path.parts)


def list_records(profile: Profile, page: str) -> list[Path]:
    """The records of the finished runs that a page shows, `runs/NAME/SEED/record.json`."""
    recipes = SHOWN.get(page, ALL)
    runs = profile.run_names() if recipes is ALL else [run for recipe in recipes for run in profile.run_names(recipe)]
    return sorted(path for run in runs for path in (profile.folder / "runs" / run).glob("*/record.json"))


def work_file(profile: Profile, name: str) -> Path:
    """A file in the folder for what is not part of the report: a fresh clone does not have it."""
    folder = profile.folder / ".work"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


def write_stamp(profile: Profile, page: str) -> None:
    """Notes in `.work/PAGE.done` that a page was made, and from which records."""
    work_file(profile, f"{page}.done").write_text("\n".join(map(str, list_records(profile, page))))


def drop_outdated(profile: Profile, page: str) -> None:
    """Removes a page's stamp if the page is gone, or a run that it shows was added or removed: no file's date tells."""
    stamp = work_file(profile, f"{page}.done")
    records = "\n".join(map(str, list_records(profile, page)))
    if stamp.is_file() and not ((profile.folder / f"{page}.html").is_file() and stamp.read_text() == records):
        stamp.unlink()
