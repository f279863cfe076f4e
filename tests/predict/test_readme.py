"""The model card for people, and the table of classes."""

import csv
import json
from pathlib import Path

import numpy as np

from dressform.evaluation.evaluate import evaluate
from dressform.predict.model_card import Confidence, describe
from dressform.predict.readme import escaped, per_class_table, readme
from dressform.predictions import Predictions
from dressform.runs.manifest import DatasetFacts
from dressform.runs.run import Run, open_run
from tests.runs.made_runs import make_run

NAMES = ("=1+1", "a|b", "<b>*bold*</b>", "[link](x)\n# heading")


def made(tmp_path: Path) -> tuple[Run, Predictions]:
    dataset = DatasetFacts(
        name="photos `of` mine",
        source="my photos/$(reboot)",
        shape=(8, 8, 3),
        class_names=NAMES,
        digests={"train": "0"},
        examples={"train": 1200, "validation": 40},
        notes=("a | note",),
    )
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(4), 10)
    logits = rng.normal(size=(40, 4)).astype(np.float32)
    logits[np.arange(40), labels] += 1
    predictions = Predictions(np.arange(40).astype(str), labels, logits, NAMES)
    return open_run(make_run(tmp_path / "runs", dataset=dataset, seed=3)), predictions


def test_the_card_has_the_usual_headings_and_shows_names_as_they_are(tmp_path: Path) -> None:
    run, predictions = made(tmp_path)
    card = describe(run.name, NAMES, (8, 8, 3), "0")
    confidence = Confidence(
        examples=40, mean=0.6, accuracy=0.5, sentence="mean confidence 60.00 %", temperature=1.25
    )
    card = type(card)(**{**vars(card), "confidence": confidence})
    text = readme(run, card, {"validation": evaluate(predictions)})
    headings = [line for line in text.splitlines() if line.startswith("#")]
    assert headings == [
        "# Model Card for fast epochs=2, seed 3",
        "## Model Details",
        "## Uses",
        "### Direct Use",
        "### Out-of-Scope Use",
        "## Bias, Risks, and Limitations",
        "## How to Get Started with the Model",
        "# images: uint8 [N, 8, 8, 3], 0 to 255; scaling is inside the model",
        "## Training Details",
        "### Training Data",
        "### Training Procedure",
        "#### Training Hyperparameters",
        "## Evaluation",
        "### Testing Data, Factors & Metrics",
        "### Results",
        "## Environmental Impact",
    ]
    for shown in (
        r"a\|b",
        r"\<b\>\*bold\*\</b\>",
        r"\[link\](x)\u000a\# heading".replace("\\u", r"\\u"),
    ):
        assert shown in text, shown
    assert "There was no test split." in text
    assert "Unsure: not available, as there were too few images" in text
    assert "Fewer than 30 validation examples" in text
    assert (
        "temperature 1.25, fitted on 40 validation examples; cross-fitted on them: mean confidence"
    ) in text
    # a shell does not run what a folder is called
    assert "dressform train fast --data 'my photos/$(reboot)' --seed 3 --set epochs=2" in text
    front = text.split("---")[1]
    results = json.loads(front.partition("model-index: ")[2])[0]["results"]
    assert results[0]["dataset"]["name"] == "photos `of` mine"
    assert results[0]["metrics"][0]["value"] == evaluate(predictions).accuracy.value
    rows = [line for line in text.splitlines() if line.startswith(r"| a\|b |")]
    assert rows
    assert rows[0].replace(r"\|", "").count("|") == 6


def test_nothing_of_others_is_markup() -> None:
    assert escaped("a_b <i> `x` [y](z) | & # $") == r"a\_b \<i\> \`x\` \[y\](z) \| \& \# \$"
    assert "\n" not in escaped("a\nb")


def test_the_table_of_classes_is_safe_in_a_spreadsheet(tmp_path: Path) -> None:
    _, predictions = made(tmp_path)
    evaluation = evaluate(predictions)
    rows = list(csv.DictReader(per_class_table(evaluation).splitlines()))
    assert list(rows[0]) == [
        *("class", "examples", "precision", "precision_low", "precision_high"),
        *("recall", "recall_low", "recall_high", "f1", "f1_low", "f1_high"),
    ]
    assert rows[0]["class"] == "'=1+1"  # no formula
    assert [row["examples"] for row in rows] == ["10"] * 4
    score = evaluation.per_class[1]
    assert float(rows[1]["recall"]) == score.recall.value
    assert float(rows[1]["recall_low"]) < score.recall.value < float(rows[1]["recall_high"])
