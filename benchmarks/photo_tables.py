"""Tables of photos, and of what few labelled images allow."""

import statistics
from typing import Any

from read_reports import Report, made_by, measured, newest

from dressform.evaluation.comparison import format_p_value

CANDIDATES = {
    "a small network from scratch": "small CNN from scratch",
    "a pretrained network whose last layer learns": "EfficientNet-Lite0, linear probe",
    "a pretrained network whose last stages learn": "EfficientNet-Lite0, fine-tuned",
    "last layer": "linear probe",
    "last stages": "fine-tuned",
}
"""What the candidates of transfer are called: in older reports, and now."""

GROUPED = ("grouped-folds-linear-probe", "grouped-folds-fine-tuned", "grouped-folds-from-scratch")


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
        "| seed | compared, 3-fold cross-validation | epochs | validation photos | seconds |",
        "|---|---|---|---|---|",
    ]
    for seed, run in enumerate(r["runs"]):
        compared = ", ".join(
            f"{_candidate(row)} {100 * row['mean']:.2f} %" for row in run["candidates"]
        )
        lines.append(
            f"| {seed} | {compared or 'no time'} | {run['epochs']} | "
            f"{100 * run['val_accuracy']:.2f} % | {run['wall_seconds']:.0f} |"
        )
    return "\n".join([*lines, "", made_by(report)])


def _candidate(row: dict[str, Any]) -> str:
    name = str(row.get("description") or row["words"])
    return CANDIDATES.get(name, name)


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
            f"Within the budget, allowing 10 % or 15 s more: {results['in_time']} of "
            f"{results['n']}. {made_by(report)}",
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
    kept = dict.fromkeys(f"{row['rows_kept_after_a_kill']:,}" for row in killed)
    load = max(r["load_before"], r["load_after"])
    busy = (
        f" Up to {load:.0f} processes shared the {report['hardware']['cores']} cores, so the times "
        f"are upper bounds; compare the ratios and the processor time."
        if load > report["hardware"]["cores"]
        else ""
    )
    again = (
        f" Killed after {' or '.join(kept)} rows and started again, the table "
        f"{'has' if same else 'does not have'} the same bytes."
        if kept
        else ""
    )
    lines += [
        "",
        f"Medians of {r['rounds']} rounds, both versions in each round, process start included."
        f"{busy}{again}",
    ]
    return "\n".join([*lines, "", made_by(report)])
