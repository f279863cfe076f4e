"""The Python that the README begins with runs as it stands there."""

import re
from pathlib import Path

import pytest

import dressform
from dressform.data.dataset import DatasetSplits
from tests.conftest import TINY

ROOT = Path(__file__).parent.parent


def five_lines() -> str:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text("utf-8"), re.S)
    found = [block for block in blocks if "import dressform" in block and ".train(" in block]
    assert found, "README.md has no example that imports dressform and trains"
    return str(found[0])


def test_the_readmes_five_lines_run(
    small: DatasetSplits,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """On 600 images and with a small network: only what is read and what is trained differs."""
    code = five_lines()
    lines = [line for line in code.splitlines() if line.strip() and not line.startswith("#")]
    assert len(lines) <= 6
    train = dressform.train

    def train_small(recipe: str, data: object, **more: object) -> dressform.Run:
        assert data is small
        assert not more, "options that a small training would not see"
        return train(recipe, small, settings=TINY, out=tmp_path / "runs")

    monkeypatch.setattr(dressform, "load_data", lambda name: small)
    monkeypatch.setattr(dressform, "train", train_small)
    monkeypatch.chdir(ROOT)
    exec(compile(code, "README.md", "exec"), {})  # the README's words, not a stranger's
    printed = capsys.readouterr().out
    assert "accuracy" in printed
    assert "Ankle boot" in printed
