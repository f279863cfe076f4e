"""Tables of speed: training, inference, kernels, the browser, and files for Keras."""

import statistics

from read_reports import Report, made_by, mean_and_sd, measured, newest

from dressform.kernels.switch import KERNELS


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
        when = k["status_when_killed"]
        lines.append(
            f"| training runs killed at a random moment and resumed that end with the same weights "
            f"as an uninterrupted run"
            f" | {k['equal']} of {k['kills']} ({when['started']} killed in training, "
            f"{when['nothing written']} before it, {when['finished']} after the last epoch)"
            f" | `{kill['command']}` |"
        )
    if kills is not None:
        k = kills["results"]
        lines.append(
            f"| cross-validations that were killed ({k['kills']} kills in all) and resumed, with "
            f"summary and predictions byte-identical to an uninterrupted one"
            f" | {k['equal']} of {k['studies']} | `{kills['command']}` |"
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


@measured("keras-export")
def keras_table(report: Report) -> str:
    """What Keras says of the `.keras` files."""
    r = report["results"]
    rows = r["recipes"].values()
    largest = max(row["max_probability_difference"] for row in rows)
    same = sum(row["same_classes"] for row in rows)
    return (
        f"Measured: Keras {r['versions']['keras']} on TensorFlow {r['versions']['tensorflow']} "
        f"opens the files of {len(rows)} recipes, saves them again and trains them for a step; "
        f"predicted probabilities differ by at most {largest:.2g} ({r['images']} images a recipe, "
        f"{same:,} of {r['images'] * len(rows):,} classes the same; random weights). "
        f"{made_by(report)}"
    )


def extent(values: list[float]) -> str:
    """The smallest and the largest value."""
    return f"{min(values):.2f} to {max(values):.2f}"
