"""Paragraphs that people wrote: printed while the records bear them out, and named where they do not."""

from types import SimpleNamespace

import jinja2
import pytest

from seg_helpers.config import ConfigError, parse_yaml, project_root, validate
from seg_helpers.figures import findings

FILE = """
04_unet:
  answer:
    - {text: "U-Net has {{ unet | score }}, Pole {{ unet.classes.Pole | score }}.", when: [unet > fcn8s]}
    - {text: FCN leads., when: [fcn8s > unet]}
    - {text: "{{ segnet | score }}", when: [unet > 0]}
"""


@pytest.fixture
def write(tmp_path, monkeypatch):
    row = SimpleNamespace(mean_iou=0.61234, _asdict=lambda: {"title": "U-Net"})
    other = SimpleNamespace(mean_iou=0.5, _asdict=lambda: {"title": "FCN"})
    runs = {"unet": findings.Score(row, {"Pole": 0.25}), "fcn8s": findings.Score(other, {})}
    monkeypatch.setattr(findings, "project_root", lambda: tmp_path)
    monkeypatch.setattr(findings, "_describe_runs", lambda profile: runs)
    (tmp_path / "notebooks" / "findings").mkdir(parents=True)

    def write(text=FILE, page="04_unet"):
        (tmp_path / "notebooks" / "findings" / "mine.yaml").write_text(text)
        return findings.write_findings(SimpleNamespace(name="mine"), page, "answer")

    return write


def test_a_paragraph_stands_while_its_conditions_hold(write, capsys):
    assert write() == ["U-Net has 0.612, Pole 0.250."]
    said = capsys.readouterr().out.splitlines()
    assert said[0] == "WARNING mine.yaml, 04_unet, answer 2 is left out, as this does not hold: fcn8s > unet"
    assert "answer 3 is left out, as this does not hold: 'segnet' is undefined" in said[1]


def test_a_page_or_a_profile_without_paragraphs_has_none(write):
    assert write(page="03_fcn") == []
    assert findings.write_findings(SimpleNamespace(name="other"), "04_unet", "answer") == []


def test_an_answer_without_paragraphs_is_the_facts(write, capsys, monkeypatch):
    shown = []
    monkeypatch.setattr(findings, "display", lambda text, **_: shown.append(text.data))
    write()
    for page in ("04_unet", "03_fcn"):
        findings.show_answer(SimpleNamespace(name="mine"), page, "So many frames.")
    findings.show_answer(SimpleNamespace(name="mine"), "03_fcn", part="end")
    assert shown == ["U-Net has 0.612, Pole 0.250.", "So many frames."]


def test_a_paragraph_without_a_condition_is_refused(write):
    with pytest.raises(ConfigError, match=r"04_unet\.answer\.0\.when: "):
        write("04_unet: {answer: [{text: It is so., when: []}]}")


@pytest.mark.parametrize(
    "path", sorted((project_root() / "notebooks" / "findings").glob("*.yaml")), ids=lambda p: p.stem
)
def test_published_paragraphs_are_of_pages_and_can_be_read(path):
    pages = validate(findings.FindingsFile, parse_yaml(path.read_bytes(), path), path).root
    assert set(pages) <= {"index", *(notebook.stem for notebook in path.parent.parent.glob("*.ipynb"))}
    for paragraph in [each for page in pages.values() for each in (*page.answer, *page.end)]:
        for text in (paragraph.text, *(f"{{{{ {condition} }}}}" for condition in paragraph.when)):
            jinja2.Environment().parse(text)
