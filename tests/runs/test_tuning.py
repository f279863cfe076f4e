from dataclasses import replace
from pathlib import Path

from dressform.runs.tuning import Trial, Tuning


def test_trials_are_ranked() -> None:
    trials = [
        Trial(number=i, state=state, value=value, epochs=1, settings={"epochs": i})
        for i, (state, value) in enumerate(
            [
                ("failed", None),
                ("pruned", 0.95),
                ("complete", 0.2),
                ("complete", 0.9),
                ("complete", 0.9),
            ]
        )
    ]
    tuning = Tuning(
        path=Path("x"),
        recipe="r",
        metric="val_accuracy",
        space={"epochs": "0:9"},
        seed=0,
        trials=tuple(trials),
        train=["t"],
    )
    assert [trial.number for trial in tuning.ranked] == [3, 4, 2, 1, 0]
    assert [trial.number for trial in replace(tuning, metric="val_loss").ranked] == [2, 3, 4, 1, 0]
    assert tuning.command == "t --set epochs=3"
