"""Write the tables of the README and of the docs, and the scores of our own recipes, from the files
that the measurements wrote.

    python benchmarks/tables.py

Each table stands between two comments, `<!-- name -->` and `<!-- /name -->`; a test says when one
is out of date.
"""

import json
import re
import statistics
from collections.abc import Callable
from pathlib import Path
from typing import Any

from dressform.core.config import digest
from dressform.evaluation.comparison import format_p_value
from dressform.kernels.switch import KERNELS
from dressform.recipes import RECIPES, entry, find_recipe

ROOT = Path(__file__).resolve().parent.parent
REPORTS = ROOT / "benchmarks" / "reports"
REPRODUCED = ROOT / "src" / "dressform" / "recipes" / "reproduced.json"
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


HIGHLIGHTS = (
    "fast-93",
    "fast",
    "fast-95",
    "minivggnet",
    "baseline-cnn",
    "cnn2",
    "complex2",
    "conv4-augmented",
)
"""The recipes of the README's table: ours, and each tutorial's best."""

FORMER_NAMES = {"ood": ("novelty",)}
"""What reports were called before."""

CANDIDATES = {
    "a small network from scratch": "small CNN from scratch",
    "a pretrained network whose last layer learns": "EfficientNet-Lite0, linear probe",
    "a pretrained network whose last stages learn": "EfficientNet-Lite0, fine-tuned",
    "last layer": "linear probe",
    "last stages": "fine-tuned",
}
"""What the candidates of transfer are called: in older reports, and now."""

CHANGES = {
    "rate 0.001": "learning rate 0.001",
    "rate 0.0001": "learning rate 0.0001",
    "another convolution and pooling": "another convolution and pooling layer",
    "early stopping, 3 epochs' patience, at most 30": "early stopping, patience 3, ≤ 30 epochs",
}
"""What tutorial 1's extensions are called: in older reports, and now."""

SCORES = {
    "largest probability": "maximum softmax probability",
    "tenth nearest, Euclidean": "10th nearest neighbour, Euclidean",
    "tenth nearest, cosine": "10th nearest neighbour, cosine",
    "tenth nearest, features and looks": "10th nearest neighbour, features and pixel statistics",
}
"""What the scores of the out-of-distribution benchmark are called: in older reports, and now."""


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
    return (
        f"`{recipe}`"
        if is_todays(recipe, row)
        else f"`{recipe}`, an earlier version ({row['digest']})"
    )


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
            row += ["not measured yet", "", "", ""]
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
                f"On the same machine and day ({r['date']}, {precision}) the tutorial's 25 epochs "
                f"in Keras take {total:.0f} s and end at {last}: **{r['ratio']:.1f} ×** our time "
                f"to 94 % ({25 * middle / r['levels']['0.94']['seconds']:.1f} × if all 25 epochs "
                f"took the median epoch's time).",
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
                f"{report['results']['date']} | {named(name, row)} | "
                f"{mean_and_sd(row['accuracies'])} | {row['n']} | {row['mean_seconds']:.1f} |"
            )
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
                f"| training `{name}`, batch {r['batch']}, images per second: dressform "
                f"({r['precision']}) vs Keras"
                f" {r['versions']['keras']} on TensorFlow {r['versions']['tensorflow']} | "
                f"{r['dressform_median']:.0f} vs"
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
            f"epochs, batch 32: dressform vs"
            f" Keras, whole processes, n = {r['rounds']} | {ours:.0f} s vs {keras:.0f} s; "
            f"**{r['ratio_median']:.2f} ×**;"
            f" {memory / 1024:.1f} GB peak memory over all processes | `{crossval['command']}` |"
        )
    startup, kill, kills = newest("startup"), newest("kill"), newest("kill-crossval")
    if startup is not None:
        for name, words in (
            ("predict", "`dressform predict` on one image"),
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
            f"| training runs killed at a random moment and resumed that end with the same weights "
            f"as an uninterrupted run"
            f" | {k['equal']} of {k['kills']} | `{kill['command']}` |"
        )
    if kills is not None:
        k = kills["results"]
        lines.append(
            f"| cross-validations killed {k['kills']} times and resumed whose summary and "
            f"predictions are byte-identical"
            f" | {k['equal']} of {k['studies']} studies | `{kills['command']}` |"
        )
    return "\n".join(lines)


@measured("inference")
def inference_table(report: Report) -> str:
    """A row per network and way to run it."""
    r = report["results"]
    lines = [
        f"| network | runtime | images per second, batch {r['batch']} (range) | × Keras | ms for "
        f"one image | test accuracy"
        " | same class as float32 |",
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


@measured("keras-export")
def keras_table(report: Report) -> str:
    """What Keras says of the `.keras` files."""
    r = report["results"]
    rows = r["recipes"].values()
    largest = max(row["max_probability_difference"] for row in rows)
    same = sum(row["same_classes"] for row in rows)
    return (
        f"Measured: Keras {r['versions']['keras']} on TensorFlow {r['versions']['tensorflow']} "
        f"opens the files of all {len(rows)} recipes, saves them again and trains them for a step; "
        f"the largest difference of a probability is {largest:.2g} on {r['images']} images each "
        f"({same:,} of {r['images'] * len(rows):,} classes the same; random weights). "
        f"{made_by(report)}"
    )


@measured("transfer-auto")
def transfer_table(report: Report) -> str:
    """Own classes from a folder of photos."""
    r = report["results"]
    spread = "" if r["sd"] is None else f" ± {100 * r['sd']:.2f}"
    lines = [
        f"Accuracy on the validation photos: {100 * r['mean']:.2f} %{spread} (n = {r['n']} seeds); "
        f"at most {r['most_wall_seconds'] / 60:.1f} minutes and "
        f"{r['peak_memory_mb'] / 1024:.1f} GB of memory.",
        "",
        "| seed | candidate | accuracy, 3-fold cross-validation | seconds |",
        "|---|---|---|---|",
    ]
    for seed, run in enumerate(r["runs"]):
        for row in run["candidates"]:
            lines.append(
                f"| {seed} | {CANDIDATES.get(row['words'], row['words'])} | "
                f"{100 * row['mean']:.2f} % | {row['seconds']:.0f} |"
            )
    return "\n".join([*lines, "", made_by(report)])


@measured("browser")
def browser_table(report: Report) -> str:
    """The page beside Python."""
    r = report["results"]
    version, away = r["chromium"].partition(".")[0], r["largest_logit_difference_same_pixels"]
    return (
        f"Of {r['photos']} photos in Chromium {version}, the page agrees with Python on the class "
        f"of {r['same_class']}, on every pixel of {r['same_pixels']} and on whether to abstain "
        f"for {r['same_doubt']}; for equal pixels the logits differ by at most {away:.0e}. A photo "
        f"takes {r['median_browser_ms']:.0f} ms in the browser and "
        f"{r['median_python_ms']:.0f} ms in Python (medians).\n\n{made_by(report)}"
    )


@measured("budget")
def time_limit_table(report: Report) -> str:
    """Seconds of whole calls of train auto beside their budgets."""
    lines = [
        "| data | budget | busy processes | seconds | epochs | validation accuracy |",
        "|---|---|---|---|---|---|",
    ]
    for row in report["results"]["rows"]:
        epochs, accuracy = "-", "-"
        if row["exit_code"] == 0:
            epochs = f"{row['trained_epochs']:g} of {row['planned_epochs']}"
            known = row["val_accuracy"] is not None
            accuracy = f"{100 * row['val_accuracy']:.1f} %" if known else "-"
        elif "too small" in row["message"]:
            epochs = "budget too small"
        lines.append(
            f"| {row['data']} | {row['budget']:g} s | {row['busy']} | {row['seconds']:.0f} | "
            f"{epochs} | {accuracy} |"
        )
    results = report["results"]
    return "\n".join(
        [
            *lines,
            "",
            f"In time (10 % or 15 s over at most): {results['in_time']} of {results['n']}. "
            f"{made_by(report)}",
        ]
    )


@measured("label-budget")
def budget_table(report: Report) -> str:
    """Accuracy with few labels."""
    ways = report["results"]
    numbers = sorted(next(iter(ways.values())), key=int)
    names = [CANDIDATES.get(way, way) for way in ways]
    lines = [f"| labels per class | {' | '.join(names)} |", "|---|" + "---|" * len(ways)]
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


@measured("photos-train", "photos-validation")
def photos_table(*reports: Report) -> str:
    """A Fashion-MNIST model on real photos, prepared and not."""
    train, validation = (report["results"] for report in reports)
    lines = [
        f"| photos are | accuracy on {train['photos']:,} training photos | predicted as bag | "
        f"accuracy on {validation['photos']} validation photos |",
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
        f"Preparing gains {gain:.1f} points on the training photos. Recall per class: "
        + ", ".join(f"{name} {100 * share:.0f} %" for name, share in classes)
        + ".",
    ]
    other = "prepared, OpenCV's GrabCut"
    if other in train and other in validation:
        p, q = (rows[other]["p_value_against_prepared"] for rows in (train, validation))
        lines += [
            "",
            f"Our segmentation vs OpenCV's GrabCut: p {format_p_value(p)} (training photos) and "
            f"{format_p_value(q)} (validation photos), McNemar, mid-p.",
        ]
    return "\n".join([*lines, "", made_by(reports[0])])


GROUPED = ("grouped-folds-linear-probe", "grouped-folds-fine-tuned", "grouped-folds-from-scratch")


def groups_table() -> str:
    """Accuracies by random folds and by folds of senders, of the networks that were measured."""
    reports = [report for name in GROUPED if (report := newest(name)) is not None]
    if not reports:
        return "not measured yet"
    lines = [
        "| network | photos | random folds | folds of senders | difference in points |",
        "|---|---|---|---|---|",
    ]
    for report in reports:
        for name, row in report["results"].items():
            both = [
                f"{100 * e['value']:.1f} % ({100 * e['low']:.1f} to {100 * e['high']:.1f})"
                for e in (row["random"]["by_senders"], row["senders"]["by_senders"])
            ]
            gap = row["difference"]
            network = (
                "EfficientNet-Lite0, linear probe" if row["image_size"] == 224 else ("small CNN")
            )
            lines.append(
                f"| {network} | {row['examples']:,} of {row['n_senders']} senders, "
                f"{row['classes']} classes ({name}) | {both[0]} | {both[1]} | "
                f"{100 * gap['value']:.1f} ({100 * gap['low']:.1f} to {100 * gap['high']:.1f}) |"
            )
    first = next(iter(reports[0]["results"].values()))["random"]
    trained = len(first["folds"]) // first["repeats"]
    lines += [
        "",
        f"Means over {first['repeats']} repeats of {trained} folds, with 95 % intervals over "
        f"senders. {made_by(reports[0])}",
    ]
    return "\n".join(lines)


@measured("predict-photos")
def predict_photos_table(report: Report) -> str:
    """`predict --out`: milliseconds per image, beside the version before."""
    r = report["results"]
    lines = [
        "| model, images | n | version before, ms an image | now, ms an image | times as fast | "
        "processor time now, ms | peak memory |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, row in r.items():
        if not isinstance(row, dict):
            continue
        for kind, what in (("some", "photos"), ("28 x 28", "PNG of 28 × 28")):
            if kind in row:
                one = row[kind]
                before, now = one["baseline"], one["now"]
                lines.append(
                    f"| {name.replace(' x ', ' × ')}: {what} | {one['images']:,} | "
                    f"{before['ms_per_image']:.1f} | {now['ms_per_image']:.1f} | "
                    f"{one['times_as_fast']:.1f} | {now['processor_ms_per_image']:.1f} | "
                    f"{now['peak_megabytes']} MB |"
                )
        one = row["all"]
        lines.append(
            f"| {name.replace(' x ', ' × ')}: all photos, once | {one['images']:,} | – | "
            f"{one['ms_per_image']:.1f} | – | {one['processor_ms_per_image']:.1f} | "
            f"{one['peak_megabytes']} MB |"
        )
    rows = [row["all"] for row in r.values() if isinstance(row, dict)]
    killed = [row for row in rows if "rows_kept_after_a_kill" in row]
    same = all(row["same_bytes_after_a_kill"] for row in killed)
    lines += [
        "",
        f"Medians of {r['rounds']} rounds, both versions in each round, process start included. "
        f"About {max(r['load_before'], r['load_after']):.0f} processes shared the "
        f"{report['hardware']['cores']} cores: times are too long, and ratios and processor time "
        f"count. Killed after "
        f"{' and '.join(format(row['rows_kept_after_a_kill'], ',') for row in killed)} rows and "
        f"started again, the table {'has' if same else 'does not have'} the same bytes.",
    ]
    return "\n".join([*lines, "", made_by(report)])


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


def mean_and_sd(shares: list[float]) -> str:
    """``90.84 % ± 0.62``."""
    return f"{100 * statistics.mean(shares):.2f} % ± {100 * statistics.stdev(shares):.2f}"


def extent(values: list[float]) -> str:
    """The smallest and the largest value."""
    return f"{min(values):.2f} to {max(values):.2f}"


def kernels_table() -> str:
    """What each of the faster ways does and saves."""
    report = newest("kernels")
    measured_rows = {} if report is None else report["results"]["kernels"]
    lines = ["| kernel | what is done | saves, median, n rounds |", "|---|---|---|"]
    for name, text in {"plain": "all of them together", **KERNELS}.items():
        cells = [
            f"{100 * row['saves']:.1f} % of `{' '.join([row['recipe'], *row['settings']])}` "
            f"({extent(row['seconds_with'])} against {extent(row['seconds_without'])} s, "
            f"n = {row['n']})"
            for row in measured_rows.get(name, [])
        ]
        if not cells:
            reasons = {} if report is None else report["results"]["unmeasured"]
            cells = [f"not measured: {reasons[name]}" if name in reasons else "not measured yet"]
        lines.append(f"| `{name}` | {text} | {'; '.join(cells)} |")
    if report is None:
        return "\n".join(lines)
    rows = [row for rows in measured_rows.values() for row in rows]
    commands = "; ".join(
        dict.fromkeys(f"`{row.get('command', report['command'])}`" for row in rows)
    )
    hardware = report["hardware"]
    made = f"({commands}; {hardware['processor']}, {hardware['cores']} cores.)"
    return "\n".join([*lines, "", made])


@measured("gpu")
def gpu_table(report: Report) -> str:
    """Training and inference on a GPU."""
    steps = report["steps"]
    lines = ["| what | figure |", "|---|---|"]
    for name in ("fast-gpu", "fast"):
        s = steps[name]
        lines.append(
            f"| `{name}`, whole training | **{s['mean_seconds']:.2f} s** (mean of {s['n']}; "
            f"{s['mean_seconds_without_preparation']:.2f} s without loading the data and recording "
            f"CUDA graphs); test accuracy "
            f"{mean_and_sd([row['test_accuracy'] for row in s['rows']])} |"
        )
    for batch in (256, 32):
        row = steps["throughput"][f"minivggnet_batch{batch}"]
        lines.append(
            f"| training `minivggnet`, batch {batch} | {row['median']:,} images per second (median "
            f"of {len(row['images_per_second'])} training runs) |"
        )
    for network in ("fastnet", "minivggnet"):
        row = steps["inference"][f"{network}_torch_bfloat16_batch4096"]
        lines.append(
            f"| predicting with `{network}`, bfloat16, batch 4,096 | {row['images_per_second']:,} "
            f"images per second; {100 * row['same_class_as_float32']:.1f} % the same class as in "
            f"float32 |"
        )
    lines.append(f"| tests of `tests/gpu` | {steps['tests']['summary']} |")
    versions = f"torch {report['packages']['torch']}, CUDA {steps['device']['cuda']}"
    made = f"(`{report['command']}`; one {steps['device']['name']}, {versions}.)"
    return "\n".join([*lines, "", made])


def renamed(command: str) -> str:
    """A report's command as it is called now."""
    return command.replace("benchmarks/novelty.py", "benchmarks/ood.py").replace(
        "dressform bench tutorials", "python benchmarks/tutorials.py"
    )


def made_by(report: dict[str, Any]) -> str:
    """The command and the machine behind a table."""
    hardware = report["hardware"]
    command = renamed(report["command"])
    return f"(`{command}`; {hardware['processor']}, {hardware['cores']} cores.)"


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


def newest_first(name: str) -> list[Report]:
    """The reports of that name, the latest date first."""
    names = (name, *FORMER_NAMES.get(name, ()))
    paths = sorted(
        (path for each in names for path in REPORTS.glob(f"????-??-??-{each}.json")), reverse=True
    )
    return [json.loads(path.read_text(encoding="utf-8")) for path in paths]


def newest(name: str) -> Report | None:
    """The report of that name with the latest date."""
    return next(iter(newest_first(name)), None)


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
