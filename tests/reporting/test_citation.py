"""How pages are cited."""

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
