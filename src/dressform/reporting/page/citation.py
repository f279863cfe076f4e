"""How a page is cited: what it is about in a line of prose and as BibTeX."""

import re
import shlex
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from dressform.core.numbers import percent, percent_range
from dressform.core.text import counted
from dressform.evaluation.evaluate import estimate
from dressform.evaluation.metrics import METRICS
from dressform.reporting.page.models import ModelReport
from dressform.reporting.page.schema import CitationDocument

CITED = (
    "run",
    "data",
    "evaluated on",
    "data digest",
    "predictions digest",
    "model digest",
    "command",
    "folds",
    "repeats",
    "seed",
    "finished",
)
"""Facts that identify what was measured, in the order in which they are given."""
SHORT_DIGEST = 16
MAX_NAMED = 4
"""Models that a title names."""
_TEX = {
    "\\": r"\textbackslash{}",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
}


def citation(
    examples: int, split: str, models: Sequence[ModelReport], version: str, date: str
) -> CitationDocument:
    """The citation of a page.

    Args:
        examples: how many.
        split: their name, such as ``test``.
        models: of the page.
        version: of dressform.
        date: of the page, YYYY-MM-DD.
    """
    rows = [
        (model.name, [(name, value) for name, value in model.facts if name in CITED])
        for model in models
    ]
    parts = [
        f"{name}: " + "; ".join([_accuracy(model), *(_shortened(*fact) for fact in facts)])
        for model, (name, facts) in zip(models, rows, strict=True)
    ]
    dataset = _dataset(models)
    images = f"{examples:,} {split} images" + (f" of {dataset}" if dataset else "")
    what = "Evaluation" if len(models) == 1 else "Comparison"
    heading = f"{what} of {listed_models(models)} on {images}"
    software = f"dressform {version}"
    text = ". ".join([heading, software, *parts, f"Report of {date}"]) + "."
    year, month, _ = date.split("-")
    fields = {
        "title": f"{{{_tex(heading)}}}",
        "year": year,
        "month": str(int(month)),
        "howpublished": f"Report made with {_tex(software)}",
        "note": _tex(". ".join([f"Software: {software}", *parts, f"Report of {date}"])),
    }
    named = " ".join(dict(model.facts).get("run", model.name) for model in models[:MAX_NAMED])
    key = re.sub(r"[^A-Za-z0-9]+", "-", named).strip("-").lower()
    lines = [f"  {name} = {{{value}}}" for name, value in fields.items()]
    bibtex = f"@misc{{dressform-{key},\n" + ",\n".join(lines) + "\n}\n"
    return {
        "date": date,
        "models": [{"name": name, "facts": [list(fact) for fact in facts]} for name, facts in rows],
        "text": text,
        "bibtex": bibtex,
    }


def _dataset(models: Sequence[ModelReport]) -> str:
    """The name of the data that all models were trained and evaluated on; empty where they have
    none in common.
    """
    facts = [dict(model.facts) for model in models]
    if any("evaluated on" in one for one in facts):
        return ""
    names = {
        name if colon else ""
        for name, colon, _ in (one.get("data", "").rpartition(": ") for one in facts)
    }
    return names.pop() if len(names) == 1 else ""


def listed_models(models: Sequence[ModelReport]) -> str:
    """Names of models: ``a (seed 0)``, ``a and b``, ``a, b, c, d and 3 others``."""
    names = [re.sub(r", (seed \d+)$", r" (\1)", model.name) for model in models]
    *first, last = names
    if len(names) > MAX_NAMED:
        first, last = list(names[:MAX_NAMED]), counted(len(names) - MAX_NAMED, "other")
    return f"{', '.join(first)} and {last}" if first else last


def _accuracy(model: ModelReport) -> str:
    """A model's accuracy with its interval."""
    one = (model.estimates or {}).get("accuracy") or asdict(
        estimate(METRICS["accuracy"], model.predictions)
    )
    interval = f"{percent_range(one['low'], one['high'])}, {one['method']}"
    return f"accuracy {percent(one['value'])} ({interval}, n = {one['n']:,})"


def _without_folders(word: str) -> str:
    """The name of an absolute path; anything else as it is."""
    path = Path(word)
    return path.name or word if path.is_absolute() else word


def _shortened(name: str, value: str) -> str:
    """A fact: SHA-256 digests by their first digits, which is enough to tell data apart, and
    folders of one machine by their names.
    """
    if name == "command":
        value = shlex.join(map(_without_folders, shlex.split(value)))
    if name == "evaluated on":
        path, colon, count = value.rpartition(": ")
        value = f"{_without_folders(path)}{colon}{count}"
    value = re.sub(r"\b[0-9a-f]{64}\b", lambda digest: digest[0][:SHORT_DIGEST], value)
    return f"{name} {value}"


def _tex(text: str) -> str:
    # LaTeX makes one dash of two hyphens.
    return "".join(_TEX.get(character, character) for character in text).replace("--", "-{}-")
