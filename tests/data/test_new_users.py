"""What new users met, each with the answer that they needed."""

import csv
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import dressform
from dressform.core.errors import DataError


def image(path: Path, seed: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path, "PNG")


def listing(folder: Path, header: list[str], rows: list[list[object]]) -> Path:
    with (folder / "list.csv").open("w", newline="") as file:
        csv.writer(file).writerows([header, *rows])
    return folder / "list.csv"


@pytest.fixture
def images(tmp_path: Path) -> Path:
    for i in range(24):
        image(tmp_path / f"i{i}.png", i)
    return tmp_path


def rows(**columns: list[object]) -> list[list[object]]:
    return [
        [f"i{i}.png", "ab"[i % 2], *(values[i // 2 % len(values)] for values in columns.values())]
        for i in range(24)
    ]


def test_a_misspelt_split_is_refused_and_not_divided_anew(images: Path) -> None:
    table = listing(
        images, ["image", "label", "split"], rows(split=["train", "train", "test", "trian"])
    )
    with pytest.raises(DataError, match=r"row 7 has 'trian' in split"):
        dressform.load_data(table)


@pytest.mark.parametrize("cells", [["False", "False", "True"], ["0", "0", "1"]])
@pytest.mark.parametrize(("column", "split"), [("is_valid", "validation"), ("is_test", "test")])
def test_a_column_of_yes_and_no_divides(
    images: Path, cells: list[object], column: str, split: str
) -> None:
    data = dressform.load_data(listing(images, ["name", "label", column], rows(split=cells)))
    assert {name: len(one) for name, one in data} == {"train": 16, split: 8}


def test_columns_that_are_not_used_are_named(images: Path) -> None:
    table = listing(images, ["image", "label", "split"], rows(split=["0", "1", "2"]))
    assert any("not used: split" in note for note in dressform.load_data(table).notes)


def test_ids_may_be_the_labels(images: Path) -> None:
    """Image and Id, as in the whales' competition."""
    data = dressform.load_data(listing(images, ["Image", "Id"], rows()))
    assert data.class_names == ("a", "b")


def test_several_images_in_a_cell_are_not_one(images: Path) -> None:
    several = [[f"i{i}.png;i{(i + 2) % 24}.png", "ab"[i % 2]] for i in range(24)]
    with pytest.raises(DataError, match=r"i0\.png;i2\.png"):
        dressform.load_data(listing(images, ["image", "label"], several))


def test_classes_one_hot(images: Path) -> None:
    table = listing(
        images, ["image", "MEL", "NV"], [[f"i{i}.png", i % 2, 1 - i % 2] for i in range(24)]
    )
    assert dressform.load_data(table).class_names == ("MEL", "NV")


def test_labels_that_differ_in_case_are_told(images: Path) -> None:
    table = listing(
        images, ["image", "label"], [[f"i{i}.png", ["Dress", "dress"][i % 2]] for i in range(24)]
    )
    assert any("Dress and dress" in note for note in dressform.load_data(table).notes)


def test_a_label_for_each_image_is_no_class(images: Path) -> None:
    table = listing(images, ["image", "label"], [[f"i{i}.png", f"x{i}"] for i in range(24)])
    with pytest.raises(DataError, match="as many labels"):
        dressform.load_data(table)


def test_images_without_a_suffix_are_images(tmp_path: Path) -> None:
    for i in range(16):
        image(tmp_path / "ab"[i % 2] / f"{i:032x}", i)
    assert sum(len(one) for _, one in dressform.load_data(tmp_path)) == 16


def test_joined_sub_folders_are_told(tmp_path: Path) -> None:
    for i in range(24):
        image(
            tmp_path / ["women/dress", "women/skirt", "men/shirt", "men/suit"][i % 4] / f"{i}.png",
            i,
        )
    data = dressform.load_data(tmp_path)
    assert data.class_names == ("men", "women")
    assert any("sub-folders were joined" in note for note in data.notes)


def test_empty_class_folders_are_named_together(images: Path) -> None:
    for name in "cde":
        (images / name).mkdir()
    for name in "ab":
        for i in range(4):
            image(images / name / f"{i}.png", i)
    data = dressform.load_data(images)
    assert data.class_names == ("a", "b")
    assert "left out class folders without images: c, d, e" in data.notes


def test_excel_says_its_separator(images: Path) -> None:
    lines = ["sep=;", "file;label", *(f"i{i}.png;{'ab'[i % 2]}" for i in range(24))]
    (images / "x.csv").write_text("\n".join(lines))
    assert dressform.load_data(images / "x.csv").class_names == ("a", "b")


def test_a_quote_in_a_name_of_arff(tmp_path: Path) -> None:
    head = "@relation r\n" + "".join(f"@attribute p{i} real\n" for i in range(4))
    head += "@attribute class {'It\\'s a dress',Coat}\n@data\n"
    body = "".join(
        f"{i},2,3,4,{chr(39)}It\\'s a dress{chr(39)}\n{i},9,8,7,Coat\n" for i in range(9)
    )
    (tmp_path / "a.arff").write_text(head + body)
    assert set(dressform.load_data(tmp_path / "a.arff").class_names) == {"It's a dress", "Coat"}


def test_text_labels_in_arrays(tmp_path: Path) -> None:
    labels = np.array(["coat", "bag"] * 8)
    np.savez(tmp_path / "a.npz", x=np.arange(16 * 16, dtype=np.uint8).reshape(16, 4, 4), y=labels)
    assert dressform.load_data(tmp_path / "a.npz").class_names == ("bag", "coat")


def test_the_images_of_a_study_are_those_that_it_divided(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder of the same name where the report is made is another one."""
    for root, first in ((tmp_path / "real", 0), (tmp_path / "o" / "real", 50)):
        for i in range(40):
            image(root / "ab"[i % 2] / f"{i}.png", first + i)
    monkeypatch.chdir(tmp_path)
    (study,) = dressform.crossval("simple-dense", "real", folds=2, settings=["epochs=1"], workers=1)
    path = study.path.absolute()
    assert study.divided.location == str(tmp_path / "real")
    monkeypatch.chdir(tmp_path / "o")
    problem = "is not what was divided into folds"
    assert problem not in dressform.report(path, out=tmp_path / "a.html").read_text()
    assert problem in dressform.report(path, out=tmp_path / "b.html", data="real").read_text()


@pytest.mark.parametrize("folders", [("train/x", "train/y", "test/x", "test/y"), ("x", "y")])
@pytest.mark.parametrize("start", ["", "cat."])
def test_equal_names_in_two_folders_are_no_copies(
    folders: tuple[str, ...], start: str, tmp_path: Path
) -> None:
    for j, folder in enumerate(folders):
        for i in range(10):
            image(tmp_path / folder / f"{start}{i}.png", 100 * j + i)
    assert dressform.check_data(dressform.load_data(tmp_path)).advice == []


def test_another_encoding_is_told(images: Path) -> None:
    lines = ["file,label", *(f"i{i}.png,{['платье', 'брюки'][i % 2]}" for i in range(24))]
    (images / "x.csv").write_bytes("\n".join(lines).encode("cp1251"))
    notes = dressform.load_data(images / "x.csv").notes
    assert any("read as Windows-1252" in note for note in notes)


def test_an_archive_of_nothing_but_ways_out(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as file:
        file.writestr("../../dress/a.png", b"x")
    with pytest.raises(DataError, match=r"\.\./\.\./dress/a\.png \(a path that leads out"):
        dressform.load_data(tmp_path / "a.zip")


def test_datasets_of_lists() -> None:
    pixels = np.zeros((4, 8, 8, 1), np.uint8)
    made = dressform.Dataset(pixels, [0, 1, 0, 1], list("pqrs"), {"b": 1, "a": 0}, list("gghh"))
    assert made.class_names == ("a", "b")
    assert made.counts.tolist() == [2, 2]
    assert made.take(np.array([3])).groups == ["h"]
    with pytest.raises(DataError, match="ids is None"):
        dressform.Dataset(pixels, [0, 1, 0, 1], None, ("a", "b"))
    with pytest.raises(DataError, match="masked values in images"):
        dressform.Dataset(np.ma.masked_equal(pixels, 0), [0] * 4, list("pqrs"), ("a", "b"))


def test_a_column_without_a_name_is_not_told(images: Path) -> None:
    table = listing(images, ["", "image", "label"], [[i, *row] for i, row in enumerate(rows())])
    assert not any("not used" in note for note in dressform.load_data(table).notes)


def test_folds_of_few_images_have_their_figures(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Twelve are too few for a reliability diagram."""
    for i in range(16):
        image(tmp_path / "few" / "ab"[i % 2] / f"{i}.png", i)
    monkeypatch.chdir(tmp_path)
    (study,) = dressform.crossval("simple-dense", "few", folds=2, settings=["epochs=1"], workers=1)
    figures = {path.name for path in study.layout.figures.iterdir()}
    assert "box-plot.png" in figures
    assert "reliability.png" not in figures
