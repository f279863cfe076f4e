"""Names of classes, files and examples are anybody's: they steer no terminal, run in no
spreadsheet, and reach no network.
"""

import csv
import io
import re
import socket
import threading
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dressform
from dressform.core.text import from_table_cell, one_line, printable, table_cell
from dressform.data.source import load_data
from dressform.predictions import Predictions, load_predictions, save_predictions
from dressform.report.local import MOST_CLIENTS, local_server
from tests.cli.command import dressform_command

EVIL = ("\x1b[31mred\x07", "new\nline", "a\u202eb", "\x9b2J")


def test_texts() -> None:
    assert one_line("a\x1b[2J\nb\u202ec\x9bd\te") == "a\\u001b[2J\\u000ab\\u202ec\\u009bd\\u0009e"
    assert printable("a\tb\nc\x1b") == "a\tb\nc\\u001b"
    assert one_line("Größe 服装 👗") == "Größe 服装 👗"


def test_terminal(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    classes = (*EVIL, "dress")
    labels = np.arange(60) % 5
    ids = np.array([f"{EVIL[i % 4]}{i}" for i in range(60)])
    predictions = Predictions(ids, labels, random.normal(size=(60, 5)).astype(np.float32), classes)
    predictions.save(tmp_path / "p.npz")
    (tmp_path / "photos").mkdir()
    for name in ("\x1b]0;title\x07", "ok"):
        (tmp_path / "photos" / name).mkdir()
        Image.new("L", (28, 28)).save(tmp_path / "photos" / name / "a\x1b[1mb.png")
    (tmp_path / "photos" / "ok" / "bad\x1b[1m.png").write_text("no picture")
    commands = (
        ("evaluate", "p.npz"),
        ("calibrate", "p.npz"),
        ("data", "check", "photos"),
        ("evaluate", "\x1b[2J"),
    )
    for words in commands:
        done = dressform_command(*words, cwd=tmp_path)
        shown = done.stdout + done.stderr
        assert shown
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e]", shown), words
    done = dressform_command("evaluate", "p.npz", "--json", cwd=tmp_path)
    assert "\x1b" not in done.stdout
    assert "\u202e" not in done.stdout
    import json

    assert [row["label"] for row in json.loads(done.stdout)["per_class"]] == list(classes)


@pytest.mark.parametrize("text", ["=1+1", "+1+1", "@SUM(A1)", "-2+3", "\t=1", "='x'"])
def test_formulas_are_made_harmless_and_come_back(text: str, tmp_path: Path) -> None:
    assert table_cell(text) == f"'{text}"
    assert from_table_cell(table_cell(text)) == text
    predictions = Predictions(
        np.array([text, "plain"]), np.array([0, 1]), np.eye(2, dtype=np.float32), ("a", "b")
    )
    for name in ("p.csv", "p.csv.gz", "p.parquet", "p.npz"):
        save_predictions(predictions, tmp_path / name)
        assert load_predictions(tmp_path / name).ids.tolist() == [text, "plain"]
    rows = list(csv.reader(io.StringIO((tmp_path / "p.csv").read_text())))
    assert rows[1][0] == f"'{text}"


@pytest.mark.parametrize("text", ["-5", "+1.5", "1", "'quoted'", "'=", "plain"])
def test_other_texts_come_back_too(text: str) -> None:
    assert from_table_cell(table_cell(text)) == text or text == "'="


def test_class_folders_with_the_names_of_splits_and_notes_beside_them(tmp_path: Path) -> None:
    for name in ("train", "test"):
        (tmp_path / name / ".cache").mkdir(parents=True)
        for i in range(10):
            Image.fromarray(np.full((8, 8), 20 * i, np.uint8)).save(tmp_path / name / f"{i}.png")
    (tmp_path / "notes.csv").write_text("what,why\n1,2\n")
    np.savez(tmp_path / "features.npz", x=np.zeros(3))
    data = load_data(tmp_path)
    assert data.class_names == ("test", "train")
    assert any("notes.csv" in note and "features.npz" in note for note in data.notes)


@pytest.fixture
def served(tmp_path: Path) -> int:
    page = tmp_path / "page.html"
    page.write_text("<!doctype html>" + "x" * 5_000_000)
    server = local_server(page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server.server_port


def test_clients_that_break_off_or_say_nothing(
    served: int, capfd: pytest.CaptureFixture[str]
) -> None:
    for _ in range(5):
        with socket.create_connection(("127.0.0.1", served)) as client:
            client.sendall(b"GET / HTTP/1.0\r\nHost: 127.0.0.1:1\r\n\r\n")
            client.recv(10)
    before = threading.active_count()
    silent = [socket.create_connection(("127.0.0.1", served)) for _ in range(100)]
    time.sleep(0.5)
    assert threading.active_count() - before <= MOST_CLIENTS + 1
    for client in silent:
        client.close()
    time.sleep(0.5)
    with urllib.request.urlopen(f"http://127.0.0.1:{served}/") as answer:
        assert answer.headers["Content-Security-Policy"] == "frame-ancestors 'none'"
        assert len(answer.read()) > 5_000_000
    assert capfd.readouterr().err == ""


def test_every_page_has_a_policy_that_fits_its_scripts(
    named_run: dressform.Run, tmp_path: Path, pictures: Path
) -> None:
    dressform_command("report", named_run.path, "--out", tmp_path / "report.html")
    dressform_command("export", named_run.path, tmp_path / "classify.html", "--to", "page")
    dressform_command(
        "predict", pictures, "--model", named_run.path, "--explain", tmp_path / "why.html"
    )
    for name in ("report", "classify", "why"):
        text = (tmp_path / f"{name}.html").read_text(encoding="utf-8")
        (policy,) = re.findall(
            r'<meta http-equiv="Content-Security-Policy" content="([^"]*)">', text
        )
        assert policy.startswith("default-src 'none'; ")
        assert "http" not in policy
        assert "'unsafe-eval'" not in policy
        script = re.search(r"script-src ([^;]*);", policy)
        assert (script is None) == (name == "why")
        assert script is None or "'unsafe-inline'" not in script[1]
