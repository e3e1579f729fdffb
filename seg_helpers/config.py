"""The typed configuration of an experiment, and the profiles that scale a whole set of them.

An experiment is laid together from layers, the later ones winning:

1. its group (`seg_helpers/groups.yaml`), what networks that are compared have in common: optimizer, schedule,
   loss, averaging of weights;
2. the `base` of its recipe (`seg_helpers/recipes/*.yaml`): the network;
3. the profile's `data`, its `defaults`, then what it says of the group in `groups` (`notebooks/profiles/*.yaml`): data
   set, input size, epochs, batch size; DATA is the folder of that data set;
4. for a run marked `ablation`, a shorter one made for a comparison, the profile's `ablation`;
5. the run's own entry in the recipe, which says what makes it different;
6. the run's entry in the profile's `runs`; one that says `like: RUN` is a run of the profile's own, and stands on all
   layers of that run up to here, as do the runs of the profile's `searches`;
7. overrides given on the command line or by papermill, in their order.

What is said of one data set's files never reaches a run on another data set: see `Profile`.
"""

import difflib
import json
import os
import re
import reprlib
from collections.abc import Collection, Sequence
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from seg_helpers.errors import SegError

RECIPES = Path(__file__).parent / "recipes"
GROUPS = RECIPES.with_name("groups.yaml")
YAML_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # the C one reads ten times as fast
Side = Annotated[int, Field(gt=0, le=8192)]  # pixels
Size = tuple[Side, Side]  # (height, width)
Zoom = Annotated[float, Field(ge=0.1, le=10)]
Place = Annotated[  # a path as text, empty for None
    str,
    Field(pattern=r"^[^\x00]*$"),
    BeforeValidator(lambda path: str(path or "") if isinstance(path, Path | None) else path),
]
MOST_EPOCHS = 100_000
_OF_ONE_DATA_SET = ("dataset", "root", "layout", "classes")  # keys of `data` that fit no other data set


class ConfigError(SegError, ValueError):
    """A configuration that cannot be used; the message says where, what and what to do."""


class Section(BaseModel):
    """A part of the configuration: unknown keys are errors, values do not change once read."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _reads_no_truth_value_as_a_number(cls, values):  # as pydantic would
        for key in cls.model_fields.keys() & (values if isinstance(values, dict) else ()):
            items = values[key] if isinstance(values[key], list | tuple) else [values[key]]
            takes = re.search("bool|Any", str(cls.model_fields[key].annotation))
            if not takes and any(isinstance(item, bool) for item in items):
                raise ValueError(f"{key} cannot be {values[key]}")
        return values


class SplitConfig(Section):
    """How frames are divided into train, val and test."""

    kind: Literal["given", "grouped", "held_out_clip", "after_augmentation"] = "given"
    clip: str | None = None  # held_out_clip: the clip of training frames that validates
    val_fraction: float = Field(0.1, gt=0, lt=1)
    gap: int = Field(5, ge=0)  # frames left out on either side of a held-out block
    folds: int | None = Field(None, ge=2)
    fold: int | None = Field(None, ge=0)

    @model_validator(mode="after")
    def _names_what_it_holds_out(self):
        if (self.kind == "held_out_clip") != (self.clip is not None):
            raise ValueError(f"kind=held_out_clip and clip=NAME go together, got kind={self.kind} and clip={self.clip}")
        if (self.folds is None) != (self.fold is None) or (self.folds and self.fold >= self.folds):
            raise ValueError(f"fold={self.fold} needs folds greater than it, got folds={self.folds}")
        return self


class DataConfig(Section):
    """Which data set, read how, at which size it is trained on."""

    dataset: str = Field("sample", pattern=r"^[\w-]+$")  # sample and soccer are generated; any other name is a folder's
    root: Path | None = None  # default: data/<dataset>
    layout: str = "auto"  # a name of `seg_helpers.datasets.layouts.LAYOUTS`
    classes: str = "auto"
    split: SplitConfig = SplitConfig()
    on_problem: Literal["exclude", "stop"] = "exclude"
    size: Size | None = None  # images are resized to this once, for training; None keeps the files' size
    expand: int = Field(1, ge=1, le=1000)  # how many augmented samples each training frame gives an epoch


class AugmentationConfig(Section):
    """Joint augmentation of images and labels; null or 0 switches a transform off."""

    enabled: bool = True
    scale: tuple[Zoom, Zoom] | None = (0.5, 2.0)
    crop: Size | None = None  # None: the training size
    hflip: float = Field(0.5, ge=0, le=1)
    rotate: float = Field(0.0, ge=0, le=180)  # degrees
    brightness: float = Field(0.3, ge=0, le=1)
    contrast: float = Field(0.3, ge=0, le=1)
    saturation: float = Field(0.3, ge=0, le=1)
    hue: float = Field(0.05, ge=0, le=0.5)
    blur: float = Field(0.0, ge=0, le=1)
    noise: float = Field(0.0, ge=0, le=1)

    @model_validator(mode="after")
    def _scales_grow(self):
        if self.scale and self.scale[0] > self.scale[1]:
            raise ValueError(f"scale is a range, the smaller number first, got {self.scale}")
        return self


class ModelConfig(Section):
    """A network of the registry (`seg_helpers.models.list_models()`)."""

    name: str
    encoder: str | None = None  # None: the architecture's own default
    encoder_weights: str = "none"  # "none", "imagenet" or the path of a state_dict
    options: dict[str, Any] = {}


class OptimizerConfig(Section):
    """The optimizer and its learning rate, which the schedule multiplies."""

    name: Literal["sgd", "adam", "adamw"] = "adamw"
    learning_rate: float = Field(1.0e-3, gt=0)
    weight_decay: float = Field(1.0e-2, ge=0)
    momentum: float = Field(0.9, ge=0, lt=1)  # SGD only
    encoder_lr_mult: float = Field(1.0, ge=0)  # the encoder's learning rate over the rest's
    # weights: no decay on norms and biases; dense: nor on depthwise
    decay: Literal["all", "weights", "dense"] = "weights"


class ScheduleConfig(Section):
    """How the learning rate moves, as a factor on the optimizer's."""

    name: Literal["poly", "cosine", "one_cycle", "none"] = "one_cycle"
    span: Literal["run", "stage"] = "run"  # one curve over the whole run, or one for each stage
    power: float = Field(0.9, gt=0)  # poly
    pct_start: float = Field(0.3, gt=0, lt=1)  # one_cycle: the share of steps on the way up


class LossTerm(Section):
    """One term of the loss and its weight in the sum."""

    name: Literal["cross_entropy", "focal", "dice"] = "cross_entropy"
    weight: float = Field(1.0, gt=0)
    gamma: float = Field(2.0, ge=0)  # focal


class LossConfig(Section):
    """A weighted sum of terms; void never counts."""

    terms: tuple[LossTerm, ...] = Field((LossTerm(),), min_length=1)
    class_weights: Literal["none", "inverse", "log_inverse", "median"] = "none"
    label_smoothing: float = Field(0.0, ge=0, lt=1)


class StageConfig(Section):
    """A part of a run with its own input scale, trained part, learning rate or loss."""

    epochs: int = Field(gt=0, le=MOST_EPOCHS)  # scaled so that the stages fill the run's `epochs`
    scale: float = Field(1.0, ge=0.1, le=1)  # inputs are resized by this
    unfreeze: Literal["all"] | int = "all"  # 0: the encoder is frozen; k: its top k stages are trained
    learning_rate: Annotated[float, Field(gt=0)] | Literal["range_test"] | None = None  # None: the optimizer's
    loss: LossConfig | None = None  # None: the run's


class EvaluationConfig(Section):
    """How predictions are made and scored."""

    every: int = Field(1, ge=1)  # epochs between two validations: more where there are hundreds
    # multi-scale inference, reported beside the plain score
    scales: tuple[Zoom, ...] = Field((1.0, 0.75, 1.25), min_length=1)
    flip: bool = True  # with its mirror image, in the same extra score
    extra: bool = True  # report that extra score
    test: bool = True  # score the test split, once, at the end; false for runs that something is still chosen by
    bootstrap: int = Field(1000, ge=100, le=100_000)


class ExperimentConfig(Section):
    """All that decides a run's result."""

    name: str = Field(pattern=r"^\w[\w.-]*$")  # a folder's
    title: str = ""
    recipe: str = ""
    group: str = ""  # of the networks that it is compared with: one protocol for all
    ablation: bool = False  # a shorter run, made for a comparison inside one notebook
    data: DataConfig = DataConfig()
    augmentation: AugmentationConfig = AugmentationConfig()
    model: ModelConfig
    loss: LossConfig = LossConfig()
    optimizer: OptimizerConfig = OptimizerConfig()
    schedule: ScheduleConfig = ScheduleConfig()
    stages: tuple[StageConfig, ...] = ()
    epochs: int = Field(30, gt=0, le=MOST_EPOCHS)
    batch_size: int = Field(8, gt=0)  # frames in a step, divided over the processes that share the run
    gradient_clip: float | None = Field(None, gt=0)
    ema: float | None = Field(None, gt=0, lt=1)
    patience: int | None = Field(None, gt=0)  # early stopping, in validations without a better mean IoU
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    seed: int = 0
    # all that the run is trained with, each of them a run of its own
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**32)], ...] = Field((0,), min_length=1, exclude=True)
    workers: int = Field(1, ge=0, le=64)
    evaluation: EvaluationConfig = EvaluationConfig()

    @property
    def label(self) -> str:
        """The name, with the seed where there are several."""
        return f"{self.name}, seed {self.seed}" if len(self.seeds) > 1 else self.name

    def planned_stages(self) -> tuple[StageConfig, ...]:
        """The stages with their epochs scaled to fill `epochs`, one at least for each; one stage if none is named."""
        if not self.stages:
            return (StageConfig(epochs=self.epochs),)
        if len(self.stages) > self.epochs:
            raise ConfigError(f"run {self.name}: {len(self.stages)} stages do not fit into epochs={self.epochs}")
        count, total = len(self.stages), sum(stage.epochs for stage in self.stages)
        ends = [0]
        for number, share in enumerate(accumulate(stage.epochs for stage in self.stages), start=1):
            end = int(share * self.epochs / total + 0.5)
            ends.append(max(ends[-1] + 1, min(end, self.epochs - (count - number))))
        lengths = [end - start for start, end in pairwise(ends)]
        return tuple(stage.model_copy(update={"epochs": n}) for stage, n in zip(self.stages, lengths, strict=True))

    def portable(self) -> dict[str, Any]:
        """Plain values as they are written down: where files lie on this machine is left out."""
        plain = json.loads(self.model_dump_json())
        plain["data"]["root"] = None
        plain["model"]["encoder_weights"] = Path(plain["model"]["encoder_weights"]).name
        return plain

    def fingerprinted(self) -> dict[str, Any]:
        """What a fingerprint is taken of, and must agree for a finished run to be this one."""
        plain = self.portable()
        for section, key in ((plain, "title"), (plain, "recipe"), (plain, "group"), (plain["data"], "root")):
            section.pop(key)
        plain["workers"] = plain["workers"] > 0  # starting workers draws from the random state, which dropout shares
        plain["evaluation"] = {"every": plain["evaluation"]["every"]}
        return plain


class Search(Section):
    """Runs that differ from those of `runs` in one key: each is called by its run, the search and its value's place."""

    runs: tuple[str, ...]
    key: str  # dotted
    values: tuple[Any, ...] = Field(min_length=2)
    settings: dict[str, Any] = {}  # what all of them have in common

    def values_of(self, run: str, name: str) -> dict[str, Any]:
        """The names that a run's search has, each with its value; `name` is the search's own."""
        return {f"{run}_{name}{place}": value for place, value in enumerate(self.values, start=1)}

    def entries(self, name: str) -> dict[str, dict[str, Any]]:
        """Each run's name and its entry, as `runs` of a profile would hold it."""
        return {
            searched: _merge({"like": run, **self.settings}, _nest(self.key, value))
            for run in self.runs
            for searched, value in self.values_of(run, name).items()
        }


class ProfileFile(Section):
    """A file of `notebooks/profiles/`."""

    description: str  # one sentence for the report
    data: dict[str, Any] = {}
    defaults: dict[str, Any] = {}
    groups: dict[str, dict[str, Any]] = {}
    ablation: dict[str, Any] = {}
    runs: dict[str, dict[str, Any]] = {}
    searches: dict[str, Search] = {}
    order: tuple[str, ...] = ()  # the runs that are trained first
    skip: dict[str, str] = {}  # run: why this profile does not train it
    notes: dict[str, str] = {}  # run: what a reader of its scores must know


class RecipeFile(Section):
    """A file of `seg_helpers/recipes/`: what its runs share, and each run's own part."""

    description: str
    group: str = ""  # of its runs, unless one says otherwise
    base: dict[str, Any]
    runs: dict[str, dict[str, Any]]


def _as_tuple(texts: Any) -> Any:
    return (texts,) if isinstance(texts, str) else tuple(texts) if isinstance(texts, list) else texts


class Parameters(Section):
    """What `load_profile` takes, and the `parameters` cell of a notebook gives."""

    model_config = ConfigDict(strict=True)

    profile: Place
    data: Place
    weights: Place
    overrides: Annotated[tuple[str, ...], BeforeValidator(_as_tuple)]
    reports: Place = Field(min_length=1)


class Profile:
    """A profile with its runs; it is called as its file's stem, and its reports and runs go to its `folder`.

    The profile's data set is the one that its file names, or in its place an override for all runs. DATA (`data`)
    stands for the file's `data.root`, so it is the folder of that data set, and an override of `data.root` still wins.
    A run has a data set of its own where its entry in the recipe or the profile, or an override for it alone, names
    another `data.dataset`. It keeps that, and gets neither DATA nor any `data.root`, `layout` or `classes` that is
    said for all runs: these are about the files of the profile's data set.
    """

    def __init__(self, name, file, recipes, groups, data="", weights="", overrides=(), reports="reports"):
        self.name, self.description = name, file.description
        self.order, self.skipped, self.notes = file.order, dict(file.skip), dict(file.notes)
        self.searches = dict(file.searches)
        self.folder = resolve(reports) / name
        self.weights = resolve(weights) if weights else None
        self._file, self._recipes, self._groups = file, recipes, groups
        known = self.run_names()
        for run in known:
            if known.count(run) > 1:
                homes = " and ".join(stem for stem, recipe in recipes.items() if run in recipe.runs)
                raise ConfigError(f"run {run} is in the recipes {homes}: rename one of them")
            self._ancestry(run)
        for group in file.groups:
            _check_name("group", group, groups, f"profile {name}, groups")
        for key in ("runs", "order", "skip", "notes"):
            for run in getattr(file, key):
                _check_name("run", run, known, f"profile {name}, {key}")
        self._overrides = _parse_overrides([overrides] if isinstance(overrides, str) else overrides, known)
        self._for_all = [layer for run, layer in self._overrides if not run]
        own = [{"data": file.data}, file.defaults]
        if _name_data_set(self._for_all) not in (None, _name_data_set(own)):
            own = [_without_data_set(layer) for layer in own]  # said of another one's files
        self._layers = [*own, {"data": {"root": data}} if data else {}]  # the profile's part that all runs share

    def check_overrides(self, names: Collection[str]) -> None:
        """ConfigError if an override is for a run that is not among these, so that it would change nothing."""
        for run, _ in self._overrides:
            if run and run not in names:
                raise ConfigError(f"an override is for run {run}, which is not asked for: {', '.join(names)}")

    def kept(self, *names: str) -> list[str]:
        """Those of these runs that this profile trains; prints why for each that it leaves out."""
        for name in names:
            if name in self.skipped:
                print(f"{name} is left out by profile {self.name}: {self.skipped[name]}")
        return [name for name in names if name not in self.skipped]

    def run_names(self, recipe: str | None = None) -> list[str]:
        """Names of all runs, or of one recipe's; those the profile skips are among them."""
        of_recipes = [run for stem, file in self._recipes.items() if recipe in (None, stem) for run in file.runs]
        own = [run for run, entry in self._file.runs.items() if "like" in entry] if recipe is None else []
        return [*of_recipes, *own]

    def _ancestry(self, run: str) -> list[str]:
        """A run, the one that it is like, and so on to one of a recipe."""
        chain = [run]
        while "like" in (entry := self._file.runs.get(chain[-1], {})):
            where = f"profile {self.name}, run {chain[-1]}: like"
            _check_name("run", entry["like"], self.run_names(), where)
            if entry["like"] in chain:
                raise ConfigError(f"{where}: {entry['like']} is like it in turn; name a run of a recipe")
            chain.append(entry["like"])
        return chain

    def seeds(self, run: str) -> tuple[int, ...]:
        """The seeds that a run is trained with."""
        return tuple(dict.fromkeys(self._validated(run).seeds))

    def experiment(self, run: str, seed: int | None = None) -> ExperimentConfig:
        """The validated configuration of a run with one of its seeds, or with its first.

        A ConfigError says which run, key or seed is unknown, or which value does not fit.
        """
        config = self._validated(run)
        if seed is not None and seed not in config.seeds:
            known = ", ".join(map(str, config.seeds))
            raise ConfigError(f"run {run}: its seeds are {known}, not {seed}; name it in `seeds`")
        seed = config.seeds[0] if seed is None else seed
        return config.model_copy(update={"seed": seed, "data": place_data(config.data)})

    def _validated(self, run: str) -> ExperimentConfig:
        _check_name("run", run, self.run_names(), f"profile {self.name}")
        where = f"profile {self.name}, run {run}"
        chain = self._ancestry(run)[::-1]
        recipe, file = next((stem, file) for stem, file in self._recipes.items() if chain[0] in file.runs)
        entries = [file.runs[chain[0]], *(self._file.runs.get(ancestor, {}) for ancestor in chain)]
        said = {key: value for entry in entries for key, value in entry.items()}
        if group := said.get("group", file.group):
            _check_name("group", group, self._groups, f"{where}: group")
        shared = [self._groups.get(group, {}), file.base, *self._layers, self._file.groups.get(group, {})]
        own = [self._file.ablation if said.get("ablation") else {}, *entries]
        # (the run that a layer is for, or "" for all; the layer)
        layers = [*(("", layer) for layer in shared), *((run, layer) for layer in own), *self._overrides]
        layers = [(target, layer) for target, layer in layers if target in ("", run)]
        data_set = _name_data_set([*self._layers, *self._for_all]) or "sample"
        if _name_data_set(layer for target, layer in layers if target) not in (None, data_set):
            layers = [(target, layer if target else _without_data_set(layer)) for target, layer in layers]
        merged = {"name": run, "recipe": recipe, "group": group}
        for _, layer in layers:
            if "seed" in layer and "seeds" not in layer:
                layer = layer | {"seeds": [layer["seed"]]}  # one seed named later takes the place of several
            merged = _merge(merged, layer)
        merged.pop("like", None)
        if merged["name"] != run:
            raise ConfigError(f"{where}: name: a run is called as its entry is; rename that")
        return validate(ExperimentConfig, merged, where)

    def data(self) -> DataConfig:
        """The profile's own data configuration, as notebooks 01 and 02 show it."""
        merged = _merge(*self._layers, *self._for_all).get("data", {})
        return place_data(validate(DataConfig, merged, f"profile {self.name}, data"))


def project_root() -> Path:
    """The folder that holds pyproject.toml, found from the current directory or from this package upwards."""
    for start in (Path.cwd(), Path(__file__).resolve().parent):
        for folder in (start, *start.parents):
            if (folder / "pyproject.toml").is_file() and (folder / "notebooks").is_dir():
                return folder
    raise ConfigError(f"no project folder (with pyproject.toml and notebooks/) above {Path.cwd()}: run from inside it")


def resolve(path: str | Path) -> Path:
    """A path as the user means it: relative ones start at the project's root, wherever the kernel runs."""
    path = Path(os.path.expanduser(path))
    return path if path.is_absolute() else (project_root() / path).resolve()


def load_profile(
    profile: "str | Profile" = "sample",
    data: str | Path = "",
    weights: str | Path = "",
    overrides: str | Sequence[str] = (),
    reports: str | Path = "reports",
) -> Profile:
    """Reads a profile, named by its stem in `notebooks/profiles/` or the path of a YAML file, and all recipes.

    One that was read already is returned as it is.

    `data` is the data set's folder, in place of the profile's own; `weights` a local encoder state_dict, in place of
    the library's download where `imagenet` is asked for. Overrides are `"key=value"` for every run or `"run:key=value"`
    for one, keys dotted, values YAML. Profiles' report folders are made in `reports`. A ConfigError names the file,
    run, key or value that is wrong.
    """
    if isinstance(profile, Profile):
        return profile
    given = {"profile": profile, "data": data, "weights": weights, "overrides": overrides, "reports": reports}
    validate(Parameters, given, "load_profile")
    folder = project_root() / "notebooks" / "profiles"
    path = Path(profile) if str(profile).endswith((".yaml", ".yml")) else folder / f"{profile}.yaml"
    if not path.is_file():
        known = sorted(file.stem for file in folder.glob("*.yaml"))
        raise ConfigError(f"no profile {profile!r}{did_you_mean(str(profile), known)}")
    if weights and not resolve(weights).is_file():
        raise ConfigError(f"weights: no file {resolve(weights)}; give the path of an encoder's state_dict")
    file = validate(ProfileFile, parse_yaml(path.read_bytes(), path), f"profile {path.stem}")
    searched = {run: entry for name, search in file.searches.items() for run, entry in search.entries(name).items()}
    file = file.model_copy(update={"runs": file.runs | searched})
    recipes = {
        recipe.stem: validate(RecipeFile, parse_yaml(recipe.read_bytes(), recipe), f"recipe {recipe.stem}")
        for recipe in sorted(RECIPES.glob("*.yaml"))
    }
    groups = parse_yaml(GROUPS.read_bytes(), GROUPS)
    return Profile(path.stem, file, recipes, groups, data, weights, overrides, reports)


def validate(kind: type[BaseModel], values: Any, where: str | Path) -> Any:
    """Builds `kind` from plain values, turning every complaint into one sentence with file, key and remedy."""
    try:
        return kind.model_validate(values)
    except ValidationError as error:
        problems = error.errors()
    complaints = []
    for problem in problems:
        if any(other["loc"] and other["loc"][:-1] == problem["loc"] for other in problems):
            continue  # said of its part
        said = f"{problem['msg']}, got {reprlib.repr(problem['input'])}"
        if problem["type"] == "extra_forbidden":
            keys = {name for section in Section.__subclasses__() for name in section.model_fields}
            said = f"unknown key{did_you_mean(str(problem['loc'][-1]), keys)}"
        complaints.append(f"{where}: {'.'.join(map(str, problem['loc'])) or 'values'}: {said}")
    raise ConfigError("\n".join(complaints))


def did_you_mean(word: str, known: Collection[str]) -> str:
    """The end of a message about an unknown word: the nearest known one, or all of them."""
    found = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
    return f"; did you mean {found[0]!r}?" if found else f"; known: {', '.join(known) or 'none'}"


def _check_name(kind: str, name: str, known, where: str) -> None:
    if name not in known:
        raise ConfigError(f"{where}: no {kind} {name!r}{did_you_mean(name, known)}")


def _merge(*layers: dict) -> dict:
    """Lays mappings over one another, later ones winning: mappings in them merge, everything else is replaced."""
    merged = {}
    for layer in layers:
        for key, value in layer.items():
            both = isinstance(value, dict) and isinstance(merged.get(key), dict)
            merged[key] = _merge(merged[key], value) if both else value
    return merged


def _name_data_set(layers) -> str | None:
    """The `data.dataset` of these layers; where `data` is no mapping, the validation of the whole says so."""
    data = _merge(*layers).get("data")
    return data.get("dataset") if isinstance(data, dict) else None


def _without_data_set(layer: dict) -> dict:
    """A layer without what it says of its own data set alone."""
    if not isinstance(layer.get("data"), dict):
        return layer
    return layer | {"data": {key: value for key, value in layer["data"].items() if key not in _OF_ONE_DATA_SET}}


def place_data(data: DataConfig) -> DataConfig:
    """Fills in the data set's folder, `data/<dataset>` where none is configured."""
    return data.model_copy(update={"root": resolve(data.root or Path("data") / data.dataset)})


def _parse_overrides(overrides, runs: list[str]) -> list[tuple[str, dict]]:
    """(the run that an override is for, or "" for all; its layer) of each."""
    parsed = []
    for text in overrides:
        where = f"override {text!r}"
        key, equals, value = str(text).partition("=")
        run, _, key = key.strip().rpartition(":")
        if not equals or not all(key.split(".")):
            raise ConfigError(f"{where}: write key=value, or run:key=value for one run")
        if run:
            _check_name("run", run, runs, where)
        if key in ("name", "recipe", "group", "ablation"):
            raise ConfigError(f"{where}: {key} decides which run it is: set it in the recipe or profile")
        parsed.append((run, _nest(key, parse_yaml(value, where))))
    return parsed


def _nest(key: str, value: Any) -> dict:
    """A layer of one value, its key dotted."""
    for part in reversed(key.split(".")):
        value = {part: value}
    return value


def parse_yaml(content: str | bytes, where: str | Path) -> Any:
    try:
        value = yaml.load(content, YAML_LOADER)  # bytes as UTF-8, or UTF-16 that says so by its first bytes
        json.dumps(value, allow_nan=False, default=str, skipkeys=True)  # no .nan, no .inf, nothing that holds itself
        return value
    except Exception as error:  # odd values, such as the date 2020-13-01, raise anything
        raise ConfigError(f"{where}: not valid YAML: {' '.join(str(error).split())}") from None
