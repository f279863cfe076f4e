"""Write the tables of the README and of the docs, and the scores of our own recipes, from the files
that the measurements wrote.

    python benchmarks/tables.py

Each table stands between two comments, `<!-- name -->` and `<!-- /name -->`; a test says when one
is out of date.
"""

import json
import re
from collections.abc import Callable

from evaluation_tables import calibration_table, corruptions_table, coverage_table, ood_table
from photo_tables import (
    budget_table,
    groups_table,
    photos_table,
    predict_photos_table,
    time_limit_table,
    transfer_table,
)
from read_reports import ROOT
from recipe_tables import (
    OWN_SCORES,
    best_table,
    extensions_table,
    own_scores,
    processors_table,
    recipes_table,
    records_table,
    tutorial_table,
    variants_table,
)
from speed_tables import (
    browser_table,
    gpu_table,
    inference_table,
    keras_table,
    kernels_table,
    speed_table,
)

TABLES: dict[str, Callable[[], str]] = {
    "recipes": recipes_table,
    "best": best_table,
    **{f"tutorial-{n}": tutorial_table(n) for n in range(5)},
    "records": records_table,
    "processors": processors_table,
    "speed": speed_table,
    "inference": inference_table,
    "keras-export": keras_table,
    "transfer": transfer_table,
    "browser": browser_table,
    "photos": photos_table,
    "groups": groups_table,
    "predict-photos": predict_photos_table,
    "calibration": calibration_table,
    "ood": ood_table,
    "budget": budget_table,
    "time-limit": time_limit_table,
    "corruptions": corruptions_table,
    "variants": variants_table,
    "coverage": coverage_table,
    "extensions": extensions_table,
    "kernels": kernels_table,
    "gpu": gpu_table,
}

PAGES = ("README.md", *sorted(str(p.relative_to(ROOT)) for p in (ROOT / "docs").rglob("*.md")))

_UNITS = re.compile(r"(?<=\d) (?=(?:%|s|±|×)(?![\w-]))|(?<=±) (?=\d)")
"""Spaces at which no line of a table should break."""


def non_breaking(row: str) -> str:
    """A row of a table whose numbers stay with their units."""
    return _UNITS.sub("\u00a0", row)


def filled(text: str) -> str:
    """A page with its tables replaced."""
    for name, table in TABLES.items():
        opening, closing = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, found, rest = text.partition(opening)
        if found:
            rows = non_breaking(table())
            text = f"{before}{opening}{rows}\n{closing}{rest.partition(closing)[2]}"
    return text


if __name__ == "__main__":
    OWN_SCORES.write_text(json.dumps(own_scores(), indent=1) + "\n", encoding="utf-8")
    for page in PAGES:
        path = ROOT / page
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
