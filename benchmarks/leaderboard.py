"""Write docs/leaderboard.md and its figure from the committed reports: every figure is in a file.

    python benchmarks/leaderboard.py

Accuracy and training time come from the reports of speed.py (newest of each recipe as it is),
tutorials.py and gpu.py; parameters, multiply-adds and inference time from that of complexity.py;
published results from published.json.
"""

import json
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from string import Template
from typing import Any

from leaderboard_figure import Point, draw_leaderboard, pareto_front
from read_reports import ROOT, mean_and_sd, newest, reports
from recipe_tables import is_todays, with_repetitions
from tables import non_breaking

from dressform.recipes import RECIPES, find_recipe
from dressform.reporting.figures.canvas import save

PAGE = ROOT / "docs" / "leaderboard.md"
TEMPLATE = ROOT / "benchmarks" / "leaderboard.md.txt"
FIGURE = ROOT / "docs" / "figures" / "leaderboard.png"
PUBLISHED = ROOT / "benchmarks" / "published.json"
COMMAND = "python benchmarks/leaderboard.py"
PRESENT_DATA = "2017-08-31"
"""When the dataset was cut as it is now."""
DATA = {PRESENT_DATA: "present", "before": "before the re-split", "unknown": "not stated"}


@dataclass(frozen=True, kw_only=True)
class Row:
    """A recipe that was measured.

    Attributes:
        name: of the recipe.
        accuracies: on the test images, a seed each, 0..1.
        seconds: of each training.
        trained_on: hardware and precision.
        protocol: which weights and how many passes.
        reports: files below benchmarks/reports.
        parameters: numbers in the network.
        multiply_adds: for one image.
        ms_per_image: in batches, median; None where it was not measured.
    """

    name: str
    accuracies: tuple[float, ...]
    seconds: tuple[float, ...]
    trained_on: str
    protocol: str
    reports: tuple[str, ...]
    parameters: int
    multiply_adds: int
    ms_per_image: float | None

    @property
    def accuracy(self) -> float:
        """Mean over the seeds."""
        return statistics.fmean(self.accuracies)


def protocol(recipe: str) -> str:
    """Which weights are evaluated, and how many passes each image takes."""
    found = find_recipe(recipe)
    weights = "best epoch on validation" if found.early_stopping.restore_best else "last epoch"
    members = getattr(found.model, "members", 1)
    parts = [weights, f"{members} networks" if members > 1 else "one pass"]
    if getattr(found.model, "mirror", False):
        parts[-1] = f"{members} networks, mirror TTA" if members > 1 else "mirror TTA"
    return ", ".join(parts)


def measured() -> Iterator[tuple[str, tuple[str, ...], dict[str, Any]]]:
    """Recipe, reports and what these have of it; the newest first."""
    for path, report in reports("speed*"):
        if "speed-again" in path.name:
            continue
        for name, row in report["results"]["recipes"].items():
            if name in RECIPES.names and is_todays(name, row):
                found = with_repetitions(name, row)
                again = reports("speed-again")[:1] if found["n"] > row["n"] else []
                yield name, (path.name, *(other.name for other, _ in again)), found
    for path, report in reports("tutorials"):
        for name, row in report["results"]["recipes"].items():
            accuracies, taken = row["test_accuracies"], row["train_seconds"]
            yield name, (path.name,), {**row, "accuracies": accuracies, "seconds": taken}
    for path, report in reports("gpu"):
        steps = report["steps"]
        for name in RECIPES.names:
            rows = steps.get(name, {}).get("rows", [])
            if rows:
                yield (
                    name,
                    (path.name,),
                    {
                        "accuracies": [row["test_accuracy"] for row in rows],
                        "seconds": [row["seconds"] for row in rows],
                        "hardware": f"one {steps['device']['name']}",
                        "precision": steps[name]["precision"],
                        "threads": None,
                    },
                )


def ours() -> list[Row]:
    """The recipes that were measured, the most accurate first."""
    costs = newest("complexity")
    assert costs is not None
    rows: dict[str, Row] = {}
    for name, files, found in measured():
        cost = costs["results"]["recipes"].get(name)
        if name in rows or cost is None:
            continue
        threads = found["threads"]
        rows[name] = Row(
            name=name,
            accuracies=tuple(found["accuracies"]),
            seconds=tuple(found["seconds"]),
            trained_on=", ".join(
                [
                    found["hardware"],
                    *([] if threads is None else [f"{threads} thread{'s' if threads > 1 else ''}"]),
                    found["precision"],
                ]
            ),
            protocol=protocol(name),
            reports=files,
            parameters=cost["parameters"],
            multiply_adds=cost["multiply_adds"],
            ms_per_image=cost["ms_per_image"]["median"] if "ms_per_image" in cost else None,
        )
    return sorted(rows.values(), key=lambda row: -row.accuracy)


def published() -> dict[str, list[dict[str, Any]]]:
    """What others report."""
    document: dict[str, list[dict[str, Any]]] = json.loads(PUBLISHED.read_text(encoding="utf-8"))
    return document


def points() -> list[Point]:
    """Ours and the published results that have a number of parameters."""
    found = [
        Point(
            name=row.name,
            accuracy=row.accuracy,
            sd=statistics.stdev(row.accuracies) if len(row.accuracies) > 1 else 0.0,
            parameters=row.parameters,
            multiply_adds=row.multiply_adds,
            kind="ours",
        )
        for row in ours()
    ]
    for result in published()["results"]:
        if result["parameters"] is not None:
            found.append(
                Point(
                    name=result["name"],
                    accuracy=result["accuracy"],
                    sd=result["sd"] or 0.0,
                    parameters=result["parameters"],
                    multiply_adds=None,
                    kind="published" if result["data"] == PRESENT_DATA else "other data",
                )
            )
    return found


def large_number(value: int) -> str:
    """``288 k``, ``1.7 M``."""
    for size, unit in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if value >= size:
            return (
                f"{value / size:.3g} {unit}"
                if value < 1000 * size
                else (f"{value / size:.0f} {unit}")
            )
    return str(value)


def seconds(value: float) -> str:
    """``0.95 s``, ``53.7 s``, ``2635 s``."""
    return f"{value:.3g} s" if value < 100 else f"{value:.0f} s"


def our_table(rows: Sequence[Row], front: set[str]) -> str:
    """A row per recipe."""
    lines = [
        "| recipe | test accuracy, mean ± s.d. | n | protocol | parameters | multiply-adds | "
        "training, median | inference, ms per image | report |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        spread = len(row.accuracies) > 1
        accuracy = mean_and_sd(list(row.accuracies)) if spread else f"{100 * row.accuracy:.2f} %"
        name = f"**`{row.name}`**" if row.name in front else f"`{row.name}`"
        time = "–" if row.ms_per_image is None else f"{row.ms_per_image:.3f}"
        files = ", ".join(f"`{file}`" for file in row.reports)
        lines.append(
            f"| {name} | {accuracy} | {len(row.accuracies)} | {row.protocol} | "
            f"{large_number(row.parameters)} | {large_number(row.multiply_adds)} | "
            f"{seconds(statistics.median(row.seconds))} | {time} | {files} |"
        )
    return "\n".join(lines)


def published_table(results: Sequence[dict[str, Any]]) -> str:
    """A row per published result."""
    lines = [
        "| network | test accuracy | n | protocol | data | parameters | source |",
        "|---|---|---|---|---|---|---|",
    ]
    for result in sorted(results, key=lambda one: (one["data"] != PRESENT_DATA, -one["accuracy"])):
        spread = "" if result["sd"] is None else f" ± {100 * result['sd']:.2f}"
        size = result["parameters"]
        lines.append(
            f"| {result['name']} | {100 * result['accuracy']:.2f} %{spread} | "
            f"{result['n'] or 'not stated'} | {result['protocol']} | {DATA[result['data']]} | "
            f"{'not stated' if size is None else large_number(size)} | {source(result)} |"
        )
    return "\n".join(lines)


def doubtful_list(claims: Sequence[dict[str, Any]]) -> str:
    """A line per claim."""
    return "\n".join(
        f"- **{claim['name']}"
        + ("" if claim["accuracy"] is None else f", {100 * claim['accuracy']:.2f} %")
        + f"** ({source(claim)}): {claim['reason']}."
        for claim in claims
    )


def source(result: dict[str, Any]) -> str:
    """A link, or what is told of it; and whether the figure was read there."""
    where: str = result["source"]
    link = f"<{where}>" if where.startswith("http") else where
    return link if result["checked"] else f"{link}, not checked"


def trained_on(rows: Sequence[Row]) -> str:
    """The machines, each with its recipes."""
    machines: dict[str, list[str]] = {}
    for row in rows:
        machines.setdefault(row.trained_on, []).append(f"`{row.name}`")
    return "\n".join(f"- {machine}: {', '.join(names)}" for machine, names in machines.items())


def page() -> str:
    """The whole page."""
    rows, others, costs = ours(), published(), newest("complexity")
    assert costs is not None
    ours_alone = [point for point in points() if point.kind == "ours"]
    front = {point.name for point in pareto_front(ours_alone)}
    machines = {
        cost["hardware"] for cost in costs["results"]["recipes"].values() if "hardware" in cost
    }
    unmeasured = [f"`{name}`" for name in RECIPES.names if name not in {row.name for row in rows}]
    missing = f"\n\nNot measured yet: {', '.join(unmeasured)}." if unmeasured else ""
    text = Template(TEMPLATE.read_text(encoding="utf-8")).substitute(
        recipes=our_table(rows, front) + missing,
        batch=costs["results"]["batch"],
        inference="; ".join(sorted(machines)) or "not measured yet",
        complexity=costs["command"],
        training=trained_on(rows),
        published=published_table(others["results"]),
        doubtful=doubtful_list(others["doubtful"]),
    )
    return "\n".join(
        non_breaking(line) if line.startswith("|") else line for line in text.split("\n")
    )


def main() -> None:
    """Write the page and the figure."""
    PAGE.write_text(page(), encoding="utf-8")
    save(draw_leaderboard(points()), FIGURE, {"Comment": COMMAND})
    print(PAGE, FIGURE, sep="\n")


if __name__ == "__main__":
    main()
