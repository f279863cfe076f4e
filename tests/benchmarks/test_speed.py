"""The arithmetic of the measurements of speed and of the tutorials' claims."""

import pytest
from speed import ratio, row, times_to
from tutorials import verdict


def test_a_claim_is_beaten_met_or_missed() -> None:
    assert verdict(None, [0.9]) is None
    assert verdict(0.9, [0.9]) == "beaten"
    assert verdict(0.91, [0.9]) is None  # one seed has no spread
    assert verdict(0.91, [0.90, 0.905, 0.9]) == "met"  # 0.9017 + 4.303 * 0.0029 * 1.155 = 0.916
    assert verdict(0.92, [0.90, 0.905, 0.9]) == "missed"


def test_the_ratio_is_of_whole_trainings() -> None:
    results = [
        {
            "test_accuracy": 0.94 + d,
            "seconds": 40 + 1000 * d,
            "weights_sha256": "0" * 64,
            "digest": "",
            "hardware": "",
            "threads": 2,
            "precision": "",
            "device": "",
            "packages": {},
        }
        for d in (-0.001, 0.001)
    ]
    rows, keras = {"fast": row(results)}, [[{"seconds": 60.0, "test_accuracy": 0.93}] * 25]
    assert rows["fast"]["n"] == 2
    assert times_to(0.94, rows, keras) == {
        "recipe": "fast",
        "seconds": 40.0,
        "keras_seconds": [None],
    }
    assert times_to(0.95, rows, keras)["recipe"] is None
    assert ratio(rows, keras) == pytest.approx(1500 / 40)
    reached = [[{"seconds": 50.0, "test_accuracy": a} for a in (0.9, 0.93, 0.941)]]
    assert times_to(0.934, rows, reached)["keras_seconds"] == [150.0]
    assert times_to(0.95, rows, reached)["keras_seconds"] == [None]
