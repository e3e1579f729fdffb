"""Two hundred bad inputs, drawn anew only when this file changes: each is answered by a line, none by a trace or silence."""

import io
import itertools
import json
import re
import warnings
from collections import Counter
from contextlib import redirect_stderr, redirect_stdout

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image
from tiny import save, tiny_image, tiny_label

from seg_helpers.cli import main
from seg_helpers.config import ConfigError, ExperimentConfig, load_profile

ANSWERS = Counter()
bad_inputs = settings(
    max_examples=50,
    derandomize=True,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)


def answer(*arguments: str) -> str:
    """What a command says of bad input on standard error, which has to be short and no trace."""
    said = io.StringIO()
    kind = "trace"
    try:
        with redirect_stderr(said), redirect_stdout(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            status = main(list(arguments))
        kind = "line" if status == 1 else "silence"
    except SystemExit as stop:  # argparse
        kind = "line" if stop.code == 2 else "silence"
    finally:
        ANSWERS[kind] += 1
    assert kind == "line", f"{arguments} passed"
    text = said.getvalue()
    assert re.search(r"(^|\n)(seg.*: )?error: \S", text), text
    assert "Traceback" not in text
    assert "pydantic" not in text
    return text


def train(*more: str, profile: str = "smoke", run: str = "fast_scnn") -> str:
    return answer("train", "--profile", profile, "--model", run, *more)


def leaves(schema: dict, definitions: dict, path: tuple = ()):
    """Each key of a configuration, dotted, and the schema of what it takes."""
    schema = definitions[schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema
    for key, kind in schema.get("properties", {}).items():
        if "$ref" in kind:
            yield from leaves(kind, definitions, (*path, key))
        elif "type" in kind or "enum" in kind:
            yield ".".join((*path, key)), kind


SCHEMA = ExperimentConfig.model_json_schema()
LEAVES = {
    key: kind
    for key, kind in leaves(SCHEMA, SCHEMA["$defs"])
    if key not in ("name", "recipe", "group", "ablation", "title", "model.name", "model.encoder_weights", "seed")
}
BELOW = st.integers(-(10**40), -1) | st.floats(-1e300, -1e-3)  # no number of a configuration may be negative
ABOVE = st.integers(10**6, 10**40) | st.floats(1e6, 1e300)  # some may be as large as one likes


@st.composite
def bad_settings(draw) -> str:
    """An override whose value is out of range, of another type, or whose key does not exist."""
    key = draw(st.sampled_from(sorted(LEAVES)))
    kind = LEAVES[key]["type"]
    wrong = st.sampled_from(["[", "{", "{a: 1}", "some words", ".nan", ".inf", "!!int x", "2020-13-01", "*a"])
    if kind in ("integer", "number"):
        wrong |= st.sampled_from(["true", "null", "", "[1]", "1e999", "0x", "-0.5"])
        wrong |= (BELOW | ABOVE if {"maximum", "exclusiveMaximum"} & LEAVES[key].keys() else BELOW).map(str)
    elif kind == "array":
        wrong |= st.sampled_from(["3", "null", "true", "[[]]", "[-1, 2]", "[x, y]", "[true]", "[.inf, .inf]"])
    elif kind == "boolean":
        wrong |= st.sampled_from(["3", "null", "[]", "maybe"])
    elif "enum" in LEAVES[key]:
        wrong |= st.text(st.characters(codec="ascii", categories=["Ll"]), min_size=4).map(json.dumps)
    unknown = draw(st.sampled_from(["", "", "", "x", "s.a"]))
    return f"{key}{unknown}={draw(wrong)}"


def is_bad(override: str) -> bool:
    """Leaves out the few draws that are good: `some words` for a name, an empty list where one may be empty."""
    key, _, value = override.partition("=")
    free = ("data.layout", "data.classes", "data.dataset", "model.options", "stages")
    return not (key in free and value in ("some words", "{a: 1}", "null", "[1]", "true", "3"))


@bad_inputs
@given(bad_settings().filter(is_bad))
def test_a_bad_setting_is_named(override):
    key = override.partition("=")[0]
    assert key.rpartition(".")[2] in train("workers=0", override)


PRINTABLE = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\0"), max_size=20)


@st.composite
def bad_lines(draw) -> list[str]:
    """Arguments of `seg` of which one at least is wrong, whatever the text is."""
    word = draw(PRINTABLE)
    commands = [
        ["train", "--profile", f"{word}?"],
        ["train", "--profile", "smoke", "--model", f"{word}?"],
        ["train", "--profile", "smoke", "--model", "unet", "--seed", f"{word}?"],
        ["train", "--profile", "smoke", "--model", "unet", "--seed", draw(st.integers(1, 10**30).map(str))],
        ["train", "--profile", "smoke", "--model", "unet", "--", f"{word}"],
        ["train", "--profile", "smoke", "--model", "unet", "--", f"{word}?:epochs=3"],
        ["train", "--profile", "smoke", "--model", "unet", "--weights", f"{word}?"],
        ["train", "--profile", "smoke", "--model", "unet", "data.dataset=other", "--data", f"{word}?"],
        ["train", "--profile", "smoke", "--processes", f"{word}?"],
        ["train", f"--{word}?"],
        [f"{word}?", "--profile", "smoke"],
        ["report", f"{word}?.ipynb", "--profile", "smoke"],
        ["report", "--render", "--profile", f"{word}?"],
        ["report", "notebooks/04_unet.ipynb", "--profile", "smoke", "--set", f"{word}?"],
        ["report", "notebooks/04_unet.ipynb", "--threads", f"{word}?"],
        ["models", f"{word}?"],
    ]
    return draw(st.sampled_from(commands))


@bad_inputs
@given(bad_lines().filter(lambda line: not re.fullmatch(r"[\w.]+=.*", line[-1]) and line[-1] != ""))
def test_a_bad_command_line_is_told(tmp_path_factory, line):
    where = ["--reports", str(tmp_path_factory.getbasetemp() / "none")] if line[0] in ("train", "report") else []
    answer(line[0], *where, *line[1:])


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | PRINTABLE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PRINTABLE, inner, max_size=3),
    max_leaves=6,
)
FILES = (  # what a file is, by where it lies; each has to be understood before anything is trained
    "train/Elm_00001.png", "trainannot/Elm_00001.png", "valannot/Elm_00020.png", "classes.json",
    "profile.yaml", "weights.pth", "weights.safetensors", "01_page.ipynb",
)  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A data set of three frames a split."""
    root = tmp_path_factory.mktemp("bad")
    for split, number in itertools.product(("train", "val", "test"), range(3)):
        name = f"Elm_{number + 20 * (split == 'val') + 40 * (split == 'test'):05d}.png"
        save(root / split / name, tiny_image(number))
        save(root / f"{split}annot" / name, tiny_label(number))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEG_CACHE", str(root / "cache"))
        yield root


@st.composite
def bad_files(draw) -> tuple[str, bytes | None]:
    """A file's name, and what it holds in place of what it should: bytes, JSON, a picture, or (None) a folder."""
    name = draw(st.sampled_from(FILES))
    contents = [st.binary(max_size=200), JSON.map(lambda value: json.dumps(value).encode()), st.none(), st.just(b"")]
    if name.endswith(".png"):
        sizes = st.tuples(st.integers(1, 40), st.integers(1, 40)).filter(lambda size: size != (12, 16))
        contents += [sizes.map(lambda size: png(np.zeros((*size, 3), np.uint8)))] * 2
        contents += [st.integers(1, 60).map(lambda cut: png(tiny_image(0))[:-cut])]
    return name, draw(st.one_of(contents))


def png(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "png")
    return buffer.getvalue()


@bad_inputs
@given(bad_files())
def test_a_bad_file_is_named(folder, file):
    name, content = file
    path = folder / name
    before = path.read_bytes() if path.is_file() else None
    path.unlink(missing_ok=True)
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    try:
        where = ["--reports", str(folder / "reports"), "--data", str(folder)]
        if name == "profile.yaml":
            said = train(*where, profile=str(path))
        elif name.startswith("weights"):
            said = train(*where, "data.dataset=other", f"model.encoder_weights={path}", run="unet")
        elif name.endswith(".ipynb"):
            said = answer("report", str(path), "--profile", "smoke", *where)
        else:
            said = train(*where, "data.dataset=other", "data.on_problem=stop")
        assert path.stem in said
    finally:
        path.rmdir() if content is None else path.unlink()
        if before is not None:
            path.write_bytes(before)


ODD = st.one_of(
    JSON, st.binary(max_size=5), st.just("a\0b"), st.floats(), st.sampled_from([{}, [], (), 0, True, object()])
)
GOOD = {"profile": "smoke", "data": "", "weights": "", "overrides": [], "reports": "reports"}


def is_odd(parameter: tuple[str, object]) -> bool:
    """Leaves out what may be meant: any text that a path may hold, no folder, no override."""
    name, value = parameter
    may_be_left_out = {"data": (None,), "weights": (None,), "overrides": ([], (), "")}.get(name, ())
    return value not in may_be_left_out and (name == "overrides" or not isinstance(value, str) or "\0" in value)


@bad_inputs
@given(st.tuples(st.sampled_from(sorted(GOOD)), ODD).filter(is_odd))
def test_a_bad_parameter_is_named(parameter):
    name, value = parameter
    ANSWERS["trace"] += 1
    with pytest.raises(ConfigError, match=name[:-1]):  # an override, and overrides
        load_profile(**GOOD | {name: value}).experiment("fast_scnn")
    ANSWERS.update({"trace": -1, "line": 1})


def test_two_hundred_bad_inputs_were_answered():
    """The last test of this file, which counts what the others found."""
    if sum(ANSWERS.values()) < 200:
        pytest.skip("not all of the others were asked for")
    assert Counter(line=200) == +ANSWERS
