import json
import sys
from pathlib import Path

from dressform.core.files import sha256_file
from dressform.runs.run import open_run
from tests.cli.command import SETTINGS, json_of
from tests.kills import exists, has_rows, kill_when


def test_killed_again_and_again_and_resumed_gives_the_same_weights(
    archive: Path, tmp_path: Path
) -> None:
    """SIGKILL at four chosen moments; benchmarks/kill.py draws fifty from a whole training."""
    settings = [*SETTINGS, "--set", "epochs=12"]
    plain = json_of("train", "fast", "--data", archive, *settings, "--out", tmp_path / "plain")
    assert isinstance(plain, dict)
    killed = tmp_path / "killed"
    words = ["train", "fast", "--data", str(archive), *settings, "--out", str(killed), "--resume"]
    for moment, epochs in (
        (exists(killed, "manifest.json"), 0),
        (has_rows(killed, 2), 2),
        (has_rows(killed, 7), 7),
        (has_rows(killed, 12), 12),
    ):
        kill_when([sys.executable, "-m", "dressform", *words], moment)
        (manifest,) = killed.rglob("manifest.json")
        assert json.loads(manifest.read_text())["status"] == "started"
        assert has_rows(killed, epochs)() or epochs == 0
        assert epochs == 12 or not has_rows(killed, 12)()
    leftover = manifest.with_name("weights") / ".last.safetensors.1.tmp"
    leftover.write_bytes(b"half a file")
    resumed = json_of(*words)
    assert isinstance(resumed, dict)
    first, second = open_run(plain["run"]), open_run(resumed["run"])
    for name in ("last", "best", "onnx"):
        assert sha256_file(getattr(first.layout, name)) == sha256_file(getattr(second.layout, name))
    assert [{**row, "seconds": 0} for row in first.history()] == [
        {**row, "seconds": 0} for row in second.history()
    ]
    assert plain["test_accuracy"] == resumed["test_accuracy"]
    assert not list(second.path.rglob("*.tmp"))
