"""Write the README's tables from the files that the measurements wrote.

    python benchmarks/tables.py

Each table stands between two comments, `<!-- name -->` and `<!-- /name -->`; a test says when the README is out of date.
"""

import json
import re
from pathlib import Path
from typing import Any

from dressform.recipes import RECIPES, entry

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "benchmarks" / "reports"


def recipes_table() -> str:
    """A row per recipe: claimed beside reproduced."""
    lines = ["| recipe | tutorial | claimed | reproduced | interval of one test set | training |", "|---|---|---|---|---|---|"]
    for name in RECIPES.names:
        e, found = entry(name), entry(name).reproduced()
        claimed = "–" if e.claimed is None else f"{100 * e.claimed:.2f} %"
        row = [f"`{name}`", "ours" if e.tutorial is None else str(e.tutorial), claimed]
        if found is None:
            row += ["not measured yet", "", ""]
        else:
            spread = "" if found["sd"] is None else f" ± {100 * found['sd']:.2f}"
            reach = 1.96 * (found["mean"] * (1 - found["mean"]) / 10_000) ** 0.5
            seconds = sorted(found["train_seconds"])[len(found["train_seconds"]) // 2]
            row += [f"{100 * found['mean']:.2f} %{spread} (n = {found['n']})", f"± {100 * reach:.2f}", f"{seconds:.0f} s"]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def speed_table() -> str:
    """A row per measured speed, from the newest report of each kind."""
    lines = ["| what | figure | command |", "|---|---|---|"]
    for report in (newest("throughput-batch256"), newest("throughput-batch32")):
        if report is not None:
            r = report["results"]
            ratios = sorted(r["ratios"])
            lines.append(
                f"| training MiniVGGNet, batch {r['batch']}: images a second, dressform ({r['precision']}) against Keras"
                f" {r['versions']['keras']} on TensorFlow {r['versions']['tensorflow']} | {r['dressform_median']:.0f} against"
                f" {r['keras_median']:.0f} (medians of {len(ratios)} paired rounds); **{r['ratio_median']:.2f} ×**"
                f" ({ratios[0]:.2f} to {ratios[-1]:.2f}) | `{report['command']}` |"
            )
    startup, kill = newest("startup"), newest("kill")
    if startup is not None:
        for name, words in (("predict", "`dressform predict` on one picture"), ("--help", "`dressform --help`")):
            s = startup["results"][name]
            lines.append(
                f"| {words}, process start included | {s['median']:.2f} s (median of {s['n']}; {s['min']:.2f} to {s['max']:.2f})"
                f" | `python benchmarks/startup.py RUN` |"
            )
    if kill is not None:
        k = kill["results"]
        lines.append(
            f"| trainings killed at a random moment and resumed, whose weights equal the undisturbed run's"
            f" | {k['equal']} of {k['kills']} | `{kill['command']}` |"
        )
    return "\n".join(lines)


def newest(name: str) -> dict[str, Any] | None:
    """The report of that name with the latest date."""
    found = sorted(REPORTS.glob(f"????-??-??-{name}.json"))
    if not found:
        return None
    report: dict[str, Any] = json.loads(found[-1].read_text(encoding="utf-8"))
    return report


def filled(text: str) -> str:
    """The README with its tables replaced."""
    for name, table in (("recipes", recipes_table()), ("speed", speed_table())):
        text = re.sub(rf"(<!-- {name} -->\n).*?(<!-- /{name} -->)", lambda m, t=table: f"{m[1]}{t}\n{m[2]}", text, flags=re.S)  # type: ignore[misc]
    return text


if __name__ == "__main__":
    readme = ROOT / "README.md"
    readme.write_text(filled(readme.read_text(encoding="utf-8")), encoding="utf-8")
