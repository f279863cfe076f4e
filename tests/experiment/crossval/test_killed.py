import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from dressform.data.archive import write_archive
from dressform.data.dataset import DatasetSplits
from dressform.predictions import Predictions
from tests.experiment.calls import DENSE, crossval
from tests.kills import exists, kill_when


def test_what_a_kill_left_between_two_files_is_tidied_away(
    pupil: DatasetSplits, tmp_path: Path
) -> None:
    call: dict[str, Any] = {"folds": 3, "settings": ("epochs=1",), "workers": 1, "out": tmp_path}
    layout = crossval(["simple-dense"], pupil, **call)[0].layout
    left = [
        layout.fold(0, 1).checkpoint,
        layout.root / ".crossval.json.123.tmp",
        layout.fold(0, 2).root / ".result.json.123.tmp",
    ]
    for path in left:
        path.write_bytes(b"half")
    crossval(["simple-dense"], pupil, **call, resume=True)
    assert not [path for path in left if path.exists()]


def test_killed_and_resumed_gives_the_same_bytes(pupil: DatasetSplits, tmp_path: Path) -> None:
    write_archive(
        tmp_path / "pupil.npz",
        DatasetSplits("pupil", pupil.train, None, pupil.train.take(np.arange(20))),
    )

    def command(out: str) -> list[str]:
        common = [
            sys.executable,
            "-m",
            "dressform",
            "crossval",
            "simple-dense",
            "--data",
            str(tmp_path / "pupil.npz"),
        ]
        settings = [part for text in (*DENSE, "epochs=30") for part in ("--set", text)]
        return [
            *common,
            "--folds",
            "3",
            "--repeats",
            "2",
            "--workers",
            "2",
            "--json",
            "--out",
            str(tmp_path / out),
            *settings,
        ]

    undisturbed = subprocess.run(command("a"), check=True, capture_output=True, text=True)
    expected = json.loads(undisturbed.stdout)
    assert set(expected) >= {"recipe", "folds", "mean", "sd", "low", "high", "out_of_fold"}
    killed = tmp_path / "b"
    for moment, finished in (
        (exists(killed, "checkpoint.safetensors"), 0),
        (exists(killed, "result.json", times=4), 4),  # the last two end together
    ):
        kill_when([*command("b"), "--resume"], moment)
        assert finished <= len(list(killed.rglob("result.json"))) < 6
        assert not list(killed.rglob("crossval.json"))
    subprocess.run([*command("b"), "--resume"], check=True, capture_output=True)
    (first,) = (tmp_path / "a").rglob("crossval.json")
    (second,) = (tmp_path / "b").rglob("crossval.json")
    assert first.read_bytes() == second.read_bytes()
    a, b = (
        Predictions.load(first.with_name("out-of-fold.npz")),
        Predictions.load(second.with_name("out-of-fold.npz")),
    )
    assert np.array_equal(a.logits, b.logits)
    assert not list((tmp_path / "b").rglob("*.tmp"))
    assert not list((tmp_path / "b").rglob("checkpoint.safetensors"))
    assert not list((tmp_path / "b").rglob("test-ledger.jsonl"))  # nobody looked at test
