"""Every figure of the leaderboard is in a committed file."""

import json
import re
from pathlib import Path
from urllib.parse import urlparse

import leaderboard
import pytest
from leaderboard_figure import Point, draw_leaderboard, pareto_front
from PIL import Image
from read_reports import REPORTS, ROOT, newest


def point(name: str, accuracy: float, parameters: int) -> Point:
    return Point(
        name=name, accuracy=accuracy, sd=0, parameters=parameters, multiply_adds=None, kind="ours"
    )


def test_the_page_and_its_figure_are_those_of_the_reports() -> None:
    """After a measurement: python benchmarks/leaderboard.py."""
    assert leaderboard.PAGE.read_text(encoding="utf-8") == leaderboard.page()
    with Image.open(leaderboard.FIGURE) as image:
        assert image.info["Description"] == draw_leaderboard(leaderboard.points()).get_label()
        assert image.info["Comment"] == leaderboard.COMMAND


def test_each_recipe_is_measured_by_the_report_that_it_names() -> None:
    rows = leaderboard.ours()
    assert len(rows) >= 20
    for row in rows:
        documents = [(REPORTS / file).read_text(encoding="utf-8") for file in row.reports]
        accuracies = re.findall(r"0\.9?[0-9]+", " ".join(documents))
        assert {f"{value:g}" for value in row.accuracies} <= {
            f"{float(value):g}" for value in accuracies
        }
    tutorials = newest("tutorials")
    assert tutorials is not None
    reproduced = json.loads((ROOT / "src/dressform/recipes/reproduced.json").read_text())
    assert tutorials["results"]["recipes"] == reproduced["recipes"]


def test_published_results_name_their_source() -> None:
    published = leaderboard.published()
    for result in (*published["results"], *published["doubtful"]):
        is_link = urlparse(result["source"]).scheme == "https"
        assert is_link or not result["checked"], result["name"]
    assert all(claim["reason"] for claim in published["doubtful"])
    assert {result["data"] for result in published["results"]} <= leaderboard.DATA.keys()


def test_the_front_has_what_no_other_beats() -> None:
    points = [
        point("small", 0.9, 10),
        point("as large, worse", 0.8, 10),
        point("larger, no better", 0.9, 20),
        point("larger", 0.95, 30),
        point("largest", 0.94, 40),
    ]
    assert [one.name for one in pareto_front(points)] == ["small", "larger"]


@pytest.mark.parametrize(
    ("value", "text"),
    [(240, "240"), (19_850, "19.9 k"), (288_128, "288 k"), (1_679_082, "1.68 M"), (2e9, "2 G")],
)
def test_large_numbers_are_short(value: float, text: str) -> None:
    assert leaderboard.large_number(int(value)) == text


def test_the_page_is_linked() -> None:
    assert "\nleaderboard\n" in Path(ROOT / "docs" / "index.md").read_text(encoding="utf-8")
