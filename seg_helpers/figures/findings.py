"""What people wrote about a profile's results: a paragraph is printed while the records bear it out.

`notebooks/findings/PROFILE.yaml` holds, for each page, the paragraphs of its `answer` and of its `end`. Their numbers
are filled in from the records, and each names the conditions under which it is true; both are Jinja2 expressions.
"""

from collections.abc import Mapping

import jinja2
from IPython.display import Markdown, display
from pydantic import Field, RootModel

from seg_helpers.config import Profile, Section, parse_yaml, project_root, validate
from seg_helpers.experiments import Run, average_seeds, compare_runs, final_scores, read_runs, tabulate_runs
from seg_helpers.figures.words import percent, write_count
from seg_helpers.progress import format_seconds


class Paragraph(Section):
    """A paragraph in Markdown, and the expressions that all have to be true for it to be printed."""

    text: str
    when: tuple[str, ...] = Field(min_length=1)


class PageFindings(Section):
    """What opens a page, and what it ends with."""

    answer: tuple[Paragraph, ...] = ()
    end: tuple[Paragraph, ...] = ()


class FindingsFile(RootModel[dict[str, PageFindings]]):
    """A file of `notebooks/findings/`: page to its paragraphs."""


class Score(float):
    """A run's test mean IoU, the mean over its seeds, which knows the rest of the run's row of `average_seeds`.

    Beside these `classes`, class to IoU of the first seed, so that `unet > fcn8s` and `unet.classes.Pole` can be said.
    """

    def __new__(cls, row, classes: Mapping[str, float]):
        score = super().__new__(cls, row.mean_iou)
        score.__dict__ |= row._asdict() | {"classes": classes}
        return score


def show_answer(profile: Profile, page: str, facts: Run | str = "", part: str = "answer", **values) -> None:
    """Displays a page's paragraphs that hold; where the profile has none of them, the facts, or what a run scores."""
    paragraphs = write_findings(profile, page, part, **values)
    if isinstance(facts, Run):
        scores = final_scores(facts)
        low, high = scores["mean_iou_interval"]
        facts = (
            f"**{facts.title}** reaches a mean IoU of **{scores['mean_iou']:.3f}** (95% interval {low:.3f} to {high:.3f}) "
            f"on the {scores['frames']} {facts.final_split} frames of profile {profile.name}, with seed {facts.seed}."
        )
    if text := "\n\n".join(paragraphs) or facts:
        display(Markdown(text), metadata={"part": part})


def write_findings(profile: Profile, page: str, part: str, **values) -> list[str]:
    """The paragraphs of a page's `answer` or `end` that hold, as Markdown; of the others it prints which condition fails.

    Args:
        profile: one without a file of findings has none.
        page: the notebook's stem.
        part: `answer` or `end`.
        values: further names for the expressions, beside the runs' (a `Score` each) and `difference(NAME, BASELINE)`, a
            row of `compare_runs`.
    """
    path = project_root() / "notebooks" / "findings" / f"{profile.name}.yaml"
    if not path.is_file():
        return []
    pages = validate(FindingsFile, parse_yaml(path.read_bytes(), path), path).root
    paragraphs = getattr(pages.get(page, PageFindings()), part)
    environment = jinja2.Environment(undefined=jinja2.StrictUndefined)
    environment.filters |= {
        "score": lambda value: f"{float(value):.3f}",
        "signed": lambda value: f"{float(value):+.3f}",
        "percent": percent,
        "count": write_count,
        "duration": format_seconds,
    }
    values = _describe_runs(profile) | values if paragraphs else {}
    held = []
    for number, paragraph in enumerate(paragraphs, start=1):
        where = f"{path.name}, {page}, {part} {number}"
        try:
            failed = [
                condition
                for condition in paragraph.when
                if not environment.compile_expression(condition, undefined_to_none=False)(**values)
            ]
            text = environment.from_string(paragraph.text).render(values)
        except (jinja2.TemplateError, LookupError, TypeError, ValueError) as error:
            failed = [str(error)]
        if failed:
            print(f"WARNING {where} is left out, as this does not hold: {'; '.join(failed)}")
        else:
            held.append(text)
    return held


def _describe_runs(profile: Profile) -> dict:
    runs = read_runs(profile, ablations=True, every_seed=True)
    by_name = {name: [run for run in runs if run.name == name] for name in dict.fromkeys(run.name for run in runs)}

    def difference(name: str, baseline: str):
        found = [*by_name[name], *by_name[baseline]]
        return next(compare_runs(found, by_name[baseline][0]).itertuples())

    classes = {
        name: {c: scores["iou"] for c, scores in final_scores(of[0])["per_class"].items()}
        for name, of in by_name.items()
    }
    rows = average_seeds(tabulate_runs(runs)).itertuples(name="Row")
    return {row.Index: Score(row, classes[row.Index]) for row in rows} | {"difference": difference}
