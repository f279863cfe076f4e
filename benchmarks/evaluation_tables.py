"""Tables of evaluation: calibration, coverage of intervals, out-of-distribution scores,
corruptions.
"""

from typing import Any

from read_reports import Report, made_by, measured, newest, newest_first
from recipe_tables import is_todays

from dressform.recipes import RECIPES

SCORES = {
    "largest probability": "maximum softmax probability",
    "tenth nearest, Euclidean": "10th nearest neighbour, Euclidean",
    "tenth nearest, cosine": "10th nearest neighbour, cosine",
    "tenth nearest, features and looks": "10th nearest neighbour, features and pixel statistics",
}
"""What the scores of the out-of-distribution benchmark are called: in older reports, and now."""


def calibration_table() -> str:
    """ECE of each recipe's models before and after their temperature."""
    rows: dict[str, dict[str, Any]] = {}
    commands: dict[str, None] = {}
    for report in newest_first("calibration-recipes"):
        for name, row in report["results"]["recipes"].items():
            if name not in rows and is_todays(name, row) and not report["results"]["settings"]:
                rows[name] = row
                commands[made_by(report)] = None
    if not rows:
        return "not measured yet"
    lines = [
        "| recipe | n | ECE before | ECE after | test accuracy |",
        "|---|---|---|---|---|",
    ]
    for name in sorted(rows, key=lambda name: -rows[name]["ece_after"]["max"]):
        seeds = rows[name]["seeds"]
        cells = [_ece([row[side]["ece"] for row in seeds]) for side in ("before", "after")]
        accuracies = [100 * row["after"]["accuracy"]["value"] for row in seeds]
        cells.append(f"{sum(accuracies) / len(accuracies):.2f} %")
        lines.append(f"| `{name}` | {len(seeds)} | {' | '.join(cells)} |")
    others = ", ".join(f"`{name}`" for name in RECIPES.names if name not in rows)
    missing = f"Not measured yet: {others}. " if others else ""
    return "\n".join([*lines, "", missing + " ".join(commands), *_calibration_of_photos()])


def _calibration_of_photos() -> list[str]:
    """ECE of the newest photo models on their validation photos."""
    report = newest("calibration-photos")
    if report is None:
        return []
    sentences = [
        f"The model that `train auto` trained on photos ({row['run']}; {row['examples']} "
        f"validation photos, temperatures cross-fitted): ECE before "
        f"{_ece([row['before']['ece']])}, after "
        f"{_ece([row['after']['ece']])}; accuracy "
        f"{100 * row['after']['accuracy']['value']:.2f} %."
        for row in report["results"]["photos"]
    ]
    return ["", *sentences, made_by(report)]


def _ece(estimates: list[dict[str, Any]]) -> str:
    """One ECE with its interval, or the mean and the extent over seeds."""
    values = [100 * one["value"] for one in estimates]
    low, high = min(values), max(values)
    if len(estimates) == 1:
        low, high = (100 * estimates[0][end] for end in ("low", "high"))
    return f"{sum(values) / len(values):.2f} % ({low:.2f} to {high:.2f})"


@measured("ood")
def ood_table(report: Report) -> str:
    """Which score tells out-of-distribution images from the test images."""
    r = report["results"]
    others = [name for name in r["n"] if name not in ("test", "held out")]
    lines = [
        "| score | " + " | ".join(f"{name}: AUROC | FPR95" for name in others) + " |",
        "|---|" + "---|---|" * len(others),
    ]
    abstained = r.get("abstain", r.get("unsure"))
    for score in [name for name in r if name not in ("accuracy", "n", "abstain", "unsure")]:
        cells = [
            f"{r[score][name]['auroc']:.3f} | {100 * r[score][name]['fpr95']:.0f} %"
            for name in others
        ]
        lines.append(f"| {SCORES.get(score, score)} | {' | '.join(cells)} |")
    fractions = ", ".join(
        f"{name} {100 * abstained[name]:.1f} % (n = {r['n'][name]:,})" for name in (*others, "test")
    )
    return "\n".join(
        [
            *lines,
            "",
            f"The model's test accuracy is {100 * r['accuracy']:.2f} %. Fraction answered with "
            f"*unsure*: {fractions}. {made_by(report)}",
        ]
    )


@measured("corruptions")
def corruptions_table(report: Report) -> str:
    """Accuracy under corruptions."""
    runs = report["results"]
    lines = []
    for run, r in runs.items():
        lines += [
            f"{run}: {100 * r['clean']['value']:.2f} % on the original images, "
            f"{100 * r['mean']:.1f} % averaged over all corruptions.",
            "",
            "| corruption, by severity | 1 | 2 | 3 | 4 | 5 |",
            "|---|" + "---|" * 5,
        ]
        for name, severities in r["corruptions"].items():
            cells = [f"{100 * estimate['value']:.1f} %" for estimate in severities.values()]
            lines.append(f"| {name} | {' | '.join([*cells, *[''] * (5 - len(cells))])} |")
        lines.append("")
    estimates = [
        e
        for r in runs.values()
        for severities in r["corruptions"].values()
        for e in severities.values()
    ]
    widest = max(e["high"] - e["low"] for e in estimates)
    lines.append(
        f"The 95 % Wilson intervals extend at most {50 * widest:.1f} points to either side. "
        f"{made_by(report)}"
    )
    return "\n".join(lines)


@measured("simulate")
def coverage_table(report: Report) -> str:
    """How often the intervals cover the truth, and how often the tests reject where there is
    nothing.
    """
    lines = [
        "| estimate | n | interval | coverage (nominal 95 %) | draws |",
        "|---|---|---|---|---|",
    ]
    for r in report["results"]["intervals"]:
        method = r["method"].replace("95%", "95 %").removesuffix(", 95 %")
        lines.append(
            f"| {plain(r['what'])} | {r['n']:,} | {plain(method)} | {100 * r['coverage']:.1f} "
            f"% | {r['draws']:,} |"
        )
    lines += [
        "",
        "| test under the null hypothesis | rejects at 1 % | at 5 % | at 10 % | draws |",
        "|---|---|---|---|---|",
    ]
    for r in report["results"]["rejections"]:
        fractions = " | ".join(
            f"{100 * r['rejected'][level]:.1f} %" for level in ("0.01", "0.05", "0.1")
        )
        lines.append(f"| {plain(r['what'])} | {fractions} | {r['draws']:,} |")
    return "\n".join([*lines, "", f"(`{report['command']}`)"])


def plain(text: str) -> str:
    """A report's name of a score or method in the field's words."""
    for old, new in (
        ("_", " "),
        ("exchange test", "permutation test"),
        ("paired shares", "paired proportions"),
        ("over-confident", "overconfident"),
    ):
        text = text.replace(old, new)
    return text
