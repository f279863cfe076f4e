"""Write the tables of the README and of the docs, and the scores of our own recipes, from the files
that the measurements wrote.

    python benchmarks/tables.py

Each table stands between two comments, `<!-- name -->` and `<!-- /name -->`; a test says when one
is out of date.
"""

import json
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dressform.core.config import digest
from dressform.evaluation.comparison import format_p_value
from dressform.recipes import RECIPES, entry, find_recipe

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "benchmarks" / "reports"
OWN_SCORES = ROOT / "src" / "dressform" / "recipes" / "own.json"


Report = dict[str, Any]


def measured(*names: str) -> Callable[[Callable[..., str]], Callable[[], str]]:
    """Give a table the newest reports of these names; where one is missing the table says so."""

    def around(table: Callable[..., str]) -> Callable[[], str]:
        def made() -> str:
            reports = [newest(name) for name in names]
            return "not measured yet" if None in reports else table(*reports)

        return made

    return around


RENAMED: dict[str, str] = json.loads((ROOT / "benchmarks/renamed.json").read_text())["digests"]
"""Digests of recipes of before their settings were renamed, and as they are now."""


def speeds() -> list[dict[str, Any]]:
    """The newest report of times to an accuracy of each kind on each kind of processor."""
    found: dict[tuple[str, ...], Report] = {}
    for name in ("speed-94", "speed", "speed-95"):
        for report in newest_first(name):
            row = next(iter(report["results"]["recipes"].values()))
            found.setdefault((name, row["hardware"], row["precision"]), report)
    return list(found.values())


def named(recipe: str, row: dict[str, Any]) -> str:
    """The recipe's name, and its digest where the recipe has changed since."""
    return f"`{recipe}`" if is_todays(recipe, row) else f"`{recipe}` as it was ({row['digest']})"


def is_todays(recipe: str, row: dict[str, Any]) -> bool:
    """Was the row measured with the recipe as it is?"""
    return bool(RENAMED.get(row["digest"], row["digest"]) == digest(find_recipe(recipe)))


def own_scores() -> dict[str, Any]:
    """What our own recipes, as they are, reach: of the times to an accuracy, for ``dressform
    recipes``.
    """
    scores: dict[str, Any] = {}
    for report in speeds():
        for name, row in report["results"]["recipes"].items():
            if name not in scores and is_todays(name, row):
                scores[name] = {
                    "mean": row["accuracy"]["value"],
                    "sd": row["accuracy"].get("sd"),
                    "n": row["n"],
                    "test_accuracies": row["accuracies"],
                    "train_seconds": row["seconds"],
                    "digest": row["digest"],
                    "hardware": row["hardware"],
                    "precision": row["precision"],
                    "command": report["command"],
                }
    return {"recipes": scores}


def recipes_table() -> str:
    """A row per recipe: claimed beside reproduced."""
    lines = [
        "| recipe | tutorial | claimed | test accuracy, mean ± s.d. | seeds | the claim is | "
        "training |",
        "|---|---|---|---|---|---|---|",
    ]
    for name in RECIPES.names:
        e, found = entry(name), entry(name).reproduced()
        where = "" if e.claimed_on == "test" else f" ({e.claimed_on})"
        claimed = "–" if e.claimed is None else f"{100 * e.claimed:.2f} %{where}"
        row = [f"`{name}`", "ours" if e.tutorial is None else str(e.tutorial), claimed]
        if found is None:
            row += ["not measured yet", "", "", ""]
        else:
            spread = "" if found["sd"] is None else f" ± {100 * found['sd']:.2f}"
            seconds = statistics.median(found["train_seconds"])
            claim = found.get("claim") or "–"
            if e.claimed_on == "validation":
                claim += f" ({100 * statistics.mean(found['val_accuracies']):.2f} %)"
            row += [
                f"{100 * found['mean']:.2f} %{spread}",
                str(found["n"]),
                claim,
                f"{seconds:.0f} s",
            ]
        lines.append(f"| {' | '.join(row)} |")
    return "\n".join(lines)


def records_table() -> str:
    """Seconds to a mean test accuracy of 93.4, 94 and 95 %."""
    lines = [
        "| to | recipe | seconds, mean ± s.d. | test accuracy, mean ± s.d. | n | the Keras "
        "tutorial reaches it after | command |",
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
                f"In the run of {r['date']} ({precision}) the tutorial's 25 epochs in Keras take "
                f"{total:.0f} s on the same machine"
                f" and end at {last}:"
                f" **{r['ratio']:.1f} ×** as long as ours to 94 %; 25 times its median epoch "
                f"would be"
                f" {25 * middle / r['levels']['0.94']['seconds']:.1f} ×.",
            ]
    for report in reports:
        rows = report["results"]["recipes"]
        row = next(iter(rows.values()))
        told = " and ".join(
            f"{named(name, r)} {mean_and_sd(r['accuracies'])} in {r['mean_seconds']:.1f} s"
            for name, r in rows.items()
        )
        lines += [
            "",
            f"{row['hardware']}, {row['threads']} threads, {row['precision']} "
            f"({report['results']['date']}): {told}.",
        ]
    return "\n".join(lines)


def speed_table() -> str:
    """A row per measured speed, from the newest report of each kind."""
    lines = ["| what | figure | command |", "|---|---|---|"]
    for name, batch in (("minivggnet", 256), ("minivggnet", 32), ("baseline-cnn", 32)):
        report = newest(f"throughput-{name}-batch{batch}")
        if report is not None:
            r = report["results"]
            ratios = sorted(r["ratios"])
            lines.append(
                f"| training `{name}`, batch {r['batch']}: images a second, dressform "
                f"({r['precision']}) against Keras"
                f" {r['versions']['keras']} on TensorFlow {r['versions']['tensorflow']} | "
                f"{r['dressform_median']:.0f} against"
                f" {r['keras_median']:.0f} (medians of {len(ratios)} paired rounds); "
                f"**{r['ratio_median']:.2f} ×**"
                f" ({ratios[0]:.2f} to {ratios[-1]:.2f}) | `{report['command']}` |"
            )
    crossval = newest("crossval")
    if crossval is not None:
        r = crossval["results"]
        ours, keras = (
            statistics.median(side["seconds"] for side in r[name])
            for name in ("dressform", "keras")
        )
        memory = max(side["peak_memory_mb"] for side in r["dressform"])
        lines.append(
            f"| {r['folds']}-fold cross-validation of tutorial 1's baseline, {r['epochs']} "
            f"epochs, batch 32: dressform against"
            f" Keras, whole processes, n = {r['rounds']} | {ours:.0f} s against {keras:.0f} s; "
            f"**{r['ratio_median']:.2f} ×**;"
            f" {memory / 1024:.1f} GB at most in all processes together | `{crossval['command']}` |"
        )
    startup, kill, kills = newest("startup"), newest("kill"), newest("kill-crossval")
    if startup is not None:
        for name, words in (
            ("predict", "`dressform predict` on one picture"),
            ("--help", "`dressform --help`"),
        ):
            s = startup["results"][name]
            lines.append(
                f"| {words}, process start included | {s['median']:.2f} s (median of {s['n']}; "
                f"{s['min']:.2f} to {s['max']:.2f})"
                f" | `python benchmarks/startup.py RUN` |"
            )
    if kill is not None:
        k = kill["results"]
        lines.append(
            f"| trainings killed at a random moment and resumed, whose weights equal the "
            f"undisturbed run's"
            f" | {k['equal']} of {k['kills']} | `{kill['command']}` |"
        )
    if kills is not None:
        k = kills["results"]
        lines.append(
            f"| cross-validations killed {k['kills']} times at random moments and resumed: "
            f"summary and predictions byte-identical"
            f" | {k['equal']} of {k['studies']} studies | `{kills['command']}` |"
        )
    return "\n".join(lines)


@measured("inference")
def inference_table(report: Report) -> str:
    """A row per network and way to run it."""
    r = report["results"]
    lines = [
        f"| network | by | images a second, batches of {r['batch']} (rounds) | × Keras | ms for "
        f"one picture | test accuracy"
        " | classes as float32's |",
        "|---|---|---|---|---|---|---|",
    ]
    for network, sides in r["networks"].items():
        for side, row in sorted(sides.items(), key=lambda pair: -pair[1]["median"]):
            rates = sorted(row["images_per_second"])
            times = f"{row['times_keras']:.2f}" if "times_keras" in row else "–"
            lines.append(
                f"| `{network}` | {side} | **{row['median']:,.0f}** ({rates[0]:,.0f} to "
                f"{rates[-1]:,.0f}) | {times}"
                f" | {row['ms_for_one']:.2f} | {100 * row['accuracy']:.2f} % | "
                f"{row['same_classes']:,} of 10,000 |"
            )
    return "\n".join([*lines, "", made_by(report)])


@measured("transfer-auto")
def transfer_table(report: Report) -> str:
    """Own classes from a folder of photos."""
    r = report["results"]
    spread = "" if r["sd"] is None else f" ± {100 * r['sd']:.2f}"
    lines = [
        f"Accuracy on the validation photos {100 * r['mean']:.2f} %{spread} over {r['n']} seeds,"
        f" {r['most_wall_seconds'] / 60:.1f} minutes at most, {r['peak_memory_mb'] / 1024:.1f} GB "
        f"of memory.",
        "",
        "| seed | candidate | over 3 folds of the training photos | seconds |",
        "|---|---|---|---|",
    ]
    for seed, run in enumerate(r["runs"]):
        for row in run["candidates"]:
            lines.append(
                f"| {seed} | {row['words']} | {100 * row['mean']:.2f} % | {row['seconds']:.0f} |"
            )
    return "\n".join([*lines, "", made_by(report)])


@measured("browser")
def browser_table(report: Report) -> str:
    """The page beside Python."""
    r = report["results"]
    version, away = r["chromium"].partition(".")[0], r["largest_logit_difference_same_pixels"]
    return (
        f"Of {r['photos']} photos in Chromium {version}: {r['same_class']} get the same class as "
        f"in Python, {r['same_pixels']} the"
        f" same pixels bit for bit, {r['same_doubt']} the same doubt; logits for the same pixels "
        f"differ by {away:.0e} at most."
        f" A photo takes {r['median_browser_ms']:.0f} ms, in Python {r['median_python_ms']:.0f} "
        f"ms (medians).\n\n{made_by(report)}"
    )


@measured("label-budget")
def budget_table(report: Report) -> str:
    """Accuracy with few labels."""
    ways = report["results"]
    numbers = sorted(next(iter(ways.values())), key=int)
    lines = [f"| labels a class | {' | '.join(ways)} |", "|---|" + "---|" * len(ways)]
    for number in numbers:
        cells = []
        for rows in ways.values():
            row = rows[number]
            if row["n"] > 1:
                low, high = row["accuracy"]["low"], row["accuracy"]["high"]
                spread = f" ({100 * low:.1f} to {100 * high:.1f}, n = {row['n']})"
            else:
                spread = " (n = 1)"
            cells.append(
                f"{100 * statistics.mean(row['accuracies']):.1f} %{spread}, "
                f"{row['median_seconds']:.0f} s"
            )
        lines.append(f"| {int(number):,} | {' | '.join(cells)} |")
    return "\n".join([*lines, "", made_by(report)])


@measured("corruptions")
def corruptions_table(report: Report) -> str:
    """Accuracy under corruptions."""
    runs = report["results"]
    lines = []
    for run, r in runs.items():
        lines += [
            f"{run}: {100 * r['clean']['value']:.2f} % untouched, {100 * r['mean']:.1f} % on "
            f"average over the corruptions.",
            "",
            "| corruption | 1 | 2 | 3 | 4 | 5 |",
            "|---|" + "---|" * 5,
        ]
        for name, strengths in r["corruptions"].items():
            cells = [f"{100 * estimate['value']:.1f} %" for estimate in strengths.values()]
            lines.append(f"| {name} | {' | '.join([*cells, *[''] * (5 - len(cells))])} |")
        lines.append("")
    estimates = [
        e
        for r in runs.values()
        for strengths in r["corruptions"].values()
        for e in strengths.values()
    ]
    widest = max(e["high"] - e["low"] for e in estimates)
    lines.append(
        f"95 % Wilson intervals are at most {50 * widest:.1f} points wide on each side. "
        f"{made_by(report)}"
    )
    return "\n".join(lines)


@measured("photos-train", "photos-validation")
def photos_table(*reports: Report) -> str:
    """A Fashion-MNIST model on real photos, prepared and not."""
    train, validation = (report["results"] for report in reports)
    lines = [
        f"| photos are | {train['photos']:,} training photos | called a bag | "
        f"{validation['photos']} validation photos |",
        "|---|---|---|---|",
    ]
    for way in [name for name in train if name != "photos"]:
        both = [
            f"{100 * e['value']:.1f} % ({100 * e['low']:.1f} to {100 * e['high']:.1f})"
            for e in (train[way]["accuracy"], validation[way]["accuracy"])
        ]
        bags = train[way]["answers"]["Bag"] / train["photos"]
        lines.append(f"| {way} | {both[0]} | {100 * bags:.0f} % | {both[1]} |")
    gain = 100 * (train["prepared"]["accuracy"]["value"] - train["shrunk"]["accuracy"]["value"])
    classes = sorted(train["prepared"]["by_class"].items(), key=lambda pair: -pair[1])
    lines += [
        "",
        f"Prepared, {gain:.1f} points more of the training photos are right. By class: "
        + ", ".join(f"{name} {100 * share:.0f} %" for name, share in classes)
        + ".",
    ]
    other = "prepared, OpenCV's GrabCut"
    if other in train and other in validation:
        p, q = (rows[other]["p_value_against_prepared"] for rows in (train, validation))
        lines += [
            "",
            f"Ours against OpenCV's GrabCut: p {format_p_value(p)} and {format_p_value(q)} "
            f"(McNemar, mid-p).",
        ]
    return "\n".join([*lines, "", made_by(reports[0])])


@measured("ood_detector")
def novelty_table(report: Report) -> str:
    """Which score tells what a model was not made for."""
    r = report["results"]
    others = [name for name in r["n"] if name not in ("test", "held out")]
    lines = [
        "| score | " + " | ".join(f"AUROC against {name} | FPR95" for name in others) + " |",
        "|---|" + "---|---|" * len(others),
    ]
    for score in [name for name in r if name not in ("accuracy", "n", "abstain")]:
        cells = [
            f"{r[score][name]['auroc']:.3f} | {100 * r[score][name]['fpr95']:.0f} %"
            for name in others
        ]
        lines.append(f"| {score} | {' | '.join(cells)} |")
    unsure = ", ".join(
        f"{100 * r['unsure'][name]:.1f} % of the {r['n'][name]:,} {name}"
        for name in (*others, "test")
    )
    return "\n".join(
        [
            *lines,
            "",
            f"The model has {100 * r['accuracy']:.2f} % of the test images. Answered with unsure: "
            f"{unsure}"
            f" pictures. {made_by(report)}",
        ]
    )


def mean_and_sd(shares: list[float]) -> str:
    """``90.84 % ± 0.62``."""
    return f"{100 * statistics.mean(shares):.2f} % ± {100 * statistics.stdev(shares):.2f}"


def made_by(report: dict[str, Any]) -> str:
    """The command and the machine behind a table."""
    hardware = report["hardware"]
    return f"(`{report['command']}`; {hardware['processor']}, {hardware['cores']} cores.)"


@measured("tutorial1-variants")
def variants_table(report: Report) -> str:
    """Tutorial 1's three variants over the folds, and what the comparison says."""
    lines = [
        "| variant | accuracy over the folds, mean ± s.d. | 95 % interval | NLL | ECE | n |",
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
        *(f"- {comparison['sentence']}" for comparison in report["results"]["comparisons"]),
    ]
    return "\n".join([*lines, "", made_by(report)])


@measured("tutorial1-extensions")
def extensions_table(report: Report) -> str:
    """Tutorial 1's extensions, each beside the baseline on the same folds."""
    comparisons = {c["b"]: c for c in report["results"]["comparisons"]}
    lines = [
        "| change | accuracy over the folds, mean ± s.d. | difference, 95 % interval | p (Holm) | "
        "verdict | NLL | ECE | epochs |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for name, row in report["results"]["rows"].items():
        values, e = row["accuracies"], row["estimates"]
        cells = [name, mean_and_sd(values)]
        if name in comparisons:
            c = comparisons[name]
            found, low, high = (100 * c[key] for key in ("difference", "low", "high"))
            p = format_p_value(c["p_holm"]).removeprefix("= ")
            cells += [f"{found:+.2f} ({low:+.2f} to {high:+.2f})", p, c["verdict"]]
        else:
            cells += ["", "", ""]
        epochs = sorted(set(row["epochs"]))
        cells += [f"{e['nll']['value']:.3f}", f"{100 * e['ece']['value']:.2f} %"]
        cells.append(str(epochs[0]) if len(epochs) == 1 else f"{epochs[0]} to {epochs[-1]}")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join([*lines, "", made_by(report)])


@measured("simulate")
def coverage_table(report: Report) -> str:
    """How often the intervals cover the truth, and how often the tests reject where there is
    nothing.
    """
    lines = [
        "| estimate | n | interval | covers the truth (95 % wanted) | draws |",
        "|---|---|---|---|---|",
    ]
    for r in report["results"]["intervals"]:
        method = r["method"].removesuffix(", 95%")
        lines.append(
            f"| {r['what'].replace('_', ' ')} | {r['n']:,} | {method} | {100 * r['coverage']:.1f} "
            f"% | {r['draws']:,} |"
        )
    lines += [
        "",
        "| test where there is no difference | rejects at 1 % | at 5 % | at 10 % | draws |",
        "|---|---|---|---|---|",
    ]
    for r in report["results"]["rejections"]:
        shares = " | ".join(
            f"{100 * r['rejected'][level]:.1f} %" for level in ("0.01", "0.05", "0.1")
        )
        lines.append(f"| {r['what'].replace('_', ' ')} | {shares} | {r['draws']:,} |")
    return "\n".join([*lines, "", f"(`{report['command']}`)"])


def newest_first(name: str) -> list[Report]:
    """The reports of that name, the latest date first."""
    paths = sorted(REPORTS.glob(f"????-??-??-{name}.json"), reverse=True)
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def newest(name: str) -> Report | None:
    """The report of that name with the latest date."""
    return next(iter(newest_first(name)), None)


TABLES = {
    "recipes": recipes_table,
    "records": records_table,
    "speed": speed_table,
    "inference": inference_table,
    "transfer": transfer_table,
    "browser": browser_table,
    "photos": photos_table,
    "ood_detector": novelty_table,
    "budget": budget_table,
    "corruptions": corruptions_table,
    "variants": variants_table,
    "coverage": coverage_table,
    "extensions": extensions_table,
}
PAGES = ("README.md", "docs/judging.md", "docs/photos.md", "docs/study-tutorial-1.md")


def filled(text: str) -> str:
    """A page with its tables replaced."""
    for name, table in TABLES.items():
        opening, closing = f"<!-- {name} -->\n", f"<!-- /{name} -->"
        before, found, rest = text.partition(opening)
        if found:
            text = f"{before}{opening}{table()}\n{closing}{rest.partition(closing)[2]}"
    return text


if __name__ == "__main__":
    OWN_SCORES.write_text(json.dumps(own_scores(), indent=1) + "\n", encoding="utf-8")
    for page in PAGES:
        path = ROOT / page
        path.write_text(filled(path.read_text(encoding="utf-8")), encoding="utf-8")
