"""Configuration: the layers' order, and that whatever is wrong is said with its place and its remedy."""

import itertools
import re

import pytest
import yaml

from seg_helpers import config
from seg_helpers.config import ConfigError, ExperimentConfig, load_profile

RECIPE = {
    "description": "A recipe for tests.",
    "base": {
        "title": "from the recipe",
        "model": {"name": "unet", "options": {"decoder_channels": [8, 8, 8, 8, 8]}},
        "optimizer": {"name": "sgd", "learning_rate": 0.1},
        "epochs": 1,
    },
    "runs": {"plain": {}, "short": {"ablation": True, "batch_size": 3}, "special": {"epochs": 4, "seed": 7}},
}
PROFILE = {
    "description": "A profile for tests.",
    "data": {"dataset": "camvid", "root": "somewhere"},
    "defaults": {"epochs": 2, "optimizer": {"learning_rate": 0.2}},
    "ablation": {"epochs": 3, "batch_size": 2},
    "runs": {"special": {"seed": 8}},
    "skip": {"short": "too long for a test"},
}
PROFILES = sorted(path.stem for path in (config.project_root() / "notebooks" / "profiles").glob("*.yaml"))


@pytest.fixture
def profile(tmp_path, monkeypatch):
    """Loads PROFILE over RECIPE; keyword arguments replace keys of the profile's file or go to `load_profile`."""
    recipes = tmp_path / "recipes"
    recipes.mkdir()
    monkeypatch.setattr(config, "RECIPES", recipes)

    def load(file=None, recipe=None, **options):
        (recipes / "nets.yaml").write_text(yaml.safe_dump(RECIPE | (recipe or {})))
        path = tmp_path / "tiny.yaml"
        path.write_text(yaml.safe_dump(PROFILE | (file or {})))
        return load_profile(str(path), **options)

    return load


def test_later_layers_win_key_by_key(profile):
    plain = profile().experiment("plain")
    assert (plain.name, plain.recipe, plain.title) == ("plain", "nets", "from the recipe")
    assert plain.epochs == 2  # the profile's defaults over the recipe's base
    assert (plain.optimizer.name, plain.optimizer.learning_rate) == ("sgd", 0.2)  # mappings merge
    special = profile().experiment("special")
    assert special.epochs == 4  # the run's entry in the recipe over the profile's defaults
    assert special.seed == 8  # the profile's entry for the run over the recipe's
    over = profile(overrides=["seed=9", "special:seed=10"])
    assert over.experiment("plain").seed == 9
    assert over.experiment("special").seed == 10
    last = profile(overrides=["special:seed=10", "seed=9"])
    assert last.experiment("special").seed == 9


def test_an_ablation_takes_the_shorter_settings(profile):
    short = profile().experiment("short")
    assert (short.epochs, short.batch_size) == (3, 3)  # its own entry stands above the profile's ablation
    assert profile().experiment("plain").batch_size == 8


GROUPS = {
    "encoder": {"epochs": 11, "ema": 0.9, "optimizer": {"learning_rate": 0.5, "momentum": 0.5, "weight_decay": 0.5}},
    "scratch": {"patience": 4},
}


@pytest.fixture
def groups(tmp_path, monkeypatch):
    """The groups of networks, GROUPS in place of the package's; they are read with the next profile."""
    path = tmp_path / "groups.yaml"
    path.write_text(yaml.safe_dump(GROUPS))
    monkeypatch.setattr(config, "GROUPS", path)


@pytest.mark.usefixtures("groups")
def test_a_group_lies_below_its_recipe_and_the_profile_says_more_of_it(profile):
    recipe = {"group": "encoder", "runs": RECIPE["runs"] | {"other": {"group": "scratch"}, "none": {"group": ""}}}
    defaults = {"defaults": {"optimizer": {"weight_decay": 0.25}}}
    plain = profile(defaults, recipe).experiment("plain")
    assert (plain.group, plain.ema) == ("encoder", 0.9)
    assert (plain.epochs, plain.optimizer.learning_rate) == (1, 0.1)  # the recipe's base over the group
    assert (plain.optimizer.momentum, plain.optimizer.weight_decay) == (0.5, 0.25)  # the profile's defaults over it
    of_group = {"groups": {"encoder": {"epochs": 20, "batch_size": 5, "optimizer": {"weight_decay": 0.75}}}}
    loaded = profile(defaults | of_group, recipe)
    plain, short, special = (loaded.experiment(run) for run in ("plain", "short", "special"))
    assert (plain.epochs, plain.optimizer.weight_decay) == (20, 0.75)  # above the profile's defaults
    assert short.epochs == 3  # below its settings for ablations
    assert special.epochs == 4  # and below the run's own entry
    other, none = loaded.experiment("other"), loaded.experiment("none")
    assert (other.group, other.patience, other.epochs) == ("scratch", 4, 1)
    assert (none.group, none.ema, none.patience, none.batch_size) == ("", None, None, 8)


@pytest.mark.usefixtures("groups")
def test_a_run_that_is_like_another_stands_on_all_its_layers(profile):
    runs = {
        "special": {"seed": 8},
        "copy": {"like": "first", "ema": 0.8, "seeds": [3, 4]},  # named before the one that it is like
        "first": {"like": "special", "ablation": True, "batch_size": 6, "ema": 0.7},
        "third": {"like": "copy", "seed": 5, "group": "scratch"},
    }
    loaded = profile({"runs": runs, "order": ["copy"]}, {"group": "encoder"}, overrides=["first:ema=0.6"])
    assert loaded.run_names() == ["plain", "short", "special", "copy", "first", "third"]
    assert loaded.run_names("nets") == ["plain", "short", "special"]
    first, copy, third = (loaded.experiment(run) for run in ("first", "copy", "third"))
    assert (first.name, first.recipe, first.title) == ("first", "nets", "from the recipe")
    assert first.epochs == 4  # special's own entry over the profile's ablation, which `first` asks for
    assert (first.batch_size, first.ema, first.seed) == (6, 0.6, 8)
    assert (copy.batch_size, copy.ema) == (6, 0.8)  # first's entry below its own, and no override for first
    assert loaded.seeds("copy") == (3, 4)
    assert loaded.seeds("third") == (5,)
    assert (copy.group, third.group, third.patience) == ("encoder", "scratch", 4)
    assert not loaded.experiment("special").ablation  # what it is like is not changed


def test_a_search_makes_a_run_of_each_value(profile):
    search = {"runs": ["plain", "special"], "key": "optimizer.learning_rate", "values": [0.1, 0.2]}
    loaded = profile({"searches": {"lr": search | {"settings": {"ablation": True, "epochs": 2}}}})
    assert loaded.run_names()[-4:] == ["plain_lr1", "plain_lr2", "special_lr1", "special_lr2"]
    second = loaded.experiment("special_lr2")
    assert (second.optimizer.learning_rate, second.epochs, second.ablation) == (0.2, 2, True)
    assert second.title == loaded.experiment("special").title
    with pytest.raises(ConfigError, match=r"run plan_lr1: like: no run 'plan'; did you mean 'plain'"):
        profile({"searches": {"lr": search | {"runs": ["plan"]}}})


def test_a_run_that_is_like_another_may_have_a_data_set_of_its_own(profile, tmp_path):
    runs = {"pitch": {"like": "plain", "data": {"dataset": "soccer"}}, "twin": {"like": "pitch"}}
    loaded = profile({"runs": runs}, data=tmp_path)
    assert loaded.experiment("twin").data.root == config.project_root() / "data" / "soccer"
    assert loaded.experiment("plain").data.root == tmp_path


def test_lists_are_replaced_and_not_merged(profile):
    over = profile(overrides=["model.options.decoder_channels=[4, 4]"])
    assert over.experiment("plain").model.options == {"decoder_channels": [4, 4]}


def test_one_override_needs_no_list(profile):
    assert profile(overrides="plain:epochs=5").experiment("plain").epochs == 5


def test_overrides_are_typed_as_yaml(profile):
    texts = ["optimizer.learning_rate=1e-3", "gradient_clip=null", "augmentation.enabled=false", "data.size=[32, 48]"]
    plain = profile(overrides=texts).experiment("plain")
    assert plain.optimizer.learning_rate == 0.001
    assert plain.gradient_clip is None
    assert plain.augmentation.enabled is False
    assert plain.data.size == (32, 48)


def test_data_folder_stands_for_the_profiles_own_data_set(profile, tmp_path):
    loaded = profile(data=tmp_path, overrides=["special:data.dataset=soccer", "special:data.root=null"])
    assert loaded.data().root == tmp_path
    assert loaded.experiment("plain").data.root == tmp_path
    assert loaded.experiment("special").data.root == config.project_root() / "data" / "soccer"
    assert profile().data().root == config.project_root() / "somewhere"


SOCCER = {"model": {"name": "unet"}, "data": {"dataset": "soccer"}}
PLACES = {"dataset": "camvid", "root": "somewhere", "layout": "color", "classes": "camvid11_merged", "expand": 3}


@pytest.fixture
def on_field(profile):
    """The profile with a recipe whose run `field` has a data set of its own."""

    def load(**options):
        return profile({"data": PLACES}, {"runs": RECIPE["runs"] | {"field": SOCCER}}, **options)

    return load


def test_data_folder_stands_for_the_data_set_that_an_override_puts_in_place(on_field, tmp_path):
    for overrides in (["data.dataset=cityscapes"], ["data={dataset: cityscapes}"]):
        loaded = on_field(data=tmp_path, overrides=overrides)
        for data in (loaded.data(), loaded.experiment("plain").data, loaded.experiment("special").data):
            assert (data.dataset, data.root) == ("cityscapes", tmp_path)
    back = on_field(data=tmp_path, overrides=["data.dataset=cityscapes", "field:data.dataset=cityscapes"])
    assert (back.experiment("field").data.dataset, back.experiment("field").data.root) == ("cityscapes", tmp_path)


@pytest.mark.parametrize("overrides", [[], ["data.dataset=cityscapes"], ["data.root=/x", "data.classes=camvid32"]])
def test_a_data_set_of_a_runs_own_is_left_to_it(on_field, tmp_path, overrides):
    field = on_field(data=tmp_path, overrides=overrides).experiment("field").data
    assert (field.dataset, field.root) == ("soccer", config.project_root() / "data" / "soccer")
    assert (field.layout, field.classes) == ("auto", "auto")  # the profile's are for another data set's files
    assert field.expand == 3  # how training goes is for all runs


def test_a_run_may_name_a_folder_of_its_own(on_field, tmp_path):
    loaded = on_field(data=tmp_path, overrides=["field:data.root=/field", "plain:data.root=/plain"])
    assert str(loaded.experiment("field").data.root) == "/field"
    assert str(loaded.experiment("plain").data.root) == "/plain"
    assert loaded.experiment("special").data.root == tmp_path


def test_an_override_of_the_folder_wins_over_data(on_field, tmp_path):
    loaded = on_field(data=tmp_path, overrides=["data.root=/other"])
    assert str(loaded.data().root) == str(loaded.experiment("plain").data.root) == "/other"


def test_an_ablation_may_be_on_another_data_set(profile, tmp_path):
    loaded = profile({"ablation": {"data": {"dataset": "soccer"}}}, data=tmp_path)
    assert loaded.experiment("short").data.root == config.project_root() / "data" / "soccer"
    assert loaded.experiment("plain").data.root == tmp_path


def test_the_profiles_data_is_what_its_runs_see(profile):
    loaded = profile({"data": {"dataset": "camvid", "size": [8, 8]}, "defaults": {"data": {"size": [16, 16]}}})
    assert loaded.data() == loaded.experiment("plain").data


def test_the_profiles_data_follows_overrides_for_all_runs_only(profile):
    over = profile(overrides=["data.on_problem=stop", "plain:data.on_problem=exclude"])
    assert over.data().on_problem == "stop"


def test_a_page_shows_the_data_that_runs_train_on(profile):
    """Where a profile gives a size twice, page 01 and the runs take the same one: the later layer's."""
    content = {"data": {"dataset": "sample", "size": [60, 80]}, "defaults": {"data": {"size": [120, 160]}}}
    loaded = profile(file=content)
    assert loaded.data().size == loaded.experiment("plain").data.size == (120, 160)
    over = profile(file=content, overrides=["data.size=[32, 48]", "data.expand=2"])
    assert over.data() == over.experiment("plain").data


def test_run_names_and_what_is_skipped(profile, capsys):
    loaded = profile()
    assert loaded.run_names() == loaded.run_names("nets") == ["plain", "short", "special"]
    assert loaded.run_names("others") == []
    assert loaded.skipped == {"short": "too long for a test"}
    assert loaded.kept("special", "short") == ["special"]
    assert "short is left out by profile" in (said := capsys.readouterr().out)
    assert "too long for a test" in said


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (["optimiser.learning_rate=1"], ["run plain", "optimiser: unknown key", "did you mean 'optimizer'?"]),
        (["optimizer.learning_rat=1"], ["optimizer.learning_rat: unknown key", "did you mean 'learning_rate'?"]),
        (["optimizer.zzz=1"], ["optimizer.zzz: unknown key"]),
        (["loss.terms=[{name: dice, wieght: 2}]"], ["loss.terms.0.wieght: unknown key", "did you mean 'weight'?"]),
        (["stages=[{epochs: 1, unfreze: 0}]"], ["stages.0.unfreze: unknown key", "did you mean 'unfreeze'?"]),
        (["stages=[{epochs: 1, loss: {clas_weights: none}}]"], ["clas_weights", "did you mean 'class_weights'?"]),
        (["epochs=many"], ["epochs: Input should be a valid integer", "got 'many'"]),
        (["epochs=0"], ["epochs: Input should be greater than 0", "got 0"]),
        (["epochs="], ["epochs: Input should be a valid integer", "got None"]),
        (["augmentation.hflip=1.5"], ["augmentation.hflip", "less than or equal to 1", "got 1.5"]),
        (["optimizer.name=adan"], ["optimizer.name", "'sgd', 'adam' or 'adamw'", "got 'adan'"]),
        (["data.size=[240]"], ["data.size"]),
        (["optimizer=fast"], ["optimizer", "got 'fast'"]),
        (["model.name=null"], ["model.name: Input should be a valid string"]),
        (["data.split.folds=3"], ["data.split", "fold=None needs folds greater than it, got folds=3"]),
        (["data.split={folds: 3, fold: 3}"], ["fold=3 needs folds greater than it"]),
        (["stages=[{epochs: 1, learning_rate: fast}]"], ["stages.0.learning_rate", "got 'fast'"]),
        (["epochs=[1"], ["override 'epochs=[1'", "not valid YAML"]),
        (["epochs"], ["override 'epochs': write key=value, or run:key=value for one run"]),
        (["=3"], ["override '=3': write key=value"]),
        (["plain:=3"], ["override 'plain:=3': write key=value"]),
        (["optimizer..name=sgd"], ["override 'optimizer..name=sgd': write key=value"]),
        (["plian:epochs=3"], ["override 'plian:epochs=3': no run 'plian'", "did you mean 'plain'?"]),
        (["wholly:epochs=3"], ["no run 'wholly'; known: plain, short, special"]),
    ],
)
def test_a_bad_override_is_explained(profile, overrides, said):
    with pytest.raises(ConfigError) as error:
        profile(overrides=overrides).experiment("plain")
    for text in said:
        assert text in str(error.value)
    assert "pydantic" not in str(error.value)


def test_all_complaints_come_at_once(profile):
    with pytest.raises(ConfigError) as error:
        profile(overrides=["epochs=0", "sed=1"]).experiment("plain")
    assert len(str(error.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("file", "recipe", "said"),
    [
        ({"default": {}}, None, "profile tiny: default: unknown key; did you mean 'defaults'?"),
        ({"runs": {"plane": {}}}, None, "profile tiny, runs: no run 'plane'; did you mean 'plain'?"),
        ({"skip": {"shorts": "why"}}, None, "profile tiny, skip: no run 'shorts'; did you mean 'short'?"),
        ({"notes": {"plan": "why"}}, None, "profile tiny, notes: no run 'plan'; did you mean 'plain'?"),
        ({"order": ["plan"]}, None, "profile tiny, order: no run 'plan'; did you mean 'plain'?"),
        ({"groups": {"encodr": {}}}, None, "profile tiny, groups: no group 'encodr'; did you mean 'encoder'?"),
        (None, {"group": "scrach"}, "profile tiny, run plain: group: no group 'scrach'; did you mean 'scratch'?"),
        ({"runs": {"twin": {"like": "plian"}}}, None, "run twin: like: no run 'plian'; did you mean 'plain'?"),
        ({"runs": {"a": {"like": "b"}, "b": {"like": "a"}}}, None, "run b: like: a is like it in turn"),
        ({"runs": {"a": {"like": "a"}}}, None, "run a: like: a is like it in turn"),
        (None, {"run": {}}, "recipe nets: run: unknown key; did you mean 'runs'?"),
        (None, {"base": None}, "recipe nets: base: Input should be a valid dictionary, got None"),
        (None, {"runs": {"plain": {"model": None}, "short": {}, "special": {}}}, "run plain: model: Input should be"),
    ],
)
def test_a_bad_file_is_explained(profile, file, recipe, said):
    with pytest.raises(ConfigError) as error:
        profile(file, recipe).experiment("plain")
    assert said in str(error.value)


def test_a_run_in_two_recipes_is_an_error(profile, tmp_path):
    profile()
    (tmp_path / "recipes" / "more.yaml").write_text(yaml.safe_dump(RECIPE | {"runs": {"plain": {}}}))
    with pytest.raises(ConfigError, match="run plain is in the recipes more and nets"):
        load_profile(str(tmp_path / "tiny.yaml"))


def test_unknown_names_are_answered_with_the_nearest(profile, tmp_path):
    with pytest.raises(ConfigError, match="no run 'plan'; did you mean 'plain'"):
        profile().experiment("plan")
    with pytest.raises(ConfigError, match="no profile 'smok'; did you mean 'smoke'"):
        load_profile("smok")
    with pytest.raises(ConfigError, match=r"no profile 'zzz'; known: .*camvid-cpu"):
        load_profile("zzz")
    with pytest.raises(ConfigError, match=r"weights: no file .*absent\.pth; give the path of an encoder's state_dict"):
        profile(weights=tmp_path / "absent.pth")


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("data.size=[0, 4]", "data.size.0: Input should be greater than 0"),
        ("data.size=[1000000, 4]", "data.size.0: Input should be less than or equal to 8192"),
        ("augmentation.crop=[8, -8]", "augmentation.crop.1: Input should be greater than 0"),
        ("augmentation.scale=[2.0, 0.5]", "augmentation: Value error, scale is a range, the smaller number first"),
        ("augmentation.scale=[-1, 1]", "augmentation.scale.0: Input should be greater than or equal to 0.1"),
        ("augmentation.scale=[0, 1]", "augmentation.scale.0: Input should be greater than or equal to 0.1"),
        ("augmentation.scale=[.nan, 1]", "not valid YAML: Out of range float values"),
        ("augmentation.scale=[0.5, 1e400]", "augmentation.scale.1: Input should be a finite number"),
        ("augmentation.brightness=1.0e+9", "augmentation.brightness: Input should be less than or equal to 1"),
        ("evaluation.scales=[0]", "evaluation.scales.0: Input should be greater than or equal to 0.1"),
        ("evaluation.scales=[1.0e+6]", "evaluation.scales.0: Input should be less than or equal to 10"),
        ("evaluation.scales=[true]", "evaluation: Value error, scales cannot be [True]"),
        ("evaluation.bootstrap=1000000000000", "evaluation.bootstrap: Input should be less than or equal to 100000"),
        ("seed=-1", "seeds.0: Input should be greater than or equal to 0"),
        ("seed=1099511627776", "seeds.0: Input should be less than 4294967296"),
        ("epochs=true", "Value error, epochs cannot be True"),
        ("epochs=1000000000000000000000000000000", "epochs: Input should be less than or equal to 100000"),
        ("workers=500", "workers: Input should be less than or equal to 64"),
        ("data.expand=1000000000000", "data.expand: Input should be less than or equal to 1000"),
        ("stages=[{epochs: 1, learning_rate: -1.0}]", "stages.0.learning_rate"),
        ("stages=[{epochs: 1, scale: 1.0e-9}]", "stages.0.scale: Input should be greater than or equal to 0.1"),
        ("model.options={dropout: .nan}", "not valid YAML: Out of range float values"),
        ("model=&all {name: *all}", "not valid YAML: Circular reference detected"),
        ("name=../../../evil", "name decides which run it is"),
        ("recipe=other", "recipe decides which run it is"),
        ("loss.terms=[]", "loss.terms: Tuple should have at least 1 item"),
        ("evaluation.scales=[]", "evaluation.scales: Tuple should have at least 1 item"),
        ("unet:group=scratch", "group decides which run it is"),
        ("ablation=true", "ablation decides which run it is"),
    ],
)
def test_a_value_that_cannot_be_used_is_told_before_anything_runs(override, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        load_profile("smoke", overrides=[override]).experiment("unet")


@pytest.mark.parametrize(
    ("runs", "said"),
    [
        ({"../../evil": {"like": "plain"}}, r"run ../../evil: name: String should match pattern"),
        ({"plain": {"name": "../../evil"}}, "run plain: name: a run is called as its entry is; rename that"),
    ],
)
def test_a_run_whose_name_would_leave_its_folder_is_refused(profile, runs, said):
    with pytest.raises(ConfigError, match=re.escape(said)):
        [profile({"runs": runs}).experiment(run) for run in runs]


def test_one_mistake_is_said_once():
    with pytest.raises(ConfigError) as error:
        load_profile("smoke", overrides=["seed=-1"]).experiment("unet")
    assert len(str(error.value).splitlines()) == 1


@pytest.mark.parametrize("text", ["just words", "", "3"])
def test_a_file_that_is_no_mapping_is_named(tmp_path, text):
    path = tmp_path / "odd.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"profile odd: values: Input should be a valid dictionary.*, got"):
        load_profile(str(path))


@pytest.mark.parametrize(
    "content", [b"a: [1", b"\t- x", b"\x89PNG\r\n\x1a\n\xfe", "description: x".encode("utf-16-le"), b"\xe9: 1"]
)
def test_a_file_that_is_no_yaml_is_named(tmp_path, content):
    path = tmp_path / "odd.yaml"
    path.write_bytes(content)
    with pytest.raises(ConfigError, match=r"odd\.yaml: not valid YAML: "):
        load_profile(str(path))


def test_a_file_that_says_its_encoding_is_read(tmp_path):
    path = tmp_path / "odd.yaml"
    for encoding in ("utf-8-sig", "utf-16"):
        path.write_text("description: Zürich", encoding=encoding)
        assert load_profile(str(path)).description == "Zürich"


@pytest.mark.parametrize("value", ["2020-13-01", "!!int x", "!!timestamp x", "!!bool x", "!!int ''"])
def test_a_value_that_yaml_stumbles_over_is_named(profile, tmp_path, value):
    path = tmp_path / "odd.yaml"
    path.write_text(f"description: {value}")
    with pytest.raises(ConfigError, match=r"odd\.yaml: not valid YAML"):
        load_profile(str(path))
    with pytest.raises(ConfigError, match=r"override .*seed=.*: not valid YAML"):
        profile(overrides=[f"seed={value}"])


def test_configurations_do_not_change_once_read(profile):
    with pytest.raises(ValueError, match="frozen"):
        profile().experiment("plain").epochs = 5


@pytest.mark.parametrize("name", PROFILES)
def test_every_run_of_every_profile_is_valid(name):
    loaded = load_profile(name)
    assert loaded.run_names()
    assert len(set(loaded.run_names())) == len(loaded.run_names())
    for run in loaded.run_names():
        experiment = loaded.experiment(run)
        assert sum(stage.epochs for stage in experiment.planned_stages()) == experiment.epochs
        assert experiment.title
        assert experiment.data.root.is_absolute()
    assert loaded.data().root.is_absolute()


@pytest.mark.parametrize("name", ["sample", "smoke"])
def test_generated_data_needs_no_download(name):
    loaded = load_profile(name)
    asking = [run for run in loaded.run_names() if loaded.experiment(run).model.encoder_weights != "none"]
    assert not set(asking) - set(loaded.skipped)


def build(stages=(), epochs=10, **changes) -> ExperimentConfig:
    stages = [{"epochs": stage} if isinstance(stage, int) else stage for stage in stages]
    plain = {"name": "run", "model": {"name": "unet"}, "epochs": epochs, "stages": stages}
    return ExperimentConfig.model_validate(plain | changes)


def test_stages_always_fill_the_epochs():
    for count in (1, 2, 3, 4):
        for shares in itertools.product((1, 2, 15, 40), repeat=count):
            for epochs in (count, count + 1, 7, 80):
                if epochs < count:
                    continue
                planned = [stage.epochs for stage in build(shares, epochs).planned_stages()]
                assert sum(planned) == epochs
                assert min(planned) >= 1
                # no stage is further than one epoch from its share, unless the floor of one epoch moved it
                exact = [share * epochs / sum(shares) for share in shares]
                if min(exact) >= 1:
                    assert max(abs(n - share) for n, share in zip(planned, exact, strict=True)) < 1


@pytest.mark.parametrize(
    ("shares", "epochs", "planned"),
    [
        ((), 7, [7]),
        ((30, 15, 35), 80, [30, 15, 35]),
        ((30, 15, 35), 16, [6, 3, 7]),
        ((1, 1), 5, [3, 2]),
        ((40, 1, 1), 3, [1, 1, 1]),
        ((98, 1, 1), 10, [8, 1, 1]),
    ],
)
def test_stages_are_apportioned_by_their_rounded_ends(shares, epochs, planned):
    assert [stage.epochs for stage in build(shares, epochs).planned_stages()] == planned


def test_stages_keep_what_else_they_say():
    first, second = build([{"epochs": 1, "scale": 0.5, "unfreeze": 0}, 1], 4).planned_stages()
    assert (first.epochs, first.scale, first.unfreeze) == (2, 0.5, 0)
    assert (second.scale, second.unfreeze) == (1.0, "all")


def test_too_many_stages_are_an_error():
    with pytest.raises(ConfigError, match="run run: 3 stages do not fit into epochs=2"):
        build((1, 1, 1), 2).planned_stages()


def test_identity_ignores_where_files_lie_and_how_fast_they_are_read():
    here = build(data={"root": "/here"}, model={"name": "unet", "encoder_weights": "/here/w.pth"}, workers=1, title="A")
    there = build(data={"root": "/there"}, model={"name": "unet", "encoder_weights": "/there/w.pth"}, workers=4)
    assert here.fingerprinted() == there.fingerprinted()
    assert (
        here.fingerprinted() == build(**here.fingerprinted() | {"epochs": 10, "workers": 1}).fingerprinted()
    )  # plain enough to be written and read


@pytest.mark.parametrize(
    "changes",
    [
        {"seed": 1},
        {"epochs": 11},
        {"batch_size": 9},
        {"data": {"dataset": "camvid"}},
        {"data": {"size": (32, 32)}},
        {"data": {"split": {"kind": "grouped"}}},
        {"augmentation": {"hflip": 0.4}},
        {"model": {"name": "fcn"}},
        {"model": {"name": "unet", "encoder_weights": "imagenet"}},
        {"model": {"name": "unet", "options": {"decoder_channels": [8]}}},
        {"loss": {"label_smoothing": 0.1}},
        {"optimizer": {"weight_decay": 0.0}},
        {"schedule": {"name": "poly"}},
        {"stages": [{"epochs": 1, "unfreeze": 0}]},
        {"ema": 0.9},
        {"patience": 3},
        {"precision": "bf16"},
        {"evaluation": {"every": 2}},
        {"workers": 0},  # with dropout: starting a worker draws from the random state
    ],
    ids=str,
)
def test_identity_holds_what_decides_a_result(changes):
    assert build(**changes).fingerprinted() != build().fingerprinted()


def test_paths_start_at_the_project(monkeypatch, tmp_path):
    root = config.project_root()
    monkeypatch.chdir(root / "notebooks")
    assert config.resolve("data/x") == root / "data" / "x"
    assert config.resolve(tmp_path) == tmp_path
    monkeypatch.chdir(tmp_path)  # outside any project: the one that this package belongs to
    assert config.project_root() == root
