"""How pages are cited."""

from dataclasses import replace

from dressform.evaluation.intervals import wilson
from dressform.reporting.page.citation import citation
from dressform.reporting.page.models import ModelReport
from tests.evaluation.made import drawn


def _model(name: str, data: str = "small") -> ModelReport:
    facts = [("run", f"{name}-00000000/seed0"), ("data", f"{data}: 60 train, 20 test")]
    return ModelReport(f"{name}, seed 0", drawn(20), facts)


def test_a_citation_names_model_data_and_software() -> None:
    cited = citation(20, "test", [_model("fast")], "1.2", "2026-11-26")
    assert cited["text"].startswith("Evaluation of fast (seed 0) on 20 test images of small. ")
    assert "@misc{dressform-fast-00000000-seed0," in cited["bibtex"]
    assert "note = {Software: dressform 1.2. " in cited["bibtex"]


def test_a_citation_of_several_models_names_them() -> None:
    models = [_model("fast"), _model("slow")]
    cited = citation(20, "test", models, "1.2", "2026-11-26")
    assert (
        "Comparison of fast (seed 0) and slow (seed 0) on 20 test images of small" in cited["text"]
    )
    assert "@misc{dressform-fast-00000000-seed0-slow-00000000-seed0," in cited["bibtex"]
    many = [_model(name, data=name) for name in "abcdef"]
    text = citation(20, "test", many, "1.2", "2026-11-26")["text"]
    assert "d (seed 0) and 2 others on 20 test images" in text


def test_a_citation_has_the_accuracy_and_no_folder_of_one_machine() -> None:
    model = _model("fast")
    command = "dressform crossval fast --data '/home/a b/photos' --folds 5"
    evaluated = ("evaluated on", "/home/me/new photos: 500 images")
    model = replace(model, facts=[*model.facts, evaluated, ("command", command)])
    predictions = model.predictions
    correct = int((predictions.predicted == predictions.labels).sum())
    found = wilson(correct, 20)
    interval = f"{100 * found.low:.2f} to {100 * found.high:.2f}, Wilson score, 95 %"
    text = citation(20, "test", [model], "1.2", "2026-11-26")["text"]
    assert f"accuracy {5 * correct:.2f} % ({interval}, n = 20)" in text
    assert "command dressform crossval fast --data photos --folds 5" in text
    assert "evaluated on new photos: 500 images" in text
    over_folds = {"value": 0.5, "low": 0.4, "high": 0.6, "method": "over folds, 95 %", "n": 5}
    model = replace(model, estimates={"accuracy": over_folds})
    text = citation(20, "test", [model], "1.2", "2026-11-26")["text"]
    assert "accuracy 50.00 % (40.00 to 60.00, over folds, 95 %, n = 5)" in text
