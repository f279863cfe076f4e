"""`readme`: the model card that people read, with Hugging Face's headings; `per_class_table`: the
scores of each class for spreadsheets.
"""

import csv
import io
import json
import re
import shlex
from collections.abc import Mapping

from dressform.core.numbers import duration, percent, percent_range
from dressform.core.text import counted, one_line, printable, table_cell
from dressform.evaluation.evaluate import Evaluation, describe, evaluate
from dressform.evaluation.metrics import METRICS
from dressform.predict.model_card import ModelCard
from dressform.runs.command import train_command
from dressform.runs.manifest import Manifest
from dressform.runs.run import SPLITS, Run

FEW_EXAMPLES = 30
"""A class with fewer evaluated examples is named as uncertain."""
MAX_CLASSES = 100
"""Classes that the card has a row for; per_class.csv has all of them."""


def escaped(text: str) -> str:
    """Text of others as Markdown shows it: on one line, and nothing in it is markup."""
    return re.sub(r"([\\`*_{}\[\]<>|~$#&])", r"\\\1", one_line(text))


def readme(run: Run, card: ModelCard, evaluations: Mapping[str, Evaluation] | None = None) -> str:
    """The model card of a finished run, Markdown.

    Args:
        run: finished.
        card: its ``model.json``.
        evaluations: of ``validation`` and ``test``, where they are known already.
    """
    if evaluations is None:
        present = [split for split in SPLITS if run.layout.predictions(split).exists()]
        evaluations = {split: evaluate(run.predictions(split)) for split in present}
    manifest = run.manifest
    sections = [
        _front_matter(manifest, evaluations),
        f"# Model Card for {escaped(card.name)}",
        _details(manifest, card),
        _uses(manifest, card),
        _limitations(run, card, evaluations),
        _start(card),
        _training(manifest),
        _evaluation(manifest, card, evaluations),
        _hardware(manifest),
    ]
    return "\n\n".join(sections) + "\n"


def _front_matter(manifest: Manifest, evaluations: Mapping[str, Evaluation]) -> str:
    """Metadata in YAML, of which JSON is a part."""
    results = [
        {
            "task": {"type": "image-classification"},
            "dataset": {"name": manifest.dataset.name, "type": "image", "split": split},
            "metrics": [{"type": "accuracy", "value": round(evaluation.accuracy.value, 6)}],
        }
        for split, evaluation in evaluations.items()
    ]
    index = [{"name": manifest.recipe, "results": results}]
    return "\n".join(
        [
            "---",
            "library_name: onnx",
            "pipeline_tag: image-classification",
            "tags: [dressform, image-classification]",
            "metrics: [accuracy]",
            f"model-index: {json.dumps(index)}",
            "---",
        ]
    )


def _details(manifest: Manifest, card: ModelCard) -> str:
    height, width, channels = card.shape
    parameters = manifest.results.get("parameters")
    size = f", {parameters:,} parameters" if parameters is not None else ""
    names = ", ".join(escaped(name) for name in card.class_names)
    versions = ", ".join(f"{name} {version}" for name, version in manifest.packages.items())
    return f"""## Model Details

- **Model type:** image classifier, recipe {escaped(manifest.recipe)}{size}
- **Input:** images of {height} x {width}, {"RGB" if channels == 3 else "grey"}
- **Classes ({len(card.class_names):,}):** {names}
- **Trained:** {manifest.started[:10]}, seed {manifest.seed}
- **Software:** {escaped(versions)}
- **SHA-256 of model.onnx:** {card.sha256}"""


def _uses(manifest: Manifest, card: ModelCard) -> str:
    unusual = "Images unlike the training images" if card.output.features else "Other images"
    return f"""## Uses

### Direct Use

Telling the classes above apart on images like those of {escaped(manifest.dataset.name)}.

### Out-of-Scope Use

{unusual}, and things of other classes: every image gets one of these classes. Scores on other
photos, cameras or backgrounds were not measured; measure them before relying on the model."""


def _limitations(run: Run, card: ModelCard, evaluations: Mapping[str, Evaluation]) -> str:
    manifest, lines = run.manifest, list[str]()
    if "test" not in evaluations:
        lines.append(
            "There was no test split. Validation scores are optimistic if settings were chosen on "
            "them."
            if evaluations
            else "The model was not evaluated: there was neither a validation nor a test split."
        )
    if evaluations:
        split, evaluation = list(evaluations.items())[-1]
        few = [s.label for s in evaluation.per_class if s.support < FEW_EXAMPLES]
        if few:
            names = ", ".join(escaped(name) for name in few[:10])
            more = f" and {len(few) - 10:,} more" if len(few) > 10 else ""
            lines.append(
                f"Fewer than {FEW_EXAMPLES} {split} examples, so the scores are uncertain: "
                f"{names}{more}."
            )
        weakest = min(
            (s for s in evaluation.per_class if s.support),
            key=lambda s: s.recall.value,
            default=None,
        )
        if weakest is not None and len(evaluation.per_class) > 2:
            lines.append(
                f"Lowest recall on {split}: {escaped(weakest.label)}, "
                f"{percent(weakest.recall.value)}."
            )
    limit = manifest.time_limit
    if limit is not None and limit.reached:
        lines.append(
            f"The clock ended the training after {limit.trained_epochs:g} of "
            f"{limit.planned_epochs} epochs."
        )
    if not run.layout.ood_reference.exists():
        lines.append(
            "Unsure: not available, as there were too few images to learn what is unlike them; "
            "every image is answered."
        )
    if card.preprocessing.photo is not None:
        lines.append(
            "The training images show objects on a plain background; photos are segmented first, "
            "which can fail."
        )
    lines.append(f"One training (seed {manifest.seed}): another seed gives other scores.")
    lines += [f"Data: {escaped(note)}" for note in manifest.dataset.notes]
    return "## Bias, Risks, and Limitations\n\n" + "\n".join(f"- {line}" for line in lines)


def _start(card: ModelCard) -> str:
    shape = ", ".join(map(str, card.shape))
    return f"""## How to Get Started with the Model

```sh
dressform predict photos/ --model FOLDER
```

`FOLDER` holds `model.onnx` and `model.json` (of a run, its folder will do). Without dressform:

```python
import onnxruntime
session = onnxruntime.InferenceSession("model.onnx")
# images: uint8 [N, {shape}], 0 to 255; scaling is inside the model
logits = session.run(["{card.output.name}"], {{"{card.input.name}": images}})[0]
```"""


def _training(manifest: Manifest) -> str:
    data = manifest.dataset
    counts = ", ".join(f"{n:,} {split}" for split, n in data.examples.items() if n)
    grouped = f"\n- **Groups:** {escaped(data.grouped_by)}" if data.grouped_by else ""
    left_out = f"\n- **Left out:** {counted(len(data.left_out), 'unreadable file')}"
    command = one_line(shlex.join(train_command(manifest)))
    settings = {name: value for name, value in manifest.resolved.items() if name != "name"}
    return f"""## Training Details

### Training Data

- **Dataset:** {escaped(data.name)}, from {escaped(data.source or data.name)}
- **Examples:** {counts}{grouped}{left_out if data.left_out else ""}
- **SHA-256 of the training images:** {data.digests.get("train", "unknown")}

### Training Procedure

```sh
{command}
```

#### Training Hyperparameters

```json
{printable(json.dumps(settings, indent=2, ensure_ascii=False))}
```"""


def _evaluation(manifest: Manifest, card: ModelCard, evaluations: Mapping[str, Evaluation]) -> str:
    if not evaluations:
        return "## Evaluation\n\nNone: there was neither a validation nor a test split."
    split, evaluation = list(evaluations.items())[-1]
    accuracies = "\n".join(
        f"| {name} | {describe(one.accuracy)} |" for name, one in evaluations.items()
    )
    metrics = "\n".join(
        f"| {METRICS[name].title} | {describe(estimate, METRICS[name])} |"
        for name, estimate in evaluation.estimates.items()
    )
    shown = evaluation.per_class[:MAX_CLASSES]
    rows = "\n".join(
        f"| {escaped(s.label)} | {s.support:,} | "
        + " | ".join(
            f"{percent(e.value)} ({percent_range(e.low, e.high)})" if e.n else "-"
            for e in (s.precision, s.recall, s.f1)
        )
        + " |"
        for s in shown
    )
    opened = (
        " They were computed when the training ended; test-ledger.jsonl counts every use of the "
        "test split since."
        if split == "test"
        else ""
    )
    hidden = len(evaluation.per_class) - len(shown)
    more = f"\n\n{hidden:,} more classes are in per_class.csv." if hidden else ""
    confidence = card.confidence
    calibration = (
        "not measured: there was no validation split"
        if confidence is None
        else f"temperature {card.temperature:.2f}, fitted on {confidence.examples:,} validation "
        f"examples; cross-fitted on them: {confidence.sentence}"
    )
    return f"""## Evaluation

### Testing Data, Factors & Metrics

Intervals have 95 % confidence; their method stands beside each.{opened}

| split | accuracy |
|---|---|
{accuracies}

### Results

On {split}, {evaluation.accuracy.n:,} examples:

| metric | value |
|---|---|
{metrics}

| class | examples | precision, 95 % | recall, 95 % | F1, 95 % |
|---|---:|---|---|---|
{rows}{more}

Calibration: {calibration}."""


def _hardware(manifest: Manifest) -> str:
    hardware = manifest.hardware
    facts = {
        "Hardware Type": hardware.get("processor"),
        "Device": hardware.get("device"),
        "Precision": hardware.get("precision"),
        "Training time": duration(manifest.seconds["train"])
        if "train" in manifest.seconds
        else None,
    }
    lines = [f"- **{name}:** {escaped(str(fact))}" for name, fact in facts.items() if fact]
    return "## Environmental Impact\n\n" + "\n".join(lines)


def per_class_table(evaluation: Evaluation) -> str:
    """CSV, a row per class: examples; precision, recall and F1, 0..1, each with the bounds of its
    95 % interval; empty where there is none.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = ("precision", "recall", "f1")
    bounds = [column for name in names for column in (name, f"{name}_low", f"{name}_high")]
    writer.writerow(["class", "examples", *bounds])
    for score in evaluation.per_class:
        values = [
            f"{value:.6g}" if estimate.n else ""
            for estimate in (score.precision, score.recall, score.f1)
            for value in (estimate.value, estimate.low, estimate.high)
        ]
        writer.writerow([table_cell(score.label), score.support, *values])
    return text.getvalue()
