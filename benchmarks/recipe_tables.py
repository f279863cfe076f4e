"""Tables of trained recipes: what each reaches, in what time, and what tutorials claim."""

import json
import statistics
from collections.abc import Callable
from typing import Any

from read_reports import ROOT, Report, made_by, mean_and_sd, measured, newest_first, renamed

from dressform.core.config import digest
from dressform.evaluation.comparison import format_p_value
from dressform.recipes import RECIPES, entry, find_recipe

RENAMED: dict[str, str] = json.loads((ROOT / "benchmarks/renamed.json").read_text())["digests"]
"""Digests of recipes of before their settings were renamed, and as they are now."""

REPRODUCED = ROOT / "src" / "dressform" / "recipes" / "reproduced.json"

OWN_SCORES = ROOT / "src" / "dressform" / "recipes" / "own.json"

HIGHLIGHTS = (
    "fast-93",
    "fast",
    "fast-95",
    "medium",
    "small",
    "tiny",
    "minivggnet",
    "baseline-cnn",
    "cnn2",
    "complex2",
    "conv4-augmented",
)
"""The recipes of the README's table: ours, and each tutorial's best."""

CHANGES = {
    "rate 0.001": "learning rate 0.001",
    "rate 0.0001": "learning rate 0.0001",
    "another convolution and pooling": "another convolution and pooling layer",
    "early stopping, 3 epochs' patience, at most 30": "early stopping, patience 3, ≤ 30 epochs",
}
"""What tutorial 1's extensions are called: in older reports, and now."""


def speeds() -> list[dict[str, Any]]:
    """The newest report of times to an accuracy of each kind on each kind of processor."""
    found: dict[tuple[str, ...], Report] = {}
    for name in ("speed-94", "speed", "speed-95", "speed-medium"):
        for report in newest_first(name):
            row = next(iter(report["results"]["recipes"].values()))
            found.setdefault((name, row["hardware"], row["precision"]), report)
    return list(found.values())


def is_todays(recipe: str, row: dict[str, Any]) -> bool:
    """Was the row measured with the recipe as it is?"""
    return bool(RENAMED.get(row["digest"], row["digest"]) == digest(find_recipe(recipe)))


def with_repetitions(recipe: str, row: dict[str, Any]) -> dict[str, Any]:
    """A training that was repeated with the same seed on another processor counts as both. The
    time stays that of the first: repetitions may have been stopped and continued.
    """
    again = [
        accuracy
        for report in newest_first("speed-again")
        for name, other in report["results"]["recipes"].items()
        if name == recipe and other["digest"] == row["digest"]
        for accuracy in other["accuracies"]
    ]
    accuracies = [*row["accuracies"], *again]
    return {**row, "accuracies": accuracies, "n": len(accuracies)}


def named(recipe: str, row: dict[str, Any]) -> str:
    """The recipe's name, and its digest where the recipe has changed since."""
    return (
        f"`{recipe}`"
        if is_todays(recipe, row)
        else f"`{recipe}`, an earlier version ({row['digest']})"
    )


def own_scores() -> dict[str, Any]:
    """What our own recipes, as they are, reach: of the times to an accuracy, for ``dressform
    recipes``.
    """
    scores: dict[str, Any] = {}
    for report in speeds():
        for name, row in report["results"]["recipes"].items():
            if name not in scores and is_todays(name, row):
                accuracies = with_repetitions(name, row)["accuracies"]
                scores[name] = {
                    "mean": statistics.fmean(accuracies),
                    "sd": statistics.stdev(accuracies) if len(accuracies) > 1 else None,
                    "n": len(accuracies),
                    "test_accuracies": accuracies,
                    "train_seconds": row["seconds"],
                    "digest": row["digest"],
                    "hardware": row["hardware"],
                    "precision": row["precision"],
                    "command": report["command"],
                }
    return {"recipes": scores}


def recipes_table(*names: str) -> str:
    """A row per recipe: claimed beside reproduced.

    Args:
        names: of the recipes; none is all of them.
    """
    lines = [
        "| recipe | tutorial | claimed | test accuracy, mean ± s.d. | n | claim | training |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in names or RECIPES.names:
        e, scores = entry(name), entry(name).reproduced()
        where = "" if e.claimed_on == "test" else f" ({e.claimed_on})"
        claimed = "–" if e.claimed is None else f"{100 * e.claimed:.2f} %{where}"
        row = [f"`{name}`", "ours" if e.tutorial is None else str(e.tutorial), claimed]
        if scores is None:
            elsewhere = "see [a GPU](benchmarks.md#a-gpu)" if name == "fast-gpu" else ""
            row += [elsewhere or "not measured yet", "", "", ""]
        else:
            spread = "" if scores["sd"] is None else f" ± {100 * scores['sd']:.2f}"
            seconds = statistics.median(scores["train_seconds"])
            claim = scores.get("claim") or "–"
            if e.claimed_on == "validation":
                claim += f" ({100 * statistics.mean(scores['val_accuracies']):.2f} %)"
            row += [
                f"{100 * scores['mean']:.2f} %{spread}",
                str(scores["n"]),
                claim,
                f"{seconds:.0f} s",
            ]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def tutorial_table(tutorial: int) -> Callable[[], str]:
    """The recipes of one tutorial, and what they were measured with."""

    def table() -> str:
        names = [name for name in RECIPES.names if entry(name).tutorial == tutorial]
        scores = [s for s in (entry(name).reproduced() for name in names) if s is not None]
        machines = {
            f"{s['hardware']}, {s['precision']}, {s['threads']} thread a training, {s['date']}"
            for s in scores
        }
        command = renamed(json.loads(REPRODUCED.read_text(encoding="utf-8"))["command"])
        return f"{recipes_table(*names)}\n\n(`{command}`; {'; '.join(sorted(machines))}.)"

    return table


def best_table() -> str:
    """Our three recipes and a few of the tutorials', for the README."""
    return recipes_table(*HIGHLIGHTS)


def records_table() -> str:
    """Seconds to a mean test accuracy of 93.4, 94 and 95 %."""
    lines = [
        "| target | recipe | seconds, mean ± s.d. | test accuracy, mean ± s.d. | n | "
        "Keras tutorial | command |",
        "|---|---|---|---|---|---|---|",
    ]
    reports = speeds()
    for level in ("0.934", "0.94", "0.95"):
        cells = [f"{100 * float(level):.1f} %", *["not reached yet"], *[""] * 5]
        reached = [
            report for report in reports if report["results"]["levels"][level]["recipe"] is not None
        ]
        if reached:
            report = min(reached, key=lambda report: report["results"]["levels"][level]["seconds"])
            found = report["results"]["levels"][level]
            row = report["results"]["recipes"][found["recipe"]]
            times = [
                f"{t:.0f} s" if t else f"never in {len(epochs)} epochs"
                for t, epochs in zip(
                    found["keras_seconds"], report["results"]["keras"], strict=True
                )
            ]
            cells[1:] = [
                named(found["recipe"], row),
                f"**{row['mean_seconds']:.1f}** ± {row['sd_seconds']:.1f}",
                mean_and_sd(row["accuracies"]),
                str(row["n"]),
                ", ".join(times) or "–",
                f"`{report['command']}`",
            ]
        lines.append(f"| {' | '.join(cells)} |")
    for report in reports:
        r = report["results"]
        if r["ratio"] and all(
            epoch.get("iterators") == 1 for epochs in r["keras"] for epoch in epochs
        ):
            total = statistics.mean(
                sum(epoch["seconds"] for epoch in epochs) for epochs in r["keras"]
            )
            middle = statistics.median(
                epoch["seconds"] for epochs in r["keras"] for epoch in epochs
            )
            precision = r["recipes"][r["levels"]["0.94"]["recipe"]]["precision"]
            last = ", ".join(f"{100 * epochs[-1]['test_accuracy']:.2f} %" for epochs in r["keras"])
            lines += [
                "",
                f"On the same machine and day ({r['date']}, {precision}), the tutorial's 25 epochs "
                f"in Keras take {total:,.0f} s, **{r['ratio']:.1f} ×** as long as we take to reach "
                f"94 %, and end at {last} "
                f"({25 * middle / r['levels']['0.94']['seconds']:.1f} × if every epoch took the "
                f"median time).",
            ]
    machine = next(iter(reports[0]["results"]["recipes"].values()))
    lines += ["", f"({machine['hardware']}, {machine['threads']} threads, {machine['precision']}.)"]
    return "\n".join(lines)


def processors_table() -> str:
    """Every processor that the times to an accuracy were measured on."""
    lines = [
        "| processor | date | recipe | test accuracy, mean ± s.d. | n | seconds, mean |",
        "|---|---|---|---|---|---|",
    ]
    for report in speeds():
        rows = report["results"]["recipes"]
        for name, row in rows.items():
            lines.append(
                f"| {row['hardware']}, {row['threads']} threads, {row['precision']} | "
                f"{report['time'][:10]} | {named(name, row)} | "
                f"{mean_and_sd(row['accuracies'])} | {row['n']} | {row['mean_seconds']:.1f} |"
            )
    return "\n".join(lines)


@measured("tutorial1-variants")
def variants_table(report: Report) -> str:
    """Tutorial 1's three variants over the folds, and what the comparison says."""
    lines = [
        "| variant | accuracy, mean ± s.d. | 95 % interval | NLL | ECE | n |",
        "|---|---|---|---|---|---|",
    ]
    for name, row in report["results"]["rows"].items():
        values, e = row["accuracies"], row["estimates"]
        accuracy, nll, ece = e["accuracy"], e["nll"], e["ece"]
        mean = mean_and_sd(values)
        between = f"{100 * accuracy['low']:.2f} to {100 * accuracy['high']:.2f} %"
        lines.append(
            f"| `{name}` | {mean} | {between} | {nll['value']:.3f} | {100 * ece['value']:.2f} % | "
            f"{len(values)} folds |"
        )
    lines += [
        "",
        "| comparison | difference in points, 95 % interval | p (Holm) | P(practically equal) | "
        "verdict |",
        "|---|---|---|---|---|",
    ]
    for c in report["results"]["comparisons"]:
        difference, low, high = (100 * c[key] for key in ("difference", "low", "high"))
        p = format_p_value(c["p_holm"]).removeprefix("= ")
        lines.append(
            f"| `{c['b']}` vs `{c['a']}` | {difference:+.2f} ({low:+.2f} to {high:+.2f}) | {p} | "
            f"{c['p_equal']:.2f} | {c['verdict']} |"
        )
    return "\n".join([*lines, "", made_by(report)])


@measured("tutorial1-extensions")
def extensions_table(report: Report) -> str:
    """Tutorial 1's extensions, each beside the baseline on the same folds."""
    comparisons = {c["b"]: c for c in report["results"]["comparisons"]}
    lines = [
        "| change | accuracy, mean ± s.d. | difference in points, 95 % interval | p (Holm) | "
        "verdict | NLL | ECE | epochs |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in report["results"]["rows"].items():
        values, e = row["accuracies"], row["estimates"]
        cells = [CHANGES.get(name, name), mean_and_sd(values)]
        if name in comparisons:
            c = comparisons[name]
            difference, low, high = (100 * c[key] for key in ("difference", "low", "high"))
            p = format_p_value(c["p_holm"]).removeprefix("= ")
            cells += [f"{difference:+.2f} ({low:+.2f} to {high:+.2f})", p, c["verdict"]]
        else:
            cells += ["", "", ""]
        epochs = sorted(set(row["epochs"]))
        cells += [f"{e['nll']['value']:.3f}", f"{100 * e['ece']['value']:.2f} %"]
        cells.append(str(epochs[0]) if len(epochs) == 1 else f"{epochs[0]} to {epochs[-1]}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", made_by(report)])
