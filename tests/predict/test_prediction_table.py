"""A table of predictions is whole after any kill, and has the same bytes as without one."""

import contextlib
import csv
import gzip
import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from dressform.core.errors import ConfigError, DataError, RunError
from dressform.predict.prediction_table import (
    PredictionTable,
    TableSummary,
    column_names,
    write_predictions,
)
from dressform.predict.predictor import Predictor
from dressform.predict.row_file import CsvRows, RowFile
from dressform.runs.run import Run

FORMATS = (".csv", ".csv.gz", ".jsonl", ".parquet")


@pytest.fixture(scope="module")
def predictor(tiny_run: Run) -> Predictor:
    return Predictor(tiny_run)


@pytest.fixture(scope="module")
def images(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Ten images with names as people give them; two cannot be read."""
    folder = tmp_path_factory.mktemp("images")
    names = [
        "=cmd()",
        "a,b",
        'say "hi"',
        "two\nlines",
        "naïve 服 👗",
        "+1",
        "'x",
        " b ",
        "text",
        "z",
    ]
    random = np.random.default_rng(0)
    for name in names:
        path = folder / f"{name}.png"
        Image.fromarray(random.integers(0, 256, (28, 28), np.uint8)).save(path)
    (folder / "text.png").write_text("text")
    return [*sorted(folder.iterdir()), folder / "absent.png"]


def rows_of(path: Path) -> list[dict[str, object]]:
    """What another program reads."""
    if path.name.endswith(".parquet"):
        rows: list[dict[str, object]] = pyarrow.parquet.read_table(path).to_pylist()
        return rows
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return list(csv.DictReader(io.StringIO(text.decode(), newline="")))


@pytest.mark.parametrize("suffix", FORMATS)
def test_each_format_has_a_row_per_image(
    suffix: str, predictor: Predictor, images: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / f"answers{suffix}"
    calls: list[tuple[int, int]] = []
    summary = write_predictions(
        predictor, images, out, top=2, progress=lambda *done: calls.append(done)
    )
    assert summary == TableSummary(
        out=str(out),
        images=11,
        already=0,
        changed=0,
        dropped=0,
        abstained=summary.abstained,
        errors=2,
        first_error=summary.first_error,
    )
    assert "text.png is not an image" in summary.first_error
    assert (calls[0], calls[-1]) == ((0, 11), (11, 11))
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    rows = rows_of(out)
    assert tuple(rows[0]) == column_names(2) == (
        "path",
        "label",
        "probability",
        "label_2",
        "probability_2",
        "abstain",
        "ood_p_value",
        "warnings",
        "error",
        "model",
        "size_mtime",
    )  # fmt: skip
    assert [str(row["path"]) for row in rows] == [str(path) for path in images]
    for row, answer in zip(rows, predictor.predict_many(images, top=2), strict=True):
        assert row["model"] == predictor.description.sha256[:12]
        if isinstance(answer, DataError):
            assert str(row["error"]) == str(answer)
            assert row["label"] in (None, "")
        else:
            assert row["label"] == answer.top[0][0]
            assert float(str(row["probability_2"])) == pytest.approx(answer.top[1][1], rel=1e-5)
            assert str(row["abstain"]).lower() == str(answer.abstain).lower()


def test_cells_that_a_spreadsheet_would_run_are_harmless(
    predictor: Predictor, images: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(images[0].parent)
    names = ["=cmd().png", "+1.png", "'x.png"]
    write_predictions(predictor, names, tmp_path / "a.csv")
    assert [row["path"] for row in rows_of(tmp_path / "a.csv")] == [
        "'=cmd().png",
        "'+1.png",
        "'x.png",
    ]
    assert write_predictions(predictor, names, tmp_path / "a.csv").already == 3


@pytest.fixture(scope="module")
def whole(
    predictor: Predictor, images: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[str, bytes]:
    """Each table without an interruption."""
    folder = tmp_path_factory.mktemp("whole")
    for suffix in FORMATS:
        write_predictions(predictor, images, folder / f"a{suffix}")
    return {suffix: (folder / f"a{suffix}").read_bytes() for suffix in FORMATS}


def growing(whole: dict[str, bytes], suffix: str) -> tuple[str, bytes]:
    """The suffix and the bytes of the file that grows."""
    if suffix in (".csv", ".jsonl"):
        return suffix, whole[suffix]
    return f"{suffix}.partial", whole[".jsonl" if suffix == ".parquet" else ".csv"]


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(fraction=st.floats(0, 1), suffix=st.sampled_from(FORMATS))
def test_cut_off_anywhere_and_resumed_gives_the_same_bytes(
    fraction: float,
    suffix: str,
    whole: dict[str, bytes],
    predictor: Predictor,
    images: list[Path],
    tmp_path: Path,
) -> None:
    end, content = growing(whole, suffix)
    (tmp_path / f"a{end}").write_bytes(content[: round(fraction * len(content))])
    write_predictions(predictor, images, tmp_path / f"a{suffix}")
    assert (tmp_path / f"a{suffix}").read_bytes() == whole[suffix]
    assert [path.name for path in tmp_path.iterdir()] == [f"a{suffix}"]
    (tmp_path / f"a{suffix}").unlink()


@pytest.mark.parametrize("suffix", FORMATS)
def test_rows_that_are_there_are_not_computed_again(
    suffix: str,
    predictor: Predictor,
    images: list[Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """An error is tried again."""
    out = tmp_path / f"a{suffix}"
    first = write_predictions(predictor, images, out)
    content = out.read_bytes()
    again = write_predictions(predictor, images, out)
    assert (again.already, again.errors, again.abstained) == (9, 2, first.abstained)
    assert out.read_bytes() == content
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    good = [path for path in images if path.exists() and path.name != "text.png"]
    write_predictions(predictor, good, tmp_path / f"good{suffix}")
    monkeypatch.setattr(Predictor, "prepare", lambda *_, **__: pytest.fail("computed again"))
    assert write_predictions(predictor, good, tmp_path / f"good{suffix}").already == 9


@pytest.mark.parametrize("suffix", FORMATS)
def test_overwritten_and_mended_images_are_predicted_again(
    suffix: str, predictor: Predictor, images: list[Path], tmp_path: Path
) -> None:
    folder, out = tmp_path / "images", tmp_path / f"a{suffix}"
    folder.mkdir()
    paths = [folder / f"{i}.png" for i in range(4)]
    for path in paths[:3]:
        shutil.copy(images[0], path)
    paths[3].write_text("text")
    assert write_predictions(predictor, paths, out).errors == 1
    shutil.copy(images[1], paths[1])
    shutil.copy(images[1], paths[3])
    summary = write_predictions(predictor, paths, out)
    assert (summary.already, summary.changed, summary.errors) == (2, 2, 0)
    content = out.read_bytes()
    out.unlink()
    write_predictions(predictor, paths, out)
    assert out.read_bytes() == content


@pytest.mark.parametrize("suffix", FORMATS)
def test_errors_of_images_that_are_gone_are_dropped(
    suffix: str, predictor: Predictor, images: list[Path], tmp_path: Path
) -> None:
    out, gone = tmp_path / f"a{suffix}", tmp_path / "gone.png"
    gone.write_text("text")
    write_predictions(predictor, [gone, images[0]], out)
    with pytest.raises(RunError, match="not among those given"):
        write_predictions(predictor, images[:1], out)
    gone.unlink()
    summary = write_predictions(predictor, images[:1], out)
    assert (summary.dropped, summary.already, summary.errors) == (1, 1, 0)
    assert [str(row["path"]) for row in rows_of(out)] == [str(images[0])]


@pytest.mark.parametrize("suffix", FORMATS)
def test_images_that_are_added_come_in_their_place(
    suffix: str, predictor: Predictor, images: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / f"a{suffix}"
    write_predictions(predictor, images[::2], out)
    assert write_predictions(predictor, images, out).already == 5
    assert [str(row["path"]) for row in rows_of(out)] == [str(path) for path in images]
    with pytest.raises(RunError, match=r"images that are not among those given \(9, the first"):
        write_predictions(predictor, images[:1], out)
    assert [path.name for path in tmp_path.iterdir()] == [out.name]


def test_another_model_is_refused(
    predictor: Predictor, tiny_run: Run, images: list[Path], tmp_path: Path
) -> None:
    out, model = tmp_path / "a.csv", tmp_path / "model"
    write_predictions(predictor, images, out)
    content = out.read_bytes()
    shutil.copytree(tiny_run.layout.weights, model)
    for other, name in (
        (Predictor(tiny_run, threshold=0.5), r"\w{12} threshold=0.5"),
        (Predictor(tiny_run, photos=False), r"\w{12} photos=False"),
    ):
        with pytest.raises(
            RunError, match=rf"a\.csv has answers of model \w{{12}}, not of {name}; give another"
        ):
            write_predictions(other, images, out)
    assert out.read_bytes() == content


OTHERS: dict[str, tuple[str, str]] = {
    "another table": ("a.csv", "id,label\n1,2\n"),
    "another table without an end": ("a.csv", "name"),
    "other rows": ("a.jsonl", '{"path": "a.png"}\n{"path": "b'),
    "text": ("a.jsonl", "Dear diary"),
    "an endless line": ("a.jsonl", '{"path": "' + "a" * 2**21),
    "an endless nest": ("a.jsonl", '{"path": ' + "[" * 100_000 + "\n"),
    "no gzip": ("a.csv.gz", "path,label"),
    "no Parquet": ("a.parquet", "path,label"),
}


@pytest.mark.parametrize("kind", OTHERS)
def test_the_file_of_somebody_else_stays_as_it_is(
    kind: str, predictor: Predictor, images: list[Path], tmp_path: Path
) -> None:
    name, text = OTHERS[kind]
    (tmp_path / name).write_text(text)
    with pytest.raises(RunError, match=r"is not a table of predict with the.* columns") as told:
        write_predictions(predictor, images, tmp_path / name)
    assert "\n" not in str(told.value)
    assert [path.name for path in tmp_path.iterdir()] == [name]
    assert (tmp_path / name).read_text() == text


def test_other_columns_and_changed_rows_are_named(
    predictor: Predictor, images: list[Path], tmp_path: Path
) -> None:
    out = tmp_path / "a.csv"
    write_predictions(predictor, images, out, top=2)
    with pytest.raises(
        RunError,
        match=r"a\.csv was written with top=2; give top=2 or another "
        r"out=",
    ):
        write_predictions(predictor, images, out, top=3)
    lines = out.read_bytes().splitlines(keepends=True)
    out.write_bytes(b"".join([*lines[:3], b"a,b\r\n", *lines[3:]]))
    with pytest.raises(RunError, match=r"a\.csv row 3 is not one that predict wrote \(2 cells"):
        write_predictions(predictor, images, out, top=2)
    out.write_bytes(b"".join([*lines, lines[1]]))
    with pytest.raises(RunError, match="has two rows for"):
        write_predictions(predictor, images, out, top=2)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("a.txt", r"allowed: a file that ends in \.csv, \.csv\.gz, \.jsonl, \.parquet"),
        ("absent/a.csv", "absent does not exist; create that folder, or change out="),
        ("folder.csv", "is a folder; give the file to write"),
    ],
)
def test_what_cannot_be_a_table_is_refused_before_anything_is_computed(
    name: str, message: str, predictor: Predictor, tmp_path: Path
) -> None:
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(ConfigError, match=message):
        PredictionTable(tmp_path / name, predictor, 3)


def test_two_processes_do_not_write_one_table(predictor: Predictor, tmp_path: Path) -> None:
    with (
        contextlib.closing(RowFile(tmp_path / "a.csv", CsvRows(column_names(3)))),
        pytest.raises(RunError, match=r"another process is writing .*a\.csv; wait for it"),
    ):
        PredictionTable(tmp_path / "a.csv", predictor, 3)


@pytest.mark.parametrize("suffix", FORMATS)
def test_names_with_apostrophes_are_recognised(
    suffix: str, predictor: Predictor, tmp_path: Path
) -> None:
    """A formula gets an apostrophe in a table; some names have one of their own."""
    paths = [tmp_path / "images" / f"{name}.png" for name in ("'-b", "'=d", "''=d", "=d")]
    paths[0].parent.mkdir()
    for path in paths:
        Image.fromarray(np.zeros((28, 28), np.uint8)).save(path)
    names = [path.name for path in paths]
    with contextlib.chdir(paths[0].parent):
        for already in (0, 4):
            summary = write_predictions(predictor, names, tmp_path / f"t{suffix}")
            assert (summary.images, summary.already, summary.errors) == (4, already, 0)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_full_disk_is_told_in_a_line_and_the_rows_are_kept(
    suffix: str, tiny_run: Run, predictor: Predictor, images: list[Path], tmp_path: Path
) -> None:
    """A limit on the size of files stands for it."""
    out = tmp_path / f"a{suffix}"
    code = f"""
import resource, signal, sys
from dressform.cli.main import main
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))
sys.argv = ["dressform", "predict", *{[str(path) for path in images[:10]]!r}]
sys.argv += ["--model", {str(tiny_run.path)!r}, "--out", {str(out)!r}]
main()
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Traceback" not in done.stderr
    assert "cannot be written (File too large); its complete rows are kept" in done.stderr
    summary = write_predictions(predictor, images[:10], out)
    assert summary.already > 0
    assert [str(row["path"]) for row in rows_of(out)] == [str(path) for path in images[:10]]


def test_two_thousand_tiny_images_get_a_row_each_as_they_are_answered(
    predictor: Predictor, tmp_path: Path
) -> None:
    (tmp_path / "images").mkdir()
    random = np.random.default_rng(0)
    paths = []
    for i in range(2000):
        paths.append(tmp_path / "images" / f"{i:04d}.png")
        Image.fromarray(random.integers(0, 256, (28, 28), np.uint8)).save(paths[-1])
    paths[1234].write_bytes(b"")
    rows: list[tuple[int, int]] = []

    def count_rows(done: int, _: int) -> None:
        rows.append((done, len((tmp_path / "a.csv").read_bytes().splitlines()) - 1))

    summary = write_predictions(predictor, paths, tmp_path / "a.csv", progress=count_rows)
    assert (summary.images, summary.errors) == (2000, 1)
    assert all(done == written for done, written in rows)
    assert len(rows) > 20
    assert [row["path"] for row in rows_of(tmp_path / "a.csv")] == [str(path) for path in paths]
