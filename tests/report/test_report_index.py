import json

import nbformat
import numpy as np
import pytest
import yaml
from bs4 import BeautifulSoup
from nbformat.v4 import new_markdown_cell, new_notebook, new_output
from tiny import spoil

from seg_helpers.config import load_profile
from seg_helpers.experiments import Run
from seg_helpers.figures import picture_rows
from seg_helpers.report import publishing
from seg_helpers.report.pages import check_page
from seg_helpers.report.publishing import find_summary, render_again, render_index

FAILURE = {
    "place": "code cell 7 of 9, under “Training”",
    "error": "ValueError: <b>loss</b>",
    "source": "train()",
}


@pytest.fixture
def profile(tmp_path):
    profile = load_profile("smoke", reports=tmp_path)
    profile.folder.mkdir()
    return profile


@pytest.fixture
def add_run(profile, monkeypatch):
    """Puts a run's record into the profile's folder; its scores are those given, not made of counts."""
    monkeypatch.setattr(Run, "totals", property(lambda run: {split: run.metrics[split] for split in ("val", "test")}))
    monkeypatch.setattr(Run, "interval", property(lambda run: run.metrics["test"]["mean_iou_interval"]))
    monkeypatch.setattr(Run, "final_split", "test")

    def add(name: str, mean_iou: float, low: float, high: float, seed: int = 0):
        folder = profile.folder / "runs" / name / str(seed)
        folder.mkdir(parents=True)
        config = json.loads(profile.experiment(name, seed).model_dump_json())
        (folder / "config.yaml").write_text(yaml.safe_dump(config))
        scores = {
            "mean_iou": mean_iou,
            "mean_iou_interval": [low, high],
            "pixel_accuracy": 0.9123,
            "mean_dice": 0.7,
            "frames": 4,
        }
        counts = {"parameters": 1_137_019, "multiply_adds": 2_500_000_000, "epochs": 2, "best_epoch": 1}
        metrics = {"run": name, "classes": ["sky"], "size": [36, 48], "val": scores, "test": scores} | counts
        (folder / "metrics.json").write_text(json.dumps(metrics))
        session = {"device": "a test's device", "processes": 1, "commit": "0123456789abcdef"}
        record = {"training_seconds": 75.0, "sessions": [session], "files": {}}
        (folder / "record.json").write_text(json.dumps(record))

    return add


def render(profile) -> BeautifulSoup:
    html = render_index(profile)
    assert check_page(html) == []
    return BeautifulSoup(html, "html.parser")


def read_board(table) -> list[dict[str, str]]:
    """A row a run: heading to what stands in the cell."""
    headings = [cell.get_text(strip=True) for cell in table.select("thead th")]
    rows = [[cell.get_text(" ", strip=True) for cell in row.find_all("td")] for row in table.select("tbody tr")]
    return [dict(zip(headings, row, strict=True)) for row in rows]


def test_each_group_has_a_leaderboard_and_what_compares_inside_a_page_stands_apart(profile, add_run):
    add_run("fcn8s", 0.5, 0.4, 0.6)
    add_run("unet", 0.61, 0.52, 0.7)
    add_run("fast_scnn", 0.4, 0.35, 0.45)
    add_run("unet_frozen", 0.3, 0.2, 0.4)
    add_run("mini_unet_soccer", 0.8, 0.7, 0.9)
    index = render(profile)
    encoder, scratch, ablations, soccer = index.find_all("table")
    assert [[row["model"], row["mean IoU"], row["95% interval"]] for row in read_board(encoder)] == [
        ["U-Net", "0.610", "0.520 to 0.700"],
        ["FCN-8s", "0.500", "0.400 to 0.600"],
    ]
    row = read_board(scratch)[0]
    assert [row[key] for key in ("model", "start", "input", "epochs", "parameters", "training time")] == [
        *("Fast-SCNN", "random", "36x48", "2", "1.14 M", "1 min 15 s")
    ]
    assert "frozen" in ablations.get_text()
    assert ablations.find_parent("details").summary.get_text() == "04 04_unet"
    assert read_board(soccer)[0]["mean IoU"] == "0.800"
    assert "ONLY_RUNS=NAME" in index.get_text()
    assert "U-Net is unet" in " ".join(index.get_text(" ", strip=True).split())


def test_intervals_are_drawn_on_one_scale_for_all_tables(profile, add_run):
    add_run("unet", 0.6, 0.5, 0.7)
    add_run("fast_scnn", 0.4, 0.3, 0.5)
    index = render(profile)
    bars = [style.get_text() for style in index.find_all("style") if "linear-gradient(90deg" in style.get_text()]
    scales = ("calc(75.0% - 1.5px)", "#0000 50.0%, var(--accent, #0072b2) 0 100.0%"), ("calc(25.0% - 1.5px)", "0 50.0%")
    for text, marks in zip(bars[-2:], scales, strict=True):  # the page's own sheet comes first
        assert all(mark in text for mark in marks)


def test_a_run_of_several_seeds_is_shown_by_mean_and_each(tmp_path, profile, add_run, make_executed, monkeypatch):
    several = load_profile("smoke", overrides=["unet:seeds=[0, 1]"], reports=tmp_path)
    monkeypatch.setattr(profile, "experiment", several.experiment)
    add_run("unet", 0.6, 0.5, 0.7)
    add_run("unet", 0.7, 0.6, 0.8, seed=1)
    add_run("fcn8s", 0.5, 0.4, 0.6)
    index = render(several)
    unet, fcn = read_board(index.table)
    assert (unet["mean IoU"], unet["95% interval"], unet["each seed"]) == ("0.650", "0.550 to 0.750", "0.600, 0.700")
    assert fcn["each seed"] == "–"
    facts = {item.dt.get_text(): item.dd.get_text() for item in index.select(".facts div")}
    assert facts["Training took"] == "3 min 45 s"  # of all three


def test_a_note_on_a_run_stands_below_the_leaderboard(profile, add_run):
    add_run("unet", 0.61, 0.59, 0.63)
    profile.notes.update(unet="it was tried twice", fcn8s="it was never run")
    text = render(profile).get_text()
    assert "Of U-Net, note that it was tried twice." in text
    assert "never run" not in text


def test_a_damaged_run_is_named_on_the_index_and_stops_nothing(profile, add_run, capsys):
    add_run("unet", 0.61, 0.59, 0.63)
    add_run("fcn8s", 0.5, 0.4, 0.6)
    spoil(profile.folder / "runs" / "fcn8s" / "0" / "metrics.json", "half")
    index = render(profile)
    (table,) = index.select("table")
    assert "U-Net" in table.get_text()
    assert "FCN" not in table.get_text()
    alarm = index.select_one(".alarm").get_text()
    assert "1 run left out as damaged" in alarm
    assert "fcn8s is left out: runs/fcn8s/0: damaged (" in alarm
    assert "WARNING fcn8s is left out" in capsys.readouterr().out


@pytest.mark.parametrize("damage", ["empty", "half", "garbage", "another shape"])
def test_a_damaged_page_is_made_again_and_stops_no_other(profile, make_executed, capsys, damage):
    for stem in ("03_fcn", "04_unet"):
        nbformat.write(make_executed(stem=stem, title=f"About {stem}"), profile.folder / f"{stem}.ipynb")
    if damage == "another shape":
        (profile.folder / "04_unet.ipynb").write_text('{"cells": 3}')
    else:
        spoil(profile.folder / "04_unet.ipynb", damage)
    assert "About 03_fcn" in render_again(profile).read_text()
    assert "04_unet.ipynb is damaged (" in capsys.readouterr().out


def test_pages_are_linked_with_their_answers_and_pictures_and_the_others_named(profile, make_executed, add_run):
    add_run("fcn8s", 0.5, 0.4, 0.6)
    said = new_output(
        "display_data", {"text/markdown": "It is **fine**, see [U-Net](04_unet.ipynb)."}, metadata={"part": "answer"}
    )
    panels = [("a", np.full((4, 6, 3), color, np.uint8)) for color in (0, 255, 7)]
    shown = new_output("display_data", {"text/html": picture_rows(panels, 3, "Three.")._repr_html_()})
    for stem, title in (("03_fcn", "FCN & friends"), ("11_comparison", "All")):
        nbformat.write(make_executed([said], [shown, shown], stem=stem, title=title), profile.folder / f"{stem}.ipynb")
    index = render(profile)
    entries = {entry.select_one(".ordinal").get_text(): entry for entry in index.select(".pages li")}
    assert entries["03"].h3.a["href"] == "03_fcn.html"
    assert entries["03"].h3.a.get_text() == "FCN & friends"
    assert entries["03"].select_one(".answer").get_text().strip() == "It is fine, see U-Net."
    assert entries["03"].select_one(".answer a")["href"] == "04_unet.html"
    assert entries["03"].select_one(".state a")["href"] == "03_fcn.ipynb"
    assert "1 min 01 s" in entries["03"].get_text()
    assert "not run" in entries["01"].get_text()
    assert entries["01"].h3.a is None
    pictures = index.select(".hero img")
    assert len(pictures) == 3
    assert entries["03"].img["src"] == pictures[-1]["src"]  # the prediction
    assert index.table.find("a", string="FCN-8s")["href"] == "03_fcn.html"


def test_findings_stand_before_the_tables(profile, monkeypatch):
    monkeypatch.setattr(
        publishing, "write_findings", lambda profile, page, part: ["**One.**", "Two."] * (page == "index")
    )
    assert [item.get_text(strip=True) for item in render(profile).select(".findings li")] == ["One.", "Two."]


def test_the_index_of_all_reports_leads_to_each_and_those_of_drawn_scenes_come_last(tmp_path):
    page = '<header class="masthead"><p class="lead">{}</p>{}</header><main><section class="hero"><img src="data:,{}" alt="a"></section></main>'
    for name, text in (
        ("a", page.format("Of a.", '<p class="drawn">Drawn.</p>', 1)),
        ("b", page.format("Of b.", "", 2)),
    ):
        (tmp_path / name).mkdir()
        (tmp_path / name / "index.html").write_text(text)
    html = publishing.render_reports(tmp_path)
    assert check_page(html) == []
    entries = BeautifulSoup(html, "html.parser").select(".pages li")
    assert [(entry.a["href"], entry.img["src"]) for entry in entries] == [
        ("b/index.html", "data:,2"),
        ("a/index.html", "data:,1"),
    ]
    assert [text.get_text() for text in entries[1].find_all("p")] == ["Of a.", "Drawn."]


def test_failures_stand_first_with_cell_and_error(profile, make_executed):
    nbformat.write(make_executed(stem="03_fcn"), profile.folder / "03_fcn.ipynb")
    nbformat.write(make_executed(stem="03_fcn", failure=FAILURE), profile.folder / "03_fcn.failed.ipynb")
    index = render(profile)
    alarm = index.main.find("section")
    assert alarm["role"] == "alert"
    assert "code cell 7 of 9, under “Training”" in alarm.get_text()
    assert alarm.pre.get_text() == "ValueError: <b>loss</b>"
    assert alarm.a["href"] == "03_fcn.failed.ipynb"
    assert "of an earlier run" in alarm.get_text()
    assert [entry.select_one(".ordinal").get_text() for entry in index.select(".pages li")].count("03") == 1


def test_foot_says_what_was_run(profile, make_executed):
    for stem, commit in (("01_data", "aaaaaaaaaaaa"), ("03_fcn", "bbbbbbbbbbbb")):
        executed = make_executed(stem=stem, commit=commit, finished=1_800_000_000.0 + (commit > "b"))
        nbformat.write(executed, profile.folder / f"{stem}.ipynb")
    facts = {item.dt.get_text(): item.dd.get_text() for item in render(profile).select(".facts div")}
    assert facts["Code"] == "bbbbbbbbbb, and 1 more"
    assert facts["Pages made in"] == "2 min 02 s"
    assert facts["Pages made on"] == "a test's device"


def test_pages_are_made_anew_without_running_anything(profile, make_executed, add_run):
    add_run("fcn8s", 0.5, 0.4, 0.6)
    for stem in ("01_data", "03_fcn"):
        nbformat.write(make_executed(stem=stem, title=f"About {stem}"), profile.folder / f"{stem}.ipynb")
    index = render_again(profile)
    assert "1 min 15 s" in index.read_text()
    assert 'href="03_fcn.html"' in (profile.folder / "01_data.html").read_text()
    assert "<h1>About 03_fcn</h1>" in (profile.folder / "03_fcn.html").read_text()
    stamp = profile.folder / ".work" / "index.done"
    assert stamp.read_text() == str(profile.folder / "runs" / "fcn8s" / "0" / "record.json")


def test_summary_is_the_paragraph_below_the_title():
    cells = [
        new_markdown_cell("# Title\n\nHow *fine* must a\n[score map](x.ipynb) be?\n\nMore."),
        new_markdown_cell("## B"),
    ]
    assert find_summary(new_notebook(cells=cells)) == "How fine must a score map be?"
    assert find_summary(new_notebook(cells=cells[1:])) == ""


def test_a_report_of_other_notebooks_lists_those_alone(profile, make_executed):
    nbformat.write(make_executed(stem="00_speed", title="Speed"), profile.folder / "00_speed.ipynb")
    assert [page.h3.get_text() for page in render(profile).select(".pages li")] == ["00 Speed"]
