"""The examples run."""

from pathlib import Path

import dressform
from dressform.data.dataset import DatasetSplits


def test_own_recipe(small: DatasetSplits, tmp_path: Path) -> None:
    example = Path(__file__).parent.parent / "examples" / "own_recipe.py"
    run = dressform.train(f"{example}:own", small, settings=["epochs=1"], out=tmp_path)
    assert run.manifest.results["epochs"] == 1
    assert dressform.Predictor(run).class_names == small.class_names
