"""The notebooks run from top to bottom, and everything that they show is short."""

import ast
import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import dressform
from dressform.data.dataset import DatasetSplits
from tests.conftest import TINY

ROOT = Path(__file__).parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))


def cells(notebook: Path) -> list[dict[str, Any]]:
    document = json.loads(notebook.read_text(encoding="utf-8"))
    assert document["nbformat"] == 4
    found: list[dict[str, Any]] = document["cells"]
    return [cell for cell in found if cell["cell_type"] == "code"]


def run_cells(notebook: Path) -> list[object]:
    """Execute every cell, and give what each shows: the value of its last line."""
    shown, namespace = [], {"__name__": "__main__"}
    for number, cell in enumerate(cells(notebook), 1):
        tree = ast.parse("".join(cell["source"]))
        last = tree.body.pop() if isinstance(tree.body[-1], ast.Expr) else None
        name = f"{notebook.name}, cell {number}"
        exec(compile(tree, name, "exec"), namespace)  # the repository's own
        if isinstance(last, ast.Expr):
            expression = compile(ast.Expression(last.value), name, "eval")
            shown.append(eval(expression, namespace))
    return [value for value in shown if value is not None]


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_are_kept_without_outputs(notebook: Path) -> None:
    for cell in cells(notebook):
        assert (cell["outputs"], cell["execution_count"]) == ([], None)


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda path: path.stem)
def test_notebooks_run(
    notebook: Path, small: DatasetSplits, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a network that trains in a second, and 600 images of Fashion-MNIST; the photos of the
    second notebook are those that it makes.
    """
    load, train = dressform.load_data, dressform.train

    def load_small(source: str | Path, **reading: Any) -> DatasetSplits:
        return small if source == "fashion-mnist" else load(source, **reading)

    def train_small(recipe: str, data: DatasetSplits, **more: Any) -> dressform.Run:
        seed = 0 if recipe == "fast" else 1
        return train("fast", data, **{**more, "settings": TINY, "seed": seed})

    monkeypatch.setattr(dressform, "load_data", load_small)
    monkeypatch.setattr(dressform, "train", train_small)
    shutil.copytree(ROOT / "examples" / "images", tmp_path / "examples" / "images")
    (tmp_path / "notebooks").mkdir()
    monkeypatch.chdir(tmp_path / "notebooks")
    shown = run_cells(notebook)
    assert len(shown) >= 6
    for value in shown:
        assert len(repr(value)) < 2000
        if hasattr(value, "_repr_html_"):
            assert 0 < len(value._repr_html_()) < 300_000
