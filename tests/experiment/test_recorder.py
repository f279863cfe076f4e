"""What a training's callback learns from the run."""

from pathlib import Path

from dressform.core.clock import Deadline
from dressform.experiment.recorder import Recorder
from dressform.training.callback import Callback


def test_the_callback_inside_knows_the_deadline(tmp_path: Path) -> None:
    inner, deadline = Callback(), Deadline(at=5.0)
    Recorder(tmp_path / "results.csv", inner, deadline).on_train_begin([], [])
    assert inner.deadline is deadline
