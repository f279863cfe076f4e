"""Reports of measurements: none is lost, and the newest is found."""

from pathlib import Path

import kernels
import pytest
import read_reports
import report


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(report, "FOLDER", tmp_path)
    monkeypatch.setattr(read_reports, "REPORTS", tmp_path)
    return tmp_path


def test_another_command_of_the_day_keeps_the_report_of_the_first() -> None:
    first = report.write_report("calls", "one", {"n": 1})
    second = report.write_report("calls", "two", {"n": 2})
    assert second.name == f"{first.stem}.2.json"
    assert report.write_report("calls", "one", {"n": 3}) == first
    assert report.write_report("calls", "two", {"n": 4}) == second
    assert {path for path, _ in read_reports.reports("calls")} == {first, second}
    assert {one["results"]["n"] for one in read_reports.newest_first("calls")} == {3, 4}


def test_the_newest_is_the_last_one_written(monkeypatch: pytest.MonkeyPatch) -> None:
    for hour, command in ((11, "one"), (9, "two"), (10, "three")):
        monkeypatch.setattr(report, "now", lambda hour=hour: f"2026-11-28T{hour:02}:00:00+00:00")
        report.write_report("calls", command, {"hour": hour})
    hours = [one["results"]["hour"] for one in read_reports.newest_first("calls")]
    assert hours == [11, 10, 9]


def test_some_kernels_measured_again_keep_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[str] = []

    def measure(kernel: str, *_: object) -> dict[str, float]:
        measured.append(kernel)
        return {"saves": float(len(measured))}

    monkeypatch.setattr(kernels, "measure", measure)
    for hour, name in enumerate(("dropout", "depthwise", "allocator", "dropout")):
        monkeypatch.setattr(report, "now", lambda hour=hour: f"2026-11-28T{hour:02}:00:00+00:00")
        monkeypatch.setattr("sys.argv", ["kernels.py", "--only", name])
        kernels.main()
    found = read_reports.newest("kernels")
    assert found is not None
    rows = {name: rows[0]["saves"] for name, rows in found["results"]["kernels"].items()}
    assert rows == {"dropout": 6.0, "depthwise": 3.0, "allocator": 4.0}
