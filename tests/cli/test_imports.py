"""What a command or an import loads, in a process of its own."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import dressform
from dressform.predictions import save_predictions
from dressform.runs.run import Run


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
    report = ["report", str(tiny_run.path), "--data", str(archive)]
    report += ["--out", str(tmp_path / "r.html")]
    # The first report of a run computes saliency maps, which needs torch, and keeps them.
    subprocess.run([sys.executable, "-c", code, *report], capture_output=True, check=True)
    shipped = ["predict", image, "--explain", str(tmp_path / "why.html")]
    for arguments in (
        ["--help"],
        ["recipes"],
        shipped,
        ["predict", image, "--model", str(tiny_run.path), "--out", str(tmp_path / "a.csv")],
        ["evaluate", str(tiny_run.path)],
        ["evaluate", str(tmp_path / "p.csv")],
        ["evaluate", str(tiny_run.layout.onnx), "--data", str(archive)],
        report,
    ):
        done = subprocess.run(
            [sys.executable, "-c", code, *arguments],
            capture_output=True,
            text=True,
            check=True,
            cwd=tmp_path,  # without runs
        )
        assert ("shipped with dressform, as there is no finished run" in done.stderr) == (
            arguments is shipped
        )
        assert done.stdout.splitlines()[-1] == "0 []", (arguments, done.stdout, done.stderr)


def imported_by(words: Sequence[str], names: Sequence[str]) -> str:
    """Which of the modules a command imports."""
    code = (
        "import sys\nfrom dressform.cli.main import main\ntry:\n    main()\nfinally:\n"
        f"    print([m for m in {list(names)} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *words], capture_output=True, text=True, check=True
    )
    return done.stdout.splitlines()[-1]


def test_help_is_there_before_numpy() -> None:
    for words in (["--help"], ["train", "--help"], ["predict", "--help"], ["recipes"], []):
        assert imported_by(words, ["numpy"]) == "[]", words


def test_predict_imports_what_it_uses(pictures: Path) -> None:
    words = ["predict", str(pictures / "ankle-boot.png"), "--model", "shipped"]
    assert imported_by(words, ["email", "numpy.random"]) == "[]"
    assert imported_by(words, ["numpy"]) == "['numpy']"  # so it would be told


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
    assert int(done.stdout) == len(dressform.__all__) <= 55
