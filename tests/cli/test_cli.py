"""The command line as a person uses it: a process, its exit code, stdout and stderr."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import dressform
from dressform.core.files import sha256_file
from dressform.data.archive import write_archive
from dressform.data.dataset import DatasetSplits
from dressform.predictions import save_predictions
from dressform.runs.run import Run, open_run
from tests.conftest import TINY
from tests.data.test_photo import scene
from tests.kills import exists, has_rows, kill_when

HELP = Path(__file__).parent.parent / "golden" / "help"
COMMANDS = (
    (),
    ("recipes",),
    ("models",),
    ("train",),
    ("crossval",),
    ("tune",),
    ("compare",),
    ("evaluate",),
    ("calibrate",),
    ("report",),
    ("explore",),
    ("export",),
    ("predict",),
    ("figures",),
    ("robustness",),
    ("hardware",),
    ("data",),
    ("data", "list"),
    ("data", "check"),
    ("data", "doctor"),
    ("data", "apply"),
)
SETTINGS = [part for setting in TINY for part in ("--set", setting)]


def dressform_command(
    *arguments: str | Path, cwd: Path | None = None, stdin: bytes | None = None
) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "COLUMNS": "100", "PYTHONWARNINGS": "error"}
    done = subprocess.run(
        [sys.executable, "-m", "dressform", *map(str, arguments)],
        cwd=cwd,
        input=stdin,
        capture_output=True,
        env=environment,
        check=False,
    )
    return subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )


def json_of(*arguments: str | Path, cwd: Path | None = None, stdin: bytes | None = None) -> object:
    done = dressform_command(*arguments, "--json", cwd=cwd, stdin=stdin)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def error_of(*arguments: str | Path, cwd: Path | None = None, code: int = 1) -> str:
    done = dressform_command(*arguments, "--json", cwd=cwd)
    assert done.returncode == code, done.stderr
    assert done.stdout == ""
    document = json.loads(done.stderr.splitlines()[-1])
    assert list(document) == ["error"]
    assert "Traceback" not in done.stderr
    return str(document["error"])


@pytest.fixture(scope="module")
def archive(small: DatasetSplits, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "small.npz"
    write_archive(path, small)
    return path


@pytest.mark.parametrize("command", COMMANDS, ids=lambda c: "-".join(c) or "dressform")
def test_help_is_as_it_was(command: tuple[str, ...]) -> None:
    """After a change that is meant: UPDATE_GOLDEN=1 pytest tests/cli."""
    done = dressform_command(*command, "--help")
    assert done.returncode == 0
    golden = HELP / f"{'-'.join(('dressform', *command))}.txt"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(done.stdout)
    assert done.stdout == golden.read_text()


def test_lists() -> None:
    recipes = json_of("recipes")
    assert isinstance(recipes, list)
    assert all(set(r) == {"name", "tutorial", "claimed", "reproduced"} for r in recipes)
    assert {"minivggnet", "lenet5-rbf", "conv4-augmented", "fast"} <= {r["name"] for r in recipes}
    models = json_of("models")
    assert isinstance(models, list)
    assert {"name": "minivggnet", "parameters": 1_679_082} in models
    assert json_of("data", "list") == [
        {
            "name": "fashion-mnist",
            "description": "70,000 grey pictures of clothing, 28 x 28, ten classes: 60,000 to "
            "train, 10,000 to test",
            "licence": "MIT, Zalando SE",
        }
    ]
    text = dressform_command("recipes").stdout
    assert "94.00 %" in text


def test_train_evaluate_figures_and_predict(archive: Path, tmp_path: Path, pictures: Path) -> None:
    trained = json_of("train", "fast", "--data", archive, "--seed", "2", *SETTINGS, cwd=tmp_path)
    assert isinstance(trained, dict)
    assert list(trained) == [
        "run",
        "recipe",
        "seed",
        "epochs",
        "train_seconds",
        "val_accuracy",
        "test_accuracy",
    ]
    assert (trained["recipe"], trained["seed"], trained["epochs"]) == ("fast", 2, 2)
    run = tmp_path / str(trained["run"])

    judged = json_of("evaluate", run)
    assert isinstance(judged, dict)
    assert judged["accuracy"] == trained["test_accuracy"]
    assert judged["low"] < judged["accuracy"] < judged["high"]
    assert np.sum(judged["confusion"]) == 200
    assert json_of("evaluate", run / "predictions" / "test.npz") == judged
    validation = json_of("evaluate", run, "--split", "val")
    assert isinstance(validation, dict)
    assert validation["accuracy"] == trained["val_accuracy"]
    assert "macro average" in dressform_command("evaluate", run).stdout
    looks = [
        json.loads(line)["what"]
        for line in (tmp_path / "runs" / "test-ledger.jsonl").read_text().splitlines()
    ]
    assert looks == ["train", "evaluate", "evaluate"]

    drawn = json_of("figures", run)
    assert isinstance(drawn, list)
    assert len(drawn) == 8

    answers = json_of("predict", pictures, cwd=tmp_path)  # the newest run in runs/
    assert isinstance(answers, list)
    assert [Path(a["path"]).name for a in answers] == [
        "ankle-boot.png",
        "pullover.png",
        "trouser.png",
    ]
    assert all(set(t) == {"label", "probability"} for a in answers for t in a["top"])
    piped = json_of(
        "predict", "-", "--model", run, stdin=(pictures / "ankle-boot.png").read_bytes()
    )
    assert isinstance(piped, list)
    assert piped[0]["top"] == answers[0]["top"]
    assert (
        json_of(
            "train", "fast", "--data", archive, "--seed", "2", *SETTINGS, "--resume", cwd=tmp_path
        )
        == trained
    )


def test_data_check(archive: Path) -> None:
    found = json_of("data", "check", archive)
    assert isinstance(found, dict)
    assert list(found) == ["classes", "counts", "duplicates", "overlaps", "problems"]
    assert sum(found["counts"]["train"].values()) == 600
    assert "no problems found" in dressform_command("data", "check", archive).stdout


def test_errors_are_one_line_and_leave_nothing_behind(
    archive: Path, tmp_path: Path, tiny_run: Run
) -> None:
    text = tmp_path / "text.png"
    text.write_text("I am a text")
    (tmp_path / "t.gz-ubyte").mkdir()
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "train-images-idx3-ubyte.gz").write_bytes(gzip.compress(b"0" * 1000)[:-9])
    (broken / "train-labels-idx1-ubyte.gz").write_bytes(gzip.compress(b"0" * 1000))
    before = sorted(tmp_path.rglob("*"))

    def fails(message: str, *arguments: str | Path, code: int = 1) -> None:
        assert message in error_of(*arguments, cwd=tmp_path, code=code)

    fails("no recipe is called 'minivgnet'; did you mean minivggnet", "train", "minivgnet")
    fails(
        "no setting is called 'epoch'; did you mean epochs",
        "train",
        "fast",
        "--data",
        archive,
        "--set",
        "epoch=3",
    )
    fails(
        "epochs is a whole number, not 'x'", "train", "fast", "--data", archive, "--set", "epochs=x"
    )
    fails("is a damaged gzip file", "train", "fast", "--data", broken)
    fails("did you mean fashion-mnist", "train", "fast", "--data", "fashion-mist")
    fails("seed is -1; allowed: 0 or more", "train", "fast", "--seed", "-1")
    fails(
        "device is 'gpu'; allowed: auto, cpu, cuda",
        "train",
        "fast",
        "--data",
        archive,
        "--device",
        "gpu",
        "--out",
        "/tmp/absent/../x",
    )
    fails("No such option", "train", "--sed", "3", code=2)
    fails("Missing argument", "predict", code=2)
    fails("No such command", "trian", code=2)
    fails("no split of", "evaluate", tiny_run.path, "--split", "tests")
    fails(
        "which have no splits",
        "evaluate",
        tiny_run.layout.predictions("validation"),
        "--split",
        "val",
    )
    fails("does not exist; give the folder of a run", "evaluate", "absent")
    fails("no finished run under runs (no such folder)", "predict", text)
    fails(
        "text.png is not an image (it starts with b'I am a text')",
        "predict",
        text,
        "--model",
        tiny_run.path,
    )
    fails("does not exist; give picture files", "predict", "absent.png", "--model", tiny_run.path)
    fails("does not exist", "data", "check", "absent.csv")
    assert [p for p in sorted(tmp_path.rglob("*")) if "runs" not in p.parts] == before
    plain = dressform_command("train", "minivgnet")
    assert plain.stderr.startswith("dressform: no recipe is called")
    assert plain.stderr.count("\n") == 1


@pytest.mark.skipif(
    os.geteuid() == 0, reason="root may write everywhere; the next test covers the same line"
)
def test_a_read_only_folder(archive: Path, tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    assert "cannot be made" in error_of(
        "train", "fast", "--data", archive, "--out", tmp_path / "runs"
    )


def test_an_output_folder_that_is_a_file(archive: Path, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("in the way")
    assert "cannot be made: " in error_of("train", "fast", "--data", archive, cwd=tmp_path)
    assert (tmp_path / "runs").read_text() == "in the way"


def test_predict_evaluate_and_help_never_import_torch(
    tiny_run: Run, pictures: Path, archive: Path, tmp_path: Path
) -> None:
    code = (
        "import sys\nsys.argv = ['dressform', *sys.argv[1:]]\nfrom dressform.cli.main import main\n"
        "try:\n    main()\nexcept SystemExit as e:\n    print(e.code, [m for m in ('torch', "
        "'matplotlib') if m in sys.modules])\n"
    )
    image = str(pictures / "ankle-boot.png")
    save_predictions(tiny_run.predictions(), tmp_path / "p.csv")
    for arguments in (
        ["--help"],
        ["recipes"],
        ["predict", image, "--model", str(tiny_run.path)],
        ["evaluate", str(tiny_run.path)],
        ["evaluate", str(tmp_path / "p.csv")],
        ["evaluate", str(tiny_run.layout.onnx), "--data", str(archive)],
        ["report", str(tiny_run.path), "--data", str(archive), "--out", str(tmp_path / "r.html")],
    ):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True
        )
        assert done.stdout.splitlines()[-1] == "0 []", (arguments, done.stdout, done.stderr)


def test_a_report_that_cannot_be_written_says_why(tiny_run: Run, tmp_path: Path) -> None:
    path = tiny_run.path
    assert "is a folder; give the HTML file to write" in error_of("report", path, "--out", tmp_path)
    assert "allowed: a file that ends in .html" in error_of(
        "report", path, "--out", tmp_path / "r.pdf"
    )
    assert "does not exist; make that folder" in error_of(
        "report", path, "--out", tmp_path / "no" / "r.html"
    )
    assert "does not exist" in error_of("report", tmp_path / "none")
    save_predictions(tiny_run.predictions().take(np.arange(100)), tmp_path / "half.csv")
    assert "100 of 200 ids" in error_of(
        "report", path, tmp_path / "half.csv", "--out", tmp_path / "r.html"
    )
    assert not (tmp_path / "r.html").exists()


def test_doctor_review_and_apply(tiny_run: Run, archive: Path, tmp_path: Path) -> None:
    found = json_of(
        "data", "doctor", archive, "--predictions", tiny_run.path, "--out", tmp_path / "doctor.html"
    )
    assert isinstance(found, dict)
    assert found["reevaluated"][0]["split"] == "test"
    review = json.loads(Path(found["review"]).read_text())
    assert Path(found["page"]).read_text().startswith("<!doctype html>")
    first = next(f for f in review["findings"] if f["kind"] == "outlier" and f["split"] == "train")
    first["action"] = "drop"
    (tmp_path / "decided.json").write_text(json.dumps(review))
    made = json_of("data", "apply", tmp_path / "decided.json", "--out", tmp_path / "new.npz")
    settings = [word for setting in tiny_run.manifest.settings for word in ("--set", setting)]
    assert made == {
        "data": str(tmp_path / "new.npz"),
        "relabelled": 0,
        "dropped": 1,
        "examples": {"train": 599, "test": 200},
        "command": ["dressform", "train", "fast", *settings, "--data", str(tmp_path / "new.npz")],
    }
    assert first["id"] not in dressform.load_data(tmp_path / "new.npz").train.ids
    assert "already exists" in error_of(
        "data", "apply", tmp_path / "decided.json", "--out", tmp_path / "new.npz"
    )
    assert "is not what was reviewed" in error_of(
        "data", "apply", tmp_path / "decided.json", "--data", tmp_path / "new.npz", cwd=tmp_path
    )
    assert "does not exist" in error_of(
        "data", "apply", tmp_path / "none.json", "--out", tmp_path / "x.npz"
    )
    (tmp_path / "decided.json").rename(tmp_path / "review.json")
    assert "holds decisions already" in error_of(
        "data", "doctor", archive, "--out", tmp_path / "doctor.html"
    )
    assert json.loads((tmp_path / "review.json").read_text()) == review


def test_a_review_of_photos_gives_the_photos_themselves(tmp_path: Path) -> None:
    """Whatever size they were read at: the files, in folders of their classes."""
    random = np.random.default_rng(0)
    for name in ("dress", "pants"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for i in range(12):
            pixels = random.integers(0, 256, (180, 240, 3)).astype(np.uint8)
            Image.fromarray(pixels).save(tmp_path / "photos" / name / f"{i}.jpg")
    json_of(
        "data",
        "doctor",
        tmp_path / "photos",
        "--out",
        tmp_path / "doctor.html",
        "--image-size",
        "32",
    )
    review = json.loads((tmp_path / "review.json").read_text())
    row = {"split": "train", "kind": "label", "score": 0, "reason": ""}
    split = dressform.load_data(tmp_path / "photos", image_size=32)
    train = [str(name) for name in split.train.ids if name.startswith("dress/")]
    review["findings"] = [
        {**row, "id": train[0], "label": "dress", "action": "relabel", "to": "pants"},
        {**row, "id": train[1], "label": "dress", "action": "drop"},
    ]
    (tmp_path / "decided.json").write_text(
        json.dumps({**review, "recipe": "cnn1", "settings": ["epochs=3"]})
    )
    assert "allowed: a folder" in error_of(
        "data", "apply", tmp_path / "decided.json", "--out", tmp_path / "x.npz"
    )
    made: Any = json_of("data", "apply", tmp_path / "decided.json", "--out", tmp_path / "new")
    assert made["command"][:5] == ["dressform", "train", "cnn1", "--set", "epochs=3"]
    assert made["command"][-2:] == ["--image-size", "32"]
    files = {
        path.relative_to(tmp_path / "new").as_posix(): path
        for path in (tmp_path / "new").rglob("*.jpg")
    }
    before = {
        path.relative_to(tmp_path / "photos").as_posix(): path
        for path in (tmp_path / "photos").rglob("*.jpg")
    }
    kept = before.keys() - set(train[:2])
    moved = files.keys() - kept
    assert len(files) == len(before) - 1
    assert len(moved) == 1
    assert moved.pop().startswith("pants/")
    assert all(files[name].read_bytes() == before[name].read_bytes() for name in kept)
    assert not list(tmp_path.glob(".new*"))


def test_importing_dressform_imports_next_to_nothing() -> None:
    code = (
        "import sys; import dressform; print([m for m in ('torch', 'numpy', 'matplotlib', "
        "'PIL') if m in sys.modules])"
    )
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == "[]\n"
    )
    code = (
        "import dressform; [getattr(dressform, name) for name in dressform.__all__]; "
        "print(len(dressform.__all__))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert int(done.stdout) == len(dressform.__all__) <= 50


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


def test_a_photo_is_prepared_and_explained(tiny_run: Run, tmp_path: Path) -> None:
    scene((200, 40, 50), (210, 205, 195))[0].save(tmp_path / "a shirt.jpg", quality=95)
    Image.new("RGB", (90, 120), (200, 190, 180)).save(tmp_path / "nothing.png")
    command = [
        "predict",
        tmp_path / "a shirt.jpg",
        tmp_path / "nothing.png",
        "--model",
        tiny_run.path,
    ]
    found = json_of(*command, "--threshold", "0", "--explain", tmp_path / "why.html")
    assert isinstance(found, list)
    shirt, nothing = found
    assert shirt["warnings"] == []
    assert nothing["warnings"] == [
        "nothing stands out from the background; the whole photo was used"
    ]
    page = (tmp_path / "why.html").read_text()
    assert page.count("<img") == 6
    assert "foreground" in page
    assert "a shirt.jpg" in page
    plain = json_of(*command, "--no-photos", "--threshold", "0")
    assert isinstance(plain, list)
    assert plain[0]["top"] != shirt["top"]
    assert plain[0]["warnings"] == []
    unsure = json_of(*command, "--threshold", "1")
    assert isinstance(unsure, list)
    assert unsure[0]["abstain"]
    assert unsure[0]["warnings"][0].startswith("does not look like the training pictures")
    assert "allowed: a file that ends in .html" in error_of(
        *command, "--explain", tmp_path / "why.pdf"
    )
    model = tmp_path / "model"
    shutil.copytree(tiny_run.layout.weights, model)
    document = json.loads((model / "model.json").read_text())
    document["preprocessing"]["photo"]["side"] = 0
    (model / "model.json").write_text(json.dumps(document))
    assert "preprocessing.photo contradicts itself (side 0, " in error_of(
        "predict", tmp_path / "a shirt.jpg", "--model", model
    )


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            ("train", "--epochs", "3"),
            "No such option: --epochs. Did you mean --set epochs=…? See dressform train --help.",
        ),
        (
            ("train", "--batch-size", "3"),
            "No such option: --batch-size. Did you mean --set batch_size=…?",
        ),
        (
            ("train", "--nonsense"),
            "No such option: --nonsense. Did you mean --seed? See dressform train --help.",
        ),
        (("nonsense",), "No such command 'nonsense'. See dressform --help."),
        (("train", "--seed", "x"), "See dressform train --help."),
    ],
)
def test_wrong_usage_says_where_to_look(words: tuple[str, ...], message: str) -> None:
    done = dressform_command(*words)
    assert done.returncode == 2
    assert message in done.stderr
    assert ".." not in done.stderr


def test_nothing_is_said_twice(tiny_run: Run) -> None:
    done = dressform_command("compare", tiny_run.path, tiny_run.path)
    assert done.stderr.count("split: test") == 1
    done = dressform_command("robustness", tiny_run.path, "--help")
    assert done.returncode == 0


def test_predict_says_that_a_model_is_less_sure_than_it_is_right(
    named_run: Run, pictures: Path, tmp_path: Path
) -> None:
    shutil.copytree(named_run.layout.weights, tmp_path / "model")
    described = tmp_path / "model" / "model.json"
    document = json.loads(described.read_text())
    assert document["confidence"]["examples"] == 60
    for sentence, said in (
        ("mean confidence 86.6 %, accuracy 93.8 %: underconfident by 7.2 points", True),
        ("mean confidence 93.0 %, accuracy 93.8 %: no clear gap", False),
    ):
        document["confidence"]["sentence"] = sentence
        described.write_text(json.dumps(document))
        done = dressform_command("predict", pictures, "--model", tmp_path / "model")
        assert done.returncode == 0, done.stderr
        assert (
            f"probabilities are not calibrated; on 60 validation examples {sentence}" in done.stderr
        ) is said


def test_train_tells_confidence_beside_accuracy(named_run: Run, tmp_path: Path) -> None:
    settings = [word for setting in TINY for word in ("--set", setting)]
    done = dressform_command(
        "train", "fast", "--data", named_run.manifest.dataset.source, *settings, "--out", tmp_path
    )
    assert done.returncode == 0, done.stderr
    assert "confidence mean confidence " in done.stdout
