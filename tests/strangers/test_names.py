"""Names of classes, files and examples are anybody's: they steer no terminal, run in no
spreadsheet, and reach no network; in no script are they a formula, markup or a format.
"""

import io
import json
import logging
import re
import unicodedata
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matplotlib.text import Text
from PIL import Image

from dressform.cli.fold_table import FoldTable
from dressform.cli.output import print_json
from dressform.cli.progress import Progress
from dressform.cli.table import print_table
from dressform.core.text import columns, one_line, padded, table_cell
from dressform.data.dataset import Dataset
from dressform.evaluation.evaluate import evaluate
from dressform.exploration.points import Points
from dressform.exploration.tensorboard import write_tensorboard
from dressform.predictions import Predictions, load_predictions, save_predictions
from dressform.reporting.figures import fonts
from dressform.reporting.figures.canvas import new_figure, save, short_name, short_names
from dressform.reporting.figures.confusion import draw_confusion
from dressform.reporting.figures.images import draw_first_images, draw_montage
from dressform.reporting.figures.per_class import draw_per_class
from dressform.reporting.page.template import inside_script
from dressform.runs.layout import MAX_NAME_BYTES, folder_name, run_folder
from dressform.training.callback import Fold

HOSTILE = [
    "$x_1$ and $\\frac{1}{$",
    "50 % {off} %s {0} {}",
    "[red]alarm[/red]",
    "\x1b[31mred\x1b[0m",
    "tab\there\nand\rthere",
    "</script><script>alert(1)</script>",
    "=HYPERLINK(1)",
    "_hidden",
    "a" * 300,
    "a" * 150 + "b" + "a" * 149,
    "..",
    "C:\\NUL",
    "靴",
    "футболка",
    "قميص",
    "👟",
    "e\u0301te\u0301",
    "\u202eabc",
    "\\$5",
]
NAMES = st.lists(
    st.text(min_size=1, max_size=40) | st.sampled_from(HOSTILE), min_size=2, max_size=6, unique=True
)
STEERS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]")
some = settings(
    max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


def predictions_of(names: list[str]) -> tuple[Dataset, Predictions]:
    """Three images of each class, named after it; the last class is always predicted wrongly."""
    random, count = np.random.default_rng(0), 3 * len(names)
    labels = np.arange(count) % len(names)
    ids = np.array([f"{number}/{names[label]}" for number, label in enumerate(labels)])
    images = random.integers(0, 256, (count, 6, 6, 1), dtype=np.uint8)
    logits = random.normal(size=(count, len(names))).astype(np.float32)
    logits[np.arange(count), np.where(labels == len(names) - 1, 0, labels)] += 9
    return (
        Dataset(images, labels, ids, tuple(names)),
        Predictions(ids, labels, logits, tuple(names)),
    )


@some
@given(names=NAMES)
def test_figures_show_any_name_as_it_is(names: list[str], tmp_path: Path) -> None:
    data, predictions = predictions_of(names)
    evaluation = evaluate(predictions)
    assert evaluation.confusion is not None
    figures = [
        draw_confusion(evaluation.confusion, tuple(names), short_name(names[0]), normalised=True),
        draw_per_class(evaluation.per_class, "x"),
        draw_montage(data, predictions, short_name(names[0])),
        draw_first_images(data, short_name(names[0])),
    ]
    for figure in figures:
        save(figure, tmp_path / "figure.png")
        for text in figure.findobj(Text):
            assert isinstance(text, Text)
            assert not STEERS.search(text.get_text())
    shown = [label.get_text() for label in figures[0].axes[0].get_yticklabels()]
    assert len(set(shown)) == len(names)
    with Image.open(tmp_path / "figure.png") as image:
        assert image.size[0] < 4000


@pytest.mark.parametrize("name", ["$x_1$", "$$", "\\$5 and $6", "a $ b $ c", "$\\frac{1}{$"])
def test_a_dollar_is_a_dollar(name: str, tmp_path: Path) -> None:
    """Against the same name with a letter of another kind: neither is parsed as a formula."""
    figure = new_figure(4, 1)
    text = figure.text(0, 0, short_name(name))
    save(figure, tmp_path / "one.png")
    shown, is_formula = text._preprocess_math(text.get_text())  # type: ignore[attr-defined]
    assert is_formula is False
    assert shown == name


def test_names_that_would_look_alike_are_numbered() -> None:
    alike = ["a" * 300, "a" * 150 + "b" + "a" * 149, "c"]
    assert short_names(alike)[2] == "c"
    assert len(set(short_names(alike))) == 3
    assert all(len(name) < 40 for name in short_names(alike))


def test_a_character_that_the_default_font_lacks_gets_another_font(tmp_path: Path) -> None:
    lacking = "\u2980"  # of STIX, which comes with matplotlib too
    figure = new_figure(4, 2)
    axes = figure.subplots()
    axes.set_xticks([0, 1], ["plain", f"name {lacking}"])
    save(figure, tmp_path / "one.png")
    plain, other = axes.get_xticklabels()
    assert len(other.get_fontfamily()) > 1
    assert len(plain.get_fontfamily()) == 1


def test_what_no_font_draws_is_noted_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fonts, "_noted", set())
    unassigned = "\U000e0fff"
    monkeypatch.setattr(fonts, "_invisible", lambda character: False)
    for _ in range(2):
        figure = new_figure(4, 2)
        figure.suptitle(f"boot {unassigned}")
        save(figure, tmp_path / "one.png")
    (message,) = [m for m in caplog.messages if "no installed font" in m]
    assert 'boxes in "boot' in message


@some
@given(names=NAMES)
def test_reports_and_tables_steer_no_terminal(
    names: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    _, predictions = predictions_of(names)
    report = evaluate(predictions).report()
    assert not STEERS.search(report)
    assert all(one_line(name) in report for name in names)
    capsys.readouterr()
    print_table(("name", "count"), [(name, "1") for name in names])
    lines = capsys.readouterr().out.removesuffix("\n").split("\n")
    assert len(lines) == len(names) + 1
    assert len({columns(line) for line in lines[1:]}) == 1
    print_json({"names": names})
    assert json.loads(capsys.readouterr().out) == {"names": names}
    with Progress() as progress:
        progress.say(names[0])
    assert not STEERS.search(capsys.readouterr().err)


@some
@given(names=NAMES)
def test_predictions_come_back_from_a_table(names: list[str], tmp_path: Path) -> None:
    _, predictions = predictions_of(names)
    for suffix in (".csv", ".npz"):
        path = tmp_path / f"table{suffix}"
        save_predictions(predictions, path)
        assert load_predictions(path).ids.tolist() == predictions.ids.tolist()


@some
@given(names=NAMES)
def test_pages_hold_any_name_inside_their_script(names: list[str]) -> None:
    text = inside_script(names)
    assert "<" not in text
    assert json.loads(text) == names


@some
@given(names=NAMES)
def test_tensorboard_has_a_row_of_five_cells_for_each_image(
    names: list[str], tmp_path: Path
) -> None:
    data, predictions = predictions_of(names)
    values = np.zeros((len(data), 2), np.float32)
    points = Points("test", data, None, np.zeros(0, bool), 0, values, predictions.logits)
    write_tensorboard(points, tmp_path / "tb")
    with (tmp_path / "tb" / "metadata.tsv").open(encoding="utf-8") as file:
        rows = [line.removesuffix("\n").split("\t") for line in file]
    assert [len(row) for row in rows] == [5] * (len(data) + 1)
    assert all(cell and not STEERS.search(cell) for row in rows for cell in row)


@given(name=st.text(max_size=300) | st.sampled_from(HOSTILE))
def test_a_data_set_of_any_name_has_a_folder(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = folder_name(name)
    assert len(folder.encode()) <= MAX_NAME_BYTES
    assert not set(folder) & set('/\\:*?"<>|\0')
    assert folder not in ("", ".", "..")
    assert folder == folder_name(unicodedata.normalize("NFC", name)) or len(folder) > 60


def test_long_names_keep_different_folders(tmp_path: Path) -> None:
    first, second = (
        run_folder(tmp_path, name, "fast", "0" * 8, 0) for name in ("a" * 300, "a" * 299 + "b")
    )
    assert first != second
    first.mkdir(parents=True)


@given(st.text(max_size=20), st.integers(0, 60))
def test_padding_fills_columns(text: str, width: int) -> None:
    shown = one_line(text)
    assert columns(padded(shown, width)) == max(width, columns(shown))


def test_wide_characters_take_two_columns() -> None:
    assert columns("靴") == 2
    assert columns("e\u0301") == 1
    assert table_cell("=1+1") == "'=1+1"


def test_messages_are_no_formats(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "dressform")
    logger = logging.getLogger("dressform.names")
    for name in HOSTILE:
        logger.warning(f"skipped {name}")
    assert [message.removeprefix("skipped ") for message in caplog.messages] == HOSTILE


@pytest.mark.parametrize("name", ["[red]alarm[/red]", ":smile: bag", "[link=x]y[/link]", "{0}"])
def test_a_live_display_takes_no_name_for_markup(name: str) -> None:
    from rich.console import Console

    display, shown = Progress(), io.StringIO()
    display.console = Console(file=shown, force_terminal=False, width=200)
    display.say(name)
    assert shown.getvalue() == f"{name}\n"


def test_the_live_table_of_folds_takes_no_recipe_for_markup() -> None:
    from rich.console import Console

    table, shown = FoldTable(), io.StringIO()
    table.on_folds_begin([Fold("my[red].py:mine model.widths=[8,8]", 0, 0)], 0, 1, 1)
    Console(file=shown, width=200).print(table._table())
    assert "my[red].py:mine model.widths=[8,8]" in shown.getvalue()
