"""Reports of measurements: none is lost, and the newest is found."""

from pathlib import Path

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
    assert read_reports.paths_of("calls") == {first, second}
    assert {one["results"]["n"] for one in read_reports.newest_first("calls")} == {3, 4}


def test_the_newest_is_the_last_one_written(monkeypatch: pytest.MonkeyPatch) -> None:
    for hour, command in ((11, "one"), (9, "two"), (10, "three")):
        monkeypatch.setattr(report, "now", lambda hour=hour: f"2026-11-28T{hour:02}:00:00+00:00")
        report.write_report("calls", command, {"hour": hour})
    hours = [one["results"]["hour"] for one in read_reports.newest_first("calls")]
    assert hours == [11, 10, 9]
