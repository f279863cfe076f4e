from pathlib import Path
from typing import Any

import numpy as np

from dressform.reporting.figures.canvas import save
from dressform.reporting.figures.tuning import best_so_far, draw_tuning


def made(trials: int = 12) -> dict[str, Any]:
    """A document with complete, pruned and failed trials."""
    random = np.random.default_rng(0)
    states = ["pruned", "failed", *["complete"] * (trials - 2)]
    return {
        "metric": "val_accuracy",
        "space": {
            "optim.lr": "log:1e-4:1e-1",
            "optim.momentum": "0:0.9",
            "optim.kind": "sgd,adam",
            "a": "1;2",
            "b": "1:2",
        },
        "trials": [
            {
                "number": i,
                "state": state,
                "value": None if state == "failed" else float(random.random()),
                "settings": {
                    "optim.lr": 10.0**-i,
                    "optim.momentum": 0.1,
                    "optim.kind": ("sgd", "adam")[i % 2],
                    "a": 3 - i,
                    "b": 1,
                },
            }
            for i, state in enumerate(states)
        ],
    }


def test_the_figure(tmp_path: Path) -> None:
    document = made()
    figure = draw_tuning(document, "fast")
    trials, rate, momentum, kind, *_ = figure.axes
    assert [axes.get_xlabel() for axes in figure.axes[:6]] == ["Trial", *document["space"]]
    assert (rate.get_xscale(), momentum.get_xscale()) == ("log", "linear")
    assert [tick.get_text() for tick in kind.get_xticklabels()] == ["sgd", "adam"]
    complete, pruned = trials.collections
    assert (len(complete.get_offsets()), len(pruned.get_offsets())) == (10, 1)
    assert len(complete.get_facecolor()) == 1
    assert len(pruned.get_facecolor()) == 0  # hollow
    best = best_so_far(document)
    assert best[-1][1] == max(t["value"] for t in document["trials"] if t["state"] == "complete")
    assert [value for _, value in best] == sorted(value for _, value in best)
    assert np.array_equal(trials.lines[0].get_ydata(), [value for _, value in best])
    falling = [value for _, value in best_so_far({**document, "metric": "val_loss"})]
    assert falling == sorted(falling, reverse=True)
    assert (
        save(figure, tmp_path / "a.png").read_bytes()
        == save(draw_tuning(document, "fast"), tmp_path / "b.png").read_bytes()
    )
